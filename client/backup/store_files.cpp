#include "client/backup/store_files.h"

namespace ticketd::client {
namespace {

constexpr std::uint64_t kFormatVersion = 6;
constexpr std::size_t kVersionOffset = 8;
constexpr std::size_t kStoreIdOffset = 16;
constexpr std::size_t kSegmentOffset = 32;
constexpr std::size_t kFirstKeyRunOffset = 80;

std::string numbered(std::string_view prefix, std::uint64_t number) {
    constexpr std::size_t kDigits = 10;
    const auto digits = std::to_string(number);
    std::string name{prefix};
    if (digits.size() < kDigits) name.append(kDigits - digits.size(), '0');
    return name + digits;
}

// Little-endian, `size` bytes.
std::uint64_t number_at(std::string_view bytes, std::size_t offset, std::size_t size) {
    std::uint64_t number = 0;
    for (std::size_t i = size; i > 0; --i)
        number = number << 8U | static_cast<unsigned char>(bytes[offset + i - 1]);
    return number;
}

std::string_view magic_of(FileKind kind) {
    switch (kind) {
        case FileKind::kCheckpoint: return "TKTDCKPT";
        case FileKind::kKeyRun: return "TKTDKEYS";
        case FileKind::kOrderRun: return "TKTDORDR";
        case FileKind::kSegment: return "TKTDJRNL";
    }
    return {};
}

}  // namespace

std::string segment_file(std::uint64_t number) {
    return numbered("journal-", number);
}

std::string key_run_file(std::uint64_t segment) {
    return numbered("keys-", segment);
}

std::string order_run_file(std::uint64_t segment) {
    return numbered("orders-", segment);
}

// Each covers as many segments as the lowest bit of its number says.
std::vector<std::uint64_t> order_runs_up_to(std::uint64_t segment) {
    std::vector<std::uint64_t> segments;
    for (; segment > 0; segment &= segment - 1)
        segments.push_back(segment);
    return segments;
}

std::optional<std::string> problem_with_head(std::string_view head, FileKind kind,
                                             std::string_view store_id) {
    if (head.size() < kFileHeadBytes || !head.starts_with(magic_of(kind))) {
        return "not a file of this kind, or cut short";
    }
    const auto version = number_at(head, kVersionOffset, 4);
    if (version != kFormatVersion) {
        return "format version " + std::to_string(version) + ", this program knows " +
               std::to_string(kFormatVersion);
    }
    if (head.substr(kStoreIdOffset, store_id.size()) != store_id) {
        return "not of the store that the daemon has; is its data directory another one here?";
    }
    return std::nullopt;
}

std::optional<CheckpointHead> read_checkpoint_head(std::string_view bytes) {
    if (bytes.size() < kFirstKeyRunOffset + 8) return std::nullopt;
    return CheckpointHead{number_at(bytes, kSegmentOffset, 8),
                          number_at(bytes, kFirstKeyRunOffset, 8)};
}

}  // namespace ticketd::client
