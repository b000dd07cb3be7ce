#include "tests/support/randomness.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <random>

#include "tests/support/sanitized.h"

namespace ticketd::testing {

double scale() {
    const char* text = std::getenv("TICKETD_SCALE");  // NOLINT(concurrency-mt-unsafe)
    return text == nullptr ? 1.0 : std::strtod(text, nullptr);
}

unsigned scaled(unsigned count) {
    return std::max(1U, static_cast<unsigned>(count * scale() / (kIsSanitized ? 3 : 1)));
}

std::uint64_t test_seed() {
    const char* given = std::getenv("TICKETD_SEED");  // NOLINT(concurrency-mt-unsafe)
    const auto seed = given == nullptr ? std::random_device{}() : std::strtoull(given, nullptr, 10);
    MESSAGE("TICKETD_SEED=" << seed);
    return seed;
}

}  // namespace ticketd::testing
