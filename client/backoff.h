// How long to wait between tries: 2 ms, then twice as long each time, at most 200 ms, each cut by a
// random part of up to a half, so that many clients that failed together do not return together.
// Not thread-safe. Does not sleep.
#pragma once

#include <chrono>
#include <cstdint>

namespace ticketd::client {

class Backoff {
  public:
    static constexpr std::chrono::microseconds kFirst{2'000};
    static constexpr std::chrono::microseconds kLongest{200'000};

    /// With equal seeds come equal pauses; the default seed is the kernel's choice.
    Backoff();
    explicit Backoff(std::uint64_t seed) : random_(seed) {}

    /// The next pause, between half its step and its step.
    std::chrono::microseconds next();

  private:
    std::uint64_t random_;
    std::chrono::microseconds step_ = kFirst;
};

}  // namespace ticketd::client
