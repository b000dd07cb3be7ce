// Counts latencies in buckets of equal relative width (1/64), so that memory is fixed and a
// percentile is at most 1.6 % too high. Not thread-safe.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace ticketd::client {

class Histogram {
  public:
    void add(std::chrono::nanoseconds latency);

    std::uint64_t count() const { return count_; }
    std::chrono::nanoseconds longest() const { return std::chrono::nanoseconds{longest_}; }

    /// The latency that `per_mille` thousandths of all did not exceed, rounded up to its bucket's
    /// end; zero if there are none.
    std::chrono::nanoseconds percentile(unsigned per_mille) const;

  private:
    // Below 64 ns each has its own bucket; each further power of two has 64, up to 2^63 ns.
    static constexpr std::size_t kSteps = 64;
    static constexpr std::size_t kBuckets = kSteps * 59;

    static std::size_t bucket_of(std::uint64_t ns);
    static std::uint64_t last_in_bucket(std::size_t bucket);

    std::array<std::uint64_t, kBuckets> buckets_{};
    std::uint64_t count_ = 0;
    std::int64_t longest_ = 0;
};

}  // namespace ticketd::client
