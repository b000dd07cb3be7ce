#include "client/backoff.h"

#include <algorithm>
#include <bit>

#include "client/random.h"

namespace ticketd::client {

Backoff::Backoff() : random_(std::bit_cast<std::uint64_t>(random_bytes())) {}

std::chrono::microseconds Backoff::next() {
    // The multiplier and increment of Knuth's MMIX generator: jitter needs spread, not secrecy.
    random_ = random_ * 6364136223846793005U + 1442695040888963407U;
    const auto half = step_ / 2;
    const auto part = static_cast<std::int64_t>(random_ >> 33) % (half.count() + 1);
    const auto pause = half + std::chrono::microseconds{part};
    step_ = std::min(step_ * 2, kLongest);
    return pause;
}

}  // namespace ticketd::client
