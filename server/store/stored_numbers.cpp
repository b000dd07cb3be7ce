#include "server/store/stored_numbers.h"

#include "common/check.h"
#include "common/limits.h"
#include "server/store/bytes.h"

namespace ticketd::store {
namespace {

constexpr std::size_t kFixedBytes = 10;
constexpr std::size_t kBitsPerByte = 8;
constexpr std::size_t kBytesMax = limits::kQuantity / kBitsPerByte;
static_assert(limits::kQuantity % kBitsPerByte == 0);

bool bit_at(std::string_view bits, std::size_t index) {
    const auto byte = static_cast<unsigned char>(bits[index / kBitsPerByte]);
    return (byte >> (index % kBitsPerByte) & 1U) != 0;
}

// The first number is there, and no byte behind the last one.
bool has_one_form(std::uint64_t first, std::string_view bits) {
    if (bits.empty()) return first == 0;
    return first >= 1 && first <= limits::kInteger && bits.size() <= kBytesMax && bit_at(bits, 0) &&
           bits.back() != '\0';
}

}  // namespace

void append_numbers(std::string& out, const box_office::TicketNumbers& numbers) {
    const auto first = numbers.empty() ? 0 : numbers.front();
    const auto bits = numbers.empty() ? 0 : numbers.back() - first + 1;
    TICKETD_CHECK(bits <= limits::kQuantity);
    std::string bytes((bits + kBitsPerByte - 1) / kBitsPerByte, '\0');
    for (const auto number : numbers) {
        auto& byte = bytes[(number - first) / kBitsPerByte];
        byte = static_cast<char>(static_cast<unsigned char>(byte) |
                                 1U << ((number - first) % kBitsPerByte));
    }
    append_number<std::uint64_t>(out, first);
    append_number<std::uint16_t>(out, static_cast<std::uint16_t>(bytes.size()));
    out += bytes;
}

std::optional<box_office::TicketNumbers> take_numbers(std::string_view& bytes) {
    if (bytes.size() < kFixedBytes) return std::nullopt;
    const auto first = number_at<std::uint64_t>(bytes, 0);
    const std::size_t size = number_at<std::uint16_t>(bytes, 8);
    if (bytes.size() < kFixedBytes + size) return std::nullopt;
    const auto bits = bytes.substr(kFixedBytes, size);
    if (!has_one_form(first, bits)) return std::nullopt;
    box_office::TicketNumbers numbers;
    for (std::size_t i = 0; i < bits.size() * kBitsPerByte; ++i) {
        if (bit_at(bits, i)) numbers.push_back(first + i);
    }
    bytes.remove_prefix(kFixedBytes + size);
    return numbers;
}

}  // namespace ticketd::store
