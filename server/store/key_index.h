// Which entry answered which idempotency key: from the digest of (uid, key) to the LSN of the
// entry. The keys themselves stay in the ledger; the 128-bit keyed digest stands for them.
//
// 24 bytes a slot and between half and three quarters full: 32 to 48 bytes a key. The table is cut
// into shards that grow one at a time, so that no single insert ever moves more than a thousandth
// of the keys (0.2 ms with ten million), and forgetting goes shard by shard too.
//
// Not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "server/box_office/stock.h"
#include "server/store/journal_format.h"

namespace ticketd::store {

struct KeyDigest {
    std::uint64_t high = 0;
    std::uint64_t low = 0;
    auto operator<=>(const KeyDigest&) const = default;
};

/// SipHash-2-4 with 128 bits (libsodium), keyed with the store's id so that nobody outside can
/// choose keys that collide.
KeyDigest key_digest(const StoreId& store, UserId uid, std::string_view key);

/// Of one store: works a digest out again only if it is not the one asked for last. A request that
/// is decided, checked and applied asks for the same ones several times in a row.
class LastDigest {
  public:
    const KeyDigest& of(const StoreId& store, UserId uid, std::string_view key);

  private:
    UserId uid_ = 0;
    std::string key_;
    KeyDigest digest_;
    bool is_known_ = false;
};

struct KeyItem {
    KeyDigest digest;
    Lsn lsn = 0;  ///< 0: an empty slot
};

class KeyIndex {
  public:
    static constexpr std::size_t kShards = 1024;

    std::optional<Lsn> find(const KeyDigest& digest) const;
    /// Precondition: the digest is not in the index, and lsn > 0.
    void insert(const KeyDigest& digest, Lsn lsn);
    /// Inserts many at once, several times as fast, on two processors. False, with some of them
    /// inserted, if one is in the index already. Precondition: in order of their digests.
    [[nodiscard]] bool insert_all(std::span<const KeyItem> items);
    /// Precondition: the digest is in the index.
    void erase(const KeyDigest& digest);
    /// Makes room for so many keys at once, instead of growing step by step. For an empty index.
    /// Two processors do it, because first touching so much memory takes most of the time.
    void reserve(std::uint64_t keys);
    /// Forgets the keys of entries before `floor` that are in this shard, and gives their memory
    /// back.
    void forget_before(Lsn floor, std::size_t shard);
    std::uint64_t size() const { return size_; }

  private:
    struct Shard {
        std::vector<KeyItem> slots;
        std::size_t used = 0;
    };

    bool try_insert(const KeyItem& item);
    bool insert_range(std::span<const KeyItem> items);
    static std::size_t home(const Shard& shard, const KeyDigest& digest);
    static std::size_t place(const Shard& shard, const KeyDigest& digest);
    static void resize(Shard& shard, std::size_t slots, Lsn floor);
    Shard& shard_of(const KeyDigest& digest);
    const Shard& shard_of(const KeyDigest& digest) const;

    std::vector<Shard> shards_ = std::vector<Shard>(kShards);
    std::uint64_t size_ = 0;
};

}  // namespace ticketd::store
