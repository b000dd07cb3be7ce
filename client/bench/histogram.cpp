#include "client/bench/histogram.h"

#include <algorithm>
#include <bit>

namespace ticketd::client {

std::size_t Histogram::bucket_of(std::uint64_t ns) {
    if (ns < kSteps) return ns;
    const auto shift = static_cast<unsigned>(std::bit_width(ns)) - 7;  // leaves 64 to 127
    return kSteps * shift + (ns >> shift);
}

std::uint64_t Histogram::last_in_bucket(std::size_t bucket) {
    if (bucket < 2 * kSteps) return bucket;
    const auto shift = bucket / kSteps - 1;
    const auto step = bucket % kSteps + kSteps;
    return ((step + 1) << shift) - 1;
}

void Histogram::add(std::chrono::nanoseconds latency) {
    const auto ns = std::max<std::int64_t>(latency.count(), 0);
    ++buckets_[bucket_of(static_cast<std::uint64_t>(ns))];
    ++count_;
    longest_ = std::max(longest_, ns);
}

std::chrono::nanoseconds Histogram::percentile(unsigned per_mille) const {
    const auto wanted = (count_ * per_mille + 999) / 1000;
    std::uint64_t seen = 0;
    for (std::size_t bucket = 0; bucket < buckets_.size(); ++bucket) {
        seen += buckets_[bucket];
        if (seen < wanted || seen == 0) continue;
        const auto end = static_cast<std::int64_t>(last_in_bucket(bucket));
        return std::chrono::nanoseconds{std::min(end, longest_)};
    }
    return longest();
}

}  // namespace ticketd::client
