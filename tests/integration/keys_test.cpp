// At most once per key (guarantee 4), whoever asks how often and however fast.
#include <doctest/doctest.h>

#include <thread>

#include "tests/support/daemon.h"
#include "tests/support/process_lock.h"

namespace ticketd::testing {
namespace {

TEST_SUITE_BEGIN("keys");

TEST_CASE("one key from twenty connections at once is one sale") {
    auto daemon = Daemon::with_events({"demo=100"});
    for (int round = 0; round < 10; ++round) {
        const auto key = "k" + std::to_string(round);
        std::vector<Rpc> connections;
        for (int i = 0; i < 20; ++i)
            connections.push_back(daemon.connect());
        for (auto& rpc : connections)
            rpc.send(R"({"jsonrpc":"2.0","id":1,"method":"purchase","params":{"key":")" + key +
                     "\"}}\n");
        int fresh = 0;
        Json order;
        for (auto& rpc : connections) {
            const auto result = rpc.receive().at("result");
            fresh += result.value("replayed", false) ? 0 : 1;
            if (order.is_null()) order = result["order"];
            CHECK(result["order"] == order);
            CHECK(result["serials"] == Json{round + 1});
        }
        CHECK(fresh == 1);
    }
    CHECK(daemon.connect().result("query")["sold"] == 10);
}

TEST_CASE("a key with another request is a mismatch and changes nothing") {
    auto daemon = Daemon::with_events({"a=9", "b=9"});
    auto rpc = daemon.connect();
    const Json first{{"event", "a"}, {"quantity", 2}, {"key", "k"}, {"memo", "m"}};
    const auto sale = rpc.result("purchase", first);
    for (const auto& [name, value] : std::map<std::string, Json>{
             {"quantity", 3}, {"event", "b"}, {"memo", "n"}, {"min_quantity", 1}}) {
        auto other = first;
        other[name] = value;
        const auto error = rpc.error("purchase", other);
        CHECK(error["code"] == 1006);
        CHECK(error["data"]["kind"] == "key_mismatch");
        CHECK(error["data"]["retry"] == "never");
    }
    auto replay = rpc.result("purchase", first);
    CHECK(replay["replayed"] == true);
    replay.erase("replayed");
    CHECK(replay == sale);
    CHECK(rpc.result("server.info")["lsn"] == 3);
}

TEST_CASE("a key is known again after a stop and after a kill") {
    auto daemon = Daemon::with_events({"demo=9"});
    const auto sale = daemon.connect().result("purchase", {{"key", "k"}});
    for (const int signal : {SIGTERM, SIGKILL, SIGKILL}) {
        daemon.stop(signal);
        daemon.start();
        const auto replay = daemon.connect().result("purchase", {{"key", "k"}});
        CHECK(replay["replayed"] == true);
        CHECK(replay["order"] == sale["order"]);
        CHECK(daemon.connect().kind("purchase", {{"key", "k"}, {"quantity", 2}}) == "key_mismatch");
    }
    CHECK(daemon.connect().result("query")["sold"] == 1);
}

TEST_CASE("a key that was told no stays refused when there are tickets again") {
    auto daemon = Daemon::with_events({"demo=1"});
    auto rpc = daemon.connect();
    rpc.result("purchase");
    CHECK(rpc.kind("purchase", {{"key", "late"}}) == "sold_out");
    rpc.result("event.resize", {{"name", "demo"}, {"capacity", 5}});
    const auto lsn = rpc.result("server.info")["lsn"];
    CHECK(rpc.kind("purchase", {{"key", "late"}}) == "sold_out");
    CHECK(rpc.kind("purchase", {{"key", "late"}, {"quantity", 2}}) == "key_mismatch");
    CHECK(rpc.result("server.info")["lsn"] == lsn);  // and refusals cost no entry
    CHECK(rpc.result("purchase", {{"key", "new"}})["granted"] == 1);
}

TEST_CASE("the same key of another user is another key") {
    if (::geteuid() != 0) {
        MESSAGE("SKIPPED: only root can be somebody else");
        return;
    }
    auto daemon = Daemon::with_events({"demo=9"}, {{"socket", {{"mode", "0666"}}}});
    daemon.scratch().open_to_all();
    const auto client = daemon.scratch() / "client";  // where everybody may run it
    std::filesystem::copy_file(TICKET_CLIENT_BINARY, client);
    ProcessOptions nobody;
    nobody.uid = 65534;
    const auto as_nobody = [&](std::vector<std::string> words) {
        words.insert(words.begin(), {client, "--socket", daemon.socket(), "--json"});
        return run(words, nobody);
    };
    const auto mine = daemon.connect().result("purchase", {{"key", "k"}});
    const auto theirs = as_nobody({"purchase", "--key", "k"});
    CAPTURE(theirs.error);
    REQUIRE(theirs.exit == 0);
    const auto order = Json::parse(theirs.output);
    CHECK(order["order"] != mine["order"]);
    CHECK_FALSE(order.contains("replayed"));
    CHECK(Json::parse(as_nobody({"order", "--key", "k"}).output)["buyer"] == 65534);

    // Their orders are theirs to see, mine are not, and some methods are not for them.
    CHECK(as_nobody({"order", mine["order"].dump()}).exit == 16);
    CHECK(Json::parse(as_nobody({"orders"}).output)["orders"].size() == 1);
    CHECK(as_nobody({"orders", "--buyer", "0"}).exit == 77);
    CHECK(as_nobody({"event", "create", "x", "5"}).exit == 77);
    CHECK(as_nobody({"event", "resize", "demo", "5"}).exit == 77);
    CHECK(as_nobody({"ledger", "read"}).exit == 77);
    CHECK(as_nobody({"ledger", "verify"}).exit == 77);
    CHECK(daemon.connect().result("server.info")["lsn"] == 3);
}

TEST_CASE("an abandoned key buys nothing, and its status says so") {
    auto daemon = Daemon::with_events({"demo=9"});
    auto rpc = daemon.connect();
    const auto promise = rpc.result("abandon", {{"key", "k"}});
    CHECK(promise == Json{{"key", "k"}, {"state", "abandoned"}, {"lsn", 2}});
    daemon.kill_hard();
    daemon.start();
    auto again = daemon.connect();
    for (const auto* method : {"purchase", "order"}) {
        const auto error = again.error(method, {{"key", "k"}});
        CHECK(error["code"] == 1006);
        CHECK(error["data"]["kind"] == "key_abandoned");
        CHECK(error["data"]["lsn"] == 2);
    }
    auto repeated = again.result("abandon", {{"key", "k"}});
    CHECK(repeated["replayed"] == true);
    repeated.erase("replayed");
    CHECK(repeated == promise);
    CHECK(again.kind("order", {{"order", 2}}) == "not_found");
    CHECK(again.result("ledger.read")["entries"][1]["type"] == "key_abandoned");
    CHECK(again.result("query")["sold"] == 0);
    CHECK(again.result("ledger.verify")["ok"] == true);
}

TEST_CASE("a key that bought something is answered with it when it is abandoned") {
    auto daemon = Daemon::with_events({"demo=9"});
    auto rpc = daemon.connect();
    auto sale = rpc.result("purchase", {{"key", "k"}, {"quantity", 2}});
    sale["replayed"] = true;
    CHECK(rpc.result("abandon", {{"key", "k"}}) == sale);
    CHECK(rpc.result("query")["sold"] == 2);
}

TEST_CASE("a purchase that waits for a lock does not buy once its key is abandoned") {
    auto daemon = Daemon::with_events({"demo=9"});
    LockHolder lock{daemon.data_dir() + "/stock", {.start = slot_offset(0), .length = kSlotBytes}};
    auto parked = daemon.connect(), other = daemon.connect();
    parked.send(R"({"jsonrpc":"2.0","id":1,"method":"purchase","params":{"key":"k"}})"
                "\n");
    other.wait_for_stat("lock_waiting", 1);
    CHECK(other.result("abandon", {{"key", "k"}})["state"] == "abandoned");
    lock.release();
    CHECK(parked.receive().at("error").at("data").at("kind") == "key_abandoned");
    CHECK(other.result("query")["sold"] == 0);
}

TEST_CASE("abandoning needs a key, and an event is no part of it") {
    auto daemon = Daemon::with_events({});
    auto rpc = daemon.connect();
    CHECK(rpc.kind("abandon") == "invalid_params");
    CHECK(rpc.kind("abandon", {{"key", ""}}) == "invalid_params");
    CHECK(rpc.kind("abandon", {{"key", "k"}, {"event", "demo"}}) == "invalid_params");
    CHECK(rpc.result("abandon", {{"key", "k"}})["lsn"] == 1);
    const auto client = run_client(daemon.socket(), {"abandon", "other"});
    CHECK(client.exit == 0);
    CHECK(client.output.find("abandoned") != std::string::npos);
    CHECK(run_client(daemon.socket(), {"order", "--key", "other"}).exit == 15);
    CHECK(rpc.result("ledger.read")["entries"].size() == 2);
}

TEST_CASE("a dated key that is older than keys are kept is refused before it can buy") {
    auto daemon = Daemon::with_events({"demo=9"}, {{"key_retention_ms", 1000}});
    auto rpc = daemon.connect();
    const auto error = rpc.error("purchase", {{"key", "017f22e2-79b0-7cc3-98c4-dc0c0c07398f"}});
    CHECK(error["code"] == 1006);
    CHECK(error["data"]["kind"] == "key_too_old");
    CHECK(error["data"]["retry"] == "never");
    CHECK(rpc.result("query")["sold"] == 0);
}

TEST_CASE("a key that was told that something is not there is no other request's") {
    auto daemon = Daemon::with_events({"demo=9"});
    auto rpc = daemon.connect();
    const auto order = rpc.result("hold", {{"ttl_ms", 60'000}})["order"];
    CHECK(rpc.kind("release", {{"order", 999}, {"key", "a"}}) == "not_found");
    CHECK(rpc.kind("release", {{"order", 999}, {"key", "a"}}) == "not_found");
    CHECK(rpc.kind("release", {{"order", order}, {"key", "a"}}) == "key_mismatch");
    CHECK(rpc.kind("purchase", {{"key", "a"}}) == "key_mismatch");
    CHECK(rpc.kind("purchase", {{"event", "none"}, {"key", "b"}}) == "not_found");
    CHECK(rpc.kind("purchase", {{"event", "demo"}, {"key", "b"}}) == "not_found");
    CHECK(rpc.kind("release", {{"order", order}, {"key", "b"}}) == "key_mismatch");
    CHECK(rpc.result("release", {{"order", order}, {"key", "c"}})["state"] == "released");
}

TEST_SUITE_END();

}  // namespace
}  // namespace ticketd::testing
