// One client that writes down everything it asks and is told. Requests are sent once; whoever wants
// an answer for certain asks again. Speaks over the client library's connection, which says exactly
// what became of a request. Not thread-safe: one per thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "client/connection.h"
#include "tests/fault/history.h"

namespace ticketd::testing {

class HistoryClient {
  public:
    struct Options {
        std::string socket;
        std::uint32_t number = 0;  ///< in the history
        int log_fd = -1;           ///< takes all ops as lines, see history_log.h
    };
    explicit HistoryClient(Options options) : options_(std::move(options)) {}

    /// Waits until a daemon takes the connection; false if none does in a long time, which is noted
    /// as a problem.
    bool reach_daemon();

    /// Sends one request and waits for what becomes of it. Precondition: reach_daemon().
    Op ask(Op op);
    /// The same for several in one JSON-RPC batch.
    std::vector<Op> ask_all(std::vector<Op> ops);
    /// The same for several in one atomic batch: purchases and holds of exact quantities.
    std::vector<Op> ask_atomic(std::vector<Op> ops);
    /// The same request at once on two connections.
    std::pair<Op, Op> ask_twice(const Op& op);

    /// Ends the connection, and what is bound to it. Precondition of the next: reach_daemon().
    void hang_up() { connection_.reset(); }

    /// Everything so far.
    std::vector<Op>& ops() { return ops_; }
    /// What no daemon may do, whatever befalls it: not answering, answering with something else.
    const std::vector<std::string>& problems() const { return problems_; }

  private:
    using Indices = std::vector<std::size_t>;

    std::optional<client::Connection> connect();
    Indices begin(std::vector<Op> ops);
    std::vector<Op> end(const Indices& indices);
    bool send(client::Connection& connection, const Indices& indices);
    bool receive(client::Connection& connection, const Indices& indices);
    void note(const Op& op, const std::string& problem);
    void log(const std::vector<Op>& ops) const;

    Options options_;
    std::optional<client::Connection> connection_;
    std::vector<Op> ops_;
    std::vector<std::string> problems_;
};

}  // namespace ticketd::testing
