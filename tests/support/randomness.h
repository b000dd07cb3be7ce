// How long and how random a test is, as the environment says.
#pragma once

#include <cstdint>

namespace ticketd::testing {

/// TICKETD_SCALE, a factor; 1 if it is not set.
double scale();
/// `count` so many times, but a third as often under a sanitizer; at least 1.
unsigned scaled(unsigned count);

/// The seed of a random test: TICKETD_SEED, or a new one. Printed, so that a failure can be had
/// again.
std::uint64_t test_seed();

}  // namespace ticketd::testing
