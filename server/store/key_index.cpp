// Open addressing with linear probing; erasing moves later items of the run back, so there are no
// tombstones.
#include "server/store/key_index.h"

#include <sodium.h>

#include <cstring>
#include <string>

#include "common/check.h"
#include "server/store/bytes.h"

namespace ticketd::store {

KeyDigest key_digest(const StoreId& store, UserId uid, std::string_view key) {
    static_assert(std::tuple_size_v<StoreId> == crypto_shorthash_siphashx24_KEYBYTES);
    static_assert(sizeof(KeyDigest) == crypto_shorthash_siphashx24_BYTES);
    std::string scoped;
    append_number<UserId>(scoped, uid);
    scoped += key;
    unsigned char secret[crypto_shorthash_siphashx24_KEYBYTES];
    unsigned char image[crypto_shorthash_siphashx24_BYTES];
    std::memcpy(secret, store.data(), sizeof secret);
    crypto_shorthash_siphashx24(image, reinterpret_cast<const unsigned char*>(scoped.data()),
                                scoped.size(), secret);
    KeyDigest digest;
    std::memcpy(&digest, image, sizeof digest);
    return digest;
}

std::optional<Lsn> KeyIndex::find(const KeyDigest& digest) const {
    const auto& slot = slots_[place(digest)];
    return slot.lsn == 0 ? std::nullopt : std::optional{slot.lsn};
}

void KeyIndex::insert(const KeyDigest& digest, Lsn lsn) {
    TICKETD_CHECK(lsn > 0);
    if ((size_ + 1) * 4 > slots_.size() * 3) grow();
    auto& slot = slots_[place(digest)];
    TICKETD_CHECK(slot.lsn == 0);
    slot = {digest, lsn};
    ++size_;
}

void KeyIndex::erase(const KeyDigest& digest) {
    const std::size_t mask = slots_.size() - 1;
    auto hole = place(digest);
    TICKETD_CHECK(slots_[hole].lsn != 0);
    for (auto at = (hole + 1) & mask; slots_[at].lsn != 0; at = (at + 1) & mask) {
        // An item may move into the hole if the hole lies between its home and itself.
        const auto distance_home = (at - home(slots_[at].digest)) & mask;
        const auto distance_hole = (at - hole) & mask;
        if (distance_home >= distance_hole) {
            slots_[hole] = slots_[at];
            hole = at;
        }
    }
    slots_[hole] = {};
    --size_;
}

std::size_t KeyIndex::home(const KeyDigest& digest) const {
    return digest.low & (slots_.size() - 1);
}

// The slot that holds the digest, or the empty one where it would go.
std::size_t KeyIndex::place(const KeyDigest& digest) const {
    const std::size_t mask = slots_.size() - 1;
    auto at = home(digest);
    while (slots_[at].lsn != 0 && slots_[at].digest != digest)
        at = (at + 1) & mask;
    return at;
}

void KeyIndex::grow() {
    std::vector<Item> larger(slots_.size() * 2);
    larger.swap(slots_);
    for (const auto& item : larger) {
        if (item.lsn != 0) slots_[place(item.digest)] = item;
    }
}

}  // namespace ticketd::store
