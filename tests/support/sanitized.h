// Whether a sanitizer watches: everything takes many times as long then, and what loops over
// thousands of cases does fewer of them.
#pragma once

namespace ticketd::testing {

#ifdef TICKETD_SANITIZED
inline constexpr bool kIsSanitized = true;
#else
inline constexpr bool kIsSanitized = false;
#endif

}  // namespace ticketd::testing
