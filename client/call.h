// One request that survives a restart of the daemon: it is sent again over a new connection, as the
// very same bytes, while that cannot do harm and the time allows. What happened is always one of:
// an answer; nothing was sent; or sent and not answered, and then the message says how to ask
// again. Thread-safe, no state between calls.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "client/failure.h"

namespace ticketd::client {

/// What a second copy of a request would do.
enum class Nature : std::uint8_t {
    kQuery,  ///< changes nothing
    kKeyed,  ///< changes something at most once, because it carries a key
    kOnce,   ///< might change something twice: never sent again once it was sent
};

struct Request {
    std::string method;
    std::string params;  ///< text of a JSON object or array
    Nature nature = Nature::kOnce;
    std::string hint;  ///< how to find out or repeat, added to "unknown" and "busy"; may be empty
    /// Whether it can be repeated, for those who do not know what was done; may be empty.
    std::string repeat_hint = {};
    /// What to send to repeat it, if that stands nowhere else: one line.
    std::string repetition = {};
};

struct CallOptions {
    std::string socket_path;
    std::chrono::milliseconds timeout{10'000};
    /// How long to try while no daemon was ever there. Shorter, because a wrong path or a daemon
    /// that was never started is more likely than one that is starting just now.
    std::chrono::milliseconds absent_timeout{1'000};
    int interrupt_fd = -1;  ///< ends the call when it becomes readable
};

/// Exit code when a signal ended a call before anything was sent: what a shell shows for SIGINT.
inline constexpr int kInterruptedExit = 130;

/// The text of the result as the server wrote it, or the failure, with its exit code: the server's
/// error (10-18, 65, ...), `unreachable` 69 (nothing was sent), `unknown`, `no_answer` or `busy`
/// 75, `protocol` 76, `denied` 77 (before anything was sent), `interrupted` 130.
Outcome<std::string> call(const Request& request, const CallOptions& options);

}  // namespace ticketd::client
