// Open addressing with linear probing in each shard; erasing moves later items of the run back, so
// there are no tombstones. The upper bits of a digest choose the shard, the lower half the slot.
#include "server/store/key_index.h"

#include <sodium.h>

#include <algorithm>
#include <cstring>
#include <future>

#include "common/check.h"
#include "common/limits.h"

namespace ticketd::store {
namespace {

constexpr std::size_t kSlotsFirst = 8;
// So many keys are put in place in the time that it takes to start a thread, or less.
constexpr std::size_t kWorthAThread = 4096;

// At most three quarters of the slots are used, and at least one is empty.
constexpr std::size_t slots_for(std::size_t keys) {
    return keys + keys / 3 + 1;
}

constexpr std::size_t after(std::size_t slot, std::size_t slots) {
    return slot + 1 == slots ? 0 : slot + 1;
}

// Slots from `from` forward to `to`, around the end if need be.
constexpr std::size_t distance(std::size_t from, std::size_t to, std::size_t slots) {
    return to >= from ? to - from : to + slots - from;
}

// Grows with the digest.
constexpr std::size_t shard_number(const KeyDigest& digest) {
    return digest.high / (UINT64_MAX / KeyIndex::kShards + 1);
}

}  // namespace

KeyDigest key_digest(const StoreId& store, UserId uid, std::string_view key) {
    static_assert(std::tuple_size_v<StoreId> == crypto_shorthash_siphashx24_KEYBYTES);
    static_assert(sizeof(KeyDigest) == crypto_shorthash_siphashx24_BYTES);
    // Keys have their place on the stack; what a request asks for may be longer.
    unsigned char short_text[sizeof uid + limits::kKeyBytes];
    std::vector<unsigned char> long_text(key.size() > limits::kKeyBytes ? sizeof uid + key.size()
                                                                        : 0);
    auto* const scoped = long_text.empty() ? short_text : long_text.data();
    std::memcpy(scoped, &uid, sizeof uid);
    if (!key.empty()) std::memcpy(scoped + sizeof uid, key.data(), key.size());
    unsigned char secret[crypto_shorthash_siphashx24_KEYBYTES];
    unsigned char image[crypto_shorthash_siphashx24_BYTES];
    std::memcpy(secret, store.data(), sizeof secret);
    crypto_shorthash_siphashx24(image, scoped, sizeof uid + key.size(), secret);
    KeyDigest digest;
    std::memcpy(&digest, image, sizeof digest);
    return digest;
}

const KeyDigest& LastDigest::of(const StoreId& store, UserId uid, std::string_view key) {
    if (!is_known_ || uid != uid_ || key != key_) {
        digest_ = key_digest(store, uid, key);
        uid_ = uid;
        key_ = key;
        is_known_ = true;
    }
    return digest_;
}

std::optional<Lsn> KeyIndex::find(const KeyDigest& digest) const {
    const auto& shard = shard_of(digest);
    if (shard.slots.empty()) return std::nullopt;
    const auto& slot = shard.slots[place(shard, digest)];
    return slot.lsn == 0 ? std::nullopt : std::optional{slot.lsn};
}

void KeyIndex::insert(const KeyDigest& digest, Lsn lsn) {
    const bool is_new = try_insert({digest, lsn});
    TICKETD_CHECK(is_new);
    ++size_;
}

bool KeyIndex::insert_all(std::span<const KeyItem> items) {
    const auto middle = std::partition_point(items.begin(), items.end(), [](const KeyItem& item) {
        return shard_number(item.digest) < kShards / 2;
    });
    const auto lower = static_cast<std::size_t>(middle - items.begin());
    auto upper =
        std::async(items.size() < kWorthAThread ? std::launch::deferred : std::launch::async,
                   [this, items, lower] { return insert_range(items.subspan(lower)); });
    const bool is_new = insert_range(items.first(lower));
    if (!upper.get() || !is_new) return false;
    size_ += items.size();
    return true;
}

// Nearly every slot is a cache miss, so those of the next few items are fetched meanwhile.
bool KeyIndex::insert_range(std::span<const KeyItem> items) {
    constexpr std::size_t kAhead = 16;
    for (std::size_t i = 0; i < items.size(); ++i) {
        if (i + kAhead < items.size()) {
            const auto& later = items[i + kAhead].digest;
            const auto& shard = shard_of(later);
            if (!shard.slots.empty()) __builtin_prefetch(&shard.slots[home(shard, later)], 1);
        }
        if (!try_insert(items[i])) return false;
    }
    return true;
}

bool KeyIndex::try_insert(const KeyItem& item) {
    TICKETD_CHECK(item.lsn > 0);
    auto& shard = shard_of(item.digest);
    if (slots_for(shard.used + 1) > shard.slots.size()) {
        resize(shard,
               std::max({kSlotsFirst, shard.slots.size() * 3 / 2, slots_for(shard.used + 1)}), 0);
    }
    auto& slot = shard.slots[place(shard, item.digest)];
    if (slot.lsn != 0) return false;
    slot = item;
    ++shard.used;
    return true;
}

void KeyIndex::erase(const KeyDigest& digest) {
    auto& shard = shard_of(digest);
    TICKETD_CHECK(!shard.slots.empty());
    const auto slots = shard.slots.size();
    auto hole = place(shard, digest);
    TICKETD_CHECK(shard.slots[hole].lsn != 0);
    for (auto at = after(hole, slots); shard.slots[at].lsn != 0; at = after(at, slots)) {
        // An item may move into the hole if the hole lies between its home and itself.
        const auto from_home = distance(home(shard, shard.slots[at].digest), at, slots);
        if (from_home >= distance(hole, at, slots)) {
            shard.slots[hole] = shard.slots[at];
            hole = at;
        }
    }
    shard.slots[hole] = {};
    --shard.used;
    --size_;
}

void KeyIndex::reserve(std::uint64_t keys) {
    TICKETD_CHECK(size_ == 0);
    if (keys < kWorthAThread) return;
    // Shards differ by chance; a sixteenth more spares most of them from growing after all.
    const auto each = slots_for(keys / kShards + keys / kShards / 16);
    const auto prepare = [each](std::span<Shard> shards) {
        for (auto& shard : shards)
            shard.slots.assign(each, {});
    };
    const std::span all{shards_};
    auto upper = std::async(std::launch::async, prepare, all.subspan(kShards / 2));
    prepare(all.first(kShards / 2));
    upper.get();
}

void KeyIndex::forget_before(Lsn floor, std::size_t shard) {
    auto& forgetful = shards_[shard];
    std::size_t kept = 0;
    for (const auto& item : forgetful.slots)
        kept += item.lsn >= floor && item.lsn != 0 ? 1 : 0;
    if (kept == forgetful.used) return;
    size_ -= forgetful.used - kept;
    forgetful.used = kept;
    resize(forgetful, kept == 0 ? 0 : slots_for(kept + kept / 4), floor);
}

KeyIndex::Shard& KeyIndex::shard_of(const KeyDigest& digest) {
    return shards_[shard_number(digest)];
}

const KeyIndex::Shard& KeyIndex::shard_of(const KeyDigest& digest) const {
    return shards_[shard_number(digest)];
}

std::size_t KeyIndex::home(const Shard& shard, const KeyDigest& digest) {
    __extension__ using Wide = unsigned __int128;
    return static_cast<std::size_t>(Wide{digest.low} * shard.slots.size() >> 64);
}

// The slot that holds the digest, or the empty one where it would go.
std::size_t KeyIndex::place(const Shard& shard, const KeyDigest& digest) {
    auto at = home(shard, digest);
    while (shard.slots[at].lsn != 0 && shard.slots[at].digest != digest)
        at = after(at, shard.slots.size());
    return at;
}

// Moves what is not before `floor` to a table of so many slots.
void KeyIndex::resize(Shard& shard, std::size_t slots, Lsn floor) {
    std::vector<KeyItem> moved(slots);
    moved.swap(shard.slots);
    for (const auto& item : moved) {
        if (item.lsn != 0 && item.lsn >= floor) shard.slots[place(shard, item.digest)] = item;
    }
}

}  // namespace ticketd::store
