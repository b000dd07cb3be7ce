// Jobs that come from several connections, taken in turn: one of each that has any, so that nobody
// waits for all that somebody else has asked for. Those of one connection stay in order.
// Thread-safe.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <unordered_map>
#include <utility>

namespace ticketd::net {

class Turns {
  public:
    using Job = std::function<void()>;

    void add(std::uint64_t connection, Job job) {
        const std::lock_guard lock{mutex_};
        auto& jobs = jobs_[connection];
        if (jobs.empty()) turns_.push_back(connection);
        jobs.push_back(std::move(job));
    }

    /// The job whose turn it is. Precondition: more were added than taken.
    Job take() {
        const std::lock_guard lock{mutex_};
        const auto turn = jobs_.find(turns_.front());
        turns_.pop_front();
        auto job = std::move(turn->second.front());
        turn->second.pop_front();
        if (turn->second.empty()) {
            jobs_.erase(turn);
        } else {
            turns_.push_back(turn->first);
        }
        return job;
    }

  private:
    std::mutex mutex_;
    std::unordered_map<std::uint64_t, std::deque<Job>> jobs_;  // none of them is empty
    std::deque<std::uint64_t> turns_;                          // each connection in jobs_ once
};

}  // namespace ticketd::net
