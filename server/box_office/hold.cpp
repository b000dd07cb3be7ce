#include "server/box_office/hold.h"

#include <algorithm>

#include "common/check.h"
#include "common/limits.h"

namespace ticketd::box_office {

bool is_sound(const Binding& binding) {
    if (binding.bind > Bind::kProcess) return false;
    const bool names_process = binding.pid != 0;
    return names_process == (binding.bind == Bind::kProcess) &&
           (names_process || binding.process_start == 0);
}

std::int64_t left_ms(const Hold& hold, std::int64_t now_ms) {
    TICKETD_CHECK(hold.expires_ms != 0);
    return std::clamp<std::int64_t>(hold.expires_ms - now_ms, 0, hold.expires_ms - hold.since_ms);
}

std::optional<std::int64_t> extended_end_ms(const Hold& hold, std::int64_t ttl_ms,
                                            std::int64_t now_ms) {
    const auto end_ms = now_ms + ttl_ms;
    const bool has_end = hold.expires_ms != 0;
    return has_end && end_ms > hold.made_ms + limits::kHoldMsMax ? std::nullopt
                                                                 : std::optional{end_ms};
}

}  // namespace ticketd::box_office
