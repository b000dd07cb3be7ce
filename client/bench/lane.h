// One connection of a load run: what is to be sent, when each request in flight was sent, and the
// beginning of a reply that has not come whole. Never waits. Relies on the daemon answering the
// requests of one connection in order. Not thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "client/bench/histogram.h"
#include "client/bench/replies.h"
#include "client/bench/requests.h"
#include "client/connection.h"
#include "client/wait.h"

namespace ticketd::client {

class Lane {
  public:
    enum class Status : std::uint8_t { kOk, kLost, kMalformed };

    Lane(Connection connection, std::size_t pipeline)
        : connection_(std::move(connection)), sent_at_(pipeline) {}

    int descriptor() const { return connection_.descriptor(); }
    std::size_t in_flight() const { return in_flight_; }
    bool has_room() const { return in_flight_ < sent_at_.size(); }
    bool has_output() const { return output_at_ < output_.size(); }

    /// Whether epoll was asked to tell when the socket takes more; the loop's own note.
    bool is_waiting_for_room() const { return is_waiting_for_room_; }
    void set_waiting_for_room(bool is_waiting) { is_waiting_for_room_ = is_waiting; }

    /// Queues one more request; there must be room. flush() sends it.
    void push(RequestWriter& writer, Clock::time_point now);

    /// Sends as much as the socket takes.
    Status flush();

    /// Reads once and counts the replies that are complete.
    Status read(ReplyCounts& counts, Histogram& latencies);

  private:
    Status take_lines(std::string_view text, ReplyCounts& counts, Histogram& latencies);

    Connection connection_;
    std::vector<Clock::time_point> sent_at_;  // a ring of the requests in flight
    std::size_t oldest_ = 0;
    std::size_t in_flight_ = 0;
    std::string output_;
    std::size_t output_at_ = 0;
    bool is_waiting_for_room_ = false;
    std::string begun_;  // a reply without its end
};

}  // namespace ticketd::client
