// Events that are paused, closed, or outside their window, through the wire and from the shell.
#include <doctest/doctest.h>

#include <chrono>

#include "tests/support/daemon.h"
#include "tests/support/hostile.h"

namespace ticketd::testing {
namespace {

constexpr std::uint64_t kHourMs = 3'600'000;

TEST_SUITE_BEGIN("rules");

TEST_CASE("a paused event refuses purchases, also after kill -9, until it is resumed") {
    auto daemon = Daemon::with_events({"demo=5"});
    CHECK(daemon.connect().result("event.pause", {{"name", "demo"}})["state"] == "paused");
    const auto refused = daemon.connect().error("purchase");
    CHECK(refused["code"] == 1004);
    CHECK(refused["data"]["kind"] == "paused");
    CHECK(refused["data"]["retry"] == "new_key");
    daemon.kill_hard();
    daemon.start();
    auto rpc = daemon.connect();
    CHECK(rpc.result("query")["state"] == "paused");
    CHECK(rpc.kind("purchase") == "paused");
    CHECK(rpc.result("event.resume", {{"name", "demo"}})["state"] == "open");
    CHECK(rpc.result("purchase")["granted"] == 1);
    CHECK(rpc.result("ledger.verify")["ok"] == true);
}

TEST_CASE("a closed event is closed after a clean stop too, and may be opened again") {
    auto daemon = Daemon::with_events({"demo=5"});
    daemon.connect().result("event.close", {{"name", "demo"}});
    CHECK(daemon.stop() == 0);
    CHECK(daemon.verify().exit == 0);
    daemon.start();
    auto rpc = daemon.connect();
    CHECK(rpc.kind("purchase") == "closed");
    CHECK(rpc.kind("event.pause", {{"name", "demo"}}) == "wrong_state");
    CHECK(rpc.result("event.resume", {{"name", "demo"}})["state"] == "open");
    CHECK(rpc.result("purchase")["granted"] == 1);
}

TEST_CASE("before it opens an event says when it will, and sells as soon as it has") {
    auto daemon = Daemon::with_events({"demo=5"});
    auto rpc = daemon.connect();
    const auto opens = now_ms() + kHourMs;
    const auto created =
        rpc.result("event.create", {{"name", "gala"}, {"capacity", 9}, {"opens_ms", opens}});
    CHECK(created["state"] == "not_open");
    CHECK(created["opens_ms"] == opens);
    CHECK_FALSE(created.contains("closes_ms"));
    const auto data = rpc.error("purchase", {{"event", "gala"}})["data"];
    CHECK(data["kind"] == "not_open");
    CHECK(data["opens_ms"] == opens);
    CHECK(data["retry_after_ms"] > kHourMs - 60'000);
    CHECK(data["retry_after_ms"] <= kHourMs);
    CHECK(rpc.result("event.update", {{"name", "gala"}, {"opens_ms", 1}})["state"] == "open");
    CHECK(rpc.result("purchase", {{"event", "gala"}})["granted"] == 1);
    CHECK(rpc.result("purchase", {{"event", "demo"}})["granted"] == 1);
    const auto closed = rpc.result("event.update", {{"name", "gala"}, {"closes_ms", now_ms()}});
    CHECK(closed["state"] == "closed");
    CHECK(rpc.kind("purchase", {{"event", "gala"}}) == "closed");
}

TEST_CASE("windows that cannot be are refused and change nothing") {
    auto daemon = Daemon::with_events({"demo=5"});
    auto rpc = daemon.connect();
    const Json window{{"name", "x"}, {"capacity", 1}, {"opens_ms", 5}, {"closes_ms", 5}};
    CHECK(rpc.kind("event.create", window) == "invalid_params");
    for (const auto& params :
         std::initializer_list<Json>{{{"name", "demo"}},
                                     {{"name", "demo"}, {"opens_ms", -1}},
                                     {{"name", "demo"}, {"opens_ms", 1.5}},
                                     {{"name", "demo"}, {"opens_ms", "now"}},
                                     {{"name", "demo"}, {"opens_ms", std::uint64_t{1} << 53U}},
                                     {{"name", "demo"}, {"opens_ms", 9}, {"closes_ms", 8}}}) {
        CAPTURE(params.dump());
        CHECK(rpc.kind("event.update", params) == "invalid_params");
    }
    CHECK(rpc.kind("event.pause", {{"name", "none"}}) == "not_found");
    CHECK(rpc.kind("event.pause", {{"name", "demo"}, {"now", true}}) == "invalid_params");
    CHECK(rpc.result("query")["lsn"] == 1);
}

TEST_CASE("an event is resized by a difference, and only if nothing has changed if that is asked") {
    auto daemon = Daemon::with_events({"demo=5"});
    auto rpc = daemon.connect();
    const auto resize = [&](Json params) {
        params["name"] = "demo";
        const auto reply = rpc.call("event.resize", params);
        return reply.contains("result") ? reply["result"]["capacity"].dump()
                                        : reply["error"]["data"]["kind"].get<std::string>();
    };
    CHECK(resize({{"delta", 3}}) == "8");
    CHECK(resize({{"delta", -6}}) == "2");
    rpc.result("purchase", {{"quantity", 2}});
    CHECK(resize({{"delta", -1}}) == "capacity_below_committed");
    CHECK(resize({{"delta", -3}}) == "capacity_below_committed");
    CHECK(resize({{"delta", 1'000'000'000'000}}) == "limit_reached");
    CHECK(resize({{"delta", 1'000'000'000'001}}) == "invalid_params");
    CHECK(resize({{"delta", 1}, {"capacity", 1}}) == "invalid_params");
    CHECK(resize(Json::object()) == "invalid_params");
    const auto lsn = rpc.result("query")["lsn"];
    CHECK(resize({{"capacity", 9}, {"if_lsn", 1}}) == "stale_lsn");
    CHECK(resize({{"capacity", 9}, {"if_lsn", lsn}}) == "9");
    CHECK(resize({{"capacity", 10}, {"if_lsn", lsn}}) == "stale_lsn");
    const auto by = client(daemon, {"--json", "event", "resize", "demo", "--by", "-7"});
    CHECK(Json::parse(by.output)["capacity"] == 2);
    CHECK(client(daemon, {"event", "resize", "demo", "9", "--if-lsn", "1"}).exit == 17);
    for (const std::vector<std::string>& words : std::initializer_list<std::vector<std::string>>{
             {"event", "resize", "demo"},
             {"event", "resize", "demo", "1", "--by", "1"},
             {"event", "resize", "demo", "--by", "0"},
             {"event", "resize", "demo", "--by", "one"}}) {
        CHECK(client(daemon, words).exit == 64);
    }
}

TEST_CASE("only operators open and close, and the ledger says who did") {
    auto daemon = Daemon::with_events({"demo=5"});
    auto rpc = daemon.connect();
    rpc.result("event.pause", {{"name", "demo"}});
    rpc.result("event.pause", {{"name", "demo"}});
    rpc.result("event.resume", {{"name", "demo"}});
    rpc.result("event.update", {{"name", "demo"}, {"closes_ms", now_ms() + kHourMs}});
    rpc.result("event.close", {{"name", "demo"}});
    const auto entries = rpc.result("ledger.read")["entries"];
    std::vector<std::string> types;
    for (const auto& entry : entries) {
        types.push_back(entry["type"]);
        CHECK(entry["uid"] == ::geteuid());
    }
    CHECK(types == std::vector<std::string>{"event_created", "event_paused", "event_resumed",
                                            "event_updated", "event_closed"});
    CHECK(entries[3]["closes_ms"] > 0);
    CHECK(entries[4]["state"] == "closed");
}

TEST_CASE("from the shell: pause, refuse with exit 13, resume") {
    auto daemon = Daemon::with_events({"demo=5"});
    CHECK(client(daemon, {"event", "pause", "demo"}).output.find("paused") != std::string::npos);
    const auto refused = client(daemon, {"purchase"});
    CHECK(refused.exit == 13);
    CHECK(refused.error.starts_with("paused: "));
    CHECK(client(daemon, {"event", "resume", "demo"}).exit == 0);
    CHECK(client(daemon, {"event", "update", "demo", "--opens", "+1h"}).exit == 0);
    CHECK(client(daemon, {"purchase"}).error.starts_with("not_open: "));
    CHECK(client(daemon, {"event", "update", "demo", "--opens", "now"}).exit == 0);
    CHECK(client(daemon, {"purchase"}).exit == 0);
    CHECK(client(daemon, {"event", "close", "demo"}).exit == 0);
    CHECK(client(daemon, {"purchase"}).error.starts_with("closed: "));
    CHECK(client(daemon, {"event", "pause", "demo"}).exit == 14);
    for (const auto* time : {"tomorrow", "+5", "2026-13-01T00:00:00Z", "2026-02-29T00:00Z", ""}) {
        CAPTURE(time);
        CHECK(client(daemon, {"event", "update", "demo", "--opens", time}).exit == 64);
    }
    CHECK(client(daemon, {"event", "update", "demo"}).exit == 64);
}

TEST_SUITE_END();

}  // namespace
}  // namespace ticketd::testing
