// Requests that wait for a record lock that another process holds. Each event has its own queue, in
// order of arrival, so one event's lock delays no other event; what waits longer than the lock
// timeout gives up. Event loop only.
#pragma once

#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>

#include "server/box_office/stock.h"

namespace ticketd::net {

class LockQueue {
  public:
    LockQueue(asio::io_context& loop, std::chrono::milliseconds timeout)
        : timer_(loop), timeout_(timeout) {}

    /// True if requests for this event wait already, so that a new one must not pass them.
    bool has_waiting(EventId event) const { return queues_.contains(event); }

    /// Calls `attempt` again and again, behind the requests that wait for this event, until it
    /// returns true (it has answered); calls `give_up` instead once the timeout has passed.
    void park(EventId event, std::function<bool()> attempt, std::function<void()> give_up);

    /// Lets everything give up now: the daemon stops.
    void give_up_all();

    std::size_t waiting() const { return waiting_; }
    std::uint64_t parked_total() const { return parked_total_; }

  private:
    struct Parked {
        std::chrono::steady_clock::time_point deadline;
        std::function<bool()> attempt;
        std::function<void()> give_up;
    };
    using Queue = std::deque<Parked>;

    void arm();
    void retry();
    void retry(Queue& queue);

    asio::steady_timer timer_;
    std::chrono::milliseconds timeout_;
    std::map<EventId, Queue> queues_;  // none of them empty, but for a moment
    std::size_t waiting_ = 0;
    std::uint64_t parked_total_ = 0;
    bool armed_ = false;
};

}  // namespace ticketd::net
