// What `watch` shows on a terminal: a line for each event with its counts and how fast it sells,
// and one about the daemon. Only text is made here; putting it on a terminal is screen.h. Not
// thread-safe.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>

#include "client/ticket_client/result_json.h"
#include "client/wait.h"

namespace ticketd::client {

class LiveView {
  public:
    /// The rate is that of so long.
    static constexpr std::chrono::seconds kRateOver{10};

    /// What an event is now; a change of it is told in the same members.
    void take(const Json& counts, Clock::time_point now);
    /// How many wait in line, and how long the daemon took to say so.
    void note_daemon(std::uint64_t waiting, std::chrono::microseconds latency);
    /// There is none to be heard of just now.
    void note_absence() { latency_.reset(); }

    /// Lines no longer than `columns`, no more of them than `rows`, each with its end.
    std::string frame(std::size_t columns, std::size_t rows, bool has_colour,
                      Clock::time_point now) const;

  private:
    struct Event {
        std::string state = "open";
        std::uint64_t capacity = 0, available = 0, held = 0, sold = 0;
        std::deque<std::pair<Clock::time_point, std::uint64_t>> sales;  // when, how many
    };

    static std::string line_of(const std::string& name, const Event& event, Clock::time_point now);

    std::map<std::string, Event> events_;
    std::uint64_t waiting_ = 0;
    std::optional<std::chrono::microseconds> latency_;
};

}  // namespace ticketd::client
