#include "common/names.h"

#include <algorithm>
#include <bit>

#include "common/limits.h"

namespace ticketd {
namespace {

int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

bool has_control(std::string_view text) {
    return std::any_of(text.begin(), text.end(),
                       [](char c) { return static_cast<unsigned char>(c) < ' ' || c == 0x7f; });
}

}  // namespace

bool is_event_name(std::string_view text) {
    const auto allowed = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '.' || c == '_' || c == ':' || c == '-';
    };
    return !text.empty() && text.size() <= limits::kEventNameBytes &&
           std::all_of(text.begin(), text.end(), allowed);
}

bool is_key(std::string_view text) {
    return !text.empty() && text.size() <= limits::kKeyBytes &&
           std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c <= '~'; });
}

std::optional<std::int64_t> key_time_ms(std::string_view key) {
    constexpr std::string_view kShape = "tttttttt-tttt-7xxx-vxxx-xxxxxxxxxxxx";
    if (key.size() != kShape.size()) return std::nullopt;
    std::int64_t time_ms = 0;
    for (std::size_t i = 0; i < key.size(); ++i) {
        if (kShape[i] == '-' || kShape[i] == '7') {
            if (key[i] != kShape[i]) return std::nullopt;
            continue;
        }
        const int digit = hex_digit(key[i]);
        if (digit < 0 || (kShape[i] == 'v' && (digit & 0xC) != 0x8)) return std::nullopt;
        if (kShape[i] == 't') time_ms = time_ms * 16 + digit;
    }
    return time_ms;
}

bool is_buyer_name(std::string_view text) {
    return !text.empty() && text.size() <= limits::kBuyerNameBytes && !has_control(text);
}

bool is_memo(std::string_view text) {
    return text.size() <= limits::kMemoBytes && !has_control(text);
}

bool is_utf8(std::string_view text) {
    for (std::size_t at = 0; at < text.size();) {
        const auto first = static_cast<unsigned char>(text[at]);
        const auto length = static_cast<std::size_t>(std::countl_one(first));
        at += 1;
        if (length == 0) continue;
        if (length == 1 || length > 4 || at + length - 1 > text.size()) return false;
        std::uint32_t point = first & (0x7fU >> length);
        for (std::size_t i = 1; i < length; ++i, ++at) {
            const auto next = static_cast<unsigned char>(text[at]);
            if (std::countl_one(next) != 1) return false;
            point = (point << 6U) | (next & 0x3fU);
        }
        constexpr std::uint32_t kLeast[] = {0x80, 0x800, 0x10000};  // by length: no longer than due
        const bool is_surrogate = point >= 0xd800 && point <= 0xdfff;
        if (point < kLeast[length - 2] || point > 0x10ffff || is_surrogate) return false;
    }
    return true;
}

}  // namespace ticketd
