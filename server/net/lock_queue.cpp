#include "server/net/lock_queue.h"

namespace ticketd::net {
namespace {

// Record locks cannot be waited for with a deadline, so they are tried again this often.
constexpr std::chrono::milliseconds kRetryInterval{2};

}  // namespace

void LockQueue::park(EventId event, Time give_up_at, std::function<bool()> attempt,
                     std::function<void()> give_up) {
    if (is_closed_) return give_up();
    queues_[event].push_back({give_up_at, std::move(attempt), std::move(give_up)});
    ++waiting_;
    ++parked_total_;
    arm();
}

void LockQueue::arm() {
    if (armed_ || queues_.empty()) return;
    armed_ = true;
    timer_.expires_after(kRetryInterval);
    timer_.async_wait([this](const asio::error_code& error) {
        armed_ = false;
        // Cancelled: everything gave up; what was parked since then is not forgotten.
        error ? arm() : retry();
    });
}

void LockQueue::retry() {
    for (auto at = queues_.begin(); at != queues_.end();) {
        retry(at->second);
        at = at->second.empty() ? queues_.erase(at) : std::next(at);
    }
    arm();
}

void LockQueue::retry(Queue& queue) {
    while (!queue.empty() && queue.front().attempt()) {
        queue.pop_front();
        --waiting_;
    }
    // Whoever has waited for another lock before gives up earlier than those ahead.
    const auto now = std::chrono::steady_clock::now();
    waiting_ -= std::erase_if(queue, [now](const Parked& parked) {
        if (parked.give_up_at > now) return false;
        parked.give_up();
        return true;
    });
}

void LockQueue::close() {
    is_closed_ = true;
    give_up_all();
}

void LockQueue::give_up_all() {
    for (auto& [event, queue] : queues_) {
        for (auto& parked : queue)
            parked.give_up();
    }
    queues_.clear();
    waiting_ = 0;
    timer_.cancel();
}

}  // namespace ticketd::net
