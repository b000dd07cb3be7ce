#include "server/store/checksum.h"

#include <array>
#include <cstring>

namespace ticketd::store {
namespace {

constexpr std::uint32_t kReflectedPolynomial = 0x82F63B78;

constexpr std::array<std::uint32_t, 256> make_table() {
    std::array<std::uint32_t, 256> table{};
    for (std::uint32_t byte = 0; byte < 256; ++byte) {
        std::uint32_t rest = byte;
        for (int bit = 0; bit < 8; ++bit) {
            rest = (rest >> 1) ^ ((rest & 1) != 0 ? kReflectedPolynomial : 0);
        }
        table[byte] = rest;
    }
    return table;
}

std::uint32_t by_table(std::string_view bytes, std::uint32_t rest) {
    static constexpr auto kTable = make_table();
    for (const char c : bytes) {
        rest = kTable[(rest ^ static_cast<unsigned char>(c)) & 0xff] ^ (rest >> 8);
    }
    return rest;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) std::uint32_t by_instruction(std::string_view bytes,
                                                               std::uint32_t rest) {
    std::uint64_t wide = rest;
    while (bytes.size() >= sizeof(std::uint64_t)) {
        std::uint64_t word = 0;
        std::memcpy(&word, bytes.data(), sizeof word);
        wide = __builtin_ia32_crc32di(wide, word);
        bytes.remove_prefix(sizeof word);
    }
    rest = static_cast<std::uint32_t>(wide);
    for (const char c : bytes)
        rest = __builtin_ia32_crc32qi(rest, static_cast<unsigned char>(c));
    return rest;
}

std::uint32_t best(std::string_view bytes, std::uint32_t rest) {
    static const bool has_instruction = __builtin_cpu_supports("sse4.2") != 0;
    return has_instruction ? by_instruction(bytes, rest) : by_table(bytes, rest);
}
#else
std::uint32_t best(std::string_view bytes, std::uint32_t rest) {
    return by_table(bytes, rest);
}
#endif

}  // namespace

std::uint32_t crc32c(std::string_view bytes, std::uint32_t seed) {
    return ~best(bytes, ~seed);
}

}  // namespace ticketd::store
