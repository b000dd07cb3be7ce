// Who waits in line for what cannot be had any more is told so at once, and keeps nobody waiting.
#include <doctest/doctest.h>

#include <chrono>

#include "tests/support/daemon.h"
#include "tests/support/hostile.h"

namespace ticketd::testing {
namespace {

// Far longer than a test waits for an answer.
constexpr int kHourMs = 3'600'000;

std::int64_t milliseconds_from_now(int ms) {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::milliseconds>(now).count() + ms;
}

// A daemon with one event, and a request that waits for tickets of it.
struct Line {
    explicit Line(const std::string& event)
        : daemon(Daemon::with_events({event})), rpc(daemon.connect()), waiter(daemon.connect()) {}

    void join(Json params) {
        params["wait_ms"] = kHourMs;
        waiter.send(request_line(1, "purchase", params));
        rpc.wait_for_stat("waiting", 1);
    }
    void update(Json params) {
        params["name"] = "demo";
        rpc.result("event.update", params);
    }
    std::string told() { return waiter.receive()["error"]["data"]["kind"]; }

    Daemon daemon;
    Rpc rpc, waiter;
};

TEST_SUITE_BEGIN("prospects");

TEST_CASE("who waits when the event is closed is told closed, whatever is available") {
    for (const int sold : {1, 2}) {
        CAPTURE(sold);
        Line line{"demo=2"};
        line.rpc.result("purchase", {{"quantity", sold}});
        line.join({{"quantity", 2}});
        line.rpc.result("event.close", {{"name", "demo"}});
        CHECK(line.told() == "closed");
    }
}

TEST_CASE("who waits when the window ends is told closed, also while it is paused") {
    for (const bool is_paused : {false, true}) {
        CAPTURE(is_paused);
        Line line{"demo=1"};
        if (!is_paused) line.rpc.result("purchase");
        if (is_paused) line.rpc.result("event.pause", {{"name", "demo"}});
        line.update({{"closes_ms", milliseconds_from_now(700)}});
        line.join(Json::object());
        CHECK(line.told() == "closed");
    }
}

TEST_CASE("who waits for an event that closes itself with its last ticket is told closed") {
    Line line{"demo=2"};
    line.update({{"auto_close", true}, {"line", "fit"}});
    line.rpc.result("purchase");
    line.join({{"quantity", 2}});
    CHECK(line.rpc.result("purchase")["granted"] == 1);
    CHECK(line.told() == "closed");
}

TEST_CASE(
    "a window that ends in the farthest future, or begins there, is waited for like any other") {
    constexpr std::int64_t kFarthest = 4'503'599'627'370'495;
    Line line{"demo=1"};
    line.rpc.result("purchase");
    line.update({{"closes_ms", kFarthest}});
    CHECK(line.rpc.kind("purchase", {{"wait_ms", 100}}) == "wait_timeout");
    line.update({{"opens_ms", kFarthest - 1}});
    CHECK(line.rpc.kind("purchase", {{"wait_ms", 100}}) == "wait_timeout");
}

TEST_CASE("what can never be had is refused at once while the event is paused, or not open yet") {
    Line line{"demo=2"};
    line.update({{"opens_ms", milliseconds_from_now(kHourMs)}});
    const Json three{{"quantity", 3}, {"wait_ms", kHourMs}};
    for (const char* const state : {"not_open", "paused"}) {
        CAPTURE(state);
        CHECK(line.rpc.kind("purchase", three) == "never_satisfiable");
        CHECK(line.rpc.kind("purchase", {{"quantity", 2}}) == state);
        line.rpc.result("event.pause", {{"name", "demo"}});
    }
    line.update({{"order_limit", 1}});
    CHECK(line.rpc.kind("purchase", {{"quantity", 2}, {"wait_ms", kHourMs}}) == "limit_reached");
    CHECK(line.rpc.kind("purchase") == "paused");
}

TEST_CASE("a buyer who has as many as may be before the line comes to them is told so at once") {
    Line line{"demo=4"};
    line.update({{"buyer_limit", 3}, {"line", "fit"}});
    line.rpc.result("purchase");
    line.rpc.result("event.resize", {{"name", "demo"}, {"capacity", 2}});
    line.join({{"quantity", 2}});
    CHECK(line.rpc.result("hold")["granted"] == 1);
    CHECK(line.told() == "limit_reached");
}

TEST_CASE("a head of the line that can never be served keeps nobody from what is there") {
    Line shrunk{"demo=3"};
    shrunk.rpc.result("purchase");
    shrunk.join({{"quantity", 3}});
    CHECK(shrunk.rpc.kind("purchase") == "reserved_for_line");
    shrunk.rpc.result("event.resize", {{"name", "demo"}, {"capacity", 2}});
    CHECK(shrunk.told() == "never_satisfiable");
    CHECK(shrunk.rpc.result("purchase")["granted"] == 1);

    Line limited{"demo=3"};
    limited.rpc.result("purchase");
    limited.join({{"quantity", 3}});
    limited.update({{"order_limit", 1}});
    CHECK(limited.told() == "limit_reached");
    CHECK(limited.rpc.result("purchase")["granted"] == 1);
}

TEST_CASE("who waits with a key that is abandoned is told, and leaves the line") {
    Line line{"demo=2"};
    line.rpc.result("purchase");
    line.join({{"quantity", 2}, {"key", "k"}});
    CHECK(line.rpc.kind("purchase") == "reserved_for_line");
    CHECK(line.rpc.result("abandon", {{"key", "k"}})["state"] == "abandoned");
    CHECK(line.told() == "key_abandoned");
    const Json again{{"quantity", 2}, {"key", "k"}, {"wait_ms", kHourMs}};
    CHECK(line.rpc.kind("purchase", again) == "key_abandoned");
    CHECK(line.rpc.result("purchase")["granted"] == 1);
}

TEST_CASE("a dry run tells what the line would do to a purchase") {
    Line line{"demo=2"};
    line.rpc.result("purchase");
    const Json dry{{"dry_run", true}};
    CHECK(line.rpc.result("purchase", dry)["state"] == "possible");
    line.join({{"quantity", 2}});
    CHECK(line.rpc.kind("purchase", dry) == "reserved_for_line");
    line.update({{"line", "fit"}});
    CHECK(line.rpc.result("purchase", dry)["state"] == "possible");
    CHECK(line.rpc.result("query")["sold"] == 1);
}

TEST_SUITE_END();

}  // namespace
}  // namespace ticketd::testing
