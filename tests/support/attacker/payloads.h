// What hostile clients say: text that is too long, too deep, too much, or nonsense, each below the
// size at which the daemon would hang up, so that it has to be read.
#pragma once

#include <string>
#include <vector>

namespace ticketd::attacker {

struct Payload {
    const char* name;
    std::string text;
};

/// Requests of about `bytes` that cost as much as can be to read, and nonsense.
std::vector<Payload> bombs(std::size_t bytes);

}  // namespace ticketd::attacker
