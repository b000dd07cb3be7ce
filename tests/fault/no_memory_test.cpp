// No memory, for one allocation or from it on: the daemon refuses or it ends, and what it told is
// kept. It never goes on with half a change.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <random>

#include "tests/support/daemon.h"
#include "tests/support/randomness.h"

namespace ticketd::testing {
namespace {

constexpr int kSoldBefore = 3;  // before memory runs out
constexpr int kPurchasesTried = 12;

std::string key(int number) {
    return "k" + std::to_string(number);
}

Json purchase_params(int number) {
    return {{"key", key(number)}, {"memo", std::string(100, 'm')}};
}

void set_failing(Daemon& daemon, const std::string& which) {
    daemon.options().process.environment = {"LD_PRELOAD=" FAILING_MALLOC_LIBRARY,
                                            "TICKETD_FAILING_ALLOCATION=" + which};
}

bool has_failed(const Daemon& daemon) {
    return daemon.log().find("an allocation failed\n") != std::string::npos;
}

// An end that somebody decided on; a crash is none.
void check_end(Daemon& daemon) {
    const auto exit = daemon.wait();
    CAPTURE(exit);
    CAPTURE(daemon.log());
    constexpr std::array kEnds{70, 74, 127, 128 + SIGABRT};  // 127: before it was loaded
    CHECK(std::find(kEnds.begin(), kEnds.end(), exit) != kEnds.end());
}

/// Buys with each key that is left, one after the other; which were told. The daemon may end.
std::vector<int> buy_without_memory(Daemon& daemon) {
    std::vector<int> told;
    try {
        auto rpc = daemon.connect();
        for (int i = kSoldBefore; i < kPurchasesTried; ++i) {
            const auto reply = rpc.call("purchase", purchase_params(i));
            if (reply.contains("result")) told.push_back(i);
            rpc.call("query");
            rpc.call("orders");
        }
        rpc.call("event.create", {{"event", "more"}, {"capacity", 5}});
        rpc.call("ledger.verify");
    } catch (const std::runtime_error&) {
        check_end(daemon);
    }
    return told;
}

/// What was told is there, and what was not is there whole or not at all.
void check_kept(Daemon& daemon, const std::vector<int>& told) {
    daemon.options().process.environment.clear();
    daemon.start();
    auto rpc = daemon.connect();
    const auto sold = rpc.result("query").at("sold").get<int>();
    CHECK(sold >= kSoldBefore + static_cast<int>(told.size()));
    std::vector<int> kept{0, 1, 2};
    kept.insert(kept.end(), told.begin(), told.end());
    for (const auto number : kept)
        CHECK(rpc.result("purchase", purchase_params(number))["replayed"] == true);
    CHECK(rpc.result("query")["sold"] == sold);
    int replayed = 0;
    for (int i = 0; i < kPurchasesTried; ++i)
        replayed += rpc.result("purchase", purchase_params(i))["replayed"] == true ? 1 : 0;
    CHECK(replayed == sold);
    CHECK(rpc.result("query")["sold"] == kPurchasesTried);
    CHECK(rpc.result("ledger.verify")["ok"] == true);
    CHECK(daemon.stop() == 0);
    CHECK(daemon.verify().exit == 0);
}

Daemon killed_daemon() {
    auto daemon = Daemon::with_events({"demo=1000"});
    for (int i = 0; i < kSoldBefore; ++i)
        daemon.connect().result("purchase", purchase_params(i));
    daemon.kill_hard();
    return daemon;
}

/// Lets one allocation after the other fail, counted as `from` says, in a daemon on a store with a
/// past: each of the first, and the further on, the fewer, until none is met any more. `live`
/// starts it and brings it to its end; what it was told has to be kept.
template <typename Live>
void fail_each_allocation(const std::string& from, const Live& live) {
    std::mt19937_64 random{test_seed()};
    unsigned failed = 0, in_a_row = 0;
    for (unsigned long nth = 1; in_a_row < 3; nth += 1 + random() % (2 + nth / (4 * scaled(1)))) {
        const auto which = from + std::to_string(nth) + (random() % 2 == 0 ? "+" : "");
        CAPTURE(which);
        auto daemon = killed_daemon();
        set_failing(daemon, which);
        const std::vector<int> told = live(daemon);
        in_a_row = has_failed(daemon) ? 0U : in_a_row + 1;
        failed += has_failed(daemon) ? 1U : 0U;
        check_kept(daemon, told);
    }
    MESSAGE("lives with an allocation that failed: " << failed);
    CHECK(failed > 30);
}

TEST_SUITE_BEGIN("no_memory");

TEST_CASE("a start that gets no memory ends, and the next one finds everything") {
    fail_each_allocation("", [](Daemon& daemon) {
        daemon.launch();
        std::vector<int> told;
        if (daemon.process().wait_for_error(" ready on ")) {
            told = buy_without_memory(daemon);
        } else {
            check_end(daemon);
        }
        if (daemon.is_running()) daemon.kill_hard();
        return told;
    });
}

TEST_CASE("a daemon that gets no memory while it sells refuses or ends, and what it told is kept") {
    fail_each_allocation("@", [](Daemon& daemon) {
        daemon.start();
        daemon.send_signal(SIGUSR2);
        auto told = buy_without_memory(daemon);
        if (daemon.is_running()) daemon.send_signal(SIGTERM);
        if (daemon.wait() != 0) check_end(daemon);
        return told;
    });
}

TEST_SUITE_END();

}  // namespace
}  // namespace ticketd::testing
