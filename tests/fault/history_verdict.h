// What the tests of the checker say of a made-up history.
#pragma once

#include <doctest/doctest.h>

#include <string>

#include "tests/fault/history_scene.h"

namespace ticketd::testing {

/// Fails unless the checker finds what holds `text`.
inline void check_rejected(const Scene& scene, const std::string& text) {
    const auto problems = check_history(scene.history, scene.entries);
    std::string all;
    for (const auto& problem : problems)
        all += problem + "\n";
    CAPTURE(all);
    CAPTURE(text);
    CHECK(all.find(text) != std::string::npos);
}

inline void check_accepted(const Scene& scene) {
    for (const auto& problem : check_history(scene.history, scene.entries))
        FAIL_CHECK(problem);
}

}  // namespace ticketd::testing
