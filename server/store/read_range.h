// Reading a file of the store in a way that a piece that could not be had never passes for the end
// of the file: what is taken for the end of the journal is cut off.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "server/platform/file.h"

namespace ticketd::store {

/// Fills `buffer` from `offset` on; how many bytes, fewer only where the file ends. Throws
/// StoreUnavailable on a read error, or if nothing more comes before that end. A daemon that uses
/// the file may cut it, or let it grow, meanwhile.
std::size_t read_range(platform::File& file, const std::string& name, std::span<char> buffer,
                       std::uint64_t offset);

/// The same as a string of at most `length` bytes.
std::string read_range(platform::File& file, const std::string& name, std::uint64_t offset,
                       std::size_t length);

}  // namespace ticketd::store
