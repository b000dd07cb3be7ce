// Who may do what: roles by the user and the groups that the kernel reports of whoever opened a
// connection. Root and the daemon's own user are operators whatever is configured.
// Pure functions, thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <vector>

#include "server/net/session.h"
#include "server/platform/process.h"

namespace ticketd::net {

struct Members {
    std::set<std::uint32_t> uids, gids;

    bool operator==(const Members&) const = default;
};

struct Access {
    std::optional<Members> buyers;  ///< nothing: everybody
    Members operators;
    Members auditors;

    /// False: the groups of a peer do not matter.
    bool knows_groups() const {
        return (buyers && !buyers->gids.empty()) || !operators.gids.empty() ||
               !auditors.gids.empty();
    }
};

/// What the peer may be: `own_uid` is the daemon's. The connection's number is the caller's part.
Caller caller_of(const platform::PeerCredentials& peer, const std::vector<std::uint32_t>& groups,
                 const Access& access, std::uint32_t own_uid);

}  // namespace ticketd::net
