// Assertions that stay on in release builds, and the last words of a process that must stop: a
// broken invariant ends it before it can answer anybody with a lie. Recovery then starts from the
// disk.
#pragma once

#include <poll.h>
#include <unistd.h>

#include <cstdlib>
#include <string_view>

namespace ticketd {

/// True if a line can be written to stderr without waiting for whoever reads it.
inline bool can_write_to_stderr() {
    pollfd state{STDERR_FILENO, POLLOUT, 0};
    return ::poll(&state, 1, 0) == 1 && (state.revents & POLLOUT) != 0;
}

/// Writes a line to stderr, or nothing if that would have to wait: a process that must stop stops,
/// even if nobody reads what it says. Takes no lock and no memory.
inline void write_last_line(std::string_view line) {
    if (can_write_to_stderr()) {
        static_cast<void>(!::write(STDERR_FILENO, line.data(), line.size()));
    }
}

[[noreturn]] inline void stop_for_broken_invariant(std::string_view line) {
    write_last_line(line);
    std::abort();
}

}  // namespace ticketd

#define TICKETD_TEXT_(value) #value
#define TICKETD_TEXT(value) TICKETD_TEXT_(value)

/// Aborts with the condition and its place if `condition` is false. Not for bad input or a failing
/// environment: those are values and errors.
#define TICKETD_CHECK(condition)                                                               \
    do {                                                                                       \
        if (!(condition)) {                                                                    \
            ::ticketd::stop_for_broken_invariant("broken invariant: " #condition " (" __FILE__ \
                                                 ":" TICKETD_TEXT(__LINE__) ")\n");            \
        }                                                                                      \
    } while (false)
