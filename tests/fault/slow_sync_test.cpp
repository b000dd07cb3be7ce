// A disk that takes seconds for a sync: what is durable is still told, what is not is not, and what
// is asked meanwhile is bounded. In the end everything that was taken on is done.
#include <doctest/doctest.h>

#include "client/wait.h"
#include "common/limits.h"
#include "tests/fault/journal_watch.h"
#include "tests/fault/strace.h"
#include "tests/support/daemon.h"

namespace ticketd::testing {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kPipelined = 128;  // what the daemon takes from one connection at a time

// The third sync of a group, the first after the events and one sale, takes `seconds`.
Daemon slow_daemon(int seconds) {
    DaemonOptions options;
    options.arguments = {"--event", "demo=1000000", "--event", "other=10"};
    Daemon daemon{options};
    daemon.options().wrapper = tracing(
        "/dev/null",
        {"-P", daemon.data_dir() + "/journal-0000000001", "-e", "trace=fdatasync", "-e",
         "inject=fdatasync:delay_enter=" + std::to_string(seconds * 1'000'000) + ":when=3"});
    daemon.start();
    auto rpc = daemon.connect();
    rpc.result("query", {{"event", "other"}});
    rpc.result("purchase", {{"event", "demo"}, {"key", "before"}});
    return daemon;
}

std::string purchase(const std::string& key) {
    const Json params{
        {"event", "demo"}, {"key", key}, {"memo", std::string(limits::kMemoBytes, 'm')}};
    return request_line(key, "purchase", params);
}

// Fills connections with purchases that wait for the sync, until one more is told `busy`.
std::vector<Rpc> crowd_until_busy(const Daemon& daemon, int& purchases) {
    std::vector<Rpc> crowd;
    std::vector<Rpc> waiting;
    for (;;) {
        REQUIRE(crowd.size() < 200);
        crowd.push_back(daemon.connect());
        std::string lines;
        for (std::size_t i = 0; i < kPipelined; ++i)
            lines += purchase("k" + std::to_string(purchases++));
        crowd.back().send(lines);
        auto one_more = daemon.connect();
        one_more.send(purchase("more" + std::to_string(waiting.size())));
        if (one_more.has_input(20ms)) {
            CHECK(one_more.receive()["error"]["data"]["kind"] == "busy");
            return crowd;
        }
        waiting.push_back(std::move(one_more));
    }
}

TEST_SUITE_BEGIN("slow_sync");

TEST_CASE("while a sync takes long, durable counts are told and others are not") {
    if (!can_trace()) return;
    auto daemon = slow_daemon(3);
    auto buyer = daemon.connect();
    auto asker = daemon.connect();
    const auto begin = client::Clock::now();
    buyer.send(purchase("slow"));
    wait_until_written(daemon.data_dir() + "/journal-0000000001", "slow");
    CHECK(asker.result("query", {{"event", "other"}})["available"] == 10);
    CHECK(asker.result("order", {{"key", "before"}})["serials"] == Json{1});
    CHECK(asker.result("ping").is_object());
    CHECK(client::Clock::now() - begin < 2500ms);
    // What rests on the sale is not told before it is durable, and neither is the sale.
    asker.send(R"({"jsonrpc":"2.0","id":1,"method":"query","params":["demo"]})"
               "\n");
    CHECK_FALSE(asker.has_input(500ms));
    CHECK_FALSE(buyer.has_input(0ms));
    CHECK(buyer.receive()["result"]["serials"] == Json{2});
    CHECK(asker.receive()["result"]["sold"] == 2);
    CHECK(client::Clock::now() - begin > 2500ms);
}

TEST_CASE("what waits for a slow sync is bounded, and all of it is done in the end") {
    if (!can_trace()) return;
    auto daemon = slow_daemon(8);
    int purchases = 0;
    const auto begin = client::Clock::now();
    auto crowd = crowd_until_busy(daemon, purchases);
    CHECK(client::Clock::now() - begin < 8s);
    auto asker = daemon.connect();
    CHECK(asker.result("query", {{"event", "other"}})["available"] == 10);
    int sold = 0, busy = 0;
    for (auto& rpc : crowd) {
        for (std::size_t i = 0; i < kPipelined; ++i) {
            const auto reply = rpc.receive();
            if (reply.contains("result")) {
                ++sold;
                CHECK(reply["result"]["granted"] == 1);
            } else {
                ++busy;
                CHECK(reply["error"]["data"]["kind"] == "busy");
                CHECK(reply["error"]["data"]["retry"] == "same_key");
            }
        }
    }
    MESSAGE(sold << " purchases waited for the sync, " << busy << " were told busy");
    CHECK(sold + busy == purchases);
    constexpr auto kEntry = 100 + limits::kMemoBytes;
    CHECK(static_cast<std::size_t>(sold) * kEntry < limits::kPendingBytes * 5 / 4);
    asker.wait_for_stat("durable_lsn", asker.result("server.stats")["lsn"]);
    CHECK(asker.result("ledger.verify")["ok"] == true);
    CHECK(daemon.stop() == 0);
    CHECK(daemon.verify().exit == 0);
}

TEST_SUITE_END();

}  // namespace
}  // namespace ticketd::testing
