// The requests of a `batch` that is not atomic: each is handled as if it came alone, the next when
// the one before is answered. One that had to wait is answered in the midst of something else, such
// as serving a line, so the next has to come later, from the event loop. Event loop only.
#pragma once

#include <asio/io_context.hpp>
#include <functional>
#include <memory>
#include <vector>

#include "server/net/responder.h"

namespace ticketd::net {

/// The answer that a request gets within a batch has no id of its own.
Envelope without_id();

class BatchSequence final : public ReplySink, public std::enable_shared_from_this<BatchSequence> {
  public:
    using Handle = std::function<void(const RequestResult&, const Responder&)>;

    /// The answers are added to `answers`, which is complete after the last; or earlier, if whoever
    /// asked is gone: the rest is not done behind their back. It lives as long as one of its
    /// requests is unanswered.
    BatchSequence(asio::io_context& loop, std::vector<RequestResult> requests,
                  std::shared_ptr<Exchange> answers, Handle handle)
        : loop_(loop),
          requests_(std::move(requests)),
          answers_(std::move(answers)),
          handle_(std::move(handle)) {}

    /// Begins. Called once.
    void go_on();

    void deliver(ReplyMessage message, std::size_t weight) override;
    bool is_connected() override { return answers_->is_connected(); }
    std::uint64_t connection() const override { return answers_->connection(); }

  private:
    asio::io_context& loop_;
    const std::vector<RequestResult> requests_;
    std::size_t next_ = 0;
    bool waits_ = false;        // for an answer
    bool is_going_on_ = false;  // further up on the stack
    std::shared_ptr<Exchange> answers_;
    const Handle handle_;
};

}  // namespace ticketd::net
