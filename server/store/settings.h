// What the configuration may change of how the store is kept; reasons are in common/limits.h.
#pragma once

#include <chrono>
#include <cstdint>

#include "common/limits.h"

namespace ticketd::store {

struct StoreSettings {
    std::chrono::milliseconds key_retention{limits::kKeyRetentionMs};
    std::uint64_t keys = limits::kKeys;
    /// No key of the configuration: tests want small segments. At least limits::kSegmentBytesMin.
    std::uint64_t segment_bytes = limits::kSegmentBytes;
};

}  // namespace ticketd::store
