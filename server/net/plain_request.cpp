#include "server/net/plain_request.h"

#include <utility>

#include "common/limits.h"

namespace ticketd::net {
namespace {

constexpr bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

constexpr bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

// The front of what is not read yet. Once something is not as it has to be, it stands anywhere.
class Cursor {
  public:
    explicit Cursor(std::string_view text) : at_(text.data()), end_(at_ + text.size()) {}

    bool is_at_end() const { return at_ == end_; }
    const char* at() const { return at_; }

    /// What follows, behind blanks; NUL at the end.
    char peek() {
        while (at_ != end_ && is_blank(*at_))
            ++at_;
        return at_ == end_ ? '\0' : *at_;
    }
    bool take(char c) {
        if (peek() != c) return false;
        ++at_;
        return true;
    }
    bool take_word(std::string_view word) {
        if (!std::string_view{at_, end_}.starts_with(word)) return false;
        at_ += word.size();
        return true;
    }

    /// The text between quotes that need nothing undone.
    std::optional<std::string_view> string() {
        if (!take('"')) return std::nullopt;
        const auto* const begin = at_;
        while (at_ != end_ && *at_ >= ' ' && *at_ <= '~' && *at_ != '"' && *at_ != '\\')
            ++at_;
        if (at_ == end_ || *at_ != '"') return std::nullopt;
        return std::string_view{begin, at_++};
    }

    std::optional<std::uint64_t> integer() {
        constexpr std::size_t kDigits = 18;  // no such number is too large
        const auto* const begin = at_;
        std::uint64_t number = 0;
        for (; at_ != end_ && is_digit(*at_); ++at_)
            number = number * 10 + static_cast<std::uint64_t>(*at_ - '0');
        const std::string_view digits{begin, at_};
        const bool is_led_by_zero = digits.size() > 1 && digits.front() == '0';
        if (digits.empty() || digits.size() > kDigits || is_led_by_zero) return std::nullopt;
        return number;
    }

  private:
    const char* at_;
    const char* end_;
};

// False, with `value` in any state, if it is not plain.
bool read_value(Cursor& cursor, Value& value) {
    const char first = cursor.peek();
    if (first == '"') {
        const auto text = cursor.string();
        value.kind = ValueKind::kString;
        value.text = text.value_or(std::string_view{});
        return text.has_value();
    }
    if (is_digit(first)) {
        const auto number = cursor.integer();
        value.kind = ValueKind::kInteger;
        value.number = number.value_or(0);
        return number.has_value();
    }
    if (cursor.take_word("null")) return true;
    value.kind = ValueKind::kBool;
    value.number = first == 't' ? 1 : 0;
    return cursor.take_word(first == 't' ? "true" : "false");
}

// The items of an object or an array whose first bracket is taken: `read_item` reads each, and may
// say that it is not plain.
template <typename ReadItem>
bool read_items(Cursor& cursor, char last, ReadItem read_item) {
    if (cursor.take(last)) return true;
    do {
        if (!read_item()) return false;
    } while (cursor.take(','));
    return cursor.take(last);
}

class PlainReader {
  public:
    explicit PlainReader(std::string_view text) : cursor_(text) {}

    std::optional<Request> read() && {
        const bool is_plain = cursor_.take('{') &&
                              read_items(cursor_, '}', [this] { return read_member(); }) &&
                              cursor_.is_at_end() && has_version_ && has_method_;
        return is_plain ? std::optional{std::move(request_)} : std::nullopt;
    }

  private:
    bool read_member() {
        const auto name = cursor_.string();
        if (!name || !cursor_.take(':')) return false;
        if (*name == "jsonrpc") return is_first(has_version_) && cursor_.string() == "2.0";
        if (*name == "method") return is_first(has_method_) && read_method();
        if (*name == "id") return is_first(request_.envelope.wants_reply) && read_id();
        return *name == "params" && is_first(has_params_) && read_params();
    }

    static bool is_first(bool& has_one) { return !std::exchange(has_one, true); }

    bool read_method() {
        const auto method = cursor_.string();
        if (method) request_.method = *method;
        return method.has_value();
    }

    // Repeated byte for byte.
    bool read_id() {
        const char first = cursor_.peek();
        const auto* const begin = cursor_.at();
        const bool is_plain = first == '"' ? cursor_.string().has_value()
                                           : is_digit(first) && cursor_.integer().has_value();
        if (is_plain) request_.envelope.id.assign(begin, cursor_.at());
        return is_plain;
    }

    bool read_params() {
        request_.by_position = cursor_.peek() == '[';
        request_.params.reserve(kParamsExpected);
        if (cursor_.take('[')) return read_items(cursor_, ']', [this] { return add_param({}); });
        return cursor_.take('{') && read_items(cursor_, '}', [this] {
                   const auto name = cursor_.string();
                   return name && cursor_.take(':') && add_param(*name);
               });
    }

    bool add_param(std::string_view name) {
        if (request_.params.size() >= limits::kParams) return false;
        auto& param = request_.params.emplace_back();
        param.name = name;
        return read_value(cursor_, param.value);
    }

    static constexpr std::size_t kParamsExpected = 4;

    Cursor cursor_;
    Request request_{{true, false, "null"}, {}, false, {}};
    bool has_version_ = false;
    bool has_method_ = false;
    bool has_params_ = false;
};

}  // namespace

std::optional<Request> read_plain_request(std::string_view text) {
    return PlainReader{text}.read();
}

}  // namespace ticketd::net
