// Real power cuts on a real file system, again and again on the same store: under load, in the
// middle of a recovery, around a change of segment or checkpoint, after a kill, after a stop. What
// anybody was told before a cut is there after it (guarantees 1 to 5, 7 and 8).
#include <doctest/doctest.h>

#include <array>

#include "common/limits.h"
#include "tests/fault/power_cut_rig.h"
#include "tests/support/randomness.h"

namespace ticketd::testing {
namespace {

using namespace std::chrono_literals;

constexpr unsigned kCyclesPerDisk = 10;
constexpr unsigned kDisks = 10;

// ext4 in the shapes it comes in: small blocks tear groups, modes differ in what they keep.
LoopOptions any_disk(std::mt19937_64& random) {
    static constexpr std::array<const char*, 4> kModes{"data=ordered", "data=writeback",
                                                       "data=journal", "nodelalloc"};
    LoopOptions options;
    options.bytes = 512ULL * 1024 * 1024;
    options.block_bytes = random() % 3 == 0 ? 1024 : 4096;
    options.mount_options = std::string{"commit=600,"} + kModes[random() % kModes.size()];
    return options;
}

// Mostly the cut that loses the most.
PowerCut any_cut(PowerCutRig& rig) {
    const auto chance = rig.any_below(8);
    return chance == 0   ? PowerCut::kKeepsAll
           : chance == 1 ? PowerCut::kKeepsNames
                         : PowerCut::kLosesAll;
}

bool cut_under_load(PowerCutRig& rig) {
    Buyers buyers{rig.plan()};
    buyers.wait_for_answers(1);
    rig.let_pass_up_to(30ms);
    rig.cut_power(any_cut(rig));
    return rig.survives(buyers.join());
}

// The cut comes at a change of the directory, or shortly after: at half of a segment the next is
// prepared, at its end it is begun.
bool cut_at_a_change(PowerCutRig& rig) {
    constexpr std::size_t kBefore = 768 * 1024;
    rig.write_journal((rig.any_below(3) == 0 ? limits::kSegmentBytes / 2 : limits::kSegmentBytes) -
                      kBefore);
    auto plan = rig.plan();
    plan.pipelined = 64;
    plan.memo_bytes = 250;
    plan.events = {"many"};
    Buyers buyers{plan};
    rig.wait_for_changes(1 + rig.any_below(3),
                         [&] { return rig.daemon().is_running() && buyers.answered() < 5000; });
    if (rig.any_below(2) == 0) rig.let_pass_up_to(2ms);
    rig.cut_power(any_cut(rig));
    return rig.survives(buyers.join());
}

// The second cut meets the recovery from the first, at one of its changes or anywhere.
bool cut_in_recovery(PowerCutRig& rig) {
    Buyers buyers{rig.plan()};
    buyers.wait_for_answers(1);
    rig.let_pass_up_to(10ms);
    rig.cut_power(any_cut(rig));
    const auto history = buyers.join();
    for (auto times = 1 + rig.any_below(2); times > 0; --times) {
        rig.daemon().launch();
        if (rig.any_below(4) == 0) {
            rig.let_pass_up_to(20ms);
        } else {
            rig.wait_for_changes(1 + rig.any_below(5), [&] { return !rig.is_ready(); });
        }
        rig.cut_power(any_cut(rig));
    }
    return rig.survives(history);
}

// What the second daemon answers rests on what the first may have left in memory only.
bool cut_after_a_kill(PowerCutRig& rig) {
    Buyers buyers{rig.plan()};
    buyers.wait_for_answers(1);
    rig.let_pass_up_to(10ms);
    rig.daemon().kill_hard();
    const auto history = buyers.join();
    rig.daemon().start();
    {
        auto rpc = rig.daemon().connect();
        const auto problems = rig.ledger().read_on(rpc);
        if (!problems.empty()) rig.report(problems, history);
    }
    rig.cut_power();
    return rig.survives(history);
}

// A stop that has reported success is clean, whatever happens then.
bool cut_after_a_stop(PowerCutRig& rig) {
    Buyers buyers{rig.plan()};
    buyers.wait_for_answers(1);
    rig.let_pass_up_to(5ms);
    CHECK(rig.daemon().stop() == 0);
    rig.disk().cut_power(PowerCut::kLosesAll);
    rig.disk().remount();
    const bool survives = rig.survives(buyers.join());
    const bool was_clean = rig.daemon().log().find("not clean") == std::string::npos;
    CHECK(was_clean);
    return survives && was_clean;
}

bool run_cycle(PowerCutRig& rig) {
    const auto chance = rig.any_below(9);
    if (chance < 4) return cut_under_load(rig);
    if (chance < 7) return cut_in_recovery(rig);
    return chance == 7 ? cut_after_a_kill(rig) : cut_after_a_stop(rig);
}

TEST_SUITE_BEGIN("power_cut");

TEST_CASE("a hundred power cuts lose nothing that anybody was told") {
    if (!can_cut_power()) return;
    const auto seed = test_seed();
    unsigned cycles = 0;
    for (unsigned disk = 0; disk < scaled(kDisks); ++disk) {
        std::mt19937_64 random{seed + disk};
        const auto options = any_disk(random);
        CAPTURE(options.mount_options);
        PowerCutRig rig{seed + disk, options};
        rig.daemon().start();
        for (unsigned i = 1; i < kCyclesPerDisk; ++i, ++cycles) {
            CAPTURE(cycles);
            REQUIRE(run_cycle(rig));
        }
        REQUIRE(cut_at_a_change(rig));  // the last, because it makes the store large
        ++cycles;
    }
    MESSAGE("kills: " << cycles << ", all by power cuts");
}

TEST_SUITE_END();

}  // namespace
}  // namespace ticketd::testing
