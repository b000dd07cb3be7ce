// Whether what clients were told, what they had asked for and what the ledger holds fit together.
#pragma once

#include <string>
#include <vector>

#include "server/net/session.h"
#include "tests/fuzz/reply_claims.h"
#include "tests/fuzz/stream_oracle.h"

namespace ticketd::fuzz {

/// All that went over one connection.
struct Conversation {
    net::Caller caller;
    StreamRules rules;
    std::string sent;
    StreamEnd end = StreamEnd::kOpen;  ///< kClosed: the client has said that nothing follows
    std::string received;
    /// It did not come to its end: hung up, or the daemon was killed. Answers may be missing.
    bool was_cut_off = false;
};

/// The replies in `received`, a JSON value each. A finding if they are not framed as promised.
std::vector<json> replies_in(const Conversation& conversation);
/// How many there have to be by now, if none is still on its way.
std::size_t replies_due(const Conversation& conversation);

/// Checks, with all conversations that ever were on this store, that
///  - there is one reply for each message that wants one, with the ids of its requests;
///  - what replies say is true in the ledger;
///  - each entry is what one request asked for that was not refused, and no request has two.
void check_conversations(const std::vector<Conversation>& conversations, const Ledger& ledger);

}  // namespace ticketd::fuzz
