#include "server/platform/clock.h"

#include <time.h>

namespace ticketd::platform {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;

nanoseconds look_at(clockid_t clock) {
    timespec now{};
    ::clock_gettime(clock, &now);
    return std::chrono::seconds{now.tv_sec} + nanoseconds{now.tv_nsec};
}

milliseconds look_at_wall() {
    return std::chrono::floor<milliseconds>(look_at(CLOCK_REALTIME));
}

}  // namespace

SystemClock::SystemClock() {
    // The time of day first, so that what is told of it later is not ahead.
    const auto wall = look_at(CLOCK_REALTIME);
    const auto behind = wall - look_at(CLOCK_BOOTTIME);
    phase_ = behind - std::chrono::floor<milliseconds>(behind);
    wall_ahead_ms_ = std::chrono::floor<milliseconds>(behind).count();
}

milliseconds SystemClock::look_at_elapsed() const {
    return std::chrono::floor<milliseconds>(look_at(CLOCK_BOOTTIME) + phase_);
}

Instant SystemClock::read() const {
    milliseconds elapsed{}, wall{};
    do {
        elapsed = look_at_elapsed();
        wall = look_at_wall();
    } while (look_at_elapsed() - elapsed > milliseconds{1});  // held up on the way: once more
    const auto ahead = (wall - elapsed).count();
    auto known = wall_ahead_ms_.load(std::memory_order_relaxed);
    // A millisecond may have begun between the two looks; anything else was set.
    if (ahead != known && ahead != known + 1) {
        wall_ahead_ms_.store(ahead, std::memory_order_relaxed);
        known = ahead;
    }
    return {WallTime{elapsed + milliseconds{known}}, elapsed};
}

}  // namespace ticketd::platform
