// Power cuts at moments that chance would rarely find: a sync is held up by strace, or made to
// fail, so that what the daemon wrote is in memory only when the power goes.
#include <doctest/doctest.h>
#include <sys/stat.h>

#include "tests/fault/journal_watch.h"
#include "tests/fault/power_cut_rig.h"
#include "tests/fault/strace.h"
#include "tests/support/randomness.h"

namespace ticketd::testing {
namespace {

using namespace std::chrono_literals;

const std::string kForEver = "delay_enter=60000000";  // longer than any test lasts

// The segment that the next start begins.
std::string next_segment(const PowerCutRig& rig) {
    for (int number = 1;; ++number) {
        const auto digits = std::to_string(number);
        auto path = rig.data_dir() + "/journal-" + std::string(10 - digits.size(), '0') + digits;
        if (!std::filesystem::exists(path)) return path;
    }
}

// Starts the daemon so that syncs of its groups do what `inject` says. The path of its segment.
std::string start_with_syncs(PowerCutRig& rig, const std::string& inject) {
    auto segment = next_segment(rig);
    rig.daemon().options().wrapper = tracing(
        "/dev/null", {"-P", segment, "-e", "trace=fdatasync", "-e", "inject=fdatasync:" + inject});
    rig.daemon().start();
    return segment;
}

Json purchase(const Ask& ask) {
    return {{"jsonrpc", "2.0"}, {"id", ask.key}, {"method", "purchase"}, {"params", ask.params()}};
}

// Buys until a sync is held up, or fails; the key whose answer does not come.
std::string buy_until_unanswered(PowerCutRig& rig, const std::string& segment,
                                 ToldHistory& history) {
    auto rpc = rig.daemon().connect();
    for (int i = 0; i < 10; ++i) {
        const Ask ask{"many", "key-" + std::to_string(i) + "-", 1, ""};
        rpc.send(purchase(ask).dump() + "\n");
        wait_until_written(segment, ask.key);
        if (!rpc.has_input(500ms) || rpc.is_closed_by_peer()) return ask.key;
        history.add_reply(ask, rpc.receive());
    }
    throw std::runtime_error("every purchase was answered");
}

// The next daemon finds the purchase in the page cache and says so; from then on it is promised.
void check_promise_survives(PowerCutRig& rig, const std::string& key, const ToldHistory& history) {
    rig.daemon().start();
    {
        auto rpc = rig.daemon().connect();
        CHECK(rpc.result("order", {{"key", key}})["state"] == "sold");
        CHECK(rig.ledger().read_on(rpc).empty());
    }
    rig.cut_power();
    CHECK(rig.survives(history));
}

TEST_SUITE_BEGIN("power_cut_moments");

TEST_CASE("what a daemon answers from the memory of one that was killed outlives the power") {
    if (!can_trace() || !can_cut_power()) return;
    PowerCutRig rig{test_seed()};
    const auto segment = start_with_syncs(rig, kForEver + ":when=3+");
    ToldHistory history;
    const auto key = buy_until_unanswered(rig, segment, history);
    rig.end_daemon();
    check_promise_survives(rig, key, history);
}

TEST_CASE("so does what it answers from the memory of one whose sync failed") {
    if (!can_trace() || !can_cut_power()) return;
    PowerCutRig rig{test_seed()};
    const auto segment = start_with_syncs(rig, "error=EIO:when=3+");
    ToldHistory history;
    const auto key = buy_until_unanswered(rig, segment, history);
    CHECK(rig.daemon().wait() == 74);
    rig.end_daemon();
    check_promise_survives(rig, key, history);
}

TEST_CASE("while a sync is under way nobody is told what the power can still take") {
    if (!can_trace() || !can_cut_power()) return;
    PowerCutRig rig{test_seed()};
    for (unsigned i = 0; i < scaled(4); ++i) {
        start_with_syncs(rig, "delay_enter=30000");
        Buyers buyers{rig.plan()};
        buyers.wait_for_answers(20);
        rig.let_pass_up_to(60ms);
        rig.cut_power();
        REQUIRE(rig.survives(buyers.join()));
        CHECK(rig.daemon().stop() == 0);
    }
}

// Sells one ticket, and then writes a group of many blocks whose sync is held up. Each sector of
// the group reaches the disk, or not, by chance.
ToldHistory leave_torn_group(PowerCutRig& rig, unsigned round) {
    constexpr unsigned kSales = 100;
    constexpr std::uint64_t kSector = 512;
    const auto segment = start_with_syncs(rig, kForEver + ":when=2+");
    auto rpc = rig.daemon().connect();
    ToldHistory history;
    const auto name = "torn-" + std::to_string(round) + "-";
    const Ask first{"many", name + "first", 1, ""};
    history.add_reply(first, rpc.call("purchase", first.params()));
    Json batch = Json::array();
    for (unsigned i = 0; i < kSales; ++i) {
        history.unanswered.push_back({"many", name + std::to_string(i), 2, std::string(200, 'm')});
        batch.push_back(purchase(history.unanswered.back()));
    }
    rpc.send(batch.dump() + "\n");
    const auto begin = wait_until_written(segment, name + "0") / kSector * kSector;
    const auto end = wait_until_written(segment, name + std::to_string(kSales - 1));
    const auto kept_of_10 = 1 + rig.any_below(9);
    for (auto at = begin; at < end; at += kSector) {
        if (rig.any_below(10) >= kept_of_10) continue;
        REQUIRE(rig.disk().let_reach_disk(segment, at, kSector));
    }
    return history;
}

TEST_CASE("a group of which the disk got some sectors is cut off, and nothing else") {
    if (!can_trace() || !can_cut_power()) return;
    PowerCutRig rig{test_seed()};
    rig.daemon().start();  // makes the events
    CHECK(rig.daemon().stop() == 0);
    unsigned torn = 0;
    const unsigned rounds = scaled(12);
    for (unsigned round = 0; round < rounds; ++round) {
        const auto history = leave_torn_group(rig, round);
        rig.cut_power(rig.any_below(2) == 0 ? PowerCut::kLosesAll : PowerCut::kKeepsNames);
        REQUIRE(rig.survives(history));
        if (rig.daemon().log().find("cut a torn tail") != std::string::npos) ++torn;
        CHECK(rig.daemon().stop() == 0);
    }
    CHECK(torn == rounds);
}

TEST_CASE("a new store whose making is cut short is made again, or is whole") {
    if (!can_cut_power()) return;
    for (unsigned changes = 1; changes <= 8; ++changes) {
        CAPTURE(changes);
        PowerCutRig rig{test_seed()};
        REQUIRE(::mkdir(rig.data_dir().c_str(), 0700) == 0);
        rig.daemon().launch();
        rig.wait_for_changes(changes, [&] { return !rig.is_ready(); });
        rig.cut_power();
        REQUIRE(rig.survives({}));
    }
}

TEST_SUITE_END();

}  // namespace
}  // namespace ticketd::testing
