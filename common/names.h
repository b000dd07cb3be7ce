// Which words a request may use as a name, a key or a memo. Thread-safe, no state.
#pragma once

#include <string_view>

namespace ticketd {

/// 1 to 64 characters of A-Z a-z 0-9 . _ : -, so that a name needs no quoting in a shell, a log
/// line or a file name.
bool is_event_name(std::string_view text);

/// 1 to 128 printable ASCII characters without blanks.
bool is_key(std::string_view text);

/// At most 256 bytes without control characters. The caller has checked that it is UTF-8.
bool is_memo(std::string_view text);

}  // namespace ticketd
