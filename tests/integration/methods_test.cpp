// Each method of the contract once, through the socket (design section 4).
#include <doctest/doctest.h>

#include <set>

#include "tests/support/daemon.h"

namespace ticketd::testing {
namespace {

TEST_SUITE_BEGIN("methods");

TEST_CASE("query tells the counts of an event") {
    auto daemon = Daemon::with_events({"demo=5"});
    auto rpc = daemon.connect();
    rpc.result("purchase", {{"quantity", 2}});
    const Json expected{{"event", "demo"}, {"state", "open"}, {"capacity", 5}, {"available", 3},
                        {"held", 0},       {"sold", 2},       {"lsn", 2}};
    CHECK(rpc.result("query") == expected);
    CHECK(rpc.result("query", {{"event", "demo"}}) == expected);
}

TEST_CASE("a purchase tells order, serials and what is left") {
    auto daemon = Daemon::with_events({"demo=5"});
    auto rpc = daemon.connect();
    const auto first = rpc.result("purchase", {{"quantity", 2}, {"memo", "row 7"}});
    CHECK(first == Json{{"order", 2},
                        {"event", "demo"},
                        {"state", "sold"},
                        {"requested", 2},
                        {"granted", 2},
                        {"serials", {1, 2}},
                        {"available", 3},
                        {"lsn", 2}});
    const auto rest = rpc.result("purchase", {{"quantity", 9}, {"min_quantity", 1}});
    CHECK(rest["requested"] == 9);
    CHECK(rest["granted"] == 3);
    CHECK(rest["serials"] == Json{3, 4, 5});
}

TEST_CASE("refusals tell kind, retry and the numbers that led to them") {
    auto daemon = Daemon::with_events({"demo=5"});
    auto rpc = daemon.connect();
    rpc.result("purchase", {{"quantity", 4}});
    const auto too_many = rpc.error("purchase", {{"quantity", 2}});
    CHECK(too_many["code"] == 1001);
    CHECK(too_many["message"].is_string());
    CHECK(too_many["data"]["kind"] == "insufficient");
    CHECK(too_many["data"]["retry"] == "new_key");
    CHECK(too_many["data"]["available"] == 1);
    CHECK(too_many["data"]["held"] == 0);
    CHECK(too_many["data"]["lsn"] == 2);
    CHECK(rpc.kind("purchase", {{"quantity", 6}}) == "never_satisfiable");
    rpc.result("purchase");
    CHECK(rpc.kind("purchase") == "sold_out");
    CHECK(rpc.kind("purchase", {{"event", "other"}}) == "not_found");
    CHECK(rpc.error("purchase", {{"event", "other"}})["code"] == 1007);
}

TEST_CASE("order finds an order by number and by key") {
    auto daemon = Daemon::with_events({"demo=5"});
    auto rpc = daemon.connect();
    rpc.result("purchase", {{"quantity", 2}, {"key", "k1"}, {"memo", "row 7"}});
    auto order = rpc.result("order", {{"order", 2}});
    CHECK(order["time_ms"].is_number_unsigned());
    order.erase("time_ms");
    CHECK(order == Json{{"order", 2},
                        {"event", "demo"},
                        {"state", "sold"},
                        {"requested", 2},
                        {"granted", 2},
                        {"serials", {1, 2}},
                        {"buyer", ::geteuid()},
                        {"key", "k1"},
                        {"memo", "row 7"},
                        {"lsn", 2}});
    CHECK(rpc.result("order", {{"key", "k1"}})["order"] == 2);
    CHECK(rpc.kind("order", {{"order", 1}}) == "not_found");  // LSN 1 is the event
    CHECK(rpc.kind("order", {{"order", 99}}) == "not_found");
    CHECK(rpc.kind("order", {{"key", "k2"}}) == "not_found");
    CHECK(rpc.kind("order") == "invalid_params");
    CHECK(rpc.kind("order", {{"order", 2}, {"key", "k1"}}) == "invalid_params");
}

TEST_CASE("orders come in pages, filtered") {
    auto daemon = Daemon::with_events({"a=9", "b=9"});
    auto rpc = daemon.connect();
    for (const auto* event : {"a", "b", "a", "a"})
        rpc.result("purchase", {{"event", event}});
    const auto page = rpc.result("orders", {{"event", "a"}, {"limit", 2}});
    CHECK(page["orders"].size() == 2);
    CHECK(page["orders"][0]["order"] == 3);
    CHECK(page["orders"][1]["order"] == 5);
    const auto rest = rpc.result("orders", {{"event", "a"}, {"after_lsn", page["next"]}});
    CHECK(rest["orders"].size() == 1);
    CHECK(rest["next"].is_null());
    CHECK(rpc.result("orders", {{"buyer", ::geteuid()}, {"state", "sold"}})["orders"].size() == 4);
    CHECK(rpc.result("orders", {{"buyer", 12345}})["orders"].empty());
    CHECK(rpc.kind("orders", {{"event", "c"}}) == "not_found");
}

TEST_CASE("events are created, listed and resized") {
    auto daemon = Daemon::with_events({"a=1"});
    auto rpc = daemon.connect();
    CHECK(rpc.result("event.create", {{"name", "b"}, {"capacity", 2}})["available"] == 2);
    const auto events = rpc.result("events")["events"];
    CHECK(events.size() == 2);
    CHECK(events[1]["event"] == "b");
    const auto exists = rpc.error("event.create", {{"name", "b"}, {"capacity", 2}});
    CHECK(exists["code"] == 1008);
    CHECK(exists["data"]["kind"] == "exists");
    CHECK(rpc.kind("query") == "not_found");  // two events, none of them "default"
    rpc.result("event.create", {{"name", "default"}, {"capacity", 3}});
    CHECK(rpc.result("query")["event"] == "default");

    rpc.result("purchase", {{"event", "b"}, {"quantity", 2}});
    CHECK(rpc.result("event.resize", {{"name", "b"}, {"capacity", 4}})["available"] == 2);
    const auto below = rpc.error("event.resize", {{"name", "b"}, {"capacity", 1}});
    CHECK(below["data"]["kind"] == "capacity_below_committed");
    CHECK(below["data"]["committed"] == 2);
    CHECK(rpc.result("event.resize", {{"name", "b"}, {"capacity", 2}})["available"] == 0);
    CHECK(rpc.kind("event.resize", {{"name", "c"}, {"capacity", 1}}) == "not_found");
}

TEST_CASE("the server tells about itself") {
    auto daemon = Daemon::with_events({"demo=5"});
    auto rpc = daemon.connect();
    CHECK(rpc.result("ping").is_object());
    const auto info = rpc.result("server.info");
    CHECK(info["name"] == "ticketd");
    CHECK(info["version"] == TICKETD_VERSION);
    CHECK(info["limits"]["message_bytes"] == 65536);
    CHECK(info["lsn"] == 1);
    rpc.result("purchase");
    const auto stats = rpc.result("server.stats");
    CHECK(stats["purchases_sold"] == 1);
    CHECK(stats["connections"] == 1);
    CHECK(stats["durable_lsn"] == 2);
}

TEST_CASE("rpc.discover lists every method that is there") {
    auto daemon = Daemon::with_events({"demo=5"});
    auto rpc = daemon.connect();
    std::set<std::string> names;
    const auto document = rpc.result("rpc.discover");
    for (const auto& method : document["methods"])
        names.insert(method["name"]);
    CHECK(names == std::set<std::string>{"query",         "purchase",        "hold",
                                         "confirm",       "release",         "extend",
                                         "cancel",        "batch",           "watch",
                                         "unwatch",       "abandon",         "order",
                                         "orders",        "events",          "event.create",
                                         "event.resize",  "event.update",    "event.pause",
                                         "event.resume",  "event.close",     "ledger.read",
                                         "ledger.verify", "ledger.position", "ping",
                                         "server.info",   "server.stats",    "rpc.discover"});
    for (const auto* later : {"event.move", "sell", "event.delete", "Purchase", ""}) {
        CHECK(rpc.error(later)["code"] == -32601);
    }
}

TEST_CASE("the ledger can be read and verified") {
    auto daemon = Daemon::with_events({"demo=5"});
    auto rpc = daemon.connect();
    rpc.result("purchase", {{"quantity", 2}});
    rpc.result("purchase");
    const auto page = rpc.result("ledger.read", {{"from_lsn", 1}, {"limit", 2}});
    CHECK(page["entries"].size() == 2);
    CHECK(page["entries"][1]["sold"] == 2);
    CHECK(page["entries"][1]["first_serial"] == 1);
    const auto rest = rpc.result("ledger.read", {{"from_lsn", page["next"]}});
    CHECK(rest["entries"].size() == 1);
    CHECK(rest["next"].is_null());
    const auto verdict = rpc.result("ledger.verify");
    CHECK(verdict["ok"] == true);
    CHECK(verdict["orders"] == 2);
    CHECK(verdict["sold"] == 3);
    CHECK(verdict["capacity"] == 5);
}

TEST_CASE("params by position are taken in the order of the contract") {
    auto daemon = Daemon::with_events({"demo=9"});
    auto rpc = daemon.connect();
    const auto bought =
        rpc.result("purchase", {"demo", 3, 1, "k", nullptr, nullptr, "by position"});
    CHECK(bought["granted"] == 3);
    CHECK(rpc.result("order", {nullptr, "k"})["memo"] == "by position");
    CHECK(rpc.result("query", Json::array())["sold"] == 3);
    CHECK(rpc.kind("query", {"demo", 1}) == "invalid_params");
    CHECK(rpc.result("event.create", {"b", 2})["capacity"] == 2);
}

TEST_SUITE_END();

}  // namespace
}  // namespace ticketd::testing
