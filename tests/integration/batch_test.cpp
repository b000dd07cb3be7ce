// Batches: several requests in one, in order, or all of them or none.
#include <doctest/doctest.h>

#include <algorithm>
#include <csignal>
#include <optional>

#include "tests/support/daemon.h"
#include "tests/support/hostile.h"
#include "tests/support/process_lock.h"

namespace ticketd::testing {
namespace {

Json purchase(const std::string& event, int quantity, const std::string& key = "") {
    Json params{{"event", event}, {"quantity", quantity}};
    if (!key.empty()) params["key"] = key;
    return {{"method", "purchase"}, {"params", params}};
}

Json atomic(const Json& requests) {
    return {{"requests", requests}, {"atomic", true}};
}

TEST_SUITE_BEGIN("batch");

TEST_CASE("requests are done in order, and one that fails keeps none from being done") {
    auto daemon = Daemon::with_events({"a=3", "b=3"});
    auto rpc = daemon.connect();
    const auto answer = rpc.result(
        "batch", {{"requests",
                   {purchase("a", 2),
                    purchase("a", 2),
                    {{"method", "cancel"}, {"params", {{"order", 3}, {"quantity", 1}}}},
                    purchase("a", 2),
                    {{"method", "query"}, {"params", {{"event", "a"}}}},
                    {{"method", "orders"}},
                    {{"method", "batch"}, {"params", {{"requests", {purchase("a", 1)}}}}},
                    {{"method", "nothing"}},
                    {{"params", Json::object()}}}}});
    const auto& results = answer["results"];
    REQUIRE(results.size() == 9);
    CHECK(results[0]["result"]["serials"] == Json{1, 2});
    CHECK(kind_of(results[1]) == "insufficient");
    CHECK(results[2]["result"]["returned"] == Json{2});
    CHECK(results[3]["result"]["serials"] == Json{3, 4});
    CHECK(results[4]["result"]["available"] == 0);
    CHECK(kind_of(results[5]) == "invalid_request");
    CHECK(kind_of(results[6]) == "invalid_request");
    CHECK(kind_of(results[7]) == "method_not_found");
    CHECK(kind_of(results[8]) == "invalid_request");
    CHECK(answer["lsn"] == 5);
}

TEST_CASE("an atomic batch is done whole") {
    auto daemon = Daemon::with_events({"a=3", "b=3"});
    auto rpc = daemon.connect();
    const auto held = rpc.result("hold", {{"event", "b"}})["order"];
    const auto answer =
        rpc.result("batch", atomic({purchase("b", 1, "k"),
                                    purchase("a", 2),
                                    {{"method", "hold"}, {"params", {{"event", "a"}}}},
                                    {{"method", "confirm"}, {"params", {{"order", held}}}}}));
    const auto& results = answer["results"];
    CHECK(results[0]["result"]["serials"] == Json{1});
    CHECK(results[1]["result"]["granted"] == 2);
    CHECK(results[2]["result"]["state"] == "held");
    CHECK(results[3]["result"]["serials"] == Json{2});
    CHECK(answer["lsn"] == 7);
    CHECK(rpc.result("query", {{"event", "a"}})["available"] == 0);
    CHECK(rpc.result("ledger.verify")["ok"] == true);
    daemon.kill_hard();
    daemon.start();
    CHECK(daemon.connect().result("query", {{"event", "b"}})["sold"] == 2);
}

TEST_CASE("of an atomic batch that cannot be done nothing is, and each is told why") {
    auto daemon = Daemon::with_events({"a=3", "b=1"});
    auto rpc = daemon.connect();
    const auto before = rpc.result("events");
    const auto answer = rpc.result("batch", atomic({purchase("a", 2, "k1"), purchase("b", 1),
                                                    purchase("a", 2), purchase("b", 9, "k2")}));
    const auto& results = answer["results"];
    CHECK(kind_of(results[0]) == "linked_failed");
    CHECK(results[0]["error"]["code"] == 1009);
    CHECK(results[0]["error"]["data"]["retry"] == "new_key");
    CHECK(kind_of(results[1]) == "linked_failed");
    // Of the three there are, two are taken by the first.
    CHECK(kind_of(results[2]) == "insufficient");
    CHECK(results[2]["error"]["data"]["available"] == 3);
    CHECK(results[2]["error"]["data"]["requested"] == 4);
    CHECK(kind_of(results[3]) == "linked_failed");
    CHECK(rpc.result("events") == before);
    // Who was told no is told so again.
    CHECK(rpc.kind("purchase", {{"event", "a"}, {"quantity", 2}, {"key", "k1"}}) ==
          "linked_failed");
    CHECK(rpc.result("purchase", {{"event", "a"}, {"quantity", 3}})["serials"] == Json{1, 2, 3});
    CHECK(rpc.result("ledger.verify")["ok"] == true);
}

TEST_CASE("an atomic batch that failed and is asked for again fails by the same request") {
    auto daemon = Daemon::with_events({"a=3", "b=9"});
    auto rpc = daemon.connect();
    const Json too_many =
        atomic({purchase("b", 1, "k1"), purchase("a", 4, "k2"), purchase("b", 1, "k3")});
    const auto order = rpc.result("purchase", {{"event", "b"}})["order"];
    const Json not_held =
        atomic({purchase("a", 1, "k4"),
                {{"method", "confirm"}, {"params", {{"order", order}, {"key", "k5"}}}}});
    for (const auto& batch : {too_many, not_held}) {
        const auto first = rpc.result("batch", batch);
        CHECK(kind_of(first["results"][0]) == "linked_failed");
        CHECK(kind_of(first["results"][1]) ==
              (batch == not_held ? "wrong_state" : "never_satisfiable"));
        CHECK(rpc.result("batch", batch)["results"] == first["results"]);
        CHECK(daemon.connect().result("batch", batch)["results"] == first["results"]);
    }
    CHECK(rpc.result("query", {{"event", "a"}})["available"] == 3);
}

TEST_CASE("a buyer's limit counts all requests of a batch") {
    auto daemon = Daemon::with_events({});
    auto rpc = daemon.connect();
    rpc.result("event.create", {{"name", "a"}, {"capacity", 9}, {"buyer_limit", 3}});
    const auto refused = rpc.result("batch", atomic({purchase("a", 2), purchase("a", 2)}));
    CHECK(kind_of(refused["results"][0]) == "linked_failed");
    CHECK(kind_of(refused["results"][1]) == "limit_reached");
    CHECK(refused["results"][1]["error"]["data"]["owned"] == 0);
    CHECK(refused["results"][1]["error"]["data"]["requested"] == 4);
    rpc.result("event.update", {{"name", "a"}, {"order_limit", 2}});
    const auto order = rpc.result("batch", atomic({purchase("a", 2), purchase("a", 3)}));
    CHECK(order["results"][1]["error"]["data"]["limit"] == 2);
    CHECK(order["results"][1]["error"]["data"]["requested"] == 3);
    CHECK(rpc.result("query")["sold"] == 0);
    CHECK_FALSE(
        rpc.result("batch", atomic({purchase("a", 2), purchase("a", 1)}))["results"][1].contains(
            "error"));
}

TEST_CASE("an atomic batch that is sent again with its keys is answered again") {
    auto daemon = Daemon::with_events({"a=9"});
    auto rpc = daemon.connect();
    const auto batch = atomic({purchase("a", 1, "k1"), purchase("a", 2, "k2")});
    const auto first = rpc.result("batch", batch)["results"];
    const auto again = rpc.result("batch", batch)["results"];
    for (std::size_t i = 0; i < 2; ++i) {
        CHECK(again[i]["result"]["replayed"] == true);
        CHECK(again[i]["result"]["order"] == first[i]["result"]["order"]);
    }
    CHECK(rpc.result("query")["sold"] == 3);
    // Also where another request fails, behind it or before it.
    for (const auto& failing : {atomic({purchase("a", 1, "k1"), purchase("a", 7)}),
                                atomic({purchase("a", 7), purchase("a", 1, "k1")}),
                                atomic({Json{{"method", "query"}}, purchase("a", 1, "k1")})}) {
        const auto results = rpc.result("batch", failing)["results"];
        const auto at = results[0].contains("result") ? 0U : 1U;
        CHECK(results[at]["result"]["order"] == first[0]["result"]["order"]);
        CHECK(results[at]["result"]["replayed"] == true);
        CHECK(results[1 - at].contains("error"));
    }
    // A key that was used for something else.
    const auto mixed =
        rpc.result("batch", atomic({purchase("a", 1), purchase("a", 5, "k2")}))["results"];
    CHECK(kind_of(mixed[0]) == "linked_failed");
    CHECK(kind_of(mixed[1]) == "key_mismatch");
    CHECK(rpc.result("query")["sold"] == 3);
}

TEST_CASE("what cannot be part of an atomic batch makes it fail before anything is done") {
    auto daemon = Daemon::with_events({"a=9"});
    auto rpc = daemon.connect();
    const auto fails = [&](const Json& request, const std::string& kind) {
        const auto results = rpc.result("batch", atomic({purchase("a", 1), request}))["results"];
        CHECK(kind_of(results[0]) == "linked_failed");
        CHECK(kind_of(results[1]) == kind);
    };
    fails({{"method", "query"}}, "invalid_request");
    fails({{"method", "cancel"}, {"params", {{"order", 2}}}}, "invalid_request");
    fails({{"method", "event.close"}, {"params", {{"name", "a"}}}}, "invalid_request");
    fails({{"method", "x"}}, "method_not_found");
    fails({{"method", "purchase"}, {"params", {{"quantity", 0}}}}, "invalid_params");
    fails({{"method", "purchase"}, {"params", {{"wait_ms", 5}}}}, "invalid_params");
    fails({{"method", "purchase"}, {"params", {{"event", "b"}}}}, "not_found");
    fails({{"method", "release"}, {"params", {{"order", 1}}}}, "not_found");
    fails({{"method", "release"}, {"params", {{"order", 77}}}}, "not_found");
    const auto two = rpc.result("batch", atomic({purchase("b", 1), purchase("a", 10'001)}));
    CHECK(kind_of(two["results"][0]) == "not_found");
    CHECK(kind_of(two["results"][1]) == "linked_failed");
    const auto twice =
        rpc.result("batch", atomic({purchase("a", 1, "k"), purchase("a", 1, "k")}))["results"];
    CHECK(kind_of(twice[0]) == "linked_failed");
    CHECK(kind_of(twice[1]) == "invalid_params");
    CHECK(rpc.kind("batch", {{"requests", Json::array()}}) == "invalid_params");
    CHECK(rpc.kind("batch", {{"requests", {1}}}) == "invalid_params");
    CHECK(rpc.kind("batch") == "invalid_params");
    Json many = Json::array();
    for (int i = 0; i < 65; ++i)
        many.push_back(purchase("a", 1));
    CHECK(rpc.kind("batch", atomic(many)) == "invalid_params");
    CHECK(rpc.result("query")["lsn"] == 1);
}

TEST_CASE("the keys of a batch that was not begun are told no as well") {
    auto daemon = Daemon::with_events({"a=3"});
    auto rpc = daemon.connect();
    rpc.result("purchase", {{"event", "a"}, {"key", "used"}});
    for (const auto& bad : {purchase("none", 1, "n"), purchase("a", 2, "used")}) {
        CAPTURE(bad);
        const auto key = bad["params"]["key"].get<std::string>() + "-linked";
        const auto results = rpc.result("batch", atomic({purchase("a", 1, key), bad}))["results"];
        CHECK(kind_of(results[0]) == "linked_failed");
        CHECK(rpc.kind("purchase", {{"event", "a"}, {"key", key}}) == "linked_failed");
    }
    CHECK(rpc.result("query", {{"event", "a"}})["sold"] == 1);
}

TEST_CASE("what fails in a batch is told by what is there, not by what the batch had taken") {
    auto daemon = Daemon::with_events({"a=3"});
    auto rpc = daemon.connect();
    const auto held = rpc.result("hold", {{"event", "a"}, {"ttl_ms", 60'000}})["order"];
    const auto short_of =
        rpc.result("batch", atomic({purchase("a", 2), purchase("a", 1)}))["results"][1]["error"];
    CHECK(short_of["data"]["kind"] == "insufficient");
    CHECK(short_of["data"]["available"] == 2);
    CHECK(short_of["data"]["requested"] == 3);
    CHECK(short_of["data"]["retry_after_ms"] <= 60'000);
    const Json confirm{{"method", "confirm"}, {"params", {{"order", held}}}};
    const auto twice = rpc.result("batch", atomic({confirm, confirm}))["results"][1]["error"];
    CHECK(twice["data"]["kind"] == "wrong_state");
    CHECK(twice["message"] == "another of the batch ends hold 2");
    const Json extend{{"method", "extend"}, {"params", {{"order", held}, {"ttl_ms", 5000}}}};
    const auto results = rpc.result("batch", atomic({extend, confirm}))["results"];
    CHECK(results[0]["result"]["expires_in_ms"] == 5000);
    CHECK(results[1]["result"]["state"] == "sold");
}

TEST_CASE("an atomic batch waits for every lock, and gives up without having done anything") {
    auto daemon = Daemon::with_events({"a=3", "b=3"}, {{"lock_timeout_ms", 300}});
    auto rpc = daemon.connect();
    {
        const LockHolder lock{daemon.stock_file(),
                              {LockHolder::Kind::kOpenFile, F_WRLCK, slot_offset(1), kSlotBytes}};
        CHECK(rpc.kind("batch", atomic({purchase("a", 1), purchase("b", 1)})) == "busy");
        CHECK(rpc.result("query", {{"event", "a"}})["sold"] == 0);
    }
    CHECK(rpc.result("batch", atomic({purchase("a", 1), purchase("b", 1)}))["results"].size() == 2);
}

TEST_CASE("an atomic batch that waits for the lock of one event delays no other event") {
    auto daemon = Daemon::with_events({"a=3", "b=3"}, {{"lock_timeout_ms", 60'000}});
    auto rpc = daemon.connect(), other = daemon.connect();
    {
        const LockHolder lock{daemon.stock_file(),
                              {LockHolder::Kind::kOpenFile, F_WRLCK, slot_offset(0), kSlotBytes}};
        const Json params = atomic({purchase("a", 1), purchase("b", 1)});
        rpc.send(request_line(1, "batch", params));
        other.wait_for_stat("lock_waits_total", 1);
        CHECK(other.result("query", {{"event", "b"}})["sold"] == 0);
        CHECK(other.result("purchase", {{"event", "b"}})["granted"] == 1);
    }
    CHECK(rpc.receive()["result"]["results"].size() == 2);
}

TEST_CASE("a key that is used while an atomic batch waits for a lock makes all of it fail") {
    auto daemon = Daemon::with_events({"a=9", "b=9"});
    auto rpc = daemon.connect(), other = daemon.connect();
    {
        const LockHolder lock{daemon.stock_file(),
                              {LockHolder::Kind::kOpenFile, F_WRLCK, slot_offset(0), kSlotBytes}};
        const Json params = atomic({purchase("a", 3, "k3"), purchase("a", 2, "k2")});
        rpc.send(request_line(1, "batch", params));
        other.wait_for_stat("lock_waits_total", 1);
        other.result("purchase", {{"event", "b"}, {"key", "k2"}});
    }
    const auto results = rpc.receive()["result"]["results"];
    CHECK(kind_of(results[0]) == "linked_failed");
    CHECK(kind_of(results[1]) == "key_mismatch");
    CHECK(other.result("query", {{"event", "a"}})["sold"] == 0);
}

TEST_CASE("an atomic batch passes others in a line where it fits, three times past each in all") {
    auto daemon = Daemon::with_events({"demo=10"});
    auto rpc = daemon.connect(), big = daemon.connect();
    rpc.result("event.update", {{"name", "demo"}, {"line", "fit"}});
    const auto sold = rpc.result("purchase", {{"quantity", 10}})["order"];
    const Json wants{{"quantity", 9}, {"wait_ms", 3'600'000}};
    big.send(request_line(1, "purchase", wants));
    rpc.wait_for_stat("waiting", 1);
    rpc.result("cancel", {{"order", sold}, {"quantity", 6}});
    const auto one = purchase("demo", 1);
    const auto four = rpc.result("batch", atomic({one, one, one, one}))["results"];
    CHECK(kind_of(four[3]) == "reserved_for_line");
    CHECK(kind_of(four[0]) == "linked_failed");
    CHECK(rpc.result("batch", atomic({one, one}))["results"][1]["result"]["granted"] == 1);
    CHECK(rpc.result("batch", atomic(Json::array({one})))["results"][0]["result"]["granted"] == 1);
    CHECK(kind_of(rpc.result("batch", atomic(Json::array({one})))["results"][0]) ==
          "reserved_for_line");
    CHECK(rpc.kind("purchase", {{"event", "demo"}}) == "reserved_for_line");
    rpc.result("event.resize", {{"name", "demo"}, {"delta", 6}});
    CHECK(big.receive()["result"]["granted"] == 9);
}

// All of `demo`, and a batch whose first request waits for it.
struct BatchInLine {
    explicit BatchInLine(const Json& rest) {
        order = rpc.result("hold", {{"quantity", 3}, {"ttl_ms", 60'000}})["order"];
        Json requests{{{"method", "purchase"}, {"params", {{"wait_ms", 3'600'000}}}}};
        requests.insert(requests.end(), rest.begin(), rest.end());
        batch->send(request_line(1, "batch", {{"requests", requests}}));
        rpc.wait_for_stat("waiting", 1);
    }

    Daemon daemon = Daemon::with_events({"demo=3"});
    Rpc rpc = daemon.connect();
    std::optional<Rpc> batch = daemon.connect();
    Json order;
};

TEST_CASE("a batch goes on behind a request that waited, be it in the same line") {
    const Json waits{{"method", "purchase"}, {"params", {{"wait_ms", 3'600'000}}}};
    BatchInLine rig{Json{purchase("demo", 1), waits}};
    rig.rpc.result("release", {{"order", rig.order}});
    const auto results = rig.batch->receive()["result"]["results"];
    REQUIRE(results.size() == 3);
    for (std::size_t i = 0; i < 3; ++i)
        CHECK(results[i]["result"]["serials"] == Json{i + 1});
    CHECK(rig.daemon.stop() == 0);
}

TEST_CASE("of a batch whose client is gone nothing more is done") {
    for (const auto* next : {"purchase", "query"}) {
        BatchInLine rig{Json{{{"method", next}, {"params", Json::object()}}, purchase("demo", 1)}};
        rig.batch.reset();
        CHECK(rig.rpc.kind("purchase") == "held_out");
        rig.rpc.wait_for_stat("waiting", 0);
        rig.rpc.result("release", {{"order", rig.order}});
        CHECK(rig.rpc.result("query")["sold"] == 0);
        CHECK(rig.daemon.stop() == 0);
    }
}

TEST_CASE("a batch that waits when the daemon stops is told so, request by request") {
    const Json waits{{"method", "purchase"}, {"params", {{"wait_ms", 3'600'000}}}};
    BatchInLine rig{Json{waits, waits}};
    rig.daemon.send_signal(SIGTERM);
    const auto results = rig.batch->receive()["result"]["results"];
    REQUIRE(results.size() == 3);
    for (const auto& result : results)
        CHECK(kind_of(result) == "busy");
    CHECK(rig.daemon.wait() == 0);
}

TEST_CASE("a batch that waits for a lock when the daemon stops is told so, request by request") {
    auto daemon = Daemon::with_events({"a=3"});
    auto rpc = daemon.connect(), other = daemon.connect();
    const LockHolder lock{daemon.stock_file(),
                          {LockHolder::Kind::kOpenFile, F_WRLCK, slot_offset(0), kSlotBytes}};
    const Json requests{purchase("a", 1), purchase("a", 1), purchase("a", 1)};
    rpc.send(request_line(1, "batch", {{"requests", requests}}));
    other.wait_for_stat("lock_waits_total", 1);
    daemon.send_signal(SIGTERM);
    const auto results = rpc.receive()["result"]["results"];
    REQUIRE(results.size() == 3);
    for (const auto& result : results)
        CHECK(kind_of(result) == "busy");
    CHECK(daemon.wait() == 0);
}

TEST_CASE("what is not known in a request of a batch is not ignored") {
    auto daemon = Daemon::with_events({"demo=10"});
    auto rpc = daemon.connect();
    const Json misspelt{{"method", "purchase"}, {"parms", {{"quantity", 3}}}};
    const auto some = rpc.result("batch", {{"requests", {misspelt, purchase("demo", 1)}}});
    CHECK(kind_of(some["results"][0]) == "invalid_request");
    CHECK(some["results"][1]["result"]["granted"] == 1);
    const auto none = rpc.result("batch", atomic({purchase("demo", 1), misspelt}));
    CHECK(kind_of(none["results"][1]) == "invalid_request");
    CHECK(rpc.result("query")["sold"] == 1);
}

TEST_CASE("ticket-client does batches, and its exit code is that of what failed") {
    auto daemon = Daemon::with_events({"a=3", "b=1"});
    const auto path = daemon.scratch() / "batch.json";
    write_file(path, purchase("a", 1).dump() + "\n" + purchase("b", 1).dump() + "\n");
    const auto done = client(daemon, {"batch", "--atomic", path});
    CHECK(done.exit == 0);
    CHECK(done.output ==
          "order 3: 1 ticket of a, serial 1, 2 left\norder 4: 1 ticket of b, serial 1, 0 left\n");
    const auto failed = client(daemon, {"batch", "--atomic", path});
    CHECK(failed.exit == 10);
    CHECK(failed.output.empty());
    CHECK(failed.error == "sold_out: b is sold out\n");
    write_file(path, Json{purchase("b", 1), purchase("a", 2)}.dump(2));
    const auto some = client(daemon, {"batch", path, "--json"});
    CHECK(some.exit == 10);
    CHECK(some.error == "sold_out: b is sold out\n");
    CHECK(Json::parse(some.output)["results"][1]["result"]["granted"] == 2);
    write_file(path, "{\"method\":");
    CHECK(client(daemon, {"batch", path}).exit == 65);
    write_file(path, "");
    CHECK(client(daemon, {"batch", path}).exit == 65);
    CHECK(client(daemon, {"batch", daemon.scratch() / "none"}).exit == 65);
    CHECK(client(daemon, {"batch"}).exit == 64);
}

TEST_CASE("ticket-client sends nothing of a batch with a member that stands twice or is unknown") {
    auto daemon = Daemon::with_events({"fa=9", "fb=9"});
    const auto path = daemon.scratch() / "batch.json";
    const std::string good = R"({"method":"purchase","params":{"event":"fa"}})";
    for (const auto& [request, problem] :
         std::initializer_list<std::pair<std::string, std::string>>{
             {R"({"method":"purchase","params":{"event":"fa","quantity":1,"event":"fb"}})",
              R"("event" is given twice)"},
             {R"({"method":"query","params":{},"method":"purchase"})",
              R"("method" is given twice)"},
             {R"({"method":"purchase","params":{"key":"a","event":"fa","k\u0065y":"b"}})",
              R"("key" is given twice)"},
             {R"({"method":"purchase","parms":{"event":"fa"}})", R"(unknown member "parms")"},
             {R"({"Method":"purchase","params":{"event":"fa"}})", R"(unknown member "Method")"},
             {"3", "it is no JSON object"},
         }) {
        CAPTURE(request);
        for (const auto& file : {good + '\n' + request, '[' + good + ',' + request + ']'}) {
            write_file(path, file);
            const auto refused = client(daemon, {"batch", path});
            CHECK(refused.exit == 65);
            CHECK(refused.output.empty());
            CHECK(refused.error == "input: request 2: " + problem + '\n');
        }
    }
    const std::string deep(100'000, '[');
    write_file(path,
               good + R"({"method":"query","params":)" + deep + std::string(100'000, ']') + "}");
    CHECK(client(daemon, {"batch", path}).error == "input: request 2: it is nested too deeply\n");
    write_file(path, good + "\n{bad\n");
    CHECK(client(daemon, {"batch", path}).error == "input: request 2: it is no JSON object\n");
    CHECK(daemon.connect().result("server.info")["lsn"] == 2);
    write_file(path, R"({"jsonrpc":"2.0","id":1,"method":"purchase","params":{"event":"fa"}})");
    CHECK(client(daemon, {"batch", path}).exit == 0);
}

TEST_CASE("ticket-client says how a batch without an answer can be sent again") {
    auto daemon = Daemon::with_events({"a=9"});
    const auto path = daemon.scratch() / "batch.json";
    const auto without_answer = [&](const std::string& requests) {
        write_file(path, requests);
        daemon.send_signal(SIGSTOP);
        const auto unknown = client(daemon, {"batch", path, "--timeout", "100ms"});
        daemon.send_signal(SIGCONT);
        CHECK(unknown.exit == 75);
        CHECK(unknown.error.starts_with("unknown: "));
        return unknown.error;
    };
    const auto bought = [&] { return daemon.connect().result("query")["sold"]; };

    const auto keyed = without_answer(purchase("a", 1, "k1").dump() +
                                      R"({"method":"purchase","params":["a",1,null,"k2"]})"
                                      R"({"method":"query"}{"method":"abandon","params":["k3"]})");
    CHECK(keyed.find("send the same again") != std::string::npos);
    CHECK(std::count(keyed.begin(), keyed.end(), '\n') == 1);
    CHECK(client(daemon, {"batch", path}).exit == 0);
    CHECK(bought() == 2);

    const auto given = without_answer(purchase("a", 1, "k4").dump() + purchase("a", 1).dump() +
                                      R"({"method":"purchase","params":["a",1]})");
    CHECK(given.find("send the next line again") != std::string::npos);
    const auto again = given.substr(given.find('\n') + 1);
    CHECK(Json::parse(again).size() == 3);
    write_file(path, again);
    CHECK(client(daemon, {"batch", path}).exit == 0);
    CHECK(bought() == 5);
    CHECK(client(daemon, {"batch", path}).exit == 0);
    CHECK(bought() == 5);

    const auto once = without_answer(
        purchase("a", 1).dump() + R"({"method":"event.resize","params":{"name":"a","delta":1}})");
    CHECK(once.find("not all of it can have a key") != std::string::npos);
    CHECK(std::count(once.begin(), once.end(), '\n') == 1);
}

TEST_SUITE_END();

}  // namespace
}  // namespace ticketd::testing
