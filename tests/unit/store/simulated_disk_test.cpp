// The power goes, the process dies or the disk fails at every operation of every short workload,
// and again within the recovery from that. Whatever was told must still be true, and what was
// refused must not come back (tests/support/store_oracle.h).
//
// Crashes are tried for all workloads of up to three commands, from no store and from one with a
// past; failing operations for all of one command and for a share of the longer ones. TICKETD_SCALE
// multiplies that share, the tears, and the crashes within recoveries; TICKETD_SEED decides which
// they are.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <random>
#include <string>
#include <vector>

#include "tests/support/crash_explorer.h"
#include "tests/support/randomness.h"
#include "tests/support/sanitized.h"

using namespace ticketd;
using namespace ticketd::tests;
using testing::kIsSanitized;
using testing::scale;
using testing::test_seed;

namespace {

/// Every sequence of so many commands.
std::vector<Commands> sequences(std::size_t length) {
    std::vector<Commands> all{{}};
    for (std::size_t i = 0; i < length; ++i) {
        std::vector<Commands> longer;
        for (const auto& sequence : all) {
            for (std::size_t command = 0; command < kCommands; ++command) {
                longer.push_back(sequence);
                longer.back().push_back(static_cast<Command>(command));
            }
        }
        all = std::move(longer);
    }
    return all;
}

void judge(const CrashExplorer& explorer, std::uint64_t least) {
    MESSAGE(explorer.points() << " crash points in " << explorer.runs() << " runs of workloads; "
                              << explorer.repeated() << " led to disks judged before");
    for (const auto& problem : explorer.problems())
        FAIL_CHECK(problem);
    CHECK(explorer.points() >= (kIsSanitized || scale() < 1 ? 0 : least));
}

/// By the number of commands: what is new about a longer workload is its last command only.
constexpr std::array<Effort, 4> kEfforts{
    {{64, 3, 2, 4}, {64, 3, 4, 64}, {8, 2, 32, 1024}, {4, 1, 128, 8192}}};

Effort scaled(const Effort& effort) {
    const auto times = std::max(1.0, scale());
    const auto more = [times](std::uint64_t count) {
        return static_cast<std::uint64_t>(static_cast<double>(count) * times);
    };
    const auto rarer = [times](std::uint64_t one_in) {
        return std::max<std::uint64_t>(
            1, static_cast<std::uint64_t>(static_cast<double>(one_in) / times));
    };
    return {more(effort.every), more(effort.by_chance), rarer(effort.nested_one_in),
            rarer(effort.nested_faults_one_in)};
}

void crash_everywhere(const Start& start, std::uint64_t least) {
    const auto seed = test_seed();
    CrashExplorer explorer{seed};
    std::mt19937_64 random{seed};
    for (std::size_t length = 0; length <= (kIsSanitized ? 1 : 3); ++length) {
        std::uint64_t variant = 0;
        const auto effort = scaled(kEfforts.at(length));
        for (const auto& commands : sequences(length)) {
            ++variant;
            const auto chance = std::uniform_real_distribution<>{}(random);
            if (length < 3 || chance < scale()) {
                explorer.explore(run(start, commands, variant), effort);
            }
        }
    }
    judge(explorer, least);
}

void fail_everywhere(const Start& start, std::uint64_t least) {
    const auto seed = test_seed();
    CrashExplorer explorer{seed};
    std::mt19937_64 random{seed};
    constexpr std::array<double, 4> kShares{1, 1, kIsSanitized ? 0.02 : 0.25, 0.002};
    for (std::size_t length = 0; length < kShares.size(); ++length) {
        std::uint64_t variant = 0;
        for (const auto& commands : sequences(length)) {
            ++variant;
            const auto chance = std::uniform_real_distribution<>{}(random);
            if (chance >= kShares.at(length) * scale()) continue;
            explorer.explore_faults(run(start, commands, variant), variant,
                                    scaled({2, 1, 256, 4096}));
        }
    }
    judge(explorer, least);
}

}  // namespace

TEST_CASE("what was told survives a crash at every operation on a new store") {
    crash_everywhere(empty_start(), 60'000);
}

TEST_CASE("what was told survives a crash at every operation on a store with a past") {
    crash_everywhere(lived_in_start(), 40'000);
}

TEST_CASE("what was told survives every failing operation on a new store") {
    fail_everywhere(empty_start(), 10'000);
}

TEST_CASE("what was told survives every failing operation on a store with a past") {
    fail_everywhere(lived_in_start(), 3'000);
}
