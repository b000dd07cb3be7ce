// Memory of all connections together: bounded, whoever conspires, and given back.
#include <doctest/doctest.h>
#include <poll.h>

#include "client/wait.h"
#include "common/limits.h"
#include "tests/support/hostile.h"
#include "tests/support/process_lock.h"

namespace ticketd::testing {
namespace {

using namespace std::chrono_literals;

const std::string kLargeOrder =
    R"({"jsonrpc":"2.0","id":1,"method":"purchase","params":{"quantity":10000}})";

TEST_SUITE_BEGIN("hostile_memory");

TEST_CASE("twelve hundred who never read their large answers hold a bounded part of memory") {
    auto daemon = open_daemon({"demo=1000000000000"});
    auto good = daemon.connect();
    const auto before = usage_of(daemon.pid()).resident_kib;
    std::vector<Process> deaf;
    for (const uid_t uid : {kStranger, kOtherStranger})
        deaf.push_back(start_attacker(daemon, {"deaf", "600", kLargeOrder}, uid));
    const auto deadline = client::Clock::now() + kPatience;
    while (!daemon.process().wait_for_error("dropped one of uid", 10ms)) {
        REQUIRE(client::Clock::now() < deadline);
        CHECK(good.result("purchase")["granted"] == 1);
    }
    for (int i = 0; i < 100; ++i)
        CHECK(good.result("purchase")["granted"] == 1);
    const auto stats = good.result("server.stats");
    const auto peak = usage_of(daemon.pid()).peak_kib;
    MESSAGE("memory " << before << " to " << peak << " KiB; connections hold "
                      << stats["held_bytes"] << " bytes, " << stats["connections"]
                      << " of 1201 are left");
    constexpr std::size_t kOneTurn = 1024 * 1024;  // at whose end the largest are dropped
    CHECK(stats["held_bytes"] <= limits::kHeldBytes + kOneTurn);
    CHECK(peak < 450 * 1024);
    CHECK(daemon.log().find("dropped one of uid 0 ") == std::string::npos);
    deaf.clear();
    good.wait_for_stat("connections", 1);
    CHECK(good.result("server.stats")["held_bytes"] < 64 * 1024);
    CHECK(daemon.stop() == 0);
    CHECK(count_of(daemon.log(), "dropped one of uid") <= 6);  // one in ten seconds
}

TEST_CASE("a connection that has read its large answers gives their memory back") {
    auto daemon = Daemon::with_events({"demo=1000000000"});
    std::vector<Rpc> connections;
    const auto blanks = std::string(60'000, ' ');
    for (int i = 0; i < 100; ++i) {
        auto rpc = daemon.connect();
        rpc.send(kLargeOrder + "\n" + R"({"jsonrpc":"2.0",)" + blanks +
                 R"("id":2,"method":"purchase","params":{"quantity":10000}})" + "\n");
        for (int answer = 0; answer < 2; ++answer)
            CHECK(rpc.receive()["result"]["granted"] == 10'000);
        connections.push_back(std::move(rpc));
    }
    const auto stats = connections[0].result("server.stats");
    MESSAGE("100 connections hold " << stats["held_bytes"] << " bytes");
    CHECK(stats["connections"] == 100);
    CHECK(stats["held_bytes"] < 100 * (limits::kKeptBufferBytes + 16 * 1024));
}

TEST_CASE("long ids cannot pile up in requests that wait") {
    // Each is echoed, so it is kept while its request waits; 128 small requests may wait.
    auto daemon = Daemon::with_events({"demo=5"}, {{"lock_timeout_ms", 60'000}});
    auto other = daemon.connect();
    auto rpc = daemon.connect();
    LockHolder holder{daemon.data_dir() + "/stock", {}};
    const std::string id(60'000, 'i');
    std::string unsent;
    for (int i = 0; i < 20; ++i)
        unsent += R"({"jsonrpc":"2.0","method":"query","id":")" + id + "\"}\n";
    for (pollfd writable{rpc.descriptor(), POLLOUT, 0}; ::poll(&writable, 1, 500) > 0;) {
        unsent.erase(0, rpc.try_send(unsent));
        REQUIRE_FALSE(unsent.empty());
    }
    // It takes no more of them.
    const auto waiting = other.result("server.stats")["lock_waiting"].get<std::uint64_t>();
    CHECK(waiting <= 3);
    CHECK(waiting > 0);
    CHECK(other.result("server.stats")["lock_waiting"] == waiting);
    holder.release();
    int answered = 0;
    for (; !unsent.empty(); ++answered) {
        unsent.erase(0, rpc.try_send(unsent));
        CHECK(rpc.line().find(id) != std::string::npos);
    }
    for (; answered < 20; ++answered)
        CHECK(rpc.line().find(id) != std::string::npos);
}

TEST_SUITE_END();

}  // namespace
}  // namespace ticketd::testing
