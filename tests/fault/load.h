// Clients for tests that break the daemon under them, each in a thread of its own, over as many
// daemons as it takes. What they did and were told is kept, to be checked (history_audit.h).
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "tests/fault/history.h"

namespace ticketd::testing {

/// What the clients of a load do.
enum class Habit : std::uint8_t {
    kBuy,   ///< purchases with keys, each asked for until it is answered; ends when sold out
    kMix,   ///< whatever clients do: without keys, again, twice at once, in line, slots, queries
    kFill,  ///< batches of purchases as long as they may be, to fill the journal
};

class Load {
  public:
    struct Plan {
        std::string socket;
        std::string event = "demo";
        int buyers = 8;
        unsigned quantity_max = 3;
        std::uint64_t seed = 1;
        Habit habit = Habit::kBuy;
        bool is_operator = true;  ///< whether the daemon lets these clients change events
        /// Numbers of clients in one history must differ, and with them keys.
        std::uint32_t first_client = 0;
        /// Of another user: the first client of those whose keys these use too.
        std::optional<std::uint32_t> keys_like;
        int log_fd = -1;  ///< takes every op as lines, see history_log.h
    };

    explicit Load(Plan plan);
    ~Load();
    Load(const Load&) = delete;
    Load& operator=(const Load&) = delete;

    /// Requests answered so far.
    std::uint64_t answered() const { return answered_; }
    /// Waits until so many more are answered; false if that takes too long.
    bool wait_for_answers(std::uint64_t count) const;
    /// Nothing new; what has begun is asked until it is answered. Call with a daemon running.
    void finish();
    /// Waits until every buyer has met a sold-out event and stopped by itself (kBuy).
    void wait_until_sold_out();

    /// After finish(): moves what the clients did out of here and appends it.
    void move_ops_to(History& history);
    /// What no daemon may do, such as not answering at all.
    std::vector<std::string> problems() const;

  private:
    struct Client {
        std::thread thread;
        std::vector<Op> ops;
        std::vector<std::string> problems;
    };
    void join();

    Plan plan_;
    std::atomic<bool> stopping_ = false;
    std::atomic<std::uint64_t> answered_ = 0;
    std::vector<Client> clients_;
};

}  // namespace ticketd::testing
