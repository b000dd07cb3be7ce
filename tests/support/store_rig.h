// A Store on a disk for tests, with the event loop's part played by the test: it collects what the
// sync thread reports and hands it to the store when the test asks.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "server/platform/clock.h"
#include "server/store/store.h"
#include "tests/support/memory_directory.h"

namespace ticketd::tests {

class ManualClock final : public platform::Clock {
  public:
    using Time = std::chrono::milliseconds;

    platform::Instant read() const override {
        const auto passes = passes_with_each_look_.load();
        const auto elapsed = elapsed_.fetch_add(passes) + passes;
        return {platform::WallTime{Time{ahead_ + elapsed}}, Time{elapsed}};
    }
    void set(Time since_1970) { ahead_ = since_1970.count() - elapsed_; }
    /// Nobody who looks twice sees the same time.
    void let_pass_with_each_look(Time time) { passes_with_each_look_ = time.count(); }

    /// Somebody sets the wall clock back; no time passes.
    void set_back(Time time) { ahead_ -= time.count(); }
    /// Lets time pass: on both clocks.
    void advance(Time time) { elapsed_ += time.count(); }

  private:
    // The checkpointer looks at them from its own thread.
    mutable std::atomic<std::int64_t> elapsed_{0};
    std::atomic<std::int64_t> ahead_{1'700'000'000'000};  // how far the time of day is ahead
    std::atomic<std::int64_t> passes_with_each_look_{0};
};

class StoreRig {
  public:
    /// Small segments, so that tests meet their switches.
    static constexpr std::uint64_t kSegmentBytes = 2 * 1024 * 1024;

    static constexpr auto kFirstSegment = "journal-0000000001";

    static store::StoreSettings settings() { return {.segment_bytes = kSegmentBytes}; }

    static constexpr std::chrono::milliseconds kBeginning{1'700'000'000'000};

    /// `now`: milliseconds since 1970 that the clock shows at first.
    explicit StoreRig(std::unique_ptr<MemoryDirectory> disk = std::make_unique<MemoryDirectory>(),
                      store::StoreSettings settings = StoreRig::settings(),
                      std::chrono::milliseconds now = kBeginning);
    ~StoreRig();

    MemoryDirectory& disk() { return *disk_; }
    store::Store& store() { return *store_; }
    const store::Store& store() const { return *store_; }
    ManualClock& clock() { return clock_; }
    const ManualClock& clock() const { return clock_; }

    EventId create(const std::string& name, std::uint64_t capacity);
    store::ChangeResult buy(EventId event, std::uint64_t quantity = 1, const std::string& key = "",
                            UserId uid = 7);
    /// Ends the turn and waits until everything is durable, or was taken back because the disk is
    /// full, or the store is dead. Tells which.
    enum class Settled : std::uint8_t { kDurable, kRolledBack, kDead };
    Settled settle();
    std::vector<std::string> notices() const { return notices_; }
    std::string fatal();
    /// Waits for a checkpoint that covers everything up to this LSN, or for the store's death.
    void wait_for_checkpoint(Lsn lsn);
    /// Sells to `event`, one by one, until the journal has left the segment it is in; keys from 1
    /// on with this prefix. The LSN of the last entry.
    Lsn fill_segment(EventId event, const std::string& key_prefix = "");
    /// Waits until keys have grown old, and has the store forget them.
    void forget_expired_keys();

    /// Stops the store in the middle, as a power cut would; gives the disk.
    std::unique_ptr<MemoryDirectory> crash(Unsynced unsynced, std::uint32_t seed = 0);
    /// Stops it properly; gives the disk.
    std::unique_ptr<MemoryDirectory> close();

  private:
    struct Report {
        std::optional<Lsn> durable;  // nothing: the disk is full
    };
    store::StoreEvents events();

    std::unique_ptr<MemoryDirectory> disk_;
    ManualClock clock_;
    std::mutex mutex_;
    std::condition_variable reported_;
    std::deque<Report> reports_;              // guarded by mutex_
    std::string fatal_;                       // guarded by mutex_
    std::optional<store::KeyFloor> expired_;  // guarded by mutex_
    Lsn checkpoint_ = 0;                      // guarded by mutex_
    store::OrderRuns order_runs_;             // guarded by mutex_: of that checkpoint
    std::vector<std::string> notices_;
    std::unique_ptr<store::Store> store_;
};

}  // namespace ticketd::tests
