#include "server/store/whole_file.h"

#include <charconv>

#include "server/store/bytes.h"
#include "server/store/checksum.h"
#include "server/store/journal_format.h"
#include "server/store/read_range.h"
#include "server/store/store_error.h"

namespace ticketd::store {
namespace {

// The sync of a group waits behind what the disk is given before it: 5.5 MB at once, the checkpoint
// of 100 000 events, held one up for 12 ms.
constexpr std::size_t kPieceBytes = std::size_t{256} * 1024;

std::error_code write_durably(platform::File& file, std::string_view image) {
    for (std::size_t done = 0; done < image.size(); done += kPieceBytes) {
        if (auto error = file.write_at(image.substr(done, kPieceBytes), done)) return error;
        if (auto error = file.sync_data()) return failed_sync(error);
    }
    return {};
}

}  // namespace

std::error_code write_whole_file(platform::Directory& directory, const std::string& name,
                                 const std::string& name_aside, std::string_view image) {
    static_cast<void>(directory.remove(name_aside));  // left behind by a crash
    auto made = directory.open(name_aside, platform::OpenMode::kCreateNew);
    if (made.error) return made.error;
    if (auto error = write_durably(*made.file, image)) return error;
    if (auto error = directory.rename(name_aside, name)) return error;
    if (auto error = directory.sync()) return failed_sync(error);
    return {};
}

std::string read_whole_file(platform::Directory& directory, const std::string& name) {
    auto opened = directory.open(name, platform::OpenMode::kReadOnly);
    if (opened.error == std::errc::no_such_file_or_directory) {
        throw StoreDamaged(name, 0, "missing");
    }
    require(opened.error, name);
    const auto size = opened.file->size();
    require(size.error, name);
    if (size.bytes > kWholeFileBytesMax) throw StoreDamaged(name, size.bytes, "far too long");
    return read_range(*opened.file, name, 0, size.bytes);
}

std::string_view check_whole_file(std::string_view image, const std::string& name,
                                  std::string_view magic, std::size_t min_bytes) {
    if (image.size() < min_bytes + 4 || !image.starts_with(magic)) {
        throw StoreDamaged(name, 0, "not a file of this kind, or cut short");
    }
    const auto version = number_at<std::uint32_t>(image, 8);
    if (version != kFormatVersion) {
        throw StoreDamaged(name, 8,
                           "format version " + std::to_string(version) + ", this program knows " +
                               std::to_string(kFormatVersion));
    }
    const auto rest = image.substr(0, image.size() - 4);
    if (crc32c(rest) != number_at<std::uint32_t>(image, rest.size())) {
        throw StoreDamaged(name, rest.size(), "checksum mismatch");
    }
    return rest;
}

std::string numbered_name(std::string_view prefix, std::uint64_t number) {
    constexpr std::size_t kDigits = 10;
    const auto digits = std::to_string(number);
    std::string name{prefix};
    if (digits.size() < kDigits) name.append(kDigits - digits.size(), '0');
    return name + digits;
}

std::optional<std::uint64_t> number_in_name(std::string_view prefix, std::string_view file_name) {
    if (!file_name.starts_with(prefix)) return std::nullopt;
    const auto digits = file_name.substr(prefix.size());
    std::uint64_t number = 0;
    const auto* last = digits.data() + digits.size();
    const auto [end, error] = std::from_chars(digits.data(), last, number);
    if (error != std::errc{} || end != last || numbered_name(prefix, number) != file_name) {
        return std::nullopt;
    }
    return number;
}

}  // namespace ticketd::store
