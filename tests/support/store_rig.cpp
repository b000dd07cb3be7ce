#include "tests/support/store_rig.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace ticketd::tests {

StoreRig::StoreRig(std::unique_ptr<MemoryDirectory> disk, store::StoreSettings settings,
                   std::chrono::milliseconds now)
    : disk_(std::move(disk)) {
    clock_.set(now);
    store_ = std::make_unique<store::Store>(*disk_, clock_, events(), settings);
}

StoreRig::~StoreRig() = default;

store::StoreEvents StoreRig::events() {
    store::StoreEvents events;
    events.on_durable = [this](Lsn lsn) {
        const std::lock_guard lock{mutex_};
        reports_.push_back({lsn});
        reported_.notify_all();
    };
    events.on_full = [this](std::error_code) {
        const std::lock_guard lock{mutex_};
        reports_.push_back({std::nullopt});
        reported_.notify_all();
    };
    events.on_fatal = [this](const std::string& what) {
        const std::lock_guard lock{mutex_};
        if (fatal_.empty()) fatal_ = what;
        reported_.notify_all();
    };
    events.on_keys_expired = [this](const store::KeyFloor& floor) {
        const std::lock_guard lock{mutex_};
        expired_ = floor;
        reported_.notify_all();
    };
    events.on_checkpoint = [this](Lsn lsn, const store::OrderRuns& runs) {
        const std::lock_guard lock{mutex_};
        checkpoint_ = lsn;
        order_runs_ = runs;
        reported_.notify_all();
    };
    events.on_notice = [this](const std::string& notice) { notices_.push_back(notice); };
    return events;
}

EventId StoreRig::create(const std::string& name, std::uint64_t capacity) {
    const auto result = store_->create_event(7, name, capacity);
    if (!std::holds_alternative<store::Changed>(result)) throw std::runtime_error("not created");
    return std::get<store::Changed>(result).entry.event;
}

store::ChangeResult StoreRig::buy(EventId event, std::uint64_t quantity, const std::string& key,
                                  UserId uid) {
    return store_->purchase({uid, event, {quantity, quantity}, key, ""});
}

StoreRig::Settled StoreRig::settle() {
    store_->end_turn();
    while (store_->durable_lsn() < store_->state().last_lsn()) {
        std::unique_lock lock{mutex_};
        reported_.wait(lock, [this] { return !reports_.empty() || !fatal_.empty(); });
        if (reports_.empty()) return Settled::kDead;
        const auto report = reports_.front();
        reports_.pop_front();
        lock.unlock();
        if (!report.durable) {
            store_->roll_back();
            return Settled::kRolledBack;
        }
        store_->note_durable(*report.durable);
    }
    return Settled::kDurable;
}

void StoreRig::wait_for_checkpoint(Lsn lsn) {
    std::unique_lock lock{mutex_};
    reported_.wait(lock, [this, lsn] { return checkpoint_ >= lsn || !fatal_.empty(); });
    store_->note_checkpoint(checkpoint_, order_runs_);
}

Lsn StoreRig::fill_segment(EventId event, const std::string& key_prefix) {
    const auto segments = [this] {
        const auto names = disk_->list().names;
        return std::count_if(names.begin(), names.end(), [](const std::string& name) {
            return store::segment_number(name).has_value();
        });
    };
    const auto before = segments();
    for (int i = 1; segments() == before; ++i) {
        buy(event, 1, key_prefix.empty() ? "" : key_prefix + std::to_string(i));
        settle();
    }
    return store_->state().last_lsn();
}

void StoreRig::forget_expired_keys() {
    std::unique_lock lock{mutex_};
    reported_.wait(lock, [this] { return expired_ || !fatal_.empty(); });
    if (!expired_) throw std::runtime_error(fatal_);
    store_->note_keys_expired(*std::exchange(expired_, std::nullopt));
    for (std::size_t shard = 0; shard < store::KeyIndex::kShards; ++shard)
        store_->scrub();
}

std::string StoreRig::fatal() {
    const std::lock_guard lock{mutex_};
    return fatal_;
}

std::unique_ptr<MemoryDirectory> StoreRig::crash(Unsynced unsynced, std::uint32_t seed) {
    auto disk = disk_->after_crash(unsynced, seed);
    disk_->set_fault(
        [](Operation, const std::string&) { return std::make_error_code(std::errc::io_error); });
    store_.reset();
    return disk;
}

std::unique_ptr<MemoryDirectory> StoreRig::close() {
    store_->close();
    store_.reset();
    order_runs_.clear();
    return std::move(disk_);
}

}  // namespace ticketd::tests
