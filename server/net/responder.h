// The duty to answer one request, handed to whoever will know the answer. Answering twice is a
// broken invariant; a responder dropped unanswered leaves its client waiting until the connection
// ends. Event loop only.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/limits.h"
#include "server/net/reply.h"

namespace ticketd::net {

/// Where finished messages go: a connection.
class ReplySink {
  public:
    ReplySink() = default;
    ReplySink(const ReplySink&) = delete;
    ReplySink& operator=(const ReplySink&) = delete;
    virtual ~ReplySink() = default;

    /// Requests that together weigh `weight` are answered by `message`, which is empty if none of
    /// them wanted a reply. Handles no other request within the call: whoever answers is in the
    /// midst of something, such as serving a line.
    virtual void deliver(ReplyMessage message, std::size_t weight) = 0;
    /// False if nobody can read an answer any more.
    virtual bool is_connected() = 0;
    /// The number of the connection, of which no two have the same.
    virtual std::uint64_t connection() const = 0;
    /// Bytes that were delivered and are not taken yet.
    virtual std::size_t unread_bytes() const { return 0; }
    /// Somebody expects notifications, so that its silence means nothing; or no longer.
    virtual void set_watching(bool) {}
};

/// A message from a client whose requests are being answered: one, or those of a batch.
class Exchange {
  public:
    Exchange(std::shared_ptr<ReplySink> sink, bool is_batch) : sink_(std::move(sink)) {
        message_.is_batch = is_batch;
    }

    bool is_connected() const { return sink_->is_connected(); }
    std::uint64_t connection() const { return sink_->connection(); }
    bool is_batch() const { return message_.is_batch; }
    bool is_answered() const { return unanswered_ == 0; }
    /// Bytes of the answers so far, and of large ones still to come, about.
    std::size_t answer_bytes() const { return message_.bytes() + expected_bytes_; }
    void expect_large_answer() { expected_bytes_ += limits::kRowsBytes; }
    /// Everything after `durable` was taken back: answers so far that rest on it become refusals.
    void refuse_undone(Lsn durable) { net::refuse_undone(message_, durable); }

  private:
    friend class Responder;
    std::shared_ptr<ReplySink> sink_;
    ReplyMessage message_;
    std::size_t weight_ = 0;
    std::size_t expected_bytes_ = 0;
    std::size_t unanswered_ = 0;
    bool is_complete_ = false;  // all requests of the message are known

    void deliver_if_done();

    friend void complete(const std::shared_ptr<Exchange>& exchange);
};

/// Says that no further request of the message follows.
void complete(const std::shared_ptr<Exchange>& exchange);

class Responder {
  public:
    /// Adds a request to the exchange; `weight` is its part of what the sink may have in flight.
    Responder(std::shared_ptr<Exchange> exchange, Envelope envelope, std::size_t weight);

    /// The answer, which may leave once `lsn` is durable.
    void result(Lsn lsn, std::string body) const;
    void error(Lsn lsn, std::string body) const;
    void error(Lsn lsn, ErrorKind kind, std::string_view message,
               const std::vector<ErrorNumber>& numbers = {}) const {
        error(lsn, error_body(kind, message, numbers));
    }

    bool is_connected() const { return exchange_->is_connected(); }
    std::uint64_t connection() const { return exchange_->connection(); }
    const std::shared_ptr<ReplySink>& sink() const { return exchange_->sink_; }

  private:
    void answer(bool is_error, Lsn lsn, std::string body) const;

    std::shared_ptr<Exchange> exchange_;
    std::size_t index_ = 0;
    bool wants_reply_;
};

}  // namespace ticketd::net
