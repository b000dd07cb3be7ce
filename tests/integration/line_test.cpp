// Waiting in line for tickets: first come first served, over the wire and from the shell.
#include <doctest/doctest.h>

#include <chrono>
#include <map>

#include "tests/support/daemon.h"
#include "tests/support/hostile.h"

namespace ticketd::testing {
namespace {

using std::chrono::milliseconds;

constexpr int kLong = 3'600'000;  // longer than any test waits

// Asks, and waits until the daemon has it in line.
void join(Rpc& rpc, Rpc& watcher, std::uint64_t in_line, int id, const char* method,
          const Json& params) {
    rpc.send(request_line(id, method, params));
    watcher.wait_for_stat("waiting", in_line);
}

TEST_SUITE_BEGIN("line");

TEST_CASE("what is released goes to the first in line, and nobody gets in between") {
    auto daemon = Daemon::with_events({"demo=1"});
    auto rpc = daemon.connect(), first = daemon.connect(), second = daemon.connect();
    const auto order = rpc.result("hold", {{"ttl_ms", kLong}})["order"];
    join(first, rpc, 1, 1, "purchase", {{"wait_ms", kLong}});
    join(second, rpc, 2, 2, "purchase", {{"wait_ms", kLong}, {"key", "k2"}});
    // In one turn of the loop: released, and somebody else asks.
    rpc.send(request_line(7, "release", {{"order", order}}) +
             request_line(8, "purchase", Json::object()));
    CHECK(rpc.receive()["result"]["state"] == "released");
    const auto refused = rpc.receive()["error"];
    CHECK(refused["code"] == 1001);
    CHECK(refused["data"]["kind"] == "sold_out");
    CHECK(refused["data"]["retry"] == "new_key");
    CHECK(first.receive()["result"]["granted"] == 1);
    rpc.result("event.resize", {{"name", "demo"}, {"capacity", 2}});
    CHECK(second.receive()["result"]["serials"] == Json{2});
    CHECK(rpc.kind("purchase") == "sold_out");
    CHECK(rpc.result("ledger.verify")["ok"] == true);
}

TEST_CASE("what comes back is for the line before whoever asks next, and no more than it wants") {
    auto daemon = Daemon::with_events({"demo=4"});
    auto rpc = daemon.connect(), waiting = daemon.connect();
    const auto order = rpc.result("hold", {{"quantity", 4}, {"ttl_ms", kLong}})["order"];
    join(waiting, rpc, 1, 1, "purchase", {{"wait_ms", kLong}});
    // All at once: a release, two purchases, a batch and one that there is nothing left for.
    const Json two{{"method", "purchase"}, {"params", {{"quantity", 2}}}};
    const Json batch{{"requests", Json::array({two})}, {"atomic", true}};
    rpc.send(request_line(1, "release", {{"order", order}}) +
             request_line(2, "purchase", {{"key", "k"}}) +
             request_line(3, "purchase", {{"dry_run", true}}) + request_line(4, "batch", batch) +
             request_line(5, "purchase", Json::object()));
    std::map<int, Json> replies;
    for (int i = 0; i < 5; ++i) {
        const auto reply = rpc.receive();
        replies[reply["id"].get<int>()] = reply;
    }
    CHECK(replies[1]["result"]["available"] == 4);
    CHECK(replies[2]["result"]["serials"] == Json{2});
    CHECK(replies[3]["result"]["state"] == "possible");
    CHECK(replies[4]["result"]["results"][0]["result"]["serials"] == Json{3, 4});
    CHECK(replies[5]["error"]["data"]["kind"] == "sold_out");
    CHECK(waiting.receive()["result"]["serials"] == Json{1});
}

TEST_CASE("what comes back is for the line before anything else is done with the event") {
    const Json nothing = Json::object();
    for (const auto& [method, params] :
         {std::pair{"event.pause", nothing}, std::pair{"event.close", nothing},
          std::pair{"event.resize", Json{{"delta", -1}}},
          std::pair{"event.update", Json{{"order_limit", 1}}}}) {
        CAPTURE(method);
        auto daemon = Daemon::with_events({"demo=2"});
        auto rpc = daemon.connect(), waiting = daemon.connect();
        const auto order = rpc.result("hold", {{"quantity", 2}, {"ttl_ms", kLong}})["order"];
        join(waiting, rpc, 1, 1, "purchase", {{"quantity", 2}, {"wait_ms", kLong}});
        auto change = params;
        change["name"] = "demo";
        rpc.send(request_line(1, "release", {{"order", order}}) + request_line(2, method, change) +
                 request_line(3, "query", Json::object()));
        CHECK(waiting.receive()["result"]["granted"] == 2);
        rpc.receive();
        rpc.receive();
        CHECK(rpc.receive()["result"]["sold"] == 2);
    }
}

TEST_CASE("when a hold ends nobody is told that all of it is for the line, which wants less") {
    constexpr int kRounds = 60, kRequests = 120;
    auto daemon = Daemon::with_events({"demo=1000"});
    auto rpc = daemon.connect(), waiting = daemon.connect();
    std::string requests;
    for (int i = 0; i < kRequests; ++i)
        requests += request_line(i, "hold", {{"ttl_ms", kLong}});
    for (int round = 0; round < kRounds; ++round) {
        rpc.result("hold", {{"quantity", 1000}, {"ttl_ms", 3}});
        waiting.send(request_line(1, "hold", {{"wait_ms", kLong}, {"ttl_ms", kLong}}));
        rpc.send(requests);  // some before the hold ends, and some after that
        std::vector<Json> orders;
        for (int i = 0; i < kRequests; ++i) {
            const auto reply = rpc.receive();
            if (reply.contains("result")) {
                orders.push_back(reply["result"]["order"]);
            } else {
                REQUIRE(reply["error"]["data"]["kind"] == "held_out");
            }
        }
        orders.push_back(waiting.receive()["result"]["order"]);
        for (const auto& order : orders)
            rpc.result("release", {{"order", order}});
    }
}

TEST_CASE("a key that waits in line is no other request's, wherever that asks") {
    auto daemon = Daemon::with_events({"demo=1", "other=9"});
    auto rpc = daemon.connect(), waiting = daemon.connect();
    const auto order = rpc.result("hold", {{"event", "demo"}, {"ttl_ms", kLong}})["order"];
    join(waiting, rpc, 1, 1, "purchase", {{"event", "demo"}, {"wait_ms", kLong}, {"key", "k"}});
    for (const auto* method : {"purchase", "hold"})
        CHECK(rpc.kind(method, {{"event", "other"}, {"key", "k"}}) == "key_mismatch");
    rpc.result("release", {{"order", order}});
    CHECK(waiting.receive()["result"]["event"] == "demo");
}

TEST_CASE("one request is asked for by no more than may ask at once") {
    auto daemon = Daemon::with_events({"demo=1"});
    auto rpc = daemon.connect(), waiting = daemon.connect();
    const auto order = rpc.result("hold", {{"ttl_ms", kLong}})["order"];
    std::string copies;
    constexpr int kCopies = 70, kMost = 64;
    for (int i = 0; i < kCopies; ++i)
        copies += request_line(i, "purchase", {{"wait_ms", kLong}, {"key", "k"}});
    waiting.send(copies);
    for (int i = kMost; i < kCopies; ++i)
        CHECK(waiting.receive()["error"]["data"]["kind"] == "busy");
    CHECK(rpc.kind("purchase", {{"wait_ms", 1}, {"key", "k"}}) == "busy");
    rpc.result("release", {{"order", order}});
    for (int i = 0; i < kMost; ++i)
        CHECK(waiting.receive()["result"]["serials"] == Json{1});
    CHECK(rpc.result("query")["sold"] == 1);
    CHECK(rpc.result("server.stats")["purchases_sold"] == 1);
}

TEST_CASE("a hold that expires by itself, and one that is confirmed in part, feed the line") {
    auto daemon = Daemon::with_events({"demo=3"});
    auto rpc = daemon.connect(), first = daemon.connect(), second = daemon.connect();
    rpc.result("hold", {{"ttl_ms", 300}});
    const auto order = rpc.result("hold", {{"quantity", 2}, {"ttl_ms", kLong}})["order"];
    join(first, rpc, 1, 1, "purchase", {{"wait_ms", kLong}});
    join(second, rpc, 2, 2, "hold", {{"wait_ms", kLong}, {"ttl_ms", kLong}});
    CHECK(first.receive()["result"]["state"] == "sold");
    rpc.result("confirm", {{"order", order}, {"quantity", 1}});
    CHECK(second.receive()["result"]["state"] == "held");
}

TEST_CASE("the strict line waits for its head; where they fit, others pass three times") {
    auto daemon = Daemon::with_events({"demo=2"});
    auto rpc = daemon.connect();
    rpc.result("purchase");
    auto big = daemon.connect(), small = daemon.connect();
    join(big, rpc, 1, 1, "purchase", {{"quantity", 2}, {"wait_ms", kLong}});
    join(small, rpc, 2, 2, "purchase", {{"wait_ms", kLong}});
    CHECK(rpc.kind("purchase") == "reserved_for_line");
    CHECK(rpc.result("event.update", {{"name", "demo"}, {"line", "fit"}})["line"] == "fit");
    CHECK(small.receive()["result"]["granted"] == 1);
    for (int capacity = 3; capacity <= 4; ++capacity) {
        rpc.result("event.resize", {{"name", "demo"}, {"capacity", capacity}});
        CHECK(rpc.result("purchase")["granted"] == 1);
    }
    rpc.result("event.resize", {{"name", "demo"}, {"capacity", 5}});
    CHECK(rpc.kind("purchase") == "reserved_for_line");
    rpc.result("event.resize", {{"name", "demo"}, {"capacity", 6}});
    CHECK(big.receive()["result"]["granted"] == 2);
}

TEST_CASE("a wait that was in vain ends in time, and its key has been told no") {
    auto daemon = Daemon::with_events({"demo=1"});
    auto rpc = daemon.connect();
    rpc.result("purchase");
    const auto before = std::chrono::steady_clock::now();
    const auto error = rpc.error("purchase", {{"wait_ms", 200}, {"key", "k"}});
    const auto waited = std::chrono::steady_clock::now() - before;
    CHECK(error["code"] == 1010);
    CHECK(error["data"]["kind"] == "wait_timeout");
    CHECK(error["data"]["available"] == 0);
    CHECK(waited >= milliseconds{200});
    rpc.result("event.resize", {{"name", "demo"}, {"capacity", 2}});
    CHECK(rpc.kind("purchase", {{"key", "k"}}) == "wait_timeout");
    CHECK(rpc.result("query")["available"] == 1);
}

TEST_CASE("what can never be had is not waited for") {
    auto daemon = Daemon::with_events({"demo=2"});
    auto rpc = daemon.connect();
    CHECK(rpc.kind("purchase", {{"quantity", 3}, {"wait_ms", kLong}}) == "never_satisfiable");
    rpc.result("event.update", {{"name", "demo"}, {"order_limit", 1}});
    const auto error = rpc.error("purchase", {{"quantity", 2}, {"wait_ms", kLong}});
    CHECK(error["code"] == 1003);
    CHECK(error["data"]["kind"] == "limit_reached");
    CHECK(error["data"]["limit"] == 1);
    CHECK(rpc.result("purchase", {{"quantity", 2}, {"min_quantity", 1}})["granted"] == 1);
    rpc.result("event.close", {{"name", "demo"}});
    CHECK(rpc.kind("purchase", {{"wait_ms", kLong}}) == "closed");
    for (const auto& wait : {Json(-1), Json(1.5), Json("1"), Json(86'400'001)})
        CHECK(rpc.kind("purchase", {{"wait_ms", wait}}) == "invalid_params");
}

TEST_CASE("who waits before it opens is served when it does, in the order of arrival") {
    auto daemon = Daemon::with_events({"other=1"});
    auto rpc = daemon.connect();
    const auto opens = now_ms() + 700;
    rpc.result("event.create", {{"name", "gala"}, {"capacity", 2}, {"opens_ms", opens}});
    std::vector<Rpc> crowd;
    for (int i = 0; i < 4; ++i) {
        crowd.push_back(daemon.connect());
        join(crowd.back(), rpc, static_cast<std::uint64_t>(i) + 1, i, "purchase",
             {{"event", "gala"}, {"wait_ms", 1500}});
    }
    for (std::uint64_t i = 0; i < 2; ++i)
        CHECK(crowd[i].receive()["result"]["serials"] == Json{i + 1});
    CHECK(now_ms() >= opens);
    for (std::size_t i = 2; i < 4; ++i)
        CHECK(crowd[i].receive()["error"]["data"]["kind"] == "wait_timeout");
}

TEST_CASE("a pause is waited for, and a close ends the wait") {
    auto daemon = Daemon::with_events({"demo=2"});
    auto rpc = daemon.connect(), waiting = daemon.connect();
    rpc.result("event.pause", {{"name", "demo"}});
    join(waiting, rpc, 1, 1, "purchase", {{"wait_ms", kLong}});
    rpc.result("event.resume", {{"name", "demo"}});
    CHECK(waiting.receive()["result"]["granted"] == 1);
    rpc.result("event.pause", {{"name", "demo"}});
    join(waiting, rpc, 1, 2, "purchase", {{"wait_ms", kLong}});
    rpc.result("event.close", {{"name", "demo"}});
    CHECK(waiting.receive()["error"]["data"]["kind"] == "closed");
}

TEST_CASE("a client that comes back with its key finds its place kept") {
    auto daemon = Daemon::with_events({"demo=1"});
    auto rpc = daemon.connect(), second = daemon.connect();
    const auto order = rpc.result("hold", {{"ttl_ms", kLong}})["order"];
    const Json with_key{{"wait_ms", kLong}, {"key", "mine"}};
    {
        auto first = daemon.connect();
        join(first, rpc, 1, 1, "purchase", with_key);
        join(second, rpc, 2, 2, "purchase", {{"wait_ms", kLong}});
    }
    auto again = daemon.connect();
    again.send(request_line(3, "purchase", with_key));
    // Answered behind what was sent before it.
    CHECK(again.kind("purchase", {{"key", "mine"}, {"quantity", 2}}) == "key_mismatch");
    rpc.result("release", {{"order", order}});
    CHECK(again.receive()["result"]["granted"] == 1);
    rpc.result("event.resize", {{"name", "demo"}, {"capacity", 2}});
    CHECK(second.receive()["result"]["granted"] == 1);
}

TEST_CASE("a key that waits in line and is told no meanwhile is told so in line too") {
    auto daemon = Daemon::with_events({"demo=1"});
    auto rpc = daemon.connect(), first = daemon.connect(), second = daemon.connect();
    rpc.result("purchase");
    join(first, rpc, 1, 1, "purchase", {{"wait_ms", 300}, {"key", "a"}});
    join(second, rpc, 2, 2, "purchase", {{"wait_ms", kLong}, {"key", "b"}});
    CHECK(rpc.kind("purchase", {{"event", "none"}, {"key", "a"}}) == "not_found");
    CHECK(rpc.kind("release", {{"order", 2}, {"key", "a"}}) != "");
    CHECK(rpc.result("abandon", {{"key", "b"}})["state"] == "abandoned");
    CHECK(second.receive()["error"]["data"]["kind"] == "key_abandoned");
    CHECK(first.receive()["error"]["data"]["kind"] == "not_found");
    rpc.result("event.resize", {{"name", "demo"}, {"capacity", 2}});
    CHECK(rpc.result("query")["available"] == 1);
}

TEST_CASE("who is gone without a key is served nothing") {
    auto daemon = Daemon::with_events({"demo=1"});
    auto rpc = daemon.connect(), second = daemon.connect();
    const auto order = rpc.result("hold", {{"ttl_ms", kLong}})["order"];
    {
        auto first = daemon.connect();
        join(first, rpc, 1, 1, "purchase", {{"wait_ms", kLong}});
        join(second, rpc, 2, 2, "purchase", {{"wait_ms", kLong}});
    }
    rpc.result("release", {{"order", order}});
    CHECK(second.receive()["result"]["granted"] == 1);
    CHECK(rpc.result("query")["sold"] == 1);
    rpc.wait_for_stat("waiting", 0);
}

TEST_CASE("who wanted more than there is and is gone keeps nobody from what there is") {
    auto daemon = Daemon::with_events({"demo=2"});
    auto rpc = daemon.connect();
    rpc.result("hold", {{"ttl_ms", kLong}});
    {
        auto big = daemon.connect();
        join(big, rpc, 1, 1, "purchase", {{"quantity", 2}, {"wait_ms", kLong}, {"key", "big"}});
        CHECK(rpc.kind("purchase") == "reserved_for_line");
    }
    CHECK(rpc.result("purchase")["granted"] == 1);
}

TEST_CASE("who waited in vain for more than there is keeps nobody from what there is") {
    auto daemon = Daemon::with_events({"demo=4"});
    auto rpc = daemon.connect();
    const auto order = rpc.result("purchase", {{"quantity", 4}})["order"];
    auto big = daemon.connect(), small = daemon.connect();
    join(big, rpc, 1, 1, "purchase", {{"quantity", 2}, {"wait_ms", 400}});
    join(small, rpc, 2, 2, "purchase", {{"wait_ms", kLong}});
    rpc.result("cancel", {{"order", order}, {"quantity", 1}});
    CHECK(big.receive()["error"]["data"]["kind"] == "wait_timeout");
    CHECK(small.receive()["result"]["granted"] == 1);
}

TEST_CASE("a wait that ends just when a hold does is not told that there was nothing") {
    auto daemon = Daemon::with_events({"demo=1"});
    auto rpc = daemon.connect(), other = daemon.connect();
    for (int i = 0; i < 20; ++i) {
        rpc.send(request_line(1, "hold", {{"ttl_ms", 30}}));
        other.send(request_line(1, "hold", {{"wait_ms", 30}, {"ttl_ms", kLong}}));
        const auto held = rpc.receive();
        const auto answer = other.receive();
        if (answer.contains("error")) {
            CHECK(answer["error"]["data"]["available"] == 0);
        } else {
            rpc.result("release", {{"order", answer["result"]["order"]}});
        }
        if (held.contains("result")) rpc.error("release", {{"order", held["result"]["order"]}});
    }
}

TEST_CASE("who waits when the daemon stops is told to ask again with the same key") {
    auto daemon = Daemon::with_events({"demo=1"});
    auto rpc = daemon.connect(), waiting = daemon.connect();
    rpc.result("purchase");
    join(waiting, rpc, 1, 1, "purchase", {{"wait_ms", kLong}});
    daemon.send_signal(SIGTERM);
    const auto error = waiting.receive()["error"];
    CHECK(error["data"]["kind"] == "busy");
    CHECK(error["data"]["retry"] == "same_key");
    CHECK(daemon.wait() == 0);
}

TEST_CASE("an event that closes itself does so with its last ticket") {
    auto daemon = Daemon::with_events({"demo=2"});
    auto rpc = daemon.connect();
    const auto updated = rpc.result("event.update", {{"name", "demo"}, {"auto_close", true}});
    CHECK(updated["auto_close"] == true);
    const auto order = rpc.result("hold", {{"ttl_ms", kLong}})["order"];
    rpc.result("purchase");
    CHECK(rpc.result("query")["state"] == "open");
    rpc.result("confirm", {{"order", order}});
    CHECK(rpc.result("query")["state"] == "closed");
    CHECK(rpc.kind("purchase") == "closed");
    daemon.kill_hard();
    daemon.start();
    auto later = daemon.connect();
    CHECK(later.result("query")["state"] == "closed");
    CHECK(later.result("query")["auto_close"] == true);
    CHECK(later.result("ledger.verify")["ok"] == true);
}

TEST_CASE("from the shell: --wait gets what comes in time, else exit 124") {
    auto daemon = Daemon::with_events({"demo=1"});
    auto rpc = daemon.connect();
    const auto order = rpc.result("hold", {{"ttl_ms", kLong}})["order"];
    auto waiting = start_client(daemon.socket(), {"buy", "--wait", "1m"});
    rpc.wait_for_stat("waiting", 1);
    rpc.result("release", {{"order", order}});
    CHECK(waiting.wait() == 0);
    CHECK(waiting.output() == "order 4: 1 ticket of demo, serial 1, 0 left\n");
    const auto in_vain = run_client(daemon.socket(), {"hold", "--wait", "50ms"});
    CHECK(in_vain.exit == 124);
    CHECK(in_vain.error == "wait_timeout: there was none of demo in time\n");
    CHECK(in_vain.output.empty());
    CHECK(run_client(daemon.socket(), {"buy", "--wait", "5"}).exit == 64);
    CHECK(run_client(daemon.socket(), {"event", "update", "demo", "--line", "loose"}).exit == 65);
    CHECK(run_client(daemon.socket(), {"event", "update", "demo", "--auto-close", "maybe"}).exit ==
          64);
}

TEST_SUITE_END();

}  // namespace
}  // namespace ticketd::testing
