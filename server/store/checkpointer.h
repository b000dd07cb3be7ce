// Keeps the checkpoint close behind the journal without stopping a sale. A thread of its own reads
// each segment that the journal has left, adds it up in a state of its own, and writes the
// segment's order run and key run and then the checkpoint. The live state is never copied or
// locked; what the checkpoint says was computed twice, from memory and from disk.
//
// It also decides when keys are past their retention: run by run, when the newest entry of a
// segment is old enough by two clocks, that of the machine and one that only the running of the
// daemon and the ledger's own times move, so that a clock set forward makes nobody forget.
//
// A full disk only puts a checkpoint off; recovery then reads more of the journal. Any other
// failure is reported by on_fatal, and so is a segment that does not say what was written to it.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "server/platform/clock.h"
#include "server/platform/file.h"
#include "server/store/checkpoint.h"
#include "server/store/key_run.h"
#include "server/store/order_run.h"

namespace ticketd::store {

/// What the checkpointer reports. Called on its thread; must only pass it on.
struct CheckpointEvents {
    /// Keys of entries before this floor are past their retention; the checkpoint says so.
    std::function<void(const KeyFloor&)> on_keys_expired;
    /// A checkpoint was written that covers everything up to this LSN, with these order runs.
    std::function<void(Lsn, const OrderRuns&)> on_checkpoint;
    std::function<void(const std::string&)> on_fatal;
};

/// A key run there is, without its keys.
struct KeyRunSummary {
    std::uint64_t segment = 0;
    Lsn end_lsn = 0;
    std::int64_t newest_ms = 0;
};

class Checkpointer {
  public:
    /// Goes on from `base`, the checkpoint on disk, with its key runs, oldest first, and its order
    /// runs. `directory` and `clock` must outlive it. Starts the thread.
    Checkpointer(platform::Directory& directory, const platform::Clock& clock, Checkpoint base,
                 std::deque<KeyRunSummary> runs, OrderRuns order_runs,
                 std::chrono::milliseconds key_retention, CheckpointEvents events);
    Checkpointer(const Checkpointer&) = delete;
    Checkpointer& operator=(const Checkpointer&) = delete;
    /// Ends the thread without another checkpoint.
    ~Checkpointer();

    /// The journal has left this segment and all before it; they are whole and durable. From any
    /// thread.
    void segment_left(std::uint64_t number);

    /// After the journal's end, in this segment: writes the clean-stop checkpoint and ends the
    /// thread. The error if that did not work; the store is whole without it.
    [[nodiscard]] std::error_code finish(std::uint64_t last_segment);

    /// The number of checkpoints written.
    std::uint64_t written() const { return written_; }

  private:
    /// What a segment adds to the files beside the journal.
    struct Folded {
        KeyRun keys;
        std::vector<OrderItem> orders;  ///< that changed in it, by order
    };

    void run();
    std::error_code catch_up(std::uint64_t left, Stop stop);
    Folded fold(std::uint64_t number);
    std::error_code save_runs(const Folded& folded);
    void take_order_run(std::uint64_t segment);
    std::error_code save(Stop stop);
    bool drop_old_runs();
    std::int64_t horizon_ms();

    platform::Directory& directory_;
    const platform::Clock& clock_;
    const std::chrono::milliseconds retention_;
    const CheckpointEvents events_;

    std::mutex mutex_;
    std::condition_variable wake_;
    std::uint64_t left_;      // guarded by mutex_
    bool stopping_ = false;   // guarded by mutex_
    bool abandoned_ = false;  // guarded by mutex_: stop without writing anything more

    // The thread's own.
    Checkpoint base_;  // as far as segments were folded; its events are in state_
    LedgerState state_;
    std::deque<KeyRunSummary> runs_;      // on disk, oldest first
    OrderRuns order_runs_;                // on disk, newest first
    std::vector<Folded> unsaved_;         // not on disk yet
    std::vector<std::uint64_t> dropped_;  // key runs to be removed after the next checkpoint
    std::vector<std::uint64_t> merged_;   // order runs likewise: newer ones say what they said
    std::chrono::milliseconds aged_until_;
    std::int64_t age_ms_;  // the clock that only running and the ledger move
    std::error_code last_error_;
    std::atomic<std::uint64_t> written_{0};
    std::thread thread_;
};

}  // namespace ticketd::store
