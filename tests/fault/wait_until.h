// Waiting for what can be seen, but does not tell of itself.
#pragma once

#include <doctest/doctest.h>

#include <chrono>

#include "client/wait.h"
#include "tests/support/process.h"

namespace ticketd::testing {

/// Looks again and again whether `holds()`; ends the test if it does not within kPatience.
template <typename Condition>
void wait_until(Condition holds) {
    const client::Deadline deadline = client::Clock::now() + kPatience;
    while (!holds()) {
        REQUIRE(client::Clock::now() < deadline);
        client::pause_for(std::chrono::milliseconds{5}, deadline);
    }
}

}  // namespace ticketd::testing
