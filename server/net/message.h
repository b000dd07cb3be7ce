// Reads one message of a client, as MessageScanner cuts them: a request, or a batch of requests.
// Pure functions, thread-safe.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

#include "server/net/request.h"

namespace ticketd::net {

struct Message {
    struct Part {
        RequestResult request;
        std::size_t bytes = 0;  ///< of its text
    };

    bool is_batch = false;
    std::optional<RequestFault> fault;  ///< why there is no part: a batch that cannot be taken
    std::vector<Part> parts;            ///< one unless is_batch
};

Message read_message(std::string_view text, std::size_t batch_requests_max);

}  // namespace ticketd::net
