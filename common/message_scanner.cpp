#include "common/message_scanner.h"

#include <algorithm>

namespace ticketd {
namespace {

bool is_separator(char c) {
    return c == '\n' || c == '\r' || c == ' ' || c == '\t' || c == '\0';
}

bool is_scalar(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
           c == '+' || c == '.';
}

bool starts_scalar(char c) {
    return (c >= '0' && c <= '9') || c == '-' || c == 't' || c == 'f' || c == 'n';
}

// How many bytes at the front of `text`, in a string, are nothing but its text.
std::size_t ordinary_bytes(std::string_view text) {
    const auto is_ordinary = [](char c) {
        return c != '"' && c != '\\' && static_cast<unsigned char>(c) >= ' ';
    };
    const auto end = std::find_if_not(text.begin(), text.end(), is_ordinary);
    return static_cast<std::size_t>(end - text.begin());
}

}  // namespace

MessageScanner::Result MessageScanner::scan(std::string_view pending) {
    std::size_t start = 0;
    if (state_ == State::kSkippingLine || state_ == State::kBetween) {
        start = skip_separators(pending);
        if (start == pending.size()) return {Status::kNeedMore, {}, start};
        scanned_ = 0;
        depth_ = 0;
        const char c = pending[start];
        if (starts_scalar(c)) {
            state_ = State::kScalar;
        } else if (c == '{' || c == '[' || c == '"') {
            state_ = State::kNested;
        } else {
            return malformed(start);
        }
    }
    return scan_value(pending, start);
}

MessageScanner::Result MessageScanner::finish(std::string_view pending) {
    if (state_ == State::kScalar) return end_value(pending, 0, pending.size());
    if (state_ == State::kBetween || state_ == State::kSkippingLine) {
        return {Status::kNeedMore, {}, pending.size()};
    }
    return malformed(pending.size());
}

// Returns how many bytes at the front belong to no value.
std::size_t MessageScanner::skip_separators(std::string_view pending) {
    std::size_t at = 0;
    if (state_ == State::kSkippingLine) {
        const auto newline = pending.find('\n');
        if (newline == std::string_view::npos) return pending.size();
        state_ = State::kBetween;
        at = newline + 1;
    }
    while (at < pending.size() && is_separator(pending[at]))
        ++at;
    return at;
}

MessageScanner::Result MessageScanner::scan_value(std::string_view pending, std::size_t start) {
    const auto end_max = start + std::min(pending.size() - start, bytes_max_);
    for (std::size_t at = start + scanned_; at < pending.size(); ++at) {
        if (state_ == State::kString && at < end_max) {
            at += ordinary_bytes(pending.substr(at, end_max - at));
            if (at == pending.size()) break;
        }
        const char c = pending[at];
        if (state_ == State::kScalar && !is_scalar(c)) return end_value(pending, start, at);
        if (state_ == State::kString && static_cast<unsigned char>(c) < ' ') return malformed(at);
        if (at - start >= bytes_max_) return {Status::kTooLarge, {}, at};
        if (step(c)) return end_value(pending, start, at + 1);
    }
    scanned_ = pending.size() - start;
    if (scanned_ > bytes_max_) return {Status::kTooLarge, {}, pending.size()};
    return {Status::kNeedMore, {}, start};
}

// Takes one byte of a value; true when the value is complete with it.
bool MessageScanner::step(char c) {
    switch (state_) {
        case State::kEscape: state_ = State::kString; return false;
        case State::kString:
            if (c == '\\') state_ = State::kEscape;
            if (c != '"') return false;
            state_ = State::kNested;
            return depth_ == 0;
        case State::kNested:
            if (c == '"') {
                state_ = State::kString;
            } else if (c == '{' || c == '[') {
                ++depth_;
            } else if (c == '}' || c == ']') {
                return --depth_ == 0;
            }
            return false;
        default: return false;
    }
}

MessageScanner::Result MessageScanner::end_value(std::string_view pending, std::size_t start,
                                                 std::size_t end) {
    state_ = State::kBetween;
    scanned_ = 0;
    return {Status::kMessage, pending.substr(start, end - start), end};
}

MessageScanner::Result MessageScanner::malformed(std::size_t consumed) {
    skip_line();
    scanned_ = 0;
    return {Status::kMalformed, {}, consumed};
}

}  // namespace ticketd
