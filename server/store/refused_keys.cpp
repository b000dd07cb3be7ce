#include "server/store/refused_keys.h"

#include "common/check.h"
#include "common/limits.h"

namespace ticketd::store {

std::optional<RememberedRefusal> RefusedKeys::find(const KeyDigest& digest) const {
    const auto found = by_digest_.find(digest);
    return found == by_digest_.end() ? std::nullopt : std::optional{found->second};
}

void RefusedKeys::remember(const KeyDigest& digest, const RememberedRefusal& refusal) {
    const bool is_new = by_digest_.emplace(digest, refusal).second;
    TICKETD_CHECK(is_new);
    oldest_first_.push_back(digest);
    if (oldest_first_.size() > limits::kRefusedKeys) {
        by_digest_.erase(oldest_first_.front());
        oldest_first_.pop_front();
    }
}

void RefusedKeys::forget_after(Lsn durable) {
    std::erase_if(oldest_first_, [this, durable](const KeyDigest& digest) {
        const auto found = by_digest_.find(digest);
        if (found->second.lsn <= durable) return false;
        by_digest_.erase(found);
        return true;
    });
}

}  // namespace ticketd::store
