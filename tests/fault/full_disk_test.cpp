// A real file system that is really full (a small tmpfs; root only): purchases are refused, the
// rest goes on, and sales resume by themselves when there is room.
#include <doctest/doctest.h>

#include "client/wait.h"
#include "tests/fault/small_disk.h"
#include "tests/support/daemon.h"

namespace ticketd::testing {
namespace {

Daemon on(const SmallDisk& disk) {
    DaemonOptions options;
    options.data_dir = disk.path() + "/store";
    options.arguments = {"--event", "demo=1000000"};
    Daemon daemon{options};
    daemon.start();
    return daemon;
}

// Buys, one ticket at a time, until the daemon says no; how many were bought.
int buy_until_refused(Rpc& rpc, Json& refusal) {
    for (int bought = 0;; ++bought) {
        const auto reply = rpc.call("purchase");
        if (reply.contains("result")) continue;
        refusal = reply["error"];
        return bought;
    }
}

TEST_SUITE_BEGIN("full_disk");

// Asks until a purchase is done; its serials.
Json buy_when_possible(Rpc& rpc) {
    const client::Deadline deadline = client::Clock::now() + kPatience;
    for (;;) {
        const auto reply = rpc.call("purchase");
        if (reply.contains("result")) return reply["result"]["serials"];
        REQUIRE(client::Clock::now() < deadline);
        client::pause_for(std::chrono::milliseconds{20}, deadline);
    }
}

TEST_CASE("sales stop when the disk is full and resume when it is not") {
    const SmallDisk disk;
    if (!disk.is_mounted()) return;
    auto daemon = on(disk);
    disk.fill();
    auto rpc = daemon.connect();
    Json refusal;
    const int bought = buy_until_refused(rpc, refusal);
    CHECK(bought > 1000);  // what was preallocated was used
    CHECK(refusal["data"]["kind"] == "storage_full");
    CHECK(rpc.result("query")["sold"] == bought);
    CHECK(rpc.result("order", {{"order", 2}})["serials"] == Json{1});
    CHECK(rpc.kind("event.create", {{"name", "x"}, {"capacity", 1}}) == "storage_full");
    CHECK(rpc.result("ledger.verify")["ok"] == true);
    disk.make_room();
    CHECK(buy_when_possible(rpc) == Json{bought + 1});
    CHECK(daemon.stop() == 0);
    CHECK(daemon.verify().exit == 0);
}

TEST_CASE("a daemon starts on a full disk, answers, and sells when there is room") {
    const SmallDisk disk;
    if (!disk.is_mounted()) return;
    auto daemon = on(disk);
    for (int i = 0; i < 5; ++i)
        daemon.connect().result("purchase", {{"key", "k" + std::to_string(i)}});
    daemon.kill_hard();
    disk.fill();
    daemon.start();
    auto rpc = daemon.connect();
    CHECK(rpc.result("query")["sold"] == 5);
    CHECK(rpc.result("purchase", {{"key", "k1"}})["serials"] == Json{2});  // a replay
    Json refusal;
    const int bought = buy_until_refused(rpc, refusal);  // none, or what room there was
    CHECK(refusal["data"]["kind"] == "storage_full");
    daemon.kill_hard();
    CHECK(daemon.verify().exit == 0);
    daemon.start();
    disk.make_room();
    auto again = daemon.connect();
    CHECK(buy_when_possible(again) == Json{bought + 6});
    CHECK(again.result("ledger.verify")["ok"] == true);
}

TEST_CASE("after a clean stop a daemon starts on a disk that is full by then") {
    const SmallDisk disk;
    if (!disk.is_mounted()) return;
    auto daemon = on(disk);
    daemon.connect().result("purchase", {{"key", "k"}});
    CHECK(daemon.stop() == 0);
    disk.fill();
    daemon.start();
    auto rpc = daemon.connect();
    CHECK(rpc.result("purchase", {{"key", "k"}})["replayed"] == true);
    CHECK(rpc.kind("purchase") == "storage_full");
    disk.make_room();
    CHECK(buy_when_possible(rpc) == Json{2});
    CHECK(daemon.stop() == 0);
    CHECK(daemon.verify().exit == 0);
}

TEST_SUITE_END();

}  // namespace
}  // namespace ticketd::testing
