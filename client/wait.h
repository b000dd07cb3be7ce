// Waiting for a descriptor until a deadline, or until something interrupts. Deadlines are on
// CLOCK_MONOTONIC: a clock that is set back makes nobody wait longer.
// Thread-safe, no state.
#pragma once

#include <chrono>
#include <cstdint>

#include "client/descriptor.h"

namespace ticketd::client {

using Clock = std::chrono::steady_clock;
using Deadline = Clock::time_point;

/// Until when a caller is willing to wait, and the descriptor that ends its patience sooner by
/// becoming readable (a signalfd in ticket-client; none by default). A deadline alone converts.
struct Patience {
    Patience(Deadline until, int interrupting_fd = -1)  // NOLINT(google-explicit-constructor)
        : deadline(until), interrupt_fd(interrupting_fd) {}

    Deadline deadline;
    int interrupt_fd;
};

enum class Waited : std::uint8_t { kReady, kTimedOut, kInterrupted };

/// Waits until poll(2) reports one of `events`, or an error, on `fd`.
Waited wait_for(int fd, short events, const Patience& patience);

/// Sleeps for `time`, or less if the patience ends first; kReady if all of `time` has passed.
Waited pause_for(Clock::duration time, const Patience& patience);

/// A descriptor, and what is waited for there, of epoll(7): errors and hang-ups always are.
struct Awaited {
    int descriptor;
    std::uint32_t events;
};

/// Readable once one of them has come, as interrupt_fd for both; not open if the kernel has no more
/// of these. One that is below zero, or that nobody can wait for, such as a file, does not count.
Descriptor either_of(Awaited one, Awaited other);

}  // namespace ticketd::client
