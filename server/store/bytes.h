// Little-endian numbers in byte strings: the only way the store's formats are written and read.
#pragma once

#include <array>
#include <bit>
#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>

#include "common/check.h"

namespace ticketd::store {

static_assert(std::endian::native == std::endian::little, "formats are written as they stand");

template <typename Number>
void append_number(std::string& out, std::type_identity_t<Number> number) {
    char bytes[sizeof(Number)];
    std::memcpy(bytes, &number, sizeof number);
    out.append(bytes, sizeof bytes);
}

/// Numbers one after the other in memory of their own: several times as fast as to append each to a
/// string. Precondition of put(): there is room.
template <std::size_t kBytes>
class NumberBlock {
  public:
    template <typename Number>
    void put(std::type_identity_t<Number> number) {
        TICKETD_CHECK(size_ + sizeof number <= kBytes);
        std::memcpy(bytes_.data() + size_, &number, sizeof number);
        size_ += sizeof number;
    }
    std::string_view view() const { return {bytes_.data(), size_}; }

  private:
    std::array<char, kBytes> bytes_;
    std::size_t size_ = 0;
};

/// Overwrites sizeof(Number) bytes of `out` at `offset`, which must exist.
template <typename Number>
void put_number(std::string& out, std::size_t offset, std::type_identity_t<Number> number) {
    TICKETD_CHECK(offset + sizeof number <= out.size());
    std::memcpy(out.data() + offset, &number, sizeof number);
}

/// Reads the number at `offset`; the caller has checked the length.
template <typename Number>
Number number_at(std::string_view bytes, std::size_t offset) {
    TICKETD_CHECK(offset + sizeof(Number) <= bytes.size());
    Number number;
    std::memcpy(&number, bytes.data() + offset, sizeof number);
    return number;
}

/// Whole pages of them: they are compared with themselves, one byte further, many bytes at a time.
inline bool is_all_zero(std::string_view bytes) {
    return bytes.empty() || (bytes.front() == '\0' &&
                             std::memcmp(bytes.data(), bytes.data() + 1, bytes.size() - 1) == 0);
}

}  // namespace ticketd::store
