// Holds through the wire and from the shell: what they keep, how they end, and that they come back
// however whoever held them ends.
#include <doctest/doctest.h>

#include <chrono>
#include <memory>
#include <optional>

#include "tests/support/daemon.h"
#include "tests/support/hostile.h"

namespace ticketd::testing {
namespace {

// Waits for the order to come into this state.
void wait_for_state(Rpc& rpc, const Json& order, const std::string& state) {
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    while (rpc.result("order", {{"order", order}})["state"] != state) {
        if (std::chrono::steady_clock::now() > deadline) FAIL("the order never was " << state);
        rpc.result("ping");
    }
}

void wait_for_held(Rpc& rpc, int count) {
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    while (rpc.result("query")["held"] != count) {
        if (std::chrono::steady_clock::now() > deadline) FAIL("never were as many held: " << count);
    }
}

TEST_SUITE_BEGIN("holds");

TEST_CASE("a hold tells what it keeps and for how long, and a confirmation what it sold") {
    auto daemon = Daemon::with_events({"demo=5"});
    auto rpc = daemon.connect();
    auto held = rpc.result("hold", {{"quantity", 3}, {"ttl_ms", 60'000}, {"memo", "row 7"}});
    // Some of it may have passed by the time of the answer.
    const auto left = held["expires_in_ms"].get<std::uint64_t>();
    CHECK(left <= 60'000);
    CHECK(left > 50'000);
    held.erase("expires_in_ms");
    CHECK(held == Json{{"order", 2},
                       {"event", "demo"},
                       {"state", "held"},
                       {"requested", 3},
                       {"granted", 3},
                       {"available", 2},
                       {"lsn", 2}});
    CHECK(rpc.result("query")["held"] == 3);
    auto order = rpc.result("order", {{"order", 2}});
    CHECK(order["state"] == "held");
    CHECK(order["serials"].empty());
    CHECK(order["expires_in_ms"] <= 60'000);
    CHECK(order["memo"] == "row 7");
    const auto sold = rpc.result("confirm", {{"order", 2}, {"quantity", 2}});
    CHECK(sold == Json{{"order", 2},
                       {"event", "demo"},
                       {"state", "sold"},
                       {"granted", 2},
                       {"serials", {1, 2}},
                       {"available", 3},
                       {"lsn", 3}});
    order = rpc.result("order", {{"order", 2}});
    CHECK(order["state"] == "sold");
    CHECK(order["granted"] == 2);
    CHECK(order["serials"] == Json{1, 2});
    CHECK(order["lsn"] == 3);
    CHECK(order["memo"] == "row 7");
    CHECK(rpc.result("ledger.verify")["ok"] == true);
}

TEST_CASE("what a hold cannot do is refused for the reason that is true") {
    auto daemon = Daemon::with_events({"demo=3"});
    auto rpc = daemon.connect();
    const auto first = rpc.result("hold", {{"quantity", 2}, {"ttl_ms", 60'000}})["order"];
    const auto late = rpc.result("hold", {{"ttl_ms", 1}})["order"];
    wait_for_state(rpc, late, "expired");
    const auto expired = rpc.error("confirm", {{"order", late}});
    CHECK(expired["code"] == 1005);
    CHECK(expired["data"]["kind"] == "hold_expired");
    CHECK(expired["data"]["retry"] == "never");
    CHECK(rpc.kind("release", {{"order", late}}) == "hold_expired");
    rpc.result("purchase");
    const auto held_out = rpc.error("purchase");
    CHECK(held_out["code"] == 1002);
    CHECK(held_out["data"]["kind"] == "held_out");
    CHECK(held_out["data"]["held"] == 2);
    CHECK(held_out["data"]["retry_after_ms"] <= 60'000);
    CHECK(held_out["data"]["retry_after_ms"] > 0);
    CHECK(rpc.kind("confirm", {{"order", first}, {"quantity", 3}}) == "invalid_params");
    CHECK(rpc.kind("extend", {{"order", first}, {"ttl_ms", 0}}) == "invalid_params");
    CHECK(rpc.kind("confirm") == "invalid_params");
    CHECK(rpc.result("release", {{"order", first}})["state"] == "released");
    CHECK(rpc.kind("confirm", {{"order", first}}) == "wrong_state");
    CHECK(rpc.kind("extend", {{"order", 5}}) == "wrong_state");  // a purchase
    CHECK(rpc.kind("release", {{"order", 1}}) == "not_found");   // an event
    CHECK(rpc.kind("release", {{"order", 99}}) == "not_found");
    CHECK(rpc.kind("release", {{"order", 0}}) == "not_found");
    for (const auto* bind : {"", "pid:", "pid:0", "pid:-1", "pid:1x", "process", "pid:4294967295"})
        CHECK(rpc.kind("hold", {{"bind", bind}}) == "invalid_params");
    CHECK(rpc.result("query")["available"] == 2);
}

TEST_CASE("orders can be asked for by their state") {
    auto daemon = Daemon::with_events({"demo=9"});
    auto rpc = daemon.connect();
    const auto hold = [&rpc] { return rpc.result("hold", {{"ttl_ms", 60'000}})["order"]; };
    const auto kept = hold(), sold = hold(), back = hold();
    rpc.result("purchase");
    rpc.result("confirm", {{"order", sold}});
    rpc.result("release", {{"order", back}});
    const auto in_state = [&rpc](const char* state) {
        auto numbers = Json::array();
        const auto answer = rpc.result("orders", {{"state", state}});
        for (const auto& order : answer["orders"])
            numbers.push_back(order["order"]);
        return numbers;
    };
    CHECK(in_state("held") == Json{kept});
    CHECK(in_state("sold") == Json{sold, 5});
    CHECK(in_state("released") == Json{back});
    CHECK(in_state("expired") == Json::array());
    CHECK(rpc.kind("orders", {{"state", "lost"}}) == "invalid_params");
}

TEST_CASE("orders of a state are found behind many of another, page by page") {
    auto daemon = Daemon::with_events({"demo=1000"});
    auto rpc = daemon.connect();
    for (int i = 0; i < 150; ++i)
        rpc.result("purchase");
    std::vector<Json> held;
    for (int i = 0; i < 3; ++i)
        held.push_back(rpc.result("hold")["order"]);
    const auto all = rpc.result("orders", {{"state", "held"}});
    CHECK(all["orders"].size() == 3);
    CHECK(all["next"].is_null());
    auto page = rpc.result("orders", {{"state", "held"}, {"limit", 2}});
    REQUIRE(page["orders"].size() == 2);
    CHECK(page["orders"][1]["order"] == held[1]);
    page = rpc.result("orders", {{"state", "held"}, {"limit", 2}, {"after_lsn", page["next"]}});
    REQUIRE(page["orders"].size() == 1);
    CHECK(page["orders"][0]["order"] == held[2]);
    CHECK(page["next"].is_null());
    CHECK(rpc.result("orders", {{"state", "sold"}, {"limit", 149}})["next"] == 150);
}

TEST_CASE("a key answers what was done to a hold again, and finds the order") {
    auto daemon = Daemon::with_events({"demo=9"});
    auto rpc = daemon.connect();
    const Json hold{{"quantity", 2}, {"ttl_ms", 60'000}, {"key", "h"}};
    const auto held = rpc.result("hold", hold);
    const Json confirm{{"order", held["order"]}, {"key", "c"}};
    const auto sold = rpc.result("confirm", confirm);
    daemon.kill_hard();
    daemon.start();
    auto again = daemon.connect();
    auto replayed = again.result("confirm", confirm);
    CHECK(replayed["replayed"] == true);
    replayed.erase("replayed");
    CHECK(replayed == sold);
    const auto old = again.result("hold", hold);
    CHECK(old["replayed"] == true);
    CHECK(old["order"] == held["order"]);
    CHECK(old["expires_in_ms"] == 0);
    CHECK(again.kind("release", confirm) == "key_mismatch");
    CHECK(again.kind("purchase", {{"key", "h"}}) == "key_mismatch");
    CHECK(again.result("order", {{"key", "c"}})["order"] == held["order"]);
    CHECK(again.result("abandon", {{"key", "c"}})["state"] == "sold");
    CHECK(again.result("query")["sold"] == 2);
}

TEST_CASE("a hold bound to its connection ends with it, however that ends") {
    auto daemon = Daemon::with_events({"demo=2"});
    auto rpc = daemon.connect();
    Json order;
    {
        auto other = daemon.connect();
        const auto held = other.result("hold", {{"bind", "connection"}});
        CHECK_FALSE(held.contains("expires_in_ms"));
        order = held["order"];
        CHECK(rpc.result("order", {{"order", order}})["bind"] == "connection");
        CHECK(rpc.result("query")["held"] == 1);
    }
    wait_for_state(rpc, order, "released");
    // The daemon's own end is the end of all connections.
    auto kept = daemon.connect();
    order = kept.result("hold", {{"quantity", 2}, {"bind", "connection"}})["order"];
    daemon.kill_hard();
    daemon.start();
    auto later = daemon.connect();
    wait_for_state(later, order, "released");
    CHECK(later.result("query")["available"] == 2);
    CHECK(later.result("ledger.verify")["ok"] == true);
}

TEST_CASE("a hold bound to a process ends with it, also over a restart of the daemon") {
    auto daemon = Daemon::with_events({"demo=5"});
    const auto hold_for = [](Rpc& rpc, const Process& process) {
        const auto bind = "pid:" + std::to_string(process.pid());
        return rpc.result("hold", {{"bind", bind}})["order"];
    };
    Json ended_meanwhile, survives;
    Process second{{"sleep", "1000"}}, third{{"sleep", "1000"}};
    {
        auto rpc = daemon.connect();
        Process first{{"sleep", "1000"}};
        const auto order = hold_for(rpc, first);
        CHECK(rpc.result("order", {{"order", order}})["pid"] == first.pid());
        first.kill(SIGKILL);
        wait_for_state(rpc, order, "released");
        ended_meanwhile = hold_for(rpc, second);
        survives = hold_for(rpc, third);
        CHECK(rpc.result("query")["held"] == 2);
    }
    daemon.kill_hard();
    second.kill(SIGKILL);
    second.wait();
    daemon.start();
    auto rpc = daemon.connect();
    wait_for_state(rpc, ended_meanwhile, "released");
    CHECK(rpc.result("order", {{"order", survives}})["state"] == "held");
    third.kill(SIGTERM);
    wait_for_state(rpc, survives, "released");
}

TEST_CASE("a hold that is made once its connection is closed ends at once") {
    auto daemon = Daemon::with_events({"demo=1000"});
    auto rpc = daemon.connect();
    const Json known{{"method", "purchase"}, {"params", {{"key", "known"}}}};
    const Json bound{{"method", "hold"}, {"params", {{"bind", "connection"}}}};
    rpc.result("purchase", {{"key", "known"}});
    for (int i = 0; i < 60; ++i) {
        auto leaving = daemon.connect();
        const Json params{{"requests", {known, bound}}, {"atomic", i % 2 == 0}};
        // The ledger is read for the key; until then the connection is closed.
        leaving.send(request_line(1, "batch", params));
    }
    wait_for_held(rpc, 0);
    CHECK(rpc.result("query")["sold"] == 1);
}

TEST_CASE("holds bound to more processes than can be watched end with those, and not before") {
    constexpr int kProcesses = 40;
    DaemonOptions options;
    options.arguments = {"--event", "demo=1000"};
    options.process.nofile = 60;  // for a quarter of them processes are watched
    Daemon daemon{options};
    daemon.start();
    auto rpc = daemon.connect(), waiting = daemon.connect();
    rpc.result("event.pause", {{"name", "demo"}});
    std::vector<std::unique_ptr<Process>> processes;
    for (int i = 0; i < kProcesses; ++i) {
        processes.push_back(std::make_unique<Process>(std::vector<std::string>{"sleep", "1000"}));
        const Json params{{"bind", "pid:" + std::to_string(processes.back()->pid())},
                          {"wait_ms", 3'600'000}};
        waiting.send(request_line(i, "hold", params));
    }
    rpc.wait_for_stat("waiting", kProcesses);
    rpc.result("event.resume", {{"name", "demo"}});
    std::vector<Json> orders;
    for (int i = 0; i < kProcesses; ++i)
        orders.push_back(waiting.receive()["result"]["order"]);
    CHECK(rpc.kind("hold", {{"bind", "pid:" + std::to_string(::getpid())}}) == "busy");
    for (int left = kProcesses; left > 0; --left) {
        CHECK(rpc.result("query")["held"] == left);
        processes.back()->kill(SIGKILL);
        processes.pop_back();
        wait_for_state(rpc, orders[static_cast<std::size_t>(left) - 1], "released");
    }
    CHECK(rpc.result("query")["available"] == 1000);
}

TEST_CASE("the key of a hold is answered again when the process that it was bound to is no more") {
    auto daemon = Daemon::with_events({"demo=5"});
    auto rpc = daemon.connect();
    Process process{{"sleep", "1000"}};
    const Json params{{"bind", "pid:" + std::to_string(process.pid())}, {"key", "k"}};
    const auto order = rpc.result("hold", params)["order"];
    rpc.result("confirm", {{"order", order}});
    process.kill(SIGKILL);
    process.wait();
    const auto again = rpc.result("hold", params);
    CHECK(again["order"] == order);
    CHECK(again["replayed"] == true);
    auto other = params;
    other["quantity"] = 2;
    CHECK(rpc.kind("hold", other) == "key_mismatch");
    other["key"] = "new";
    CHECK(rpc.kind("hold", other) == "invalid_params");
}

TEST_CASE("a copy of a hold that waits in line joins it, whatever became of the process") {
    auto daemon = Daemon::with_events({"demo=1"});
    auto rpc = daemon.connect(), waiting = daemon.connect();
    const auto all = rpc.result("hold", {{"ttl_ms", 3'600'000}})["order"];
    Process process{{"sleep", "1000"}};
    const Json params{
        {"bind", "pid:" + std::to_string(process.pid())}, {"key", "k"}, {"wait_ms", 3'600'000}};
    const auto request = request_line(1, "hold", params);
    waiting.send(request);
    rpc.wait_for_stat("waiting", 1);
    process.kill(SIGKILL);
    process.wait();
    waiting.send(request);
    rpc.result("release", {{"order", all}});
    for (int i = 0; i < 2; ++i)
        CHECK(waiting.receive()["result"]["state"] == "held");
    wait_for_held(rpc, 0);
}

TEST_CASE("of those who wait for one hold the last who is still there has it bound to them") {
    auto daemon = Daemon::with_events({"demo=1"});
    auto rpc = daemon.connect();
    std::optional<Rpc> stays = daemon.connect(), leaves = daemon.connect();
    const auto all = rpc.result("hold", {{"ttl_ms", 3'600'000}})["order"];
    const Json params{{"bind", "connection"}, {"key", "k"}, {"wait_ms", 3'600'000}};
    for (auto* waiting : {&*stays, &*leaves}) {
        waiting->send(request_line(1, "hold", params));
        waiting->result("ping");
    }
    leaves.reset();
    rpc.result("release", {{"order", all}});
    CHECK(stays->receive()["result"]["state"] == "held");
    rpc.result("ping");
    CHECK(rpc.result("query")["held"] == 1);
    stays.reset();
    wait_for_held(rpc, 0);
}

TEST_CASE("others' processes cannot be bound to, and others' holds are not there") {
    if (!can_be_others()) return;
    auto daemon = open_daemon({"demo=5"});
    auto stranger = connect_as(kStranger, daemon.socket());
    const auto self = "pid:" + std::to_string(::getpid());
    CHECK(stranger.kind("hold", {{"bind", self}}) == "invalid_params");
    const auto order = stranger.result("hold", {{"ttl_ms", 60'000}})["order"];
    auto other = connect_as(kOtherStranger, daemon.socket());
    for (const auto* method : {"confirm", "release", "extend", "order"})
        CHECK(other.kind(method, {{"order", order}}) == "not_found");
    auto root = daemon.connect();
    CHECK(root.result("release", {{"order", order}})["state"] == "released");
    CHECK(other.kind("confirm", {{"order", order}}) == "not_found");
    CHECK(stranger.kind("confirm", {{"order", order}}) == "wrong_state");
}

TEST_CASE("from the shell: hold, extend, confirm, release") {
    auto daemon = Daemon::with_events({"demo=5"});
    const auto held = client(daemon, {"hold", "3", "--ttl", "5m", "--min", "2"});
    CHECK(held.exit == 0);
    CHECK(held.output == "order 2: 3 tickets of demo held for 5m, 2 left\n");
    CHECK(client(daemon, {"extend", "2", "--ttl", "90s"}).output ==
          "order 2: held for 90s, 2 of demo left\n");
    CHECK(client(daemon, {"confirm", "2", "1"}).output ==
          "order 2: 1 ticket of demo, serial 1, 4 left\n");
    CHECK(client(daemon, {"hold", "4", "-q"}).output.empty());
    const auto held_out = client(daemon, {"buy"});
    CHECK(held_out.exit == 11);
    CHECK(held_out.error.starts_with("held_out: "));
    CHECK(client(daemon, {"release", "5"}).output == "order 5: released, 4 of demo left\n");
    const auto wrong = client(daemon, {"confirm", "5"});
    CHECK(wrong.exit == 14);
    CHECK(wrong.error == "wrong_state: order 5 is released\n");
    CHECK(client(daemon, {"confirm", "99"}).exit == 16);
    CHECK(client(daemon, {"confirm", "x"}).exit == 64);
    CHECK(client(daemon, {"confirm", "5", "0"}).exit == 64);
    CHECK(client(daemon, {"hold", "--ttl", "5"}).exit == 64);
    CHECK(client(daemon, {"hold", "--ttl", "300d"}).exit == 65);
    Process shell{{"sleep", "1000"}};
    const auto bound = client(daemon, {"hold", "--pid", std::to_string(shell.pid())});
    CHECK(bound.output == "order 7: 1 ticket of demo held, 3 left\n");
    shell.kill(SIGKILL);
    auto rpc = daemon.connect();
    wait_for_state(rpc, 7, "released");
}

TEST_SUITE_END();

}  // namespace
}  // namespace ticketd::testing
