// How a refusal of the store reads on the wire: a sentence, and the numbers that led to it.
#pragma once

#include <string_view>

#include "server/net/responder.h"
#include "server/store/store.h"

namespace ticketd::net {

/// What is said of a window that has no length.
inline constexpr std::string_view kNoLength = "closes_ms is not after opens_ms";

/// Answers that nothing was changed, as soon as what that rests on is durable. `event` is the name
/// of the event it is about, or "".
void refuse(const store::Refused& refused, std::string_view event, const Responder& responder);

}  // namespace ticketd::net
