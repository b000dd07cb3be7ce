// Signals: what was accepted is answered, the socket goes, the store is stopped clean.
#include <doctest/doctest.h>

#include <set>

#include "tests/support/daemon.h"
#include "tests/support/process_lock.h"

namespace ticketd::testing {
namespace {

namespace fs = std::filesystem;

// Leaves large answers unread, so that the daemon has something to wait for when it stops.
void buy_more_than_is_read(Rpc& rpc) {
    const std::string purchase =
        R"({"jsonrpc":"2.0","id":1,"method":"purchase","params":{"quantity":10000}})"
        "\n";
    for (int i = 0; i < 9; ++i)
        rpc.send(purchase);
    CHECK(rpc.receive()["result"]["granted"] == 10'000);
}

// The signals that a thread does not take, as bits.
unsigned long long blocked_signals(const std::filesystem::path& task) {
    const auto status = read_file(task / "status");
    const std::string field = "\nSigBlk:\t";
    return std::stoull(status.substr(status.find(field) + field.size(), 16), nullptr, 16);
}

TEST_SUITE_BEGIN("start_stop");

TEST_CASE("signals to stop are taken by the main thread alone") {
    auto daemon = Daemon::with_events({"demo=5"});
    daemon.connect().result("purchase");
    constexpr auto kToStop = 1ULL << (SIGTERM - 1) | 1ULL << (SIGINT - 1) | 1ULL << (SIGHUP - 1);
    const auto pid = std::to_string(daemon.pid());
    for (const auto& task : std::filesystem::directory_iterator{"/proc/" + pid + "/task"}) {
        const bool is_main = task.path().filename() == pid;
        CAPTURE(is_main);
        CHECK((blocked_signals(task.path()) & kToStop) == (is_main ? 0 : kToStop));
    }
}

TEST_CASE("SIGTERM and SIGINT stop the daemon clean") {
    for (const int signal : {SIGTERM, SIGINT}) {
        auto daemon = Daemon::with_events({"demo=5"});
        auto rpc = daemon.connect();
        rpc.result("purchase");
        CHECK(daemon.stop(signal) == 0);
        CHECK_FALSE(fs::exists(daemon.socket()));
        CHECK(rpc.is_closed_by_peer());
        const auto verdict = daemon.verify();
        CHECK(verdict.exit == 0);
        CHECK(verdict.output.find("verdict    all guarantees hold") != std::string::npos);
        daemon.start();
        CHECK(daemon.log().find("not clean") == std::string::npos);
    }
}

TEST_CASE("a daemon that was killed says so at its next start") {
    auto daemon = Daemon::with_events({"demo=5"});
    daemon.connect().result("purchase");
    daemon.kill_hard();
    CHECK(fs::exists(daemon.socket()));
    daemon.start();
    CHECK(daemon.log().find("not clean") != std::string::npos);
    CHECK(daemon.connect().result("query")["sold"] == 1);
}

TEST_CASE("requests that were accepted are answered before the stop") {
    auto daemon = Daemon::with_events({"demo=100000"});
    std::vector<Rpc> connections;
    for (int i = 0; i < 20; ++i)
        connections.push_back(daemon.connect());
    std::string purchases;
    for (int i = 0; i < 50; ++i)
        purchases += R"({"jsonrpc":"2.0","id":1,"method":"purchase"})"
                     "\n";
    for (auto& rpc : connections)
        rpc.send(purchases);
    // Every connection has had its first answer, so it was read; more may follow or not.
    std::vector<std::set<std::uint64_t>> orders(connections.size());
    for (std::size_t i = 0; i < connections.size(); ++i)
        orders[i].insert(connections[i].receive()["result"]["order"].get<std::uint64_t>());
    CHECK(daemon.stop() == 0);
    std::size_t answered = 0;
    for (std::size_t i = 0; i < connections.size(); ++i) {
        while (!connections[i].is_closed_by_peer())
            orders[i].insert(connections[i].receive()["result"]["order"].get<std::uint64_t>());
        answered += orders[i].size();
    }
    daemon.start();
    CHECK(daemon.connect().result("query")["sold"] == answered);
}

TEST_CASE("a request that waits for a lock is told busy at the stop") {
    auto daemon = Daemon::with_events({"demo=5"}, {{"lock_timeout_ms", 60'000}});
    auto rpc = daemon.connect();
    auto other = daemon.connect();
    const LockHolder holder{daemon.data_dir() + "/stock",
                            {LockHolder::Kind::kClassic, F_WRLCK, slot_offset(0), 1}};
    rpc.send(R"({"jsonrpc":"2.0","id":1,"method":"purchase"})"
             "\n");
    other.wait_for_stat("lock_waiting", 1);
    CHECK(daemon.stop() == 0);
    CHECK(rpc.receive()["error"]["data"]["kind"] == "busy");
}

TEST_CASE("a client that does not read delays the stop by a few seconds at most") {
    auto daemon = Daemon::with_events({"demo=100000"});
    auto rpc = daemon.connect();
    buy_more_than_is_read(rpc);
    daemon.send_signal(SIGTERM);
    CHECK(daemon.process().wait(std::chrono::seconds{30}) == 0);
    CHECK(daemon.verify().exit == 0);
}

TEST_CASE("a second signal ends it at once and loses nothing") {
    auto daemon = Daemon::with_events({"demo=100000"});
    auto rpc = daemon.connect();
    buy_more_than_is_read(rpc);
    daemon.send_signal(SIGTERM);  // it waits now, because we do not read
    CHECK(daemon.process().wait_for_error("SIGTERM: stopping"));
    daemon.send_signal(SIGTERM);
    const int exit = daemon.wait();
    CHECK((exit == 128 + SIGTERM || exit == 0));
    CHECK(daemon.verify().exit == 0);
    daemon.start();
    CHECK(daemon.connect().result("query")["sold"] >= 10'000);
}

TEST_CASE("closed standard streams do no harm") {
    DaemonOptions options;
    options.arguments = {"--event", "demo=5"};
    options.wrapper = {"sh", "-c", "exec \"$@\" <&- >&- 2>/dev/null", "sh"};
    Daemon daemon{options};
    daemon.launch();
    const auto ready = run_client(daemon.socket(), {"ping", "--wait-ready", "30s"});
    CHECK(ready.exit == 0);
    CHECK(daemon.connect().result("purchase")["granted"] == 1);
    daemon.process().kill(SIGTERM);  // exec made the wrapper the daemon
    CHECK(daemon.wait() == 0);
    CHECK(daemon.verify().exit == 0);
    daemon.options().wrapper.clear();
}

TEST_SUITE_END();

}  // namespace
}  // namespace ticketd::testing
