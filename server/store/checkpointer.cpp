// The thread's round, and what a crash leaves behind each step:
//   1. read the segments that were left     nothing on disk
//   2. write their order and key runs,       runs that no checkpoint counts; written again
//      synced
//   3. write the checkpoint, synced          recovery starts behind those segments
//   4. remove runs that it no longer counts  some are still there; removed by the next start
#include "server/store/checkpointer.h"

#include <algorithm>
#include <map>
#include <utility>

#include "common/limits.h"
#include "server/platform/process.h"
#include "server/store/replay.h"
#include "server/store/store_error.h"

namespace ticketd::store {
namespace {

using std::chrono::milliseconds;

// Segments folded before their runs are written: bounds memory when there is much to catch up on.
constexpr std::size_t kUnsavedRuns = 8;
constexpr milliseconds kCheckpointRetry{1000};

// The error if there was no space; throws for any other failure.
std::error_code check(std::error_code error, const std::string& file) {
    if (error && !is_out_of_space(error)) throw StoreUnavailable(file, error);
    return error;
}

LedgerState state_of(const Checkpoint& checkpoint) {
    LedgerState state{checkpoint.store, kNoKeys};
    state.restore(checkpoint.events, checkpoint.holds, checkpoint.buyers,
                  checkpoint.position.lsn - 1, checkpoint.last_time_ms);
    return state;
}

}  // namespace

Checkpointer::Checkpointer(platform::Directory& directory, const platform::Clock& clock,
                           Checkpoint base, std::deque<KeyRunSummary> runs, OrderRuns order_runs,
                           milliseconds key_retention, CheckpointEvents events)
    : directory_(directory),
      clock_(clock),
      retention_(key_retention),
      events_(std::move(events)),
      left_(base.position.segment),
      base_(std::move(base)),
      state_(state_of(base_)),
      runs_(std::move(runs)),
      order_runs_(std::move(order_runs)),
      aged_until_(clock.elapsed()),
      age_ms_(base_.last_time_ms) {
    base_.events = {};
    base_.holds = {};
    base_.buyers = {};
    thread_ = std::thread{[this] { run(); }};
}

Checkpointer::~Checkpointer() {
    if (!thread_.joinable()) return;
    {
        const std::lock_guard lock{mutex_};
        abandoned_ = true;
    }
    wake_.notify_one();
    thread_.join();
}

void Checkpointer::segment_left(std::uint64_t number) {
    {
        const std::lock_guard lock{mutex_};
        left_ = std::max(left_, number);
    }
    wake_.notify_one();
}

std::error_code Checkpointer::finish(std::uint64_t last_segment) {
    {
        // Both at once: a checkpoint that says "running" at the end of the last segment would call
        // for a segment behind it.
        const std::lock_guard lock{mutex_};
        left_ = std::max(left_, last_segment);
        stopping_ = true;
    }
    wake_.notify_one();
    thread_.join();
    return last_error_;
}

void Checkpointer::run() {
    // It reads and hashes a whole segment while sales wait for their sync on few processors.
    platform::give_way();
    const auto look_at_keys =
        std::clamp<milliseconds>(retention_ / 16, milliseconds{100}, std::chrono::hours{1});
    std::unique_lock lock{mutex_};
    for (;;) {
        wake_.wait_for(lock, last_error_ ? kCheckpointRetry : look_at_keys, [this] {
            return abandoned_ || stopping_ || (!last_error_ && left_ > base_.position.segment);
        });
        if (abandoned_) return;
        const auto left = left_;
        const bool is_last = stopping_;
        lock.unlock();
        try {
            last_error_ = catch_up(left, is_last ? Stop::kClean : Stop::kRunning);
        } catch (const std::exception& error) {
            last_error_ = std::make_error_code(std::errc::io_error);
            return events_.on_fatal(error.what());
        }
        if (is_last) return;
        lock.lock();
    }
}

// The error if there was no space; throws for any other failure.
std::error_code Checkpointer::catch_up(std::uint64_t left, Stop stop) {
    while (base_.position.segment < left) {
        if (unsaved_.size() >= kUnsavedRuns) {
            if (auto error = save(Stop::kRunning)) return error;
        }
        unsaved_.push_back(fold(base_.position.segment + 1));
    }
    const bool is_dropping = drop_old_runs();
    if (unsaved_.empty() && !is_dropping && stop == Stop::kRunning) return {};
    return save(stop);
}

Checkpointer::Folded Checkpointer::fold(std::uint64_t number) {
    const auto name = segment_name(number);
    const auto file = open_left_segment(directory_, number);
    auto position = base_.position;
    position.segment = number;
    position.offset = kBlockBytes;
    if (open_segment(*file, name, base_.store, number) != position) {
        throw StoreDamaged(name, 0, "does not follow the one before");
    }
    SegmentReader reader{*file, name, base_.store, position};
    KeyRun run{number, 0, 0, {}};
    std::map<Lsn, Lsn> changed;
    const auto replayed = replay_segment(reader, name, state_, [&](const Entry& entry) {
        for (const auto order : state_.changed_by(entry))
            changed[order] = entry.lsn;
        if (entry.key.empty()) return;
        run.items.push_back({state_.digest(entry.uid, entry.key), entry.lsn});
    });
    if (!replayed.problem.empty()) {
        throw StoreDamaged(name, reader.position().offset, replayed.problem);
    }
    std::sort(run.items.begin(), run.items.end(),
              [](const KeyItem& a, const KeyItem& b) { return a.digest < b.digest; });
    base_.position = reader.position();
    base_.last_time_ms = state_.last_time_ms();
    run.end_lsn = base_.position.lsn;
    run.newest_ms = base_.last_time_ms;
    Folded folded{std::move(run), {}};
    for (const auto& [order, newest] : changed)
        folded.orders.push_back({order, newest});
    return folded;
}

std::error_code Checkpointer::save_runs(const Folded& folded) {
    const auto segment = folded.keys.segment;
    if (auto error =
            check(write_order_run(directory_, base_.store, segment, folded.orders, order_runs_),
                  order_run_name(segment))) {
        return error;
    }
    if (auto error =
            check(write_key_run(directory_, base_.store, folded.keys), key_run_name(segment))) {
        return error;
    }
    take_order_run(segment);
    runs_.push_back({segment, folded.keys.end_lsn, folded.keys.newest_ms});
    return {};
}

void Checkpointer::take_order_run(std::uint64_t segment) {
    OrderRuns kept{OrderRun::open(directory_, base_.store, segment)};
    const auto needed = order_runs_up_to(segment);
    for (auto& run : order_runs_) {
        if (std::find(needed.begin(), needed.end(), run->segment()) != needed.end()) {
            kept.push_back(std::move(run));
        } else {
            merged_.push_back(run->segment());
        }
    }
    order_runs_ = std::move(kept);
}

std::error_code Checkpointer::save(Stop stop) {
    while (!unsaved_.empty()) {
        if (auto error = save_runs(unsaved_.front())) return error;
        unsaved_.erase(unsaved_.begin());
    }
    base_.stop = stop;
    base_.events = state_.events();
    base_.holds = state_.holds();
    base_.buyers = state_.buyers();
    const auto error = check(write_checkpoint(directory_, base_), kCheckpointName);
    base_.events = {};
    base_.holds = {};
    base_.buyers = {};
    if (error) return error;
    written_ += 1;
    events_.on_checkpoint(base_.position.lsn - 1, order_runs_);
    for (const auto segment : std::exchange(merged_, {}))
        static_cast<void>(directory_.remove(order_run_name(segment)));
    if (dropped_.empty()) return {};
    for (const auto segment : dropped_)
        static_cast<void>(directory_.remove(key_run_name(segment)));
    dropped_.clear();
    events_.on_keys_expired(base_.key_floor);
    return {};
}

// True if some are past their retention; the next checkpoint no longer counts them.
bool Checkpointer::drop_old_runs() {
    const auto horizon = horizon_ms();
    const auto before = dropped_.size();
    while (!runs_.empty() && runs_.front().newest_ms < horizon) {
        base_.first_key_run = runs_.front().segment + 1;
        base_.key_floor = {runs_.front().end_lsn, runs_.front().newest_ms};
        dropped_.push_back(runs_.front().segment);
        runs_.pop_front();
    }
    return dropped_.size() > before;
}

// Entries from before this time have keys that are past their retention, by both clocks.
std::int64_t Checkpointer::horizon_ms() {
    const auto elapsed = clock_.elapsed();
    age_ms_ = std::max(age_ms_ + (elapsed - aged_until_).count(), base_.last_time_ms);
    aged_until_ = elapsed;
    const auto now = std::min<std::int64_t>(age_ms_, clock_.now().time_since_epoch().count());
    return now - retention_.count() -
           std::min<std::int64_t>(limits::kKeyClockSlackMs, retention_.count());
}

}  // namespace ticketd::store
