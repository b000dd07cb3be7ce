// Judges a store that has just been started on a disk: is everything there that was told, nothing
// that was refused, every count right? Starts stores without their threads, so that hundreds of
// thousands can be judged.
#pragma once

#include <cstdint>
#include <string>

#include "server/store/recovery.h"
#include "tests/support/memory_directory.h"
#include "tests/support/told.h"

namespace ticketd::tests {

/// What the constructor of Store does before it starts its threads. Throws as recover() does.
store::Recovered start_store(MemoryDirectory& disk);

/// What is wrong with the store that was started, or "".
std::string problem_with(MemoryDirectory& disk, const store::Recovered& started,
                         const Expected& expected);

/// What the store's own audit says against it, or "".
std::string problem_of_audit(MemoryDirectory& disk);

/// In what two starts differ, or "".
std::string difference(const store::Recovered& first, const store::Recovered& second);

/// A number that differs (but for chance) if anything does that a start reads.
std::uint64_t digest_of(const DiskImage& image);

}  // namespace ticketd::tests
