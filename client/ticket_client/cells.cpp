#include "client/ticket_client/cells.h"

#include "client/point_in_time.h"
#include "client/streams.h"
#include "client/translate.h"

namespace ticketd::client {
namespace {

// 1, 2, 3, 7 become "1-3, 7". Nothing if there is anything but numbers in it.
std::optional<std::string> ranges(const Json& numbers) {
    std::string text;
    for (std::size_t i = 0; i < numbers.size();) {
        if (!numbers[i].is_number_unsigned()) return std::nullopt;
        const auto first = numbers[i].get<std::uint64_t>();
        auto last = first;
        for (++i; i < numbers.size() && numbers[i] == last + 1; ++i)
            ++last;
        if (!text.empty()) text += ", ";
        text += std::to_string(first);
        if (last != first) text += '-' + std::to_string(last);
    }
    return text;
}

// Nothing if there is anything but strings in it.
std::optional<std::string> sentences(const Json& strings) {
    std::string text;
    for (const auto& value : strings) {
        if (!value.is_string()) return std::nullopt;
        if (!text.empty()) text += "; ";
        text += printable(value.get_ref<const std::string&>());
    }
    return text;
}

// Members that are times, which people do not read in milliseconds. A window's 0 is no time.
bool is_time(std::string_view name) {
    return name == "time_ms" || name == "changed_ms" || name == "opens_ms" || name == "closes_ms" ||
           name == "expires_ms";
}

// Members whose values are words of ours, not of those who buy.
bool is_word(std::string_view name) {
    return name == "state" || name == "type" || name == "line" || name == "buyers" ||
           name == "bind";
}

}  // namespace

std::optional<std::uint64_t> number_in(const Json& object, const char* name) {
    const auto found = object.find(name);
    if (found == object.end() || !found->is_number_unsigned()) return std::nullopt;
    return found->get<std::uint64_t>();
}

bool has_word(const Json& object, const char* name, std::string_view word) {
    const auto found = object.find(name);
    return found != object.end() && found->is_string() && *found == word;
}

std::string cell(const Json& value) {
    if (value.is_string()) return printable(value.get_ref<const std::string&>());
    if (value.is_null()) return "-";
    if (value.is_boolean()) return tr(value == true ? "true" : "false");
    if (value.is_array()) {
        if (value.empty()) return "-";
        if (auto text = ranges(value)) return *std::move(text);
        if (auto text = sentences(value)) return *std::move(text);
    }
    return printable(value.dump());
}

std::string word_cell(const Json& value) {
    return value.is_string() ? printable(tr(value.get_ref<const std::string&>().c_str()))
                             : cell(value);
}

std::string member_cell(std::string_view name, const Json& value) {
    constexpr std::uint64_t kYear10000 = 253'402'300'800'000;
    if (is_word(name)) return word_cell(value);
    if (!is_time(name) || !value.is_number_unsigned() || value >= kYear10000) return cell(value);
    return value == 0 ? "-" : time_text(value.get<std::int64_t>());
}

std::string label(std::string_view name) {
    const std::string plain{is_time(name) ? name.substr(0, name.size() - 3) : name};
    return printable(tr(plain.c_str()));
}

}  // namespace ticketd::client
