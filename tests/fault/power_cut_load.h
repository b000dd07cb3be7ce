// Buyers for power cuts: each keeps one connection full of purchases and queries, writes down what
// it asked and what it was told, and ends with its connection. Unlike Load (load.h) nobody asks
// again: what was told before the cut is held against what is there after it.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/rpc.h"

namespace ticketd::testing {

/// One purchase: what was asked.
struct Ask {
    std::string event;
    std::string key;
    std::uint64_t quantity = 1;
    std::string memo;

    Json params() const;
};

/// A purchase that was told it is done.
struct ToldSale {
    Ask ask;
    std::uint64_t order = 0;
    std::vector<std::uint64_t> serials;
};

/// Counts that a query was told.
struct ToldCounts {
    std::string event;
    std::uint64_t lsn = 0;
    std::uint64_t sold = 0;
};

/// All that a group of buyers knows.
struct ToldHistory {
    std::vector<ToldSale> sales;
    std::vector<ToldCounts> counts;
    std::vector<Ask> refused;
    std::vector<Ask> unanswered;
    std::uint64_t lsn_max = 0;  ///< the highest that any answer named
    std::vector<std::string> problems;

    void add(ToldHistory&& other);
    /// Takes down what the daemon said to `ask`.
    void add_reply(const Ask& ask, const Json& reply);
    void add_counts(const std::string& event, const Json& counts);
    Json as_json() const;
};

class Buyers {
  public:
    struct Plan {
        std::string socket;
        std::string prefix;  ///< of the keys, which must be new
        std::uint64_t seed = 1;
        int buyers = 6;
        unsigned pipelined = 4;  ///< purchases in one send
        std::size_t memo_bytes = 0;
        std::vector<std::string> events{"many", "few"};
        /// Once it is true, what is still said does not count. Behind a real power cut nobody says
        /// anything; behind ext4's shutdown call the daemon lives on for a moment, and what the
        /// syncs that were under way tell it then says nothing about the disk (docs/testing.md).
        std::shared_ptr<const std::atomic<bool>> is_power_off =
            std::make_shared<std::atomic<bool>>(false);
    };

    /// They begin at once.
    explicit Buyers(Plan plan);
    Buyers(const Buyers&) = delete;
    Buyers& operator=(const Buyers&) = delete;
    ~Buyers();

    std::uint64_t answered() const { return answered_; }
    /// Waits until as many purchases are answered; false if the daemon ended or nothing happens.
    bool wait_for_answers(std::uint64_t count) const;
    /// Call when the daemon has ended: waits until everyone noticed, and gives what they know.
    ToldHistory join();

  private:
    void run(ToldHistory& history, int number);
    void converse(Rpc& rpc, ToldHistory& history, int number);
    void take_reply(ToldHistory& history, const Json& reply, const std::vector<Ask>& asks,
                    const std::string& asked_about);

    Plan plan_;
    std::atomic<std::uint64_t> answered_ = 0;
    std::atomic<int> active_;
    std::vector<ToldHistory> histories_;
    std::vector<std::thread> threads_;
};

}  // namespace ticketd::testing
