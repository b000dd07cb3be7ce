// The clock that a history's times come from, the same in all processes of one machine.
#pragma once

#include <chrono>
#include <cstdint>

namespace ticketd::testing {

inline std::int64_t monotonic_ns() {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(
               std::chrono::steady_clock::now().time_since_epoch())
        .count();
}

}  // namespace ticketd::testing
