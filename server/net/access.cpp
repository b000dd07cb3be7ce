#include "server/net/access.h"

#include <algorithm>

namespace ticketd::net {

Caller caller_of(const platform::PeerCredentials& peer, const std::vector<std::uint32_t>& groups,
                 const Access& access, std::uint32_t own_uid) {
    const auto is_one_of = [&](const Members& members) {
        return members.uids.contains(peer.uid) ||
               std::any_of(groups.begin(), groups.end(),
                           [&](std::uint32_t group) { return members.gids.contains(group); });
    };
    Caller caller;
    caller.uid = peer.uid;
    caller.pid = peer.pid;
    caller.is_operator = peer.uid == 0 || peer.uid == own_uid || is_one_of(access.operators);
    caller.is_auditor = caller.is_operator || is_one_of(access.auditors);
    caller.is_buyer = caller.is_operator || !access.buyers || is_one_of(*access.buyers);
    return caller;
}

}  // namespace ticketd::net
