// What the two halves of the raw reader share: numbers, CRC-32C and whole files. Written anew on
// purpose, see raw_ledger.h.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "tests/support/raw_ledger.h"

namespace ticketd::testing::raw {

inline constexpr std::size_t kBlock = 4096;

inline constexpr std::array<std::uint32_t, 256> kTable = [] {
    std::array<std::uint32_t, 256> table{};
    for (std::uint32_t i = 0; i < table.size(); ++i) {
        auto value = i;
        for (int bit = 0; bit < 8; ++bit)
            value = (value & 1U) != 0 ? (value >> 1U) ^ 0x82F63B78U : value >> 1U;
        table[i] = value;
    }
    return table;
}();

inline std::uint32_t checksum(std::string_view bytes, std::uint32_t seed = 0) {
    auto value = ~seed;
    for (const char c : bytes)
        value = (value >> 8U) ^ kTable[(value ^ static_cast<unsigned char>(c)) & 0xffU];
    return ~value;
}

template <typename Number>
Number get(std::string_view bytes, std::size_t offset) {
    Number number = 0;
    std::memcpy(&number, bytes.substr(offset, sizeof number).data(), sizeof number);
    return number;  // the tests run where the daemon does, on little-endian machines
}

inline bool is_zero(std::string_view bytes) {
    return bytes.find_first_not_of('\0') == std::string_view::npos;
}

inline std::string read_whole(const std::string& path) {
    std::ifstream stream{path, std::ios::binary};
    if (!stream) throw RawDamage(path + ": cannot be opened");
    std::string bytes(std::filesystem::file_size(path), '\0');
    stream.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    bytes.resize(static_cast<std::size_t>(stream.gcount()));
    return bytes;
}

}  // namespace ticketd::testing::raw
