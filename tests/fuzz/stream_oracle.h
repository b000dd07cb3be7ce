// A second opinion on a whole connection: what the daemon has to make of these bytes, told from all
// of them at once. A value ends where nlohmann's parser, reading on and on, says that it ends; only
// what is not JSON is cut by following brackets and quotes, as docs/protocol.md says.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "tests/fuzz/json_oracle.h"

namespace ticketd::fuzz {

struct StreamRules {
    std::size_t message_bytes;
    std::size_t batch_requests;
    /// The client sends no LF, so that nothing after a mistake can be read.
    bool mistake_ends_it = false;
};

enum class StreamEnd : bool { kOpen, kClosed };

/// One message of the stream, or what takes its place.
struct OracleMessage {
    enum class Kind : std::uint8_t {
        kRequests,  ///< one request, or those of a batch
        kNotJson,   ///< refused with -32700, then the line is skipped
        kBadBatch,  ///< empty or too long: refused with -32600 as a whole
        kTooLarge,  ///< refused, and nothing after it is read
    };
    Kind kind = Kind::kRequests;
    bool is_batch = false;
    std::string_view text;
    std::vector<OracleRequest> requests;

    /// Whether a line of reply is due.
    bool wants_reply() const;
};

/// The complete messages of `bytes`. The views point into it.
std::vector<OracleMessage> judge_stream(std::string_view bytes, const StreamRules& rules,
                                        StreamEnd end);

}  // namespace ticketd::fuzz
