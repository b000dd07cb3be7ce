#include "client/rpc.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "client/json_shape.h"
#include "common/json_slice.h"
#include "common/json_writer.h"
#include "common/limits.h"

namespace ticketd::client {
namespace {

using nlohmann::json;

bool is_message(std::string_view text) {
    const auto shape = shape_of(text);
    return shape && shape->depth <= limits::kReplyDepth;
}

// The first kind in the table that has this code.
const ErrorKindInfo* find_code(std::int64_t code) {
    for (int kind = 0; kind <= static_cast<int>(ErrorKind::kStorageFull); ++kind) {
        const auto& info = error_kind_info(static_cast<ErrorKind>(kind));
        if (info.code == code) return &info;
    }
    return nullptr;
}

// The kind becomes the first word of a line that scripts cut at the colon.
bool is_word(std::string_view text) {
    return !text.empty() && text.size() <= 64 && std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
    });
}

std::string text_member(const json& object, const char* name) {
    if (!object.is_object()) return {};
    const auto found = object.find(name);
    if (found == object.end() || !found->is_string()) return {};
    return found->get<std::string>();
}

Retry retry_of(std::string_view name) {
    for (const auto retry : {Retry::kNewKey, Retry::kSameKey}) {
        if (retry_name(retry) == name) return retry;
    }
    return Retry::kNever;
}

std::optional<RpcError> parse_error(std::string_view text) {
    const json error = json::parse(text, nullptr, false);
    if (!error.is_object()) return std::nullopt;
    const auto code = error.find("code");
    if (code == error.end() || !code->is_number_integer()) return std::nullopt;

    RpcError parsed{code->get<std::int64_t>(),
                    {},
                    text_member(error, "message"),
                    Retry::kNever,
                    std::string{member_text(text, "data").value_or("")}};
    if (const auto data = error.find("data"); data != error.end()) {
        parsed.kind = text_member(*data, "kind");
        parsed.retry = retry_of(text_member(*data, "retry"));
    }
    if (!is_word(parsed.kind)) {
        const auto* info = find_code(parsed.code);
        parsed.kind = info != nullptr ? info->name : "error";
    }
    return parsed;
}

}  // namespace

std::string request_line(std::uint64_t id, std::string_view method, std::string_view params) {
    std::string line;
    line.reserve(64 + method.size() + params.size());
    JsonWriter writer{line};
    writer.begin_object().member("jsonrpc", "2.0").member("id", id).member("method", method);
    writer.name("params").raw(params).end_object();
    line += '\n';
    return line;
}

std::optional<Reply> parse_reply(std::string_view message) {
    if (!is_message(message)) return std::nullopt;
    const auto id = std::string{member_text(message, "id").value_or("")};
    // Version 1.0 sends both members, one of them null.
    const auto error = member_text(message, "error");
    if (error && *error != "null") {
        auto parsed = parse_error(*error);
        if (!parsed) return std::nullopt;
        return Reply{id, *std::move(parsed)};
    }
    const auto result = member_text(message, "result");
    if (!result) return std::nullopt;
    return Reply{id, std::string{*result}};
}

bool is_notification(std::string_view message) {
    return is_message(message) && member_text(message, "method") && !member_text(message, "id");
}

int exit_code_of(const RpcError& error) {
    if (const auto kind = find_error_kind(error.kind)) return error_kind_info(*kind).client_exit;
    if (const auto* info = find_code(error.code)) return info->client_exit;
    return client_exit::kInternal;
}

}  // namespace ticketd::client
