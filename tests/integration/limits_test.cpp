// What an event may set beside its capacity: limits of buyers and who they are, slots, and what an
// operator may force: an overcommit, holds that end with the sale.
#include <doctest/doctest.h>

#include "tests/support/daemon.h"
#include "tests/support/hostile.h"

namespace ticketd::testing {
namespace {

TEST_SUITE_BEGIN("limits");

TEST_CASE("a buyer has no more than the event's limit, held and bought together") {
    auto daemon = Daemon::with_events({});
    auto rpc = daemon.connect();
    rpc.result("event.create", {{"name", "demo"}, {"capacity", 50}, {"buyer_limit", 4}});
    const auto bought = rpc.result("purchase", {{"quantity", 2}})["order"];
    const auto held = rpc.result("hold")["order"];
    const auto refused = rpc.error("purchase", {{"quantity", 2}});
    CHECK(refused["code"] == 1003);
    CHECK(refused["data"]["kind"] == "limit_reached");
    CHECK(refused["data"]["limit"] == 4);
    CHECK(refused["data"]["owned"] == 3);
    CHECK(refused["message"] == "one buyer can have at most 4 of demo, and has 3");
    CHECK(rpc.kind("hold", {{"quantity", 2}}) == "limit_reached");
    CHECK(rpc.kind("purchase", {{"quantity", 2}, {"wait_ms", 60'000}}) == "limit_reached");
    CHECK(rpc.result("purchase", {{"quantity", 9}, {"min_quantity", 1}})["granted"] == 1);
    CHECK(rpc.kind("purchase") == "limit_reached");
    rpc.result("confirm", {{"order", held}});
    CHECK(rpc.kind("purchase") == "limit_reached");
    rpc.result("cancel", {{"order", bought}, {"quantity", 1}});
    CHECK(rpc.result("purchase")["granted"] == 1);
    rpc.result("event.update", {{"name", "demo"}, {"buyer_limit", 5}});
    CHECK(rpc.result("query")["buyer_limit"] == 5);
    CHECK(rpc.result("purchase")["granted"] == 1);
    rpc.result("event.update", {{"name", "demo"}, {"buyer_limit", 0}});
    CHECK(rpc.result("purchase", {{"quantity", 9}})["granted"] == 9);
}

TEST_CASE("a limit that comes later counts what was bought before, over a restart") {
    auto daemon = Daemon::with_events({"demo=50"});
    daemon.connect().result("purchase", {{"quantity", 3}});
    daemon.stop();
    daemon.start();
    auto rpc = daemon.connect();
    rpc.result("event.update", {{"name", "demo"}, {"buyer_limit", 4}});
    CHECK(rpc.kind("purchase", {{"quantity", 2}}) == "limit_reached");
    CHECK(rpc.result("purchase")["granted"] == 1);
}

TEST_CASE("users count apart, and a name that is claimed counts for itself") {
    if (!can_be_others()) return;
    auto daemon = open_daemon({});
    auto rpc = daemon.connect();
    rpc.result("event.create", {{"name", "users"}, {"capacity", 9}, {"buyer_limit", 1}});
    rpc.result("event.create",
               {{"name", "names"}, {"capacity", 9}, {"buyer_limit", 1}, {"buyers", "claimed"}});
    auto stranger = connect_as(kStranger, daemon.socket());
    for (auto* who : {&rpc, &stranger}) {
        CHECK(who->result("purchase", {{"event", "users"}})["granted"] == 1);
        CHECK(who->kind("purchase", {{"event", "users"}}) == "limit_reached");
    }
    const auto zoe = rpc.result("purchase", {{"event", "names"}, {"buyer", "Zoë"}})["order"];
    CHECK(stranger.kind("purchase", {{"event", "names"}, {"buyer", "Zoë"}}) == "limit_reached");
    CHECK(stranger.result("hold", {{"event", "names"}, {"buyer", "Ann"}})["granted"] == 1);
    CHECK(stranger.result("purchase", {{"event", "names"}})["granted"] == 1);
    CHECK(rpc.kind("purchase", {{"event", "users"}, {"buyer", "Zoë"}}) == "invalid_params");
    CHECK(rpc.kind("purchase", {{"event", "names"}, {"buyer", ""}}) == "invalid_params");
    const auto order = rpc.result("order", {{"order", zoe}});
    CHECK(order["buyer"] == "Zoë");
    CHECK(order["uid"] == 0);
    CHECK(rpc.result("orders", {{"buyer", "Zoë"}})["orders"].size() == 1);
    CHECK(rpc.result("orders", {{"buyer", kStranger}})["orders"].size() == 3);
    CHECK(stranger.result("orders", {{"buyer", "Zoë"}})["orders"].empty());
    CHECK(stranger.result("orders", {{"buyer", "Ann"}})["orders"].size() == 1);
}

TEST_CASE("slots are the lowest free numbers, and come back with what they were handed out for") {
    auto daemon = Daemon::with_events({});
    auto rpc = daemon.connect();
    rpc.result("event.create", {{"name", "ci"}, {"capacity", 4}, {"slots", true}});
    const auto first = rpc.result("hold", {{"quantity", 2}});
    CHECK(first["serials"] == Json{1, 2});
    const auto bought = rpc.result("purchase");
    CHECK(bought["serials"] == Json{3});
    CHECK(rpc.result("order", {{"order", first["order"]}})["serials"] == Json{1, 2});
    CHECK(rpc.result("confirm", {{"order", first["order"]}, {"quantity", 1}})["serials"] ==
          Json{1});
    CHECK(rpc.result("hold")["serials"] == Json{2});
    rpc.result("cancel", {{"order", bought["order"]}});
    rpc.result("cancel", {{"order", first["order"]}});
    CHECK(rpc.result("purchase", {{"quantity", 3}})["serials"] == Json{1, 3, 4});
    CHECK(rpc.kind("purchase") == "held_out");
    CHECK(rpc.result("query")["slots"] == true);
    CHECK(rpc.kind("event.resize", {{"name", "ci"}, {"capacity", 10'001}}) == "limit_reached");
    CHECK(rpc.kind("event.create", {{"name", "x"}, {"capacity", 10'001}, {"slots", true}}) ==
          "invalid_params");
    CHECK(rpc.result("ledger.verify")["ok"] == true);
}

TEST_CASE("a slot belongs to the command that runs in it, and to nobody when it was killed") {
    auto daemon = Daemon::with_events({});
    daemon.connect().result("event.create", {{"name", "ci"}, {"capacity", 3}, {"slots", true}});
    const auto command = {"run", "-n", "2", "--", "sh", "-c", "echo $TICKET_SLOT; kill -9 $$"};
    for (int i = 0; i < 3; ++i) {
        const auto ran = client(daemon, {command.begin(), command.end()});
        CHECK(ran.exit == 137);
        CHECK(ran.output == "1 2\n");
    }
    CHECK(client(daemon, {"hold"}).output ==
          "order 8: 1 ticket of ci held for 10m, slot 1, 2 left\n");
}

TEST_CASE("a capacity below what is committed has to be forced, and then is owed") {
    auto daemon = Daemon::with_events({"demo=10"});
    auto rpc = daemon.connect();
    rpc.result("purchase", {{"quantity", 6}});
    const auto refused = rpc.error("event.resize", {{"name", "demo"}, {"capacity", 4}});
    CHECK(refused["data"]["kind"] == "capacity_below_committed");
    CHECK(refused["data"]["committed"] == 6);
    const auto forced =
        rpc.result("event.resize", {{"name", "demo"}, {"capacity", 4}, {"force", true}});
    CHECK(forced["capacity"] == 4);
    CHECK(forced["available"] == 0);
    CHECK(forced["deficit"] == 2);
    CHECK(rpc.kind("purchase") == "sold_out");
    CHECK(rpc.kind("event.resize", {{"name", "demo"}, {"capacity", 5}}) ==
          "capacity_below_committed");
    CHECK(rpc.result("event.resize", {{"name", "demo"}, {"delta", 0}})["deficit"] == 2);
    CHECK(rpc.result("cancel", {{"order", 2}, {"quantity", 3}})["available"] == 1);
    CHECK_FALSE(rpc.result("query").contains("deficit"));
    CHECK(rpc.result("ledger.read", {{"from_lsn", 3}, {"limit", 1}})["entries"][0]["deficit"] == 2);
    CHECK(rpc.result("ledger.verify")["ok"] == true);
}

TEST_CASE("what is held only pays an overcommit: nobody is told that it may return") {
    auto daemon = Daemon::with_events({"demo=5"});
    auto rpc = daemon.connect();
    rpc.result("purchase", {{"quantity", 3}});
    rpc.result("hold", {{"quantity", 2}});
    CHECK(rpc.kind("purchase") == "held_out");
    rpc.result("event.resize", {{"name", "demo"}, {"capacity", 3}, {"force", true}});
    const auto refused = rpc.error("purchase");
    CHECK(refused["data"]["kind"] == "sold_out");
    CHECK_FALSE(refused["data"].contains("retry_after_ms"));
    CHECK(run_client(daemon.socket(), {"query", "--exit-code"}).exit == 10);
}

TEST_CASE("buyers are not told of a deficit") {
    if (!can_be_others()) return;
    auto daemon = open_daemon({"demo=10"});
    auto rpc = daemon.connect();
    rpc.result("purchase", {{"quantity", 6}});
    rpc.result("event.resize", {{"name", "demo"}, {"capacity", 4}, {"force", true}});
    auto stranger = connect_as(kStranger, daemon.socket());
    CHECK_FALSE(stranger.result("query").contains("deficit"));
    CHECK(stranger.result("query")["available"] == 0);
    CHECK_FALSE(stranger.result("events")["events"][0].contains("deficit"));
    CHECK(rpc.result("events")["events"][0]["deficit"] == 2);
}

TEST_CASE("a close voids holds if it is told to, and only then") {
    auto daemon = Daemon::with_events({"demo=10"});
    auto rpc = daemon.connect();
    const auto first = rpc.result("hold", {{"quantity", 2}})["order"];
    const auto second = rpc.result("hold", {{"quantity", 3}})["order"];
    CHECK(rpc.result("event.close", {{"name", "demo"}})["held"] == 5);
    CHECK(rpc.result("confirm", {{"order", first}})["state"] == "sold");
    const auto voided = rpc.result("event.close", {{"name", "demo"}, {"void_holds", true}});
    CHECK(voided["held"] == 0);
    CHECK(voided["state"] == "closed");
    CHECK(rpc.kind("confirm", {{"order", second}}) == "wrong_state");
    CHECK(rpc.result("order", {{"order", second}})["state"] == "released");
    CHECK(rpc.result("orders", {{"state", "released"}})["orders"].size() == 1);
    const auto again = rpc.result("event.close", {{"name", "demo"}, {"void_holds", true}});
    CHECK(again["lsn"] == voided["lsn"]);
    CHECK(rpc.result("ledger.verify")["ok"] == true);
}

TEST_CASE("ticket-client sets and forces all of it") {
    auto daemon = Daemon::with_events({});
    CHECK(client(daemon,
                 {"event", "create", "fair", "9", "--buyers", "claimed", "--buyer-limit", "2"})
              .exit == 0);
    CHECK(client(daemon, {"buy", "2", "--buyer", "Zoe"}).exit == 0);
    CHECK(client(daemon, {"buy", "--buyer", "Zoe"}).exit == 12);
    CHECK(client(daemon, {"hold", "--buyer", "Ann"}).exit == 0);
    CHECK(client(daemon, {"orders", "--buyer", "Zoe", "--output", "tsv"}).output.find("Zoe") !=
          std::string::npos);
    CHECK(client(daemon, {"event", "resize", "fair", "1"}).exit == 17);
    CHECK(client(daemon, {"event", "resize", "fair", "1", "--force"}).exit == 0);
    CHECK(client(daemon, {"event", "update", "fair", "--buyer-limit", "5"}).exit == 0);
    CHECK(client(daemon, {"event", "close", "fair", "--void-holds"}).exit == 0);
    CHECK(client(daemon, {"event", "create", "gpu", "2", "--slots"}).exit == 0);
    CHECK(client(daemon, {"event", "create", "x", "2", "--buyers", "any"}).exit == 65);
    CHECK(client(daemon, {"buy", "--event", "gpu", "--buyer", "Zoe"}).exit == 65);
}

TEST_SUITE_END();

}  // namespace
}  // namespace ticketd::testing
