// The time of day, and time that only passes, behind a seam so that tests can turn both.
// Thread-safe.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

namespace ticketd::platform {

using WallTime = std::chrono::time_point<std::chrono::system_clock, std::chrono::milliseconds>;

/// One instant, by both clocks.
struct Instant {
    /// Milliseconds since 1970; may jump in either direction.
    WallTime wall;
    /// Since some start, suspended or not (CLOCK_BOOTTIME); never goes back, and nobody can set it.
    std::chrono::milliseconds elapsed{0};
};

class Clock {
  public:
    Clock() = default;
    Clock(const Clock&) = delete;
    Clock& operator=(const Clock&) = delete;
    virtual ~Clock() = default;

    /// Until somebody sets the time of day, both go on at the same instants: whoever adds the same
    /// time to both has it end on both at once.
    virtual Instant read() const = 0;

    WallTime now() const { return read().wall; }
    std::chrono::milliseconds elapsed() const { return read().elapsed; }
};

/// The machine's. What it tells of the time of day is never ahead of that, and less than two
/// milliseconds behind.
class SystemClock final : public Clock {
  public:
    SystemClock();
    Instant read() const override;

  private:
    std::chrono::milliseconds look_at_elapsed() const;

    std::chrono::nanoseconds phase_;  // makes milliseconds of both begin together
    mutable std::atomic<std::int64_t> wall_ahead_ms_;
};

}  // namespace ticketd::platform
