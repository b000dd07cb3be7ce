#include "server/net/responder.h"

#include "common/check.h"

namespace ticketd::net {

void Exchange::deliver_if_done() {
    if (is_complete_ && unanswered_ == 0) sink_->deliver(std::move(message_), weight_);
}

void complete(const std::shared_ptr<Exchange>& exchange) {
    exchange->is_complete_ = true;
    exchange->deliver_if_done();
}

Responder::Responder(std::shared_ptr<Exchange> exchange, Envelope envelope, std::size_t weight)
    : exchange_(std::move(exchange)), wants_reply_(envelope.wants_reply) {
    exchange_->weight_ += weight;
    exchange_->unanswered_ += 1;
    if (!wants_reply_) return;
    auto& replies = exchange_->message_.replies;
    index_ = replies.size();
    replies.push_back({std::move(envelope), false, 0, {}});
}

void Responder::result(Lsn lsn, std::string body) const {
    answer(false, lsn, std::move(body));
}

void Responder::error(Lsn lsn, std::string body) const {
    answer(true, lsn, std::move(body));
}

void Responder::answer(bool is_error, Lsn lsn, std::string body) const {
    TICKETD_CHECK(exchange_->unanswered_ > 0);
    if (wants_reply_) {
        auto& reply = exchange_->message_.replies[index_];
        TICKETD_CHECK(reply.body.empty());
        reply.is_error = is_error;
        reply.lsn = lsn;
        reply.body = std::move(body);
    }
    exchange_->unanswered_ -= 1;
    exchange_->deliver_if_done();
}

}  // namespace ticketd::net
