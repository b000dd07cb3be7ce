// The line for tickets: who stood in it, as far as that is certain, and what that makes of the
// answers. The ledger knows nothing of the line, so only times tell. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "tests/fault/history.h"
#include "tests/fault/history_model.h"

namespace ticketd::testing {

/// All requests for tickets, by what binds them: their key, or the line that they may stand in.
class Line {
  public:
    /// `history` must outlive it.
    explicit Line(const History& history);

    /// True if it waited, or joined another with its key that did.
    bool may_wait(const Op& op) const;
    /// Those that the same daemon may have taken for this one: with its key, and itself.
    std::vector<const Op*> copies(const Op& op) const;
    /// Those with a wait for this event that the daemon of `op` may have had in line.
    const std::vector<const Op*>& waiters(const Op& op) const;

  private:
    std::size_t daemon_of(const Op& op) const;

    std::vector<std::int64_t> deaths_ns_;  // in order
    std::unordered_map<std::string, std::vector<const Op*>> by_key_;
    std::map<std::pair<std::string, std::size_t>, std::vector<const Op*>> waiters_;
};

/// `floors` says, for each op, the LSN that was there for certain when it was invoked.
void check_line(const History& history, const Model& model,
                const std::vector<std::uint64_t>& floors, std::vector<std::string>& problems);

}  // namespace ticketd::testing
