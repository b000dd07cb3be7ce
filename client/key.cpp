#include "client/key.h"

#include <algorithm>
#include <string_view>

#include "client/random.h"

namespace ticketd::client {

std::string new_key() {
    return key_text(std::chrono::system_clock::now(), random_bytes());
}

std::string key_text(std::chrono::system_clock::time_point time,
                     const std::array<std::uint8_t, 8>& random) {
    using std::chrono::milliseconds;
    using std::chrono::nanoseconds;
    const auto since_epoch = time.time_since_epoch();
    const auto whole = std::chrono::floor<milliseconds>(since_epoch);
    const nanoseconds rest = since_epoch - whole;
    const auto unix_ms = static_cast<std::uint64_t>(whole.count());
    const auto fraction = static_cast<std::uint64_t>(rest.count()) * 4096 / 1'000'000;

    std::array<std::uint8_t, 16> bytes{};
    for (std::size_t i = 0; i < 6; ++i)
        bytes[i] = static_cast<std::uint8_t>(unix_ms >> (8 * (5 - i)));
    bytes[6] = static_cast<std::uint8_t>(0x70U | (fraction >> 8));  // version 7
    bytes[7] = static_cast<std::uint8_t>(fraction);
    std::copy(random.begin(), random.end(), bytes.begin() + 8);
    bytes[8] = static_cast<std::uint8_t>(0x80U | (bytes[8] & 0x3fU));  // variant of RFC 9562

    constexpr std::string_view kHex = "0123456789abcdef";
    std::string text;
    text.reserve(36);
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
        text += kHex[bytes[i] >> 4];
        text += kHex[bytes[i] & 15];
    }
    return text;
}

}  // namespace ticketd::client
