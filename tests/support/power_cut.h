// What a power cut may do to bytes and names that were not synced: ways to answer what a DiskImage
// asks (disk_image.h).
#pragma once

#include <cstdint>
#include <functional>

#include "tests/support/disk_image.h"

namespace ticketd::tests {

Choose all_lost();
Choose all_kept();
/// What was done up to this step is kept, in order, and nothing after it.
Choose kept_until(std::uint64_t step);
/// Sizes and names are kept, bytes are lost: files that grew without their data.
Choose grown_without_data();
/// Bytes and sizes are kept, names are lost.
Choose names_lost();
/// Each sector, size and name on its own, by chance; now and then junk in a sector.
Choose torn(std::uint64_t seed);

/// Calls `visit` with disks that a power cut may leave of this one: all there are if those are at
/// most `every`, else those of every way above, with `by_chance` torn ones. What becomes of files
/// that `is_left_to_chance` names is always chosen by chance, and does not multiply the rest.
void visit_power_cuts(const DiskImage& image, std::size_t every, std::size_t by_chance,
                      std::uint64_t seed,
                      const std::function<bool(const std::string& name)>& is_left_to_chance,
                      const std::function<void(const DiskImage&)>& visit);

}  // namespace ticketd::tests
