// The daemon killed at every named place in its order of work (kill_points.h), some of them several
// times, and in a third of the cases once more at any call of the recovery that follows. Clients
// work all the while; in the end their history has to hold.
#include "tests/fault/kill_points.h"

#include <doctest/doctest.h>

#include <fcntl.h>
#include <unistd.h>

#include "tests/fault/ordeal.h"
#include "tests/fault/strace.h"
#include "tests/support/randomness.h"

namespace ticketd::testing {
namespace {

using Random = std::mt19937_64;

constexpr std::uint64_t kAlmostHalfASegment = kAlmostASegment - 8 * 1024 * 1024;
// A journal that was filled is checked and thrown away after so many kills, for want of memory.
constexpr int kFillsPerHistory = 3;

KillTarget next_run(Ordeal& ordeal) {
    const auto end = raw_journal_end(ordeal.daemon().data_dir());
    return {ordeal.daemon().data_dir(), ordeal.daemon().socket(), end.segment + 1, end.offset};
}

KillTarget this_run(Ordeal& ordeal) {
    const auto end = raw_journal_end(ordeal.daemon().data_dir());
    return {ordeal.daemon().data_dir(), ordeal.daemon().socket(), end.segment, 0};
}

void start_again(Ordeal& ordeal, Random& random) {
    if (random() % 3 == 0) ordeal.kill_at_start_call(1 + static_cast<int>(random() % 80));
    ordeal.start();
}

void work_a_little(Ordeal& ordeal, Random& random) {
    Load load{ordeal.plan(Habit::kMix, 2, random())};
    CHECK(load.wait_for_answers(10));
    ordeal.collect(load);
}

void put(const std::string& path, std::uint64_t offset, const std::string& bytes) {
    const int fd = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
    CHECK(::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset)) ==
          static_cast<ssize_t>(bytes.size()));
    ::close(fd);
}

// A tail as a write leaves it that did not get far, and a slot that was not written through.
void leave_half_writes(Ordeal& ordeal) {
    const auto end = raw_journal_end(ordeal.daemon().data_dir());
    const auto directory = ordeal.daemon().data_dir() + "/";
    put(directory + raw_segment_name(end.segment), end.offset, std::string(500, 'x'));
    put(directory + "stock", 4096 + 20, std::string(8, 'x'));
}

// Calls `kill(point, nth)` for every point of the phase and each of its times.
template <typename Kill>
void at_each_point(Phase phase, Kill kill) {
    for (const auto& point : kill_points(phase)) {
        for (const int nth : point.times) {
            CAPTURE(point.name);
            CAPTURE(point.call);
            CAPTURE(nth);
            kill(point, nth);
        }
    }
}

TEST_SUITE_BEGIN("kill_points");

TEST_CASE("a store that is killed while it is made is made by the next start") {
    if (!can_trace()) return;
    Random random{test_seed()};
    unsigned kills = 0;
    at_each_point(Phase::kCreation, [&](const KillPoint& point, int nth) {
        Ordeal ordeal;
        const KillTarget target{ordeal.daemon().data_dir(), ordeal.daemon().socket(), 1, 0};
        CHECK_FALSE(ordeal.start_traced(strace_options(point, nth, target)));
        ordeal.note_death();
        start_again(ordeal, random);
        work_a_little(ordeal, random);
        audit(ordeal.daemon(), ordeal.history());
        kills += ordeal.kills();
    });
    MESSAGE("kills: " << kills);
}

TEST_CASE("a recovery that is killed is done by the next start") {
    if (!can_trace()) return;
    Random random{test_seed()};
    Ordeal ordeal;
    ordeal.start();
    at_each_point(Phase::kRecovery, [&](const KillPoint& point, int nth) {
        work_a_little(ordeal, random);
        ordeal.kill();
        leave_half_writes(ordeal);
        CHECK_FALSE(ordeal.start_traced(strace_options(point, nth, next_run(ordeal))));
        ordeal.note_death();
        start_again(ordeal, random);
    });
    audit(ordeal.daemon(), ordeal.history());
    MESSAGE("kills: " << ordeal.kills());
}

TEST_CASE("a kill at any step of a sale loses nothing that was told") {
    if (!can_trace()) return;
    Random random{test_seed()};
    Ordeal ordeal;
    ordeal.start();
    Load load{ordeal.plan(Habit::kMix, 6, random())};
    at_each_point(Phase::kSale, [&](const KillPoint& point, int nth) {
        ordeal.kill();
        const auto options = strace_options(point, nth, next_run(ordeal));
        static_cast<void>(ordeal.start_traced(options));
        CHECK(ordeal.note_death() == 128 + SIGKILL);
        start_again(ordeal, random);
    });
    ordeal.collect(load);
    audit(ordeal.daemon(), ordeal.history());
    MESSAGE("kills: " << ordeal.kills());
}

TEST_CASE("a kill while segments are switched and checkpoints written loses nothing") {
    if (!can_trace() || !can_attach()) return;
    Random random{test_seed()};
    std::optional<Ordeal> ordeal;
    int fills = 0;
    unsigned kills = 0;
    const auto finish = [&] {
        if (!ordeal) return;
        audit(ordeal->daemon(), ordeal->history());
        kills += ordeal->kills();
        ordeal.reset();
    };
    for (const auto phase : {Phase::kHalfFull, Phase::kSwitch}) {
        at_each_point(phase, [&](const KillPoint& point, int nth) {
            if (!ordeal) ordeal.emplace().start();
            ordeal->fill_segment(phase == Phase::kSwitch ? kAlmostASegment : kAlmostHalfASegment,
                                 random());
            const auto options = strace_options(point, nth, this_run(*ordeal));
            const auto strace = ordeal->attach(options);
            Load load{ordeal->plan(Habit::kFill, 2, random())};
            CHECK(ordeal->note_death() == 128 + SIGKILL);
            start_again(*ordeal, random);
            ordeal->collect(load);
            if (++fills % kFillsPerHistory == 0) finish();
        });
    }
    finish();
    MESSAGE("kills: " << kills);
}

TEST_CASE("a kill while the daemon stops loses nothing") {
    if (!can_trace() || !can_attach()) return;
    Random random{test_seed()};
    Ordeal ordeal;
    ordeal.start();
    at_each_point(Phase::kStop, [&](const KillPoint& point, int nth) {
        work_a_little(ordeal, random);
        const auto strace = ordeal.attach(strace_options(point, nth, this_run(ordeal)));
        ordeal.daemon().send_signal(SIGTERM);
        CHECK(ordeal.note_death() == 128 + SIGKILL);
        start_again(ordeal, random);
    });
    audit(ordeal.daemon(), ordeal.history());
    MESSAGE("kills: " << ordeal.kills());
}

TEST_SUITE_END();

}  // namespace
}  // namespace ticketd::testing
