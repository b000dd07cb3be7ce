// One life of a process with a store: from its start on a disk to its end, clean or not. Plays the
// event loop's part, does what clients ask for one command at a time, holds every answer against a
// reckoning of its own, and keeps the record of what they were told (told.h).
//
// Nothing sleeps: what is waited for is a report of the store or a change of the disk. Commands end
// early when the disk has failed and the store, rightly, refuses.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>

#include "server/store/store.h"
#include "tests/support/memory_directory.h"
#include "tests/support/store_rig.h"
#include "tests/support/told.h"

namespace ticketd::tests {

/// The process has ended, as it must when a write or a sync failed.
struct ProcessEnded : std::runtime_error {
    using std::runtime_error::runtime_error;
};
/// The store gave an answer that it must not give.
struct WrongAnswer : std::logic_error {
    using std::logic_error::logic_error;
};

class StoreLife {
  public:
    static constexpr UserId kUser = 7;

    /// Starts the store, and holds what it then says against what was told before. `has_failed`
    /// tells whether the disk has failed any operation. Throws ProcessEnded if it cannot start for
    /// the environment's sake, StoreDamaged if it will not.
    StoreLife(MemoryDirectory& disk, ManualClock& clock, Told& told,
              const std::atomic<bool>& has_failed);
    StoreLife(const StoreLife&) = delete;
    StoreLife& operator=(const StoreLife&) = delete;
    ~StoreLife() { kill(); }
    /// Without a clean stop: what the store's threads still try does nothing. True if the store had
    /// reported something final, or did so now.
    bool kill();

    // Each waits until everything is durable or taken back. They throw ProcessEnded.
    void create_event();
    void buy_with_key();
    /// Several purchases in one group: without a key, of more than there is, of a part of that,
    /// of too much.
    void buy_more();
    /// Buys one ticket and holds another, both or none.
    void buy_batch();
    /// Keeps two tickets for a while; when less is left, what there is.
    void hold();
    /// Extends the oldest hold, or if it was, confirms one ticket of it.
    void change_hold();
    void cancel_ticket();
    /// Lets time pass until every hold has ended.
    void end_holds();
    void resize_event();
    /// Pauses the event, asks for a ticket in vain, resumes it: one group.
    void reschedule_event();
    void abandon_key();
    /// Fills a segment up until the journal goes on in the next one. Returns where the group began
    /// that did so.
    Told::Position switch_segment();
    void wait_for_checkpoint();
    /// Lets keys grow old and waits until they are forgotten, with a switch of segments on the way.
    Told::Position expire_keys();
    /// Asks for a sale and does not wait for it.
    void begin_sale();
    /// Ends the turn and waits until all is settled.
    void settle();
    void stop_cleanly();
    /// After a disk that was full for a moment: waits until there are changes again.
    void go_on_again();

  private:
    struct Report {
        std::optional<Lsn> durable;  // nothing: the disk is full
        Told::Position at = 0;
    };

    store::StoreEvents events();
    void take_note_of_start();
    /// False if the disk is full or has failed.
    bool buy(EventId event, std::uint64_t quantity, std::uint64_t least, const std::string& key);
    bool create(const std::string& name, std::uint64_t capacity,
                const box_office::Rules& rules = {});
    void give_numbers(store::Entry& asked) const;
    bool is_open(EventId event) const;
    void reschedule(EventId event, store::EntryType type, box_office::SaleState state);
    bool note(const store::ChangeResult& result, const store::Entry& asked);
    bool note_timed(const store::ChangeResult& result, store::Entry asked);
    std::optional<EventId> newest_event() const;
    std::string unused_key(char first) const;
    std::uint64_t segments() const;
    void check_alive();
    void handle(const Report& report);
    void note_checkpoint();

    MemoryDirectory& disk_;
    ManualClock& clock_;
    Told& told_;
    const std::atomic<bool>& has_failed_;
    std::mutex mutex_;
    std::condition_variable reported_;
    std::deque<Report> reports_;              // guarded by mutex_
    std::string fatal_;                       // guarded by mutex_
    std::optional<store::KeyFloor> expired_;  // guarded by mutex_
    std::atomic<Lsn> checkpoint_{0};          // of which the store told
    store::OrderRuns order_runs_;             // guarded by mutex_: of that one
    std::set<std::string> refused_keys_;      // they stay refused while the process lives
    std::unique_ptr<store::Store> store_;
};

/// Segments so small that a few groups fill one.
inline constexpr std::uint64_t kTinySegmentBytes = limits::kSegmentBytesMin;

}  // namespace ticketd::tests
