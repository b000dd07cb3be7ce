// Cancellations through the wire and from the shell: what returns, to whom, and what cannot.
#include <doctest/doctest.h>

#include <set>

#include "tests/support/daemon.h"
#include "tests/support/hostile.h"

namespace ticketd::testing {
namespace {

TEST_SUITE_BEGIN("cancel");

TEST_CASE("a cancellation tells what returned and what the order still has") {
    auto daemon = Daemon::with_events({"demo=5"});
    auto rpc = daemon.connect();
    rpc.result("purchase", {{"quantity", 4}});
    CHECK(rpc.result("cancel", {{"order", 2}, {"serials", {3, 1}}, {"reason", "ill"}}) ==
          Json{{"order", 2},
               {"event", "demo"},
               {"state", "sold"},
               {"cancelled", 2},
               {"returned", {1, 3}},
               {"serials", {2, 4}},
               {"available", 3},
               {"lsn", 3}});
    CHECK(rpc.result("cancel", {{"order", 2}, {"quantity", 1}})["returned"] == Json{4});
    const auto order = rpc.result("order", {{"order", 2}});
    CHECK(order["state"] == "sold");
    CHECK(order["granted"] == 1);
    CHECK(order["serials"] == Json{2});
    CHECK(rpc.result("cancel", {{"order", 2}})["state"] == "cancelled");
    CHECK(rpc.result("order", {{"order", 2}})["state"] == "cancelled");
    CHECK(rpc.result("orders", {{"state", "cancelled"}})["orders"].size() == 1);
    CHECK(rpc.result("orders", {{"state", "sold"}})["orders"].empty());
    CHECK(rpc.result("query")["available"] == 5);
    CHECK(rpc.result("purchase")["serials"] == Json{5});
    CHECK(rpc.result("ledger.verify")["ok"] == true);
}

TEST_CASE("what cannot be cancelled is refused, and nothing changes") {
    auto daemon = Daemon::with_events({"demo=5"});
    auto rpc = daemon.connect();
    rpc.result("purchase", {{"quantity", 2}});
    rpc.result("hold");
    CHECK(rpc.kind("cancel", {{"order", 2}, {"quantity", 3}}) == "invalid_params");
    CHECK(rpc.kind("cancel", {{"order", 2}, {"serials", {2, 3}}}) == "wrong_state");
    CHECK(rpc.kind("cancel", {{"order", 2}, {"serials", {1, 1}}}) == "invalid_params");
    CHECK(rpc.kind("cancel", {{"order", 2}, {"serials", Json::array()}}) == "invalid_params");
    CHECK(rpc.kind("cancel", {{"order", 2}, {"serials", {1.0}}}) == "invalid_params");
    CHECK(rpc.kind("cancel", {{"order", 2}, {"serials", "1"}}) == "invalid_params");
    CHECK(rpc.kind("cancel", {{"order", 2}, {"serials", {1}}, {"quantity", 1}}) ==
          "invalid_params");
    CHECK(rpc.kind("cancel", {{"order", 3}}) == "wrong_state");
    CHECK(rpc.kind("cancel", {{"order", 1}}) == "not_found");
    CHECK(rpc.kind("cancel", {{"order", 4}}) == "not_found");
    CHECK(rpc.kind("cancel") == "invalid_params");
    CHECK(rpc.result("query")["lsn"] == 3);
}

TEST_CASE("a second cancellation changes nothing: the same key is answered, another one refused") {
    auto daemon = Daemon::with_events({"demo=5"});
    auto rpc = daemon.connect();
    rpc.result("purchase", {{"quantity", 2}});
    const auto first = rpc.result("cancel", {{"order", 2}, {"key", "c"}});
    const auto again = rpc.result("cancel", {{"order", 2}, {"key", "c"}});
    CHECK(again["replayed"] == true);
    CHECK(again["lsn"] == first["lsn"]);
    CHECK(rpc.kind("cancel", {{"order", 2}, {"quantity", 1}, {"key", "c"}}) == "key_mismatch");
    const auto refused = rpc.error("cancel", {{"order", 2}, {"key", "d"}});
    CHECK(refused["data"]["kind"] == "wrong_state");
    CHECK(refused["code"] == 1005);
    CHECK(rpc.kind("cancel", {{"order", 2}, {"key", "d"}}) == "wrong_state");
    CHECK(rpc.result("query")["available"] == 5);
}

TEST_CASE("cancellations that are asked for at once return each ticket once") {
    auto daemon = Daemon::with_events({"demo=100"});
    auto rpc = daemon.connect();
    rpc.result("purchase", {{"quantity", 50}});
    constexpr int kAtOnce = 60;
    std::string batch;
    for (int i = 0; i < kAtOnce; ++i) {
        batch += R"({"jsonrpc":"2.0","id":)" + std::to_string(i) +
                 R"(,"method":"cancel","params":{"order":2,"quantity":1}})"
                 "\n";
    }
    rpc.send(batch);
    int done = 0;
    std::set<std::uint64_t> returned;
    for (int i = 0; i < kAtOnce; ++i) {
        const auto reply = rpc.receive();
        if (!reply.contains("result")) continue;
        ++done;
        returned.insert(reply["result"]["returned"][0].get<std::uint64_t>());
    }
    CHECK(done == 50);
    CHECK(returned.size() == 50);
    CHECK(rpc.result("query")["available"] == 100);
    CHECK(rpc.result("ledger.verify")["ok"] == true);
}

TEST_CASE("what returns goes to the first in line") {
    auto daemon = Daemon::with_events({"demo=2"});
    auto rpc = daemon.connect();
    rpc.result("purchase", {{"quantity", 2}});
    auto waiting = daemon.connect();
    waiting.send(R"({"jsonrpc":"2.0","id":1,"method":"purchase","params":{"wait_ms":3600000}})"
                 "\n");
    rpc.wait_for_stat("waiting", 1);
    rpc.result("cancel", {{"order", 2}, {"quantity", 1}});
    CHECK(waiting.receive()["result"]["serials"] == Json{3});
    CHECK(rpc.result("query")["available"] == 0);
}

TEST_CASE("tickets that are not restocked are gone, and so is that much of the capacity") {
    auto daemon = Daemon::with_events({"demo=5"});
    auto rpc = daemon.connect();
    rpc.result("purchase", {{"quantity", 3}});
    CHECK(rpc.result("cancel", {{"order", 2}, {"quantity", 2}, {"restock", false}})["available"] ==
          2);
    const auto counts = rpc.result("query");
    CHECK(counts["capacity"] == 3);
    CHECK(counts["sold"] == 1);
    rpc.result("event.create", {{"name", "ci"}, {"capacity", 2}, {"slots", true}});
    const auto order = rpc.result("purchase", {{"event", "ci"}})["order"];
    CHECK(rpc.kind("cancel", {{"order", order}, {"restock", false}}) == "invalid_params");
}

TEST_CASE("others' orders are cancelled by operators only, and so is an order that was read") {
    if (!can_be_others()) return;
    auto daemon = open_daemon({"demo=5"});
    auto stranger = connect_as(kStranger, daemon.socket());
    auto rpc = daemon.connect();
    rpc.result("purchase");
    const auto theirs = stranger.result("purchase")["order"];
    CHECK(stranger.kind("cancel", {{"order", 2}}) == "not_found");
    const auto cancelled = rpc.result("cancel", {{"order", theirs}});
    CHECK(cancelled["state"] == "cancelled");
    CHECK(stranger.result("order", {{"order", theirs}})["state"] == "cancelled");
    CHECK(stranger.kind("cancel", {{"order", theirs}}) == "wrong_state");
    rpc.result("event.create", {{"name", "ci"}, {"capacity", 2}, {"slots", true}});
    const auto ours = rpc.result("purchase", {{"event", "ci"}})["order"];
    CHECK(stranger.kind("cancel", {{"order", ours}, {"restock", false}}) == "not_found");
}

TEST_CASE("what was cancelled is so after a kill") {
    auto daemon = Daemon::with_events({"demo=5"});
    {
        auto rpc = daemon.connect();
        rpc.result("purchase", {{"quantity", 3}});
        rpc.result("cancel", {{"order", 2}, {"serials", {2}}, {"key", "c"}});
    }
    daemon.kill_hard();
    daemon.start();
    auto rpc = daemon.connect();
    CHECK(rpc.result("order", {{"order", 2}})["serials"] == Json{1, 3});
    CHECK(rpc.result("cancel", {{"order", 2}, {"serials", {2}}, {"key", "c"}})["replayed"] == true);
    CHECK(rpc.kind("cancel", {{"order", 2}, {"serials", {2}}}) == "wrong_state");
    CHECK(rpc.result("query")["available"] == 3);
}

TEST_CASE("orders tell what became of them after a restart, whatever happened to the last one") {
    auto daemon = Daemon::with_events({"demo=5"});
    {
        auto rpc = daemon.connect();
        rpc.result("purchase");
        rpc.result("cancel", {{"order", 2}});
        const auto held = rpc.result("hold")["order"];
        rpc.result("confirm", {{"order", held}});
    }
    CHECK(daemon.stop() == 0);
    daemon.start();
    auto rpc = daemon.connect();
    const auto last = rpc.result("hold")["order"];
    rpc.result("release", {{"order", last}});
    const auto orders = rpc.result("orders")["orders"];
    REQUIRE(orders.size() == 3);
    CHECK(orders[0]["state"] == "cancelled");
    CHECK(orders[1]["state"] == "sold");
    CHECK(orders[2]["state"] == "released");
    CHECK(rpc.result("orders", {{"state", "cancelled"}})["orders"].size() == 1);
}

TEST_CASE("a cancellation that was refused is refused as it was, whatever happened since") {
    auto daemon = Daemon::with_events({"demo=5"});
    auto rpc = daemon.connect();
    const auto order = rpc.result("hold")["order"];
    const Json params{{"order", order}, {"key", "k"}};
    const auto refused = rpc.error("cancel", params);
    CHECK(refused["message"] == "order 2 is held");
    CHECK(refused["data"]["order"] == 2);
    CHECK(refused["data"]["lsn"] == 2);
    rpc.result("confirm", {{"order", order}});
    CHECK(rpc.error("cancel", params) == refused);
    const auto missing = rpc.error("cancel", {{"order", order}, {"serials", {1, 2}}});
    CHECK(missing["message"] == "order 2 has not got all these tickets");
    CHECK(missing["data"]["kind"] == "wrong_state");
    CHECK(missing["data"]["order"] == 2);
    CHECK(missing["data"]["lsn"] == 3);
}

TEST_CASE("ticket-client cancels all, some or those that are named") {
    auto daemon = Daemon::with_events({"demo=9"});
    client(daemon, {"buy", "6"});
    const auto some = client(daemon, {"cancel", "2", "1", "--reason", "one is ill"});
    CHECK(some.output == "order 2: 1 ticket of demo cancelled, serials 1-5 kept, 4 left\n");
    const auto named = client(daemon, {"cancel", "2", "--serials", "1,3-4"});
    CHECK(named.output == "order 2: 3 tickets of demo cancelled, serials 2, 5 kept, 7 left\n");
    CHECK(client(daemon, {"cancel", "2", "1", "--serials", "1"}).exit == 64);
    CHECK(client(daemon, {"cancel", "2", "--serials", "4-1"}).exit == 64);
    CHECK(client(daemon, {"cancel", "2", "--serials", "1,,2"}).exit == 64);
    CHECK(client(daemon, {"cancel"}).exit == 64);
    CHECK(client(daemon, {"cancel", "2", "3"}).exit == 65);
    const auto all = client(daemon, {"refund", "2", "--no-restock", "--json"});
    CHECK(Json::parse(all.output)["state"] == "cancelled");
    const auto again = client(daemon, {"cancel", "2"});
    CHECK(again.exit == 14);
    CHECK(again.error == "wrong_state: order 2 is cancelled\n");
    CHECK(client(daemon, {"cancel", "77"}).exit == 16);
}

TEST_CASE("serials that lie far apart are refused like any others that the order has not") {
    auto daemon = Daemon::with_events({"demo=9"});
    auto rpc = daemon.connect();
    const auto order = rpc.result("purchase", {{"quantity", 2}})["order"];
    for (const auto& at : {order, Json(99)}) {
        const Json far{{"order", at}, {"serials", {1, 9'000'000'000'000}}, {"key", at.dump()}};
        const auto kind = rpc.kind("cancel", far);
        CHECK((kind == "wrong_state" || kind == "not_found"));
        CHECK(rpc.kind("cancel", far) == kind);
        auto other = far;
        other["serials"] = {1, 20'000};
        CHECK(rpc.kind("cancel", other) == "key_mismatch");
    }
    CHECK(rpc.result("query")["sold"] == 2);
}

TEST_SUITE_END();

}  // namespace
}  // namespace ticketd::testing
