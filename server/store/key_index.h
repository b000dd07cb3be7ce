// Which entry answered which idempotency key: a flat hash table from the digest of (uid, key) to
// the LSN of the purchase. 24 bytes a slot, at most three quarters full, so about 32 to 64 bytes a
// key. The keys themselves stay in the ledger; the 128-bit keyed digest stands for them.
//
// Not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "server/box_office/stock.h"
#include "server/store/journal_format.h"

namespace ticketd::store {

struct KeyDigest {
    std::uint64_t high = 0;
    std::uint64_t low = 0;
    bool operator==(const KeyDigest&) const = default;
};

/// SipHash-2-4 with 128 bits (libsodium), keyed with the store's id so that nobody outside can
/// choose keys that collide.
KeyDigest key_digest(const StoreId& store, UserId uid, std::string_view key);

class KeyIndex {
  public:
    struct Item {
        KeyDigest digest;
        Lsn lsn = 0;  ///< 0: an empty slot
    };

    std::optional<Lsn> find(const KeyDigest& digest) const;
    /// Precondition: the digest is not in the index, and lsn > 0.
    void insert(const KeyDigest& digest, Lsn lsn);
    /// Precondition: the digest is in the index.
    void erase(const KeyDigest& digest);
    std::size_t size() const { return size_; }

    /// All slots; those with lsn 0 are empty.
    const std::vector<Item>& slots() const { return slots_; }

  private:
    std::size_t home(const KeyDigest& digest) const;
    std::size_t place(const KeyDigest& digest) const;
    void grow();

    std::vector<Item> slots_ = std::vector<Item>(16);  // a power of two
    std::size_t size_ = 0;
};

}  // namespace ticketd::store
