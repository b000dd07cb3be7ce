// Assertions that stay on in release builds: a broken invariant stops the process before it can
// answer anybody with a lie. Recovery then starts from what is on disk.
#pragma once

#include <cstdio>
#include <cstdlib>

/// Aborts with the condition and its place if `condition` is false. Not for bad input or a failing
/// environment: those are values and errors.
#define TICKETD_CHECK(condition)                                                         \
    do {                                                                                 \
        if (!(condition)) {                                                              \
            std::fprintf(stderr, "broken invariant: %s (%s:%d)\n", #condition, __FILE__, \
                         __LINE__);                                                      \
            std::abort();                                                                \
        }                                                                                \
    } while (false)
