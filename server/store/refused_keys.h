// Refusals by idempotency key. A request that was told no must stay refused: a delayed copy of it,
// still unread on a dying connection or parked behind a record lock, would otherwise buy what its
// sender no longer wants. Such copies die with the process, so this lives in memory only; the
// newest limits::kRefusedKeys are kept. Not thread-safe.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <unordered_map>

#include "server/box_office/decide.h"
#include "server/store/key_index.h"

namespace ticketd::store {

struct RememberedRefusal {
    box_office::Refusal refusal;
    std::uint64_t fingerprint = 0;  ///< of the request that was refused
    Lsn lsn = 0;                    ///< what the refusal rests on
    bool is_of_no_event = false;    ///< the request named an event that did not exist
};

class RefusedKeys {
  public:
    std::optional<RememberedRefusal> find(const KeyDigest& digest) const;
    /// Precondition: the digest is not remembered yet.
    void remember(const KeyDigest& digest, const RememberedRefusal& refusal);
    /// Forgets refusals that rest on an LSN after `durable`: nobody was told them.
    void forget_after(Lsn durable);
    std::size_t size() const { return by_digest_.size(); }

  private:
    struct Hash {
        std::size_t operator()(const KeyDigest& digest) const { return digest.low; }
    };
    std::unordered_map<KeyDigest, RememberedRefusal, Hash> by_digest_;
    std::deque<KeyDigest> oldest_first_;
};

}  // namespace ticketd::store
