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
    using Time = std::chrono::steady_clock::time_point;

    explicit LockQueue(asio::io_context& loop) : timer_(loop) {}

    /// True if requests for this event wait already, so that a new one must not pass them.
    bool has_waiting(EventId event) const { return queues_.contains(event); }

    /// Calls `attempt` again and again, behind the requests that wait for this event, until it
    /// returns true (it has answered); calls `give_up` instead once `give_up_at` has passed.
    void park(EventId event, Time give_up_at, std::function<bool()> attempt,
              std::function<void()> give_up);

    /// Lets everything give up now.
    void give_up_all();
    /// The same, and whoever comes later at once: the daemon stops.
    void close();

    std::size_t waiting() const { return waiting_; }
    std::uint64_t parked_total() const { return parked_total_; }

  private:
    struct Parked {
        Time give_up_at;
        std::function<bool()> attempt;
        std::function<void()> give_up;
    };
    using Queue = std::deque<Parked>;

    void arm();
    void retry();
    void retry(Queue& queue);

    asio::steady_timer timer_;
    std::map<EventId, Queue> queues_;  // none of them empty, but for a moment
    std::size_t waiting_ = 0;
    std::uint64_t parked_total_ = 0;
    bool armed_ = false;
    bool is_closed_ = false;
};

}  // namespace ticketd::net
