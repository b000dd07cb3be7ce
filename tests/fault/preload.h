// Whether a library of ours may be loaded into the daemon before all others.
#pragma once

#include <doctest/doctest.h>

namespace ticketd::testing {

/// False, and said so, under a sanitizer, whose own library wants that place.
inline bool can_preload() {
#ifdef TICKETD_SANITIZED
    MESSAGE("SKIPPED: a sanitizer's library wants to be loaded first");
    return false;
#else
    return true;
#endif
}

}  // namespace ticketd::testing
