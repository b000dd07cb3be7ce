#include "tests/support/raw_bytes.h"

namespace ticketd::testing {
namespace {

using namespace raw;

constexpr std::size_t kSlot = 256;
constexpr std::size_t kWindow = 192;

RawSlot read_slot(std::string_view slot, std::uint32_t number) {
    const auto fail = [number](const char* problem) {
        throw RawDamage("stock, slot " + std::to_string(number) + ": " + problem);
    };
    if (checksum(slot.substr(4)) != get<std::uint32_t>(slot, 0)) fail("wrong checksum");
    if (get<std::uint32_t>(slot, 56) != number) fail("the number of another");
    const std::size_t name = get<std::uint32_t>(slot, 60);
    if (name > kWindow - 64 || !is_zero(slot.substr(64 + name, kWindow - 64 - name)) ||
        !is_zero(slot.substr(kWindow + 40))) {
        fail("no zeros behind the name or the window");
    }
    return {get<std::uint32_t>(slot, 4),
            get<std::uint64_t>(slot, 8),
            get<std::uint64_t>(slot, 16),
            get<std::uint64_t>(slot, 24),
            get<std::uint64_t>(slot, 32),
            get<std::uint64_t>(slot, 40),
            get<std::uint64_t>(slot, 48),
            std::string{slot.substr(64, name)},
            get<std::int64_t>(slot, kWindow),
            get<std::int64_t>(slot, kWindow + 8),
            get<std::uint64_t>(slot, kWindow + 16),
            get<std::uint64_t>(slot, kWindow + 24),
            get<std::uint64_t>(slot, kWindow + 32)};
}

}  // namespace

std::vector<RawSlot> read_raw_slots(const std::string& directory,
                                    const std::string& segment_header) {
    const auto bytes = read_whole(directory + "/stock");
    const std::string_view header = std::string_view{bytes}.substr(0, kBlock);
    const bool sound = header.size() == kBlock && header.starts_with("TKTDSTCK") &&
                       header.substr(8, 4) == std::string_view{segment_header}.substr(8, 4) &&
                       get<std::uint32_t>(header, 12) == kSlot &&
                       get<std::uint64_t>(header, 16) == kBlock &&
                       header.substr(24, 16) == std::string_view{segment_header}.substr(16, 16) &&
                       get<std::uint32_t>(header, 40) == checksum(header.substr(0, 40)) &&
                       is_zero(header.substr(44));
    if (!sound) throw RawDamage("stock at 0: not the header of this store");
    std::vector<RawSlot> slots;
    for (auto rest = std::string_view{bytes}.substr(kBlock); rest.size() >= kSlot && !is_zero(rest);
         rest.remove_prefix(kSlot)) {
        slots.push_back(read_slot(rest.substr(0, kSlot), static_cast<std::uint32_t>(slots.size())));
    }
    return slots;
}

}  // namespace ticketd::testing
