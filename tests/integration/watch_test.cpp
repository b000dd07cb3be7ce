// Watching: every change from any LSN on, without a gap and once; and what becomes of who is slow.
#include <doctest/doctest.h>

#include "tests/support/daemon.h"
#include "tests/support/hostile.h"

namespace ticketd::testing {
namespace {

// The next notification's parameters.
Json changed(Rpc& rpc, const std::string& method = "changed") {
    const auto message = rpc.receive();
    CHECK(message["jsonrpc"] == "2.0");
    CHECK_FALSE(message.contains("id"));
    CHECK(message["method"] == method);
    return message["params"];
}

TEST_SUITE_BEGIN("watch");

TEST_CASE("a watcher is told of each change, and not who made it") {
    auto daemon = Daemon::with_events({"demo=5"});
    auto watcher = daemon.connect(), rpc = daemon.connect();
    CHECK(watcher.result("watch") == Json{{"subscription", 1}, {"since_lsn", 1}});
    rpc.result("purchase", {{"quantity", 2}, {"memo", "secret"}});
    auto change = changed(watcher);
    CHECK(change["time_ms"].is_number_unsigned());
    change.erase("time_ms");
    CHECK(change == Json{{"subscription", 1},
                         {"lsn", 2},
                         {"type", "purchased"},
                         {"event", "demo"},
                         {"capacity", 5},
                         {"available", 3},
                         {"held", 0},
                         {"sold", 2}});
    rpc.result("event.pause", {{"name", "demo"}});
    CHECK(changed(watcher)["state"] == "paused");
    CHECK(watcher.result("unwatch", {{"subscription", 1}})["ended"] == true);
    rpc.result("event.resume", {{"name", "demo"}});
    CHECK(watcher.kind("unwatch", {{"subscription", 1}}) == "not_found");
}

TEST_CASE("what is past is told first, and what happens meanwhile behind it, each once") {
    auto daemon = Daemon::with_events({"demo=100000"});
    auto rpc = daemon.connect();
    for (int i = 0; i < 600; ++i)
        rpc.result("purchase");
    auto watcher = daemon.connect();
    watcher.result("watch", {{"events", {"demo"}}, {"since_lsn", 0}});
    constexpr std::uint64_t kLast = 1201;
    for (int i = 0; i < 600; ++i)
        rpc.result("purchase");
    for (std::uint64_t lsn = 1; lsn <= kLast; ++lsn)
        REQUIRE(changed(watcher)["lsn"] == lsn);
    CHECK_FALSE(watcher.has_input(std::chrono::milliseconds{0}));
}

TEST_CASE("a watcher hears only of the events it named") {
    auto daemon = Daemon::with_events({"a=5", "b=5", "c=5"});
    auto watcher = daemon.connect(), rpc = daemon.connect();
    watcher.result("watch", {{"events", {"a", "c"}}});
    for (const auto* event : {"a", "b", "c"})
        rpc.result("purchase", {{"event", event}});
    CHECK(changed(watcher)["event"] == "a");
    CHECK(changed(watcher)["event"] == "c");
    CHECK(watcher.kind("watch", {{"events", {"nothing"}}}) == "not_found");
    CHECK(watcher.kind("watch", {{"events", "a"}}) == "invalid_params");
    CHECK(watcher.kind("watch", {{"events", {1}}}) == "invalid_params");
    CHECK(watcher.kind("watch", {{"since_lsn", 7}}) == "invalid_params");
    CHECK(watcher.kind("watch", {{"since_lsn", 6}}) == "");
}

TEST_CASE("a watch goes on over a restart where it was broken off") {
    auto daemon = Daemon::with_events({"demo=50"});
    daemon.connect().result("purchase");
    daemon.kill_hard();
    daemon.start();
    auto rpc = daemon.connect();
    rpc.result("purchase");
    auto watcher = daemon.connect();
    watcher.result("watch", {{"since_lsn", 1}});
    CHECK(changed(watcher)["lsn"] == 2);
    CHECK(changed(watcher)["lsn"] == 3);
}

TEST_CASE(
    "who had caught up and does not read is told once that it lags, and can go on from there") {
    auto daemon = Daemon::with_events({"demo=1000000"});
    auto watcher = daemon.connect(), rpc = daemon.connect();
    watcher.result("watch");
    // More than the socket, the daemon's buffer for it and its memory of changes hold.
    constexpr int kBatches = 60, kInBatch = 120;
    for (int batch = 0; batch < kBatches; ++batch) {
        std::string lines;
        for (int i = 0; i < kInBatch; ++i)
            lines += R"({"jsonrpc":"2.0","id":1,"method":"purchase"})"
                     "\n";
        rpc.send(lines);
        for (int i = 0; i < kInBatch; ++i)
            REQUIRE(rpc.receive().contains("result"));
    }
    std::uint64_t last = 1;
    auto message = watcher.receive();
    for (; message["method"] == "changed"; message = watcher.receive()) {
        REQUIRE(message["params"]["lsn"] == last + 1);
        ++last;
    }
    CHECK(message["method"] == "lagged");
    CHECK(message["params"]["since_lsn"] == last);
    CHECK_FALSE(watcher.has_input(std::chrono::milliseconds{50}));
    watcher.result("watch", {{"since_lsn", last}});
    for (; last < 1 + kBatches * kInBatch; ++last)
        REQUIRE(changed(watcher)["lsn"] == last + 1);
    CHECK(rpc.result("server.stats")["watching"] == 1);
}

TEST_CASE("subscriptions are bounded, end with their connection, and keep it from being idle") {
    auto daemon = Daemon::with_events({"demo=5"}, {{"limits", {{"idle_ms", 100}}}});
    auto rpc = daemon.connect();
    {
        auto watcher = daemon.connect();
        for (int i = 0; i < 16; ++i)
            watcher.result("watch");
        CHECK(watcher.kind("watch") == "busy");
        rpc.wait_for_stat("watching", 16);
        CHECK_FALSE(watcher.is_closed_by_peer(std::chrono::milliseconds{600}));
    }
    auto other = daemon.connect();
    other.wait_for_stat("watching", 0);
}

TEST_CASE("who has said all there is to say is still told") {
    auto daemon = Daemon::with_events({"demo=5"});
    auto watcher = daemon.connect(), rpc = daemon.connect();
    watcher.result("watch");
    watcher.end_input();
    rpc.result("purchase");
    CHECK(changed(watcher)["lsn"] == 2);
}

TEST_CASE("watching is not part of a batch") {
    auto daemon = Daemon::with_events({"demo=5"});
    auto rpc = daemon.connect();
    const auto results = rpc.result("batch", {{"requests", {{{"method", "watch"}}}}})["results"];
    CHECK(results[0]["error"]["data"]["kind"] == "invalid_request");
}

TEST_SUITE_END();

}  // namespace
}  // namespace ticketd::testing
