// Backups of a store that sells on, leaves segments and forgets keys meanwhile; each copy is then
// recovered and held against what was known when the backup began. Real files, both sides in one
// process, so that segments can be small and are left all the time.
#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <random>
#include <stdexcept>
#include <thread>

#include "client/backup/backup.h"
#include "client/backup/store_files.h"
#include "client/wait.h"
#include "server/platform/clock.h"
#include "server/platform/posix_file.h"
#include "server/store/audit.h"
#include "server/store/key_run.h"
#include "server/store/store.h"
#include "server/store/store_error.h"
#include "tests/support/process_scratch.h"
#include "tests/support/randomness.h"
#include "tests/support/sanitized.h"
#include "tests/support/store_rig.h"

namespace ticketd::tests {
namespace {

using client::BackupPlan;
using client::BackupResult;

constexpr std::chrono::seconds kPatience{60};

std::string key_of(Lsn lsn) {
    return "k" + std::to_string(lsn);
}

store::PurchaseRequest sale(Lsn lsn) {
    return {7, 0, {1, 1}, key_of(lsn), std::string(200, 'm')};
}

/// A store with one event and a buyer, each of whose keys names the order it is for.
class LiveStore {
  public:
    LiveStore(const std::string& path, std::chrono::milliseconds key_retention)
        : path_(path),
          directory_(platform::PosixDirectory::open_or_create_private(path)),
          store_(*directory_, clock_, events(),
                 {.key_retention = key_retention, .segment_bytes = StoreRig::kSegmentBytes}) {
        REQUIRE(std::holds_alternative<store::Changed>(store_.create_event(7, "demo", 1U << 30U)));
        buyer_ = std::thread{[this] { buy(); }};
    }
    ~LiveStore() {
        stopping_ = true;
        let_buy(true);
        buyer_.join();
        store_.close();
    }

    /// Everything up to this was acknowledged.
    Lsn durable() const { return durable_; }
    store::JournalPosition position() const { return store_.durable_position(); }
    const store::StoreId& id() const { return store_.id(); }
    const std::string& path() const { return path_; }
    bool has_failed() const { return has_failed_; }

    /// False: the buyer rests after its turn, so that the store does not grow while a copy is
    /// looked at.
    void let_buy(bool buys) {
        is_buying_ = buys;
        is_buying_.notify_one();
    }

    void wait_for_segment(std::uint64_t number) const {
        const auto deadline = client::Clock::now() + kPatience;
        while (position().segment < number) {
            const bool is_hopeless = has_failed() || client::Clock::now() > deadline;
            if (is_hopeless) throw std::runtime_error("the store does not sell on");
            std::this_thread::yield();
        }
    }

  private:
    store::StoreEvents events() {
        store::StoreEvents events;
        events.on_durable = [this](Lsn lsn) { durable_ = lsn; };
        events.on_full = [this](std::error_code) { has_failed_ = true; };
        events.on_fatal = [this](const std::string&) { has_failed_ = true; };
        events.on_checkpoint = [](Lsn, const store::OrderRuns&) {};
        events.on_keys_expired = [this](const store::KeyFloor& floor) {
            const std::lock_guard lock{mutex_};
            expired_ = floor;
        };
        events.on_notice = [](const std::string&) {};
        return events;
    }

    // The event loop's part. A turn's sales are durable before those of the turn after the next.
    void buy() {
        constexpr Lsn kInTurn = 60;
        for (Lsn next = 2; !stopping_ && !has_failed_;) {
            is_buying_.wait(false);
            for (Lsn i = 0; i < kInTurn; ++i, ++next) {
                const auto result = store_.purchase(sale(next));
                if (!std::holds_alternative<store::Changed>(result)) has_failed_ = true;
            }
            store_.end_turn();
            while (durable_ + kInTurn < next - 1 && !stopping_ && !has_failed_)
                std::this_thread::yield();
            store_.note_durable(durable_);
            const std::lock_guard lock{mutex_};
            if (expired_) store_.note_keys_expired(*std::exchange(expired_, std::nullopt));
        }
    }

    const std::string path_;
    const platform::SystemClock clock_;
    std::atomic<Lsn> durable_{0};
    std::atomic<bool> stopping_{false};
    std::atomic<bool> is_buying_{true};
    std::atomic<bool> has_failed_{false};
    std::mutex mutex_;
    std::optional<store::KeyFloor> expired_;  // guarded by mutex_
    std::unique_ptr<platform::PosixDirectory> directory_;
    store::Store store_;
    std::thread buyer_;
};

BackupPlan plan_for(const LiveStore& live, const std::string& directory) {
    BackupPlan plan;
    plan.directory = directory;
    plan.ask_position = [&live]() -> client::Outcome<client::StorePosition> {
        const auto at = live.position();
        return client::StorePosition{live.path(), {live.id().data(), live.id().size()},
                                     at.segment,  at.offset,
                                     at.lsn - 1,  0};
    };
    plan.go_on = [](std::uint64_t, std::uint64_t) { return true; };
    return plan;
}

/// Recovers the copy, which must end at `lsn`, and buys with keys on both sides of it.
void check_copy(const std::string& path, Lsn lsn, std::mt19937& random) {
    const auto directory = platform::PosixDirectory::open_or_create_private(path);
    const auto report = store::audit_store(*directory);
    for (const auto& problem : report.problems)
        FAIL_CHECK(problem);
    CHECK(report.lsn == lsn);
    CHECK(report.sold == lsn - 1);
    CHECK(report.notices.empty());

    const platform::SystemClock clock;
    store::StoreEvents events;
    events.on_durable = [](Lsn) {};
    events.on_full = [](std::error_code) {};
    events.on_fatal = [](const std::string& what) { FAIL_CHECK(what); };
    events.on_keys_expired = [](const store::KeyFloor&) {};
    events.on_checkpoint = [](Lsn, const store::OrderRuns&) {};
    events.on_notice = [](const std::string&) {};
    store::Store restored{*directory, clock, events, {.segment_bytes = StoreRig::kSegmentBytes}};
    CHECK(restored.state().last_lsn() == lsn);
    CHECK(restored.state().keys().size() == report.keys);
    const auto oldest = std::max<Lsn>(restored.state().key_floor().lsn, 2);
    for (int i = 0; i < 50 && oldest <= lsn; ++i) {
        const auto known = i == 0 ? lsn : oldest + random() % (lsn - oldest + 1);
        const auto result = restored.purchase(sale(known));
        REQUIRE(std::holds_alternative<store::Replay>(result));
        CHECK(std::get<store::Replay>(result).lsn == known);
    }
    const auto fresh = restored.purchase(sale(lsn + 1));
    REQUIRE(std::holds_alternative<store::Changed>(fresh));
    CHECK(std::get<store::Changed>(fresh).entry.lsn == lsn + 1);
    restored.end_turn();
    restored.close();
}

// Segments whose key runs are in a directory, in order.
std::vector<std::uint64_t> runs_in(const std::string& path) {
    std::vector<std::uint64_t> runs;
    for (const auto& entry : std::filesystem::directory_iterator{path}) {
        if (const auto run = store::key_run_segment(entry.path().filename().string())) {
            runs.push_back(*run);
        }
    }
    std::sort(runs.begin(), runs.end());
    return runs;
}

void wait_for_runs(const LiveStore& live, std::size_t count) {
    const auto deadline = client::Clock::now() + kPatience;
    while (runs_in(live.path()).size() < count) {
        if (client::Clock::now() > deadline) throw std::runtime_error("no key runs");
        std::this_thread::yield();
    }
}

void wait_until_gone(const std::string& file) {
    const auto deadline = client::Clock::now() + kPatience;
    while (std::filesystem::exists(file)) {
        if (client::Clock::now() > deadline) throw std::runtime_error(file + " stays");
        std::this_thread::yield();
    }
}

// Longer than a few segments take, so that some key runs are there at any time.
constexpr std::chrono::milliseconds kShortRetention{testing::kIsSanitized ? 5000 : 500};

}  // namespace

TEST_CASE("live backup: a copy taken while segments are left is the store at one LSN") {
    std::mt19937 random{static_cast<std::uint32_t>(testing::test_seed())};
    for (unsigned round = 0; round < testing::scaled(2); ++round) {
        const testing::ScratchDirectory scratch;
        LiveStore live{scratch / "store", std::chrono::hours{1}};
        for (std::uint64_t i = 1; i <= 8; ++i) {
            live.wait_for_segment(i);
            // Then some moment before, at or behind the next switch.
            const auto moment = live.durable() + random() % 7000;
            const auto end = live.position().segment + 1;
            while (live.durable() < moment && live.position().segment < end)
                std::this_thread::yield();
            const auto copy = scratch / ("copy" + std::to_string(i));
            const auto acknowledged = live.durable();
            const auto outcome = client::back_up(plan_for(live, copy));
            if (const auto* failure = client::failure_of(outcome)) FAIL(failure->message);
            const auto lsn = std::get<BackupResult>(outcome).lsn;
            CHECK(lsn >= acknowledged);
            live.let_buy(false);
            check_copy(copy, lsn, random);
            live.let_buy(true);
            std::filesystem::remove_all(copy);
        }
        CHECK_FALSE(live.has_failed());
    }
}

TEST_CASE("live backup: a copy taken while keys are forgotten has those that count") {
    std::mt19937 random{static_cast<std::uint32_t>(testing::test_seed())};
    const testing::ScratchDirectory scratch;
    LiveStore live{scratch / "store", kShortRetention};
    // If the checkpoint that the backup begins with counts less than two, nothing is forgotten.
    unsigned forgotten = 0;
    const auto wanted = testing::scaled(4);
    for (unsigned i = 0; forgotten < wanted; ++i) {
        REQUIRE(i < 20 * wanted);
        wait_for_runs(live, 3);
        const auto copy = scratch / ("copy" + std::to_string(i));
        auto plan = plan_for(live, copy);
        std::uint64_t first = 0;
        // When the first run has been copied, the next one goes, so that the backup has to go on
        // with a newer checkpoint, one ahead of where the journal was when it began.
        plan.go_on = [&](std::uint64_t, std::uint64_t) {
            const auto runs = runs_in(copy);
            if (first != 0 || runs.empty()) return true;
            first = runs[0];
            live.wait_for_segment(live.position().segment + 2);
            wait_until_gone(live.path() + "/" + client::key_run_file(first + 1));
            return true;
        };
        const auto acknowledged = live.durable();
        const auto outcome = client::back_up(plan);
        if (const auto* failure = client::failure_of(outcome)) FAIL(failure->message);
        const auto lsn = std::get<BackupResult>(outcome).lsn;
        CHECK(lsn >= acknowledged);
        const auto counted =
            store::read_checkpoint(*platform::PosixDirectory::open_existing(copy)).first_key_run;
        const auto runs = runs_in(copy);
        CHECK((runs.empty() || runs[0] == counted));
        if (first != 0 && first < counted) ++forgotten;
        live.let_buy(false);
        check_copy(copy, lsn, random);
        live.let_buy(true);
        std::filesystem::remove_all(copy);
    }
    CHECK_FALSE(live.has_failed());
}

TEST_CASE("live backup: a copy that was not finished is never taken for a store") {
    const testing::ScratchDirectory scratch;
    const LiveStore live{scratch / "store", std::chrono::hours{1}};
    wait_for_runs(live, 2);
    // What is there after each file, as a power cut would leave it.
    std::vector<std::string> remains;
    auto plan = plan_for(live, scratch / "copy");
    plan.go_on = [&](std::uint64_t, std::uint64_t) {
        remains.push_back(scratch / ("remains" + std::to_string(remains.size())));
        std::filesystem::copy(plan.directory, remains.back());
        std::filesystem::permissions(remains.back(), std::filesystem::perms{0700});
        return true;
    };
    const auto outcome = client::back_up(plan);
    if (const auto* failure = client::failure_of(outcome)) FAIL(failure->message);
    CHECK(remains.size() >= 4);
    for (const auto& path : remains) {
        const auto directory = platform::PosixDirectory::open_or_create_private(path);
        CHECK_THROWS_AS(store::recover(*directory, StoreRig::kSegmentBytes), store::StoreDamaged);
        CHECK_THROWS_AS(store::audit_store(*directory), store::StoreDamaged);
    }
    CHECK_NOTHROW(store::audit_store(*platform::PosixDirectory::open_existing(scratch / "copy")));
}

}  // namespace ticketd::tests
