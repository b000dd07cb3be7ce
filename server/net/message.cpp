#include "server/net/message.h"

#include <utility>

namespace ticketd::net {

Message read_message(std::string_view text, std::size_t batch_requests_max) {
    Message message;
    if (text.front() != '[') {
        message.parts.push_back({read_request(text), text.size()});
        return message;
    }
    message.is_batch = true;
    auto batch = split_batch(text, batch_requests_max);
    if (auto* fault = std::get_if<RequestFault>(&batch)) {
        message.fault = std::move(*fault);
        return message;
    }
    const auto& requests = std::get<std::vector<std::string_view>>(batch);
    message.parts.reserve(requests.size());
    for (const auto part : requests)
        message.parts.push_back({read_request(part, 1), part.size()});
    return message;
}

}  // namespace ticketd::net
