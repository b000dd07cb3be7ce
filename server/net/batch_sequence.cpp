#include "server/net/batch_sequence.h"

#include <asio/post.hpp>

namespace ticketd::net {

Envelope without_id() {
    return {true, true, "null"};
}

void BatchSequence::go_on() {
    if (next_ > 0 && !is_connected()) next_ = requests_.size();
    is_going_on_ = true;
    while (next_ < requests_.size() && !waits_) {
        waits_ = true;
        const auto one = std::make_shared<Exchange>(shared_from_this(), false);
        handle_(requests_[next_++], Responder{one, without_id(), 0});
        complete(one);
    }
    is_going_on_ = false;
    if (next_ == requests_.size() && !waits_) complete(answers_);
}

void BatchSequence::deliver(ReplyMessage message, std::size_t) {
    auto& reply = message.replies.front();
    const Responder collected{answers_, without_id(), 0};
    if (reply.is_error) {
        collected.error(reply.lsn, std::move(reply.body));
    } else {
        collected.result(reply.lsn, std::move(reply.body));
    }
    waits_ = false;
    if (!is_going_on_) asio::post(loop_, [self = shared_from_this()] { self->go_on(); });
}

}  // namespace ticketd::net
