// One connection to the daemon: bytes out, JSON values in, every wait with a deadline. It neither
// reconnects nor repeats anything; that is call.h. Not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "client/descriptor.h"
#include "client/failure.h"
#include "client/rpc.h"
#include "client/wait.h"
#include "common/message_scanner.h"

namespace ticketd::client {

/// Why there is no connection.
struct OpenFailure {
    enum class Cause : std::uint8_t {
        kAbsent,    ///< nobody listens there, yet
        kCrowded,   ///< somebody does, and its queue of new connections is full
        kHopeless,  ///< trying again would not help: denied, not trusted, a bad path
    };
    Cause cause;
    Failure failure;
};

enum class IoStatus : std::uint8_t {
    kDone,
    kTimedOut,
    kInterrupted,  ///< the patience's interrupt_fd became readable
    kLost,         ///< the other side closed the connection
    kMalformed,    ///< what came is not JSON, or more than kReplyBytes of it
};

struct Received {
    IoStatus status;
    std::string message;  ///< one JSON value, if kDone
};

class Connection {
  public:
    /// The longest reply taken. The longest a daemon sends is a page of orders of 10 000 serials.
    static constexpr std::size_t kReplyBytes = std::size_t{64} * 1024 * 1024;

    /// Connects once, without waiting. The server's identity has been checked when this returns,
    /// and nothing has been sent (trust.h).
    static std::variant<Connection, OpenFailure> try_open(const std::string& path);

    /// Connects, trying again until the patience ends while nobody listens yet.
    static Outcome<Connection> open(const std::string& path, const Patience& patience);

    /// Sends one request and waits for its reply; its id is this connection's next, from 1. Without
    /// an answer the status says what happened on the way; a server's error is an answer.
    std::variant<Answer, IoStatus> call(std::string_view method, std::string_view params,
                                        const Patience& patience);

    /// The two halves of call(): the second may be called again after kTimedOut.
    IoStatus send_request(std::string_view method, std::string_view params,
                          const Patience& patience);
    std::variant<Answer, IoStatus> receive_answer(const Patience& patience);

    /// Sends bytes as they are.
    IoStatus send_raw(std::string_view bytes, const Patience& patience);

    /// Waits for the next JSON value, wherever the lines end.
    Received receive(const Patience& patience);

    /// How many bytes the kernel has taken: zero means that nobody can have acted on anything.
    std::size_t bytes_sent() const { return bytes_sent_; }

    int descriptor() const { return socket_.number(); }

  private:
    explicit Connection(Descriptor socket) : socket_(std::move(socket)) {}

    IoStatus read_more(const Patience& patience);

    Descriptor socket_;
    MessageScanner scanner_{kReplyBytes};
    std::string pending_;  // read and not yet consumed by the scanner
    std::size_t bytes_sent_ = 0;
    std::uint64_t last_id_ = 0;
};

}  // namespace ticketd::client
