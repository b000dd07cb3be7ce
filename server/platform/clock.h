// The time of day, and time that only passes, behind a seam so that tests can turn both.
#pragma once

#include <time.h>

#include <chrono>

namespace ticketd::platform {

using WallTime = std::chrono::time_point<std::chrono::system_clock, std::chrono::milliseconds>;

class Clock {
  public:
    Clock() = default;
    Clock(const Clock&) = delete;
    Clock& operator=(const Clock&) = delete;
    virtual ~Clock() = default;

    /// Milliseconds since 1970; may jump in either direction.
    virtual WallTime now() const = 0;

    /// Since some start, suspended or not (CLOCK_BOOTTIME); never goes back, and nobody can set it.
    virtual std::chrono::milliseconds elapsed() const = 0;
};

class SystemClock final : public Clock {
  public:
    WallTime now() const override {
        return std::chrono::time_point_cast<std::chrono::milliseconds>(
            std::chrono::system_clock::now());
    }

    std::chrono::milliseconds elapsed() const override {
        timespec now{};
        ::clock_gettime(CLOCK_BOOTTIME, &now);
        return std::chrono::milliseconds{std::int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1'000'000};
    }
};

}  // namespace ticketd::platform
