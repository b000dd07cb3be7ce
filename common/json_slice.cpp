#include "common/json_slice.h"

namespace ticketd {
namespace {

constexpr std::string_view kBlanks = " \t\r\n";

std::string_view skip_blanks(std::string_view text) {
    const auto first = text.find_first_not_of(kBlanks);
    return first == std::string_view::npos ? std::string_view{} : text.substr(first);
}

// Length of the string literal at the front of `text`, with its quotes.
std::size_t string_length(std::string_view text) {
    for (std::size_t at = 1; at < text.size(); ++at) {
        if (text[at] == '\\') {
            ++at;
        } else if (text[at] == '"') {
            return at + 1;
        }
    }
    return text.size();
}

// Length of the value at the front of `text`.
std::size_t value_length(std::string_view text) {
    if (text.empty()) return 0;
    if (text[0] == '"') return string_length(text);
    if (text[0] != '{' && text[0] != '[') {
        const auto end = text.find_first_of(",]} \t\r\n");
        return end == std::string_view::npos ? text.size() : end;
    }
    std::size_t depth = 0;
    for (std::size_t at = 0; at < text.size(); ++at) {
        const char c = text[at];
        if (c == '"') {
            at += string_length(text.substr(at)) - 1;
        } else if (c == '{' || c == '[') {
            ++depth;
        } else if ((c == '}' || c == ']') && --depth == 0) {
            return at + 1;
        }
    }
    return text.size();
}

}  // namespace

JsonSlice::JsonSlice(std::string_view text) : rest_(skip_blanks(text)) {
    is_object_ = rest_.starts_with('{');
    const bool has_items = is_object_ || rest_.starts_with('[');
    rest_ = has_items ? skip_blanks(rest_.substr(1)) : std::string_view{};
}

std::optional<JsonSlice::Item> JsonSlice::next() {
    if (rest_.empty() || rest_[0] == '}' || rest_[0] == ']') return std::nullopt;
    Item item;
    if (is_object_) {
        const auto length = string_length(rest_);
        if (rest_[0] != '"' || length < 2) return std::nullopt;
        item.name = rest_.substr(1, length - 2);
        rest_ = skip_blanks(rest_.substr(length));
        if (rest_.empty()) return std::nullopt;
        rest_ = skip_blanks(rest_.substr(1));  // the colon
    }
    item.value = rest_.substr(0, value_length(rest_));
    if (item.value.empty()) return std::nullopt;
    rest_ = skip_blanks(rest_.substr(item.value.size()));
    if (rest_.starts_with(',')) rest_ = skip_blanks(rest_.substr(1));
    return item;
}

std::optional<std::string_view> member_text(std::string_view object, std::string_view name) {
    if (!skip_blanks(object).starts_with('{')) return std::nullopt;
    JsonSlice slice{object};
    while (const auto item = slice.next()) {
        if (item->name == name) return item->value;
    }
    return std::nullopt;
}

}  // namespace ticketd
