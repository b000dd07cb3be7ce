// A group that finds no space on the disk is taken back: with it goes all that rested on it, and
// nothing else, however it was asked for.
#include <doctest/doctest.h>

#include "tests/fault/injector.h"
#include "tests/fault/strace.h"
#include "tests/support/daemon.h"

namespace ticketd::testing {
namespace {

constexpr int kLong = 3'600'000;  // longer than any test waits

// The next group finds no space, and those after it do.
std::vector<std::string> next_group_fails(const Daemon& daemon) {
    auto options = injection("pwrite64", "error=ENOSPC:when=1");
    options.insert(options.end(), {"-P", daemon.data_dir() + "/journal-0000000001"});
    return options;
}

TEST_SUITE_BEGIN("taken_back");

TEST_CASE("who waits for tickets of an event that is taken back is told so") {
    if (!can_trace() || !can_attach()) return;
    auto daemon = Daemon::with_events({"demo=9"});
    auto rpc = daemon.connect();
    rpc.result("query");
    {
        const Injector injector{daemon, next_group_fails(daemon)};
        rpc.send(request_line(1, "event.create", {{"name", "x"}, {"capacity", 1}}) +
                 request_line(2, "purchase", {{"event", "x"}}) +
                 request_line(3, "purchase", {{"event", "x"}, {"wait_ms", kLong}}));
        for (int i = 0; i < 3; ++i)
            CHECK(kind_of(rpc.receive()) == "storage_full");
    }
    CHECK(rpc.result("event.create", {{"name", "x"}, {"capacity", 2}})["available"] == 2);
    CHECK(rpc.result("purchase", {{"event", "x"}})["serials"] == Json{1});
    CHECK(rpc.result("server.stats")["waiting"] == 0);
    CHECK(daemon.stop() == 0);
    CHECK(daemon.verify().exit == 0);
}

TEST_CASE("of a batch only what was taken back is told so") {
    if (!can_trace() || !can_attach()) return;
    auto daemon = Daemon::with_events({"demo=9", "scarce=1"});
    auto rpc = daemon.connect(), batch = daemon.connect();
    const auto order = rpc.result("hold", {{"event", "scarce"}, {"ttl_ms", kLong}})["order"];
    const Json first{{"method", "purchase"}, {"params", {{"event", "demo"}}}};
    const Json second{{"method", "purchase"},
                      {"params", {{"event", "scarce"}, {"wait_ms", kLong}}}};
    batch.send(request_line(1, "batch", {{"requests", Json::array({first, second})}}));
    rpc.wait_for_stat("waiting", 1);
    CHECK(rpc.result("query", {{"event", "demo"}})["sold"] == 1);
    {
        const Injector injector{daemon, next_group_fails(daemon)};
        CHECK(rpc.kind("release", {{"order", order}}) == "storage_full");
        const auto results = batch.receive()["result"]["results"];
        CHECK(results[0]["result"]["serials"] == Json{1});
        CHECK(kind_of(results[1]) == "storage_full");
    }
    CHECK(rpc.result("query", {{"event", "demo"}})["sold"] == 1);
    CHECK(rpc.result("release", {{"order", order}})["available"] == 1);
}

TEST_CASE("a watch that rests on what is taken back is refused, and none misses a change") {
    if (!can_trace() || !can_attach()) return;
    auto daemon = Daemon::with_events({"demo=9"});
    auto rpc = daemon.connect();
    rpc.result("query");
    {
        const Injector injector{daemon, next_group_fails(daemon)};
        rpc.send(request_line(1, "purchase", Json::object()) +
                 request_line(2, "watch", Json::object()));
        for (int i = 0; i < 2; ++i)
            CHECK(kind_of(rpc.receive()) == "storage_full");
    }
    auto watcher = daemon.connect();
    CHECK(watcher.result("watch")["since_lsn"] == 1);
    rpc.result("purchase");
    CHECK(watcher.receive()["params"]["lsn"] == 2);
}

TEST_SUITE_END();

}  // namespace
}  // namespace ticketd::testing
