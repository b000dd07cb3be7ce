// Small files that are only ever replaced as a whole: written aside, synced, renamed, directory
// synced, so that there is always exactly one whole version. Each begins with eight bytes of magic
// and the format version and ends with the checksum of everything before.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

#include "server/platform/file.h"

namespace ticketd::store {

/// Durable on success. On an error the old version is still there, or the new one.
[[nodiscard]] std::error_code write_whole_file(platform::Directory& directory,
                                               const std::string& name,
                                               const std::string& name_aside,
                                               std::string_view image);

/// More than the largest checkpoint (100 000 events and holds) and the keys of the fullest segment
/// need.
inline constexpr std::uint64_t kWholeFileBytesMax = 32 * 1024 * 1024;

/// Throws StoreDamaged if the file is missing or longer than that, StoreUnavailable if it cannot be
/// read.
std::string read_whole_file(platform::Directory& directory, const std::string& name);

/// Checks magic, version and checksum; what is left of `image` without the checksum, at least
/// `min_bytes`. Throws StoreDamaged.
std::string_view check_whole_file(std::string_view image, const std::string& name,
                                  std::string_view magic, std::size_t min_bytes);

/// "PREFIX0000000001", and the way back.
std::string numbered_name(std::string_view prefix, std::uint64_t number);
std::optional<std::uint64_t> number_in_name(std::string_view prefix, std::string_view file_name);

}  // namespace ticketd::store
