// System calls made to fail by strace: a full disk is survived, a failed sync is not, and a kill at
// any call of a start leaves a store that starts.
#include <doctest/doctest.h>

#include "client/wait.h"
#include "tests/fault/strace.h"
#include "tests/support/daemon.h"

namespace ticketd::testing {
namespace {

// The daemon with some writes or syncs of its first journal segment failing as `inject` says. Which
// group meets the failure is not relied on: buy until it shows.
Daemon injected(const std::string& inject) {
    DaemonOptions options;
    options.arguments = {"--event", "demo=1000"};
    Daemon daemon{options};
    daemon.options().wrapper =
        tracing("/dev/null", {"-P", daemon.data_dir() + "/journal-0000000001", "-e",
                              "trace=pwrite64,fdatasync", "-e", "inject=" + inject});
    daemon.start();
    return daemon;
}

void restart_without_injection(Daemon& daemon) {
    daemon.options().wrapper.clear();
    daemon.start();
}

std::string purchase_with_key(int number) {
    return R"({"jsonrpc":"2.0","id":1,"method":"purchase","params":{"key":"k)" +
           std::to_string(number) + "\"}}\n";
}

// Buys with the keys k0, k1, … until the connection ends; how many were answered, each with a sale.
int buy_until_closed(Daemon& daemon) {
    auto rpc = daemon.connect();
    for (int bought = 0;; ++bought) {
        REQUIRE(bought < 100);
        rpc.send(purchase_with_key(bought));
        if (rpc.is_closed_by_peer()) return bought;
        CHECK(rpc.receive().at("result").at("serials") == Json{bought + 1});
    }
}

// The daemon ends at once with exit code 74 and one line, and does not answer.
void check_stops_at_once(const std::string& inject) {
    CAPTURE(inject);
    auto daemon = injected(inject);
    const int bought = buy_until_closed(daemon);
    CHECK(daemon.wait() == 74);
    CHECK(daemon.log().find("stopped at once: journal-0000000001") != std::string::npos);
    CHECK(daemon.verify().exit == 0);
    restart_without_injection(daemon);
    auto rpc = daemon.connect();
    for (int i = 0; i <= bought; ++i) {  // those answered, and the one that was not
        rpc.send(purchase_with_key(i));
        CHECK(rpc.receive().at("result").at("serials") == Json{i + 1});
    }
    CHECK(rpc.result("query")["sold"] == bought + 1);
    CHECK(rpc.result("ledger.verify")["ok"] == true);
}

// Starts the daemon and has it killed at its nth call on files; false if it came to serve before.
bool is_killed_at(Daemon& daemon, int call) {
    const std::string calls =
        "openat,pwrite64,fdatasync,fsync,ftruncate,fallocate,rename,renameat,renameat2,unlink,"
        "unlinkat,bind";
    daemon.options().wrapper =
        tracing("/dev/null", {"-e", "trace=" + calls, "-e",
                              "inject=" + calls + ":signal=SIGKILL:when=" + std::to_string(call)});
    daemon.launch();
    const bool serves = daemon.process().wait_for_error(" ready on ");
    if (serves) daemon.stop(SIGKILL);
    return !serves;
}

void check_three_sold(const Daemon& daemon) {
    const auto verdict = daemon.verify();
    CAPTURE(verdict.error);
    CHECK(verdict.exit == 0);
    CHECK(verdict.output.find("sold       3\n") != std::string::npos);
}

TEST_SUITE_BEGIN("injection");

// Buys until as many are sold, and counts the refusals on the way; each answer must be a sale with
// the next serial or `storage_full`, and queries must be answered all the while.
int refusals_until_sold(Rpc& rpc, int tickets) {
    const client::Deadline deadline = client::Clock::now() + kPatience;
    int refused = 0;
    for (int sold = 0; sold < tickets;) {
        REQUIRE(client::Clock::now() < deadline);
        const auto reply = rpc.call("purchase", {{"key", "k" + std::to_string(sold)}});
        if (reply.contains("result")) {
            CHECK(reply["result"]["serials"] == Json{++sold});
            CHECK_FALSE(reply["result"].contains("replayed"));
        } else {
            ++refused;
            CHECK(reply["error"]["code"] == 1013);
            CHECK(reply["error"]["data"]["kind"] == "storage_full");
            CHECK(reply["error"]["data"]["retry"] == "same_key");
            client::pause_for(std::chrono::milliseconds{5}, deadline);
        }
        CHECK(rpc.result("query")["sold"] == sold);
    }
    return refused;
}

TEST_CASE("a full disk refuses purchases, answers queries, and is survived") {
    if (!can_trace()) return;
    for (const std::string error : {"ENOSPC", "EDQUOT", "EFBIG"}) {
        CAPTURE(error);
        auto daemon = injected("pwrite64:error=" + error + ":when=4..6");
        auto rpc = daemon.connect();
        CHECK(refusals_until_sold(rpc, 12) > 0);
        CHECK(rpc.result("ledger.verify")["ok"] == true);
        CHECK(daemon.stop() == 0);
        CHECK(daemon.verify().exit == 0);
        restart_without_injection(daemon);
        CHECK(daemon.connect().result("query")["sold"] == 12);
    }
}

TEST_CASE("a batch on a full disk is answered as it was done, sale by sale") {
    if (!can_trace()) return;
    auto daemon = injected("pwrite64:error=ENOSPC:when=3..4");
    auto rpc = daemon.connect();
    Json batch = Json::array();
    for (int i = 0; i < 4; ++i)
        batch.push_back({{"jsonrpc", "2.0"}, {"id", i}, {"method", "purchase"}});
    int sold = 0, refused = 0;
    for (int i = 0; i < 8; ++i) {
        rpc.send(batch.dump() + "\n");
        const auto replies = rpc.receive();
        REQUIRE(replies.size() == 4);
        for (const auto& reply : replies) {
            if (reply.contains("result")) {
                CHECK(reply["result"]["serials"] == Json{++sold});
            } else {
                CHECK(reply["error"]["data"]["kind"] == "storage_full");
                ++refused;
            }
        }
    }
    CHECK(refused >= 4);
    CHECK(rpc.result("query")["sold"] == sold);
    CHECK(rpc.result("ledger.verify")["ok"] == true);
}

TEST_CASE("a failed sync ends the daemon at once, and nobody is answered") {
    if (!can_trace()) return;
    for (const auto* error : {"EIO", "ENOSPC", "EDQUOT"})
        check_stops_at_once(std::string{"fdatasync:error="} + error + ":when=4");
}

TEST_CASE("a write that fails for another reason than space ends the daemon too") {
    if (!can_trace()) return;
    check_stops_at_once("pwrite64:error=EIO:when=4");
}

TEST_CASE("an interrupted write is completed") {
    if (!can_trace()) return;
    auto daemon = injected("pwrite64:error=EINTR:when=2..9");
    for (int i = 1; i < 9; ++i)
        CHECK(daemon.connect().result("purchase")["serials"] == Json{i});
    CHECK(daemon.stop() == 0);
    CHECK(daemon.verify().exit == 0);
}

TEST_CASE("a kill at any system call of a start leaves a store that starts") {
    if (!can_trace()) return;
    auto daemon = Daemon::with_events({"demo=10"});
    for (int i = 0; i < 3; ++i)
        daemon.connect().result("purchase");
    daemon.kill_hard();
    const auto saved = daemon.scratch() / "saved";
    std::filesystem::copy(daemon.data_dir(), saved);
    int calls = 0;
    for (bool reached_the_end = false; !reached_the_end; ++calls) {
        CAPTURE(calls);
        REQUIRE(calls < 200);
        std::filesystem::remove_all(daemon.data_dir());
        std::filesystem::copy(saved, daemon.data_dir());
        reached_the_end = !is_killed_at(daemon, calls + 1);
        check_three_sold(daemon);
    }
    CHECK(calls > 20);
    restart_without_injection(daemon);
    CHECK(daemon.connect().result("purchase")["serials"] == Json{4});
}

TEST_SUITE_END();

}  // namespace
}  // namespace ticketd::testing
