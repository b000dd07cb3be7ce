// Daemons that start at once on one store, or on one address: exactly one wins, the others say why
// they do not (guarantee 9).
#include <doctest/doctest.h>

#include <algorithm>

#include "tests/support/daemon.h"
#include "tests/support/randomness.h"

namespace ticketd::testing {
namespace {

using namespace std::chrono_literals;

bool is_ready(Process& process) {
    return process.wait_for_error(" ready on ", 1ms);
}

// Waits until each has either become ready or ended; the indexes of those that are ready.
std::vector<std::size_t> settle(std::vector<Process>& processes) {
    std::vector<std::size_t> ready;
    for (std::size_t settled = 0; settled < processes.size();) {
        settled = 0;
        ready.clear();
        for (std::size_t i = 0; i < processes.size(); ++i) {
            const bool ended = !processes[i].is_running();
            const bool serves = is_ready(processes[i]);
            if (serves) ready.push_back(i);
            if (serves || ended) ++settled;
        }
    }
    return ready;
}

// `sockets`: where each of them serves, if it does.
void check_one_winner(std::vector<Process>& processes, const std::vector<std::string>& sockets,
                      const std::string& reason) {
    const auto ready = settle(processes);
    REQUIRE(ready.size() == 1);
    for (std::size_t i = 0; i < processes.size(); ++i) {
        if (i == ready.front()) continue;
        CHECK(processes[i].wait() == 69);
        CHECK(processes[i].error().find(reason) != std::string::npos);
    }
    // Asked first: ThreadSanitizer may forget a signal before that (tests/support/daemon.cpp).
    Rpc winner{sockets[ready.front()]};
    CHECK(winner.result("ping").is_object());
    processes[ready.front()].kill(SIGTERM);
    CHECK(processes[ready.front()].wait() == 0);
}

TEST_SUITE_BEGIN("race");

TEST_CASE("of three daemons on one store exactly one wins, fifty times") {
    const ScratchDirectory scratch;
    for (unsigned round = 0; round < scaled(50); ++round) {
        CAPTURE(round);
        // A new store every few rounds: to create one is a race too.
        const auto store = scratch / ("store" + std::to_string(round / 5));
        std::vector<Process> processes;
        const std::vector<std::string> sockets{scratch / "0", scratch / "1", scratch / "2"};
        for (const auto& socket : sockets) {
            processes.emplace_back(std::vector<std::string>{
                TICKETD_BINARY, "--data-dir", store, "--socket", socket, "--event", "demo=5"});
        }
        check_one_winner(processes, sockets, "another ticketd owns this store");
        CHECK(run_ticketd({"--verify", store}).exit == 0);
    }
}

TEST_CASE("of three daemons on one address exactly one wins, fifty times") {
    const ScratchDirectory scratch;
    for (unsigned round = 0; round < scaled(50); ++round) {
        CAPTURE(round);
        std::vector<Process> processes;
        for (int i = 0; i < 3; ++i) {
            processes.emplace_back(std::vector<std::string>{TICKETD_BINARY, "--data-dir",
                                                            scratch / ("store" + std::to_string(i)),
                                                            "--socket", scratch / "socket"});
        }
        check_one_winner(processes, std::vector(3, scratch / "socket"), "another daemon");
    }
}

TEST_SUITE_END();

}  // namespace
}  // namespace ticketd::testing
