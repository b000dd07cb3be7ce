#include "server/net/reply.h"

#include <algorithm>

namespace ticketd::net {
namespace {

void append_reply(std::string& out, const Reply& reply) {
    const auto& envelope = reply.envelope;
    if (envelope.is_version_2) {
        out += R"({"jsonrpc":"2.0","id":)";
        out += envelope.id;
        out += reply.is_error ? R"(,"error":)" : R"(,"result":)";
        out += reply.body;
    } else {
        out += R"({"id":)";
        out += envelope.id;
        out += R"(,"result":)";
        out += reply.is_error ? "null" : std::string_view{reply.body};
        out += R"(,"error":)";
        out += reply.is_error ? std::string_view{reply.body} : "null";
    }
    out += '}';
}

}  // namespace

Lsn ReplyMessage::lsn() const {
    Lsn highest = 0;
    for (const auto& reply : replies)
        highest = std::max(highest, reply.lsn);
    return highest;
}

std::size_t ReplyMessage::bytes() const {
    auto bytes = notification.size();
    for (const auto& reply : replies)
        bytes += sizeof reply + reply.body.size() + reply.envelope.id.size();
    return bytes;
}

std::string error_body(ErrorKind kind, std::string_view message,
                       const std::vector<ErrorNumber>& numbers) {
    const auto& info = error_kind_info(kind);
    std::string body;
    JsonWriter json{body};
    json.begin_object().member("code", info.code).member("message", message).name("data");
    json.begin_object().member("kind", info.name).member("retry", retry_name(info.retry));
    for (const auto& [name, number] : numbers)
        json.member(name, number);
    json.end_object().end_object();
    return body;
}

ReplyMessage error_message(ErrorKind kind, std::string_view message,
                           const std::vector<ErrorNumber>& numbers) {
    ReplyMessage reply;
    reply.replies.push_back({{}, true, 0, error_body(kind, message, numbers)});
    return reply;
}

void append_message(std::string& out, const ReplyMessage& message) {
    if (!message.notification.empty()) {
        out += message.notification;
        return;
    }
    if (!message.is_batch) return append_reply(out, message.replies.front());
    out += '[';
    for (const auto& reply : message.replies) {
        if (&reply != &message.replies.front()) out += ',';
        append_reply(out, reply);
    }
    out += ']';
}

void refuse_undone(ReplyMessage& message, Lsn durable) {
    for (auto& reply : message.replies) {
        if (reply.lsn <= durable) continue;
        reply.is_error = true;
        reply.lsn = 0;
        reply.body = error_body(ErrorKind::kStorageFull, kNoSpace);
    }
}

}  // namespace ticketd::net
