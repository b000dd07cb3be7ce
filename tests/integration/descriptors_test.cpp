// Out of file descriptors: accepting pauses without spinning, and goes on when there are some
// again.
#include <doctest/doctest.h>
#include <unistd.h>

#include "client/wait.h"
#include "tests/support/hostile.h"

namespace ticketd::testing {
namespace {

TEST_SUITE_BEGIN("descriptors");

TEST_CASE("without descriptors the daemon waits without spinning, and recovers") {
    DaemonOptions options;
    options.arguments = {"--event", "demo=5"};
    options.process.nofile = 60;
    Daemon daemon{options};
    daemon.start();
    auto first = daemon.connect();
    CHECK(first.result("ping").is_object());
    {
        std::vector<Rpc> crowd;
        for (int i = 0; i < 100; ++i)
            crowd.push_back(daemon.connect());
        REQUIRE(daemon.process().wait_for_error("cannot accept connections now"));
        CHECK(first.result("purchase")["granted"] == 1);
        const auto before = usage_of(daemon.pid()).cpu;
        // A stretch of time to measure over, not an event to wait for.
        client::pause_for(std::chrono::seconds{2}, client::Clock::now() + kPatience);
        const auto used = usage_of(daemon.pid()).cpu - before;
        MESSAGE("CPU time in two seconds: " << used.count() << " ms");
        CHECK(used < std::chrono::milliseconds{400});
    }
    CHECK(daemon.connect().result("query")["sold"] == 1);
    std::size_t lines = 0;
    for (auto at = daemon.log().find("cannot accept"); at != std::string::npos;
         at = daemon.log().find("cannot accept", at + 1))
        ++lines;
    CHECK(lines <= 2);
}

TEST_SUITE_END();

}  // namespace
}  // namespace ticketd::testing
