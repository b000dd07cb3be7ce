// Buyers for tests that break the daemon under them. Each works through purchases, each with a key
// of its own, and keeps asking with the same key until somebody answers, over as many daemons as it
// takes. What they were told is kept, to be held against the ledger.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/rpc.h"

namespace ticketd::testing {

/// What one purchase was told.
struct Told {
    std::string key;
    std::uint64_t order = 0;  ///< 0: refused
    std::vector<std::uint64_t> serials;
    std::string refusal;  ///< its kind
    bool replayed = false;
};

class Load {
  public:
    struct Plan {
        std::string socket;
        std::string event = "demo";
        int buyers = 8;
        unsigned quantity_max = 3;
        std::uint64_t seed = 1;
    };

    explicit Load(Plan plan);
    ~Load();
    Load(const Load&) = delete;
    Load& operator=(const Load&) = delete;

    /// Purchases answered so far.
    std::uint64_t answered() const { return answered_; }
    /// No new purchases: those begun are asked until they are answered. Call with a daemon running.
    void finish();
    /// Waits until every buyer has met a sold-out event and stopped by itself.
    void wait_until_sold_out();

    /// After finish(): everything that anybody was told, and problems on the way.
    std::vector<Told> told() const;
    std::vector<std::string> problems() const;

  private:
    struct Buyer {
        std::thread thread;
        std::vector<Told> told;
        std::vector<std::string> problems;
    };
    void run(Buyer& buyer, int number);
    std::optional<Told> ask(Buyer& buyer, const std::string& key, std::uint64_t quantity);
    void join();

    Plan plan_;
    std::atomic<bool> stopping_ = false;
    std::atomic<std::uint64_t> answered_ = 0;
    std::vector<Buyer> buyers_;
};

/// Holds what buyers were told against the ledger of the daemon at `socket`, which must be at rest:
/// each sale is there, once, with the same serials; nothing else is sold; counts agree. Reports
/// through doctest.
void audit_against_ledger(const std::string& socket, const std::vector<Told>& told,
                          const std::string& event = "demo");

}  // namespace ticketd::testing
