// Sales as fast as they go, in batches with long memos, so that the journal leaves a segment every
// few seconds. Each has a key that the test can ask for again. Not for the shape of a real load
// (load.h), but to fill a disk.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/rpc.h"

namespace ticketd::testing {

/// An acknowledged sale.
struct Sold {
    std::string key;
    std::uint64_t lsn = 0;
};

/// A batch of purchases of one ticket each with these keys.
std::string purchases(const std::vector<std::string>& keys);
/// Buys them all and returns the results (not the envelopes) in order; throws on a refusal.
std::vector<Json> buy_all(Rpc& rpc, const std::vector<std::string>& keys);

class Flood {
  public:
    Flood(const std::string& socket, int connections);
    ~Flood() { stop(); }
    Flood(const Flood&) = delete;
    Flood& operator=(const Flood&) = delete;

    /// The newest LSN that was acknowledged.
    std::uint64_t acknowledged() const { return acknowledged_; }
    void stop();
    /// After stop(): one sale of each batch, and what went wrong ("" if nothing).
    const std::vector<Sold>& sales() const { return sales_; }
    const std::string& problem() const { return problem_; }

  private:
    struct Connection {
        std::thread thread;
        std::vector<Sold> sales;
        std::string problem;
    };
    void run(const std::string& socket, int number);

    std::atomic<bool> stopping_{false};
    std::atomic<std::uint64_t> acknowledged_{0};
    std::vector<Connection> connections_;
    std::vector<Sold> sales_;
    std::string problem_;
};

}  // namespace ticketd::testing
