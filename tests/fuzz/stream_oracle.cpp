#include "tests/fuzz/stream_oracle.h"

#include <algorithm>
#include <optional>
#include <sstream>

#include "tests/fuzz/finding.h"

namespace ticketd::fuzz {
namespace {

constexpr std::string_view kSeparators{"\n\r \t\0", 5};
constexpr std::string_view kScalarStart = "0123456789-tfn";
constexpr std::string_view kScalar =
    "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-+.";

/// Where the object, array or string at the front of `text` ends, if it is JSON.
std::optional<std::size_t> json_length(std::string_view text) {
    std::istringstream stream{std::string{text}};
    try {
        json value;
        stream >> value;
    } catch (const json::exception&) {
        return std::nullopt;
    }
    const auto at = stream.rdbuf()->pubseekoff(0, std::ios::cur, std::ios::in);
    return static_cast<std::size_t>(at);
}

struct Extent {
    std::size_t bytes = 0;
    enum class End : std::uint8_t { kComplete, kOpen, kBroken } end = End::kOpen;
};

/// Where it ends by its brackets and quotes alone. A control character within quotes breaks it.
Extent bracketed_extent(std::string_view text) {
    std::size_t depth = 0;
    bool in_string = false;
    for (std::size_t at = 0; at < text.size(); ++at) {
        const char c = text[at];
        if (in_string) {
            if (c >= '\0' && c < ' ') return {at, Extent::End::kBroken};
            if (c == '\\') {
                // The next character stands for itself, whatever it is.
                ++at;
            } else if (c == '"') {
                in_string = false;
                if (depth == 0) return {at + 1, Extent::End::kComplete};
            }
        } else if (c == '"') {
            in_string = true;
        } else if (c == '{' || c == '[') {
            ++depth;
        } else if ((c == '}' || c == ']') && --depth == 0) {
            return {at + 1, Extent::End::kComplete};
        }
    }
    return {text.size(), Extent::End::kOpen};
}

Extent scalar_extent(std::string_view text, StreamEnd end) {
    const auto length = std::min(text.find_first_not_of(kScalar), text.size());
    const bool is_open = length == text.size() && end == StreamEnd::kOpen;
    return {length, is_open ? Extent::End::kOpen : Extent::End::kComplete};
}

Extent nested_extent(std::string_view text) {
    const auto extent = bracketed_extent(text);
    if (const auto length = json_length(text)) {
        expect(extent.end == Extent::End::kComplete && extent.bytes == *length,
               "a JSON value ends where its brackets do", text);
    }
    return extent;
}

OracleMessage judge_message(std::string_view text, const StreamRules& rules) {
    using Kind = OracleMessage::Kind;
    OracleMessage message;
    message.text = text;
    message.is_batch = text.front() == '[';
    if (!message.is_batch) {
        message.requests.push_back(judge_request(text, 0));
        if (message.requests[0].verdict == Verdict::kNotJson) message.kind = Kind::kNotJson;
        return message;
    }
    const auto [verdict, value] = judge(text);
    if (verdict != Verdict::kJson) {
        message.kind = Kind::kNotJson;
    } else if (value.empty() || value.size() > rules.batch_requests) {
        message.kind = Kind::kBadBatch;
    } else {
        // Elements are found as text, because an element of the DOM does not know its repetitions.
        auto rest = text.substr(1);
        for (std::size_t i = 0; i < value.size(); ++i) {
            rest = rest.substr(rest.find_first_not_of(" \t\r\n,"));
            const bool is_scalar = kScalarStart.find(rest.front()) != std::string_view::npos;
            const auto extent =
                is_scalar ? scalar_extent(rest, StreamEnd::kOpen) : bracketed_extent(rest);
            message.requests.push_back(judge_request(rest.substr(0, extent.bytes), 1));
            expect(message.requests.back().value == value[i], "batches are cut at their commas");
            rest = rest.substr(extent.bytes);
        }
    }
    return message;
}

}  // namespace

bool OracleMessage::wants_reply() const {
    return kind != Kind::kRequests ||
           std::any_of(requests.begin(), requests.end(),
                       [](const OracleRequest& request) { return request.wants_reply; });
}

std::vector<OracleMessage> judge_stream(std::string_view bytes, const StreamRules& rules,
                                        StreamEnd end) {
    using Kind = OracleMessage::Kind;
    std::vector<OracleMessage> messages;
    auto rest = bytes;
    const auto skip_line = [&rest, &rules](std::size_t from) {
        const auto newline = rules.mistake_ends_it ? std::string_view::npos : rest.find('\n', from);
        rest = newline == std::string_view::npos ? std::string_view{} : rest.substr(newline + 1);
    };
    for (;;) {
        const auto start = rest.find_first_not_of(kSeparators);
        if (start == std::string_view::npos) return messages;
        rest.remove_prefix(start);
        const bool is_scalar = kScalarStart.find(rest.front()) != std::string_view::npos;
        if (!is_scalar && rest.front() != '{' && rest.front() != '[' && rest.front() != '"') {
            messages.push_back({Kind::kNotJson, false, {}, {}});
            skip_line(0);
            continue;
        }
        const auto extent = is_scalar ? scalar_extent(rest, end) : nested_extent(rest);
        if (extent.bytes > rules.message_bytes) {
            messages.push_back({Kind::kTooLarge, false, {}, {}});
            return messages;
        }
        const bool is_cut_off = extent.end == Extent::End::kOpen && end == StreamEnd::kClosed;
        if (extent.end == Extent::End::kOpen && !is_cut_off) return messages;
        if (is_cut_off || extent.end == Extent::End::kBroken) {
            messages.push_back({Kind::kNotJson, false, {}, {}});
            skip_line(extent.bytes);
            continue;
        }
        messages.push_back(judge_message(rest.substr(0, extent.bytes), rules));
        if (messages.back().kind == Kind::kNotJson) {
            skip_line(extent.bytes);
        } else {
            rest.remove_prefix(extent.bytes);
        }
    }
}

}  // namespace ticketd::fuzz
