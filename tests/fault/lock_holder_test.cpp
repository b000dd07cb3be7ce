// A record lock held by an outside process delays its event and no other; after lock_timeout the
// requests are told `busy`, with nothing done.
#include <doctest/doctest.h>

#include "tests/support/daemon.h"
#include "tests/support/process_lock.h"

namespace ticketd::testing {
namespace {

using Kind = LockHolder::Kind;

constexpr const char* kPurchaseLine =
    R"({"jsonrpc":"2.0","id":1,"method":"purchase","params":["a"]})"
    "\n";

Daemon two_events(int lock_timeout_ms) {
    return Daemon::with_events({"a=5", "b=5"}, {{"lock_timeout_ms", lock_timeout_ms}});
}

void check_busy_while_held(const LockHolder::Lock& lock, bool other_is_free) {
    auto daemon = two_events(200);
    auto rpc = daemon.connect();
    auto other = daemon.connect();
    {
        LockHolder holder{daemon.stock_file(), lock};
        rpc.send(kPurchaseLine);
        other.wait_for_stat("lock_waiting", 1);
        if (other_is_free) CHECK(other.result("purchase", {{"event", "b"}})["granted"] == 1);
        const auto reply = rpc.receive();
        CHECK(reply["error"]["code"] == 1011);
        CHECK(reply["error"]["data"]["kind"] == "busy");
        CHECK(reply["error"]["data"]["retry"] == "same_key");
        CHECK(rpc.kind("query", {{"event", "a"}}) == "busy");
        CHECK(rpc.kind("event.resize", {{"name", "a"}, {"capacity", 9}}) == "busy");
    }
    const auto counts = rpc.result("query", {{"event", "a"}});
    CHECK(counts["sold"] == 0);
    CHECK(counts["capacity"] == 5);
    CHECK(rpc.result("purchase", {{"event", "a"}})["serials"] == Json{1});
    CHECK(rpc.result("ledger.verify")["ok"] == true);
}

TEST_SUITE_BEGIN("lock_holder");

TEST_CASE("a classic lock on the slot makes its event busy and no other") {
    check_busy_while_held({Kind::kClassic, F_WRLCK, slot_offset(0), kSlotBytes}, true);
}

TEST_CASE("an open-file lock on the slot makes its event busy and no other") {
    check_busy_while_held({Kind::kOpenFile, F_WRLCK, slot_offset(0), kSlotBytes}, true);
}

TEST_CASE("a read lock counts, and so does one byte of the slot") {
    check_busy_while_held({Kind::kClassic, F_RDLCK, slot_offset(0), kSlotBytes}, true);
    check_busy_while_held({Kind::kOpenFile, F_RDLCK, slot_offset(0) + 255, 1}, true);
}

TEST_CASE("a lock on the whole file makes every event busy") {
    check_busy_while_held({Kind::kClassic, F_WRLCK, 0, 0}, false);
    check_busy_while_held({Kind::kOpenFile, F_RDLCK, 0, 0}, false);
}

TEST_CASE("a lock released in time delays the purchase and no more") {
    auto daemon = two_events(50'000);
    auto rpc = daemon.connect();
    auto other = daemon.connect();
    LockHolder holder{daemon.stock_file(), {Kind::kClassic, F_WRLCK, slot_offset(0), kSlotBytes}};
    rpc.send(kPurchaseLine);
    rpc.send(kPurchaseLine);
    other.wait_for_stat("lock_waiting", 2);
    holder.release();
    CHECK(rpc.receive()["result"]["serials"] == Json{1});
    CHECK(rpc.receive()["result"]["serials"] == Json{2});
    CHECK(other.result("server.stats")["lock_waiting"] == 0);
}

TEST_CASE("a batch that bought while it waited is answered without help from others") {
    auto daemon = two_events(5000);
    auto rpc = daemon.connect();
    LockHolder holder{daemon.stock_file(), {Kind::kClassic, F_WRLCK, slot_offset(0), kSlotBytes}};
    const std::string one = R"({"jsonrpc":"2.0","id":1,"method":"purchase","params":)"
                            R"({"event":"a","key":"k"}})";
    rpc.send("[" + one + "," + one + "]\n");
    {
        auto other = daemon.connect();
        other.wait_for_stat("lock_waiting", 2);
    }
    holder.release();
    const auto replies = rpc.receive();
    CHECK(replies[0]["result"]["serials"] == Json{1});
    CHECK(replies[1]["result"]["replayed"] == true);
}

TEST_CASE("waiting for a lock takes the time that was configured") {
    auto daemon = two_events(300);
    auto rpc = daemon.connect();
    const LockHolder holder{daemon.stock_file(), {Kind::kClassic, F_WRLCK, slot_offset(0), 1}};
    const auto start = std::chrono::steady_clock::now();
    CHECK(rpc.kind("purchase", {{"event", "a"}}) == "busy");
    CHECK(std::chrono::steady_clock::now() - start >= std::chrono::milliseconds{300});
}

TEST_CASE("a waiting purchase whose client is gone is not done") {
    auto daemon = two_events(50'000);
    auto other = daemon.connect();
    LockHolder holder{daemon.stock_file(), {Kind::kClassic, F_WRLCK, slot_offset(0), kSlotBytes}};
    {
        auto rpc = daemon.connect();
        rpc.send(kPurchaseLine);
        other.wait_for_stat("lock_waiting", 1);
    }
    holder.release();
    other.wait_for_stat("lock_waiting", 0);
    CHECK(other.result("query", {{"event", "a"}})["sold"] == 0);
}

TEST_CASE("a lock held at the start and at the stop keeps the daemon from neither") {
    auto daemon = two_events(200);
    auto rpc = daemon.connect();
    rpc.result("purchase", {{"event", "a"}});
    const LockHolder holder{daemon.stock_file(), {Kind::kClassic, F_WRLCK, slot_offset(0), 1}};
    rpc.send(kPurchaseLine);
    CHECK(daemon.stop() == 0);
    daemon.start();
    auto again = daemon.connect();
    CHECK(again.kind("query", {{"event", "a"}}) == "busy");
    CHECK(again.result("purchase", {{"event", "b"}})["granted"] == 1);
}

TEST_SUITE_END();

}  // namespace
}  // namespace ticketd::testing
