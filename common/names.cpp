#include "common/names.h"

#include <algorithm>

#include "common/limits.h"

namespace ticketd {

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

bool is_memo(std::string_view text) {
    const auto is_control = [](char c) { return static_cast<unsigned char>(c) < ' ' || c == 0x7f; };
    return text.size() <= limits::kMemoBytes && std::none_of(text.begin(), text.end(), is_control);
}

}  // namespace ticketd
