#include "client/ticket_client/batch_request.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <optional>

#include "client/key.h"
#include "client/streams.h"
#include "common/limits.h"
#include "common/message_scanner.h"

namespace ticketd::client {
namespace {

using Json = nlohmann::ordered_json;

// Those that take a key.
bool changes_orders(const Json& method) {
    constexpr std::array<std::string_view, 6> kMethods{"purchase", "hold",   "confirm",
                                                       "release",  "extend", "cancel"};
    return method.is_string() && std::find(kMethods.begin(), kMethods.end(),
                                           method.get_ref<const std::string&>()) != kMethods.end();
}

// True if a second copy of the request does nothing more than the first.
bool give_key(Json& request) {
    const auto method = request.find("method");
    if (method == request.end() || !changes_orders(*method)) return false;
    auto& params = request["params"];
    if (params.is_null()) params = Json::object();
    if (!params.is_object()) return false;
    if (!params.contains("key")) params["key"] = new_key();
    return params["key"].is_string();
}

// Values one after another, or arrays of them. Nothing if anything else is in there.
std::optional<Json> read_requests(std::string text) {
    text += '\n';  // so that a bare word has an end
    auto requests = Json::array();
    MessageScanner scanner{limits::kMessageBytesMax};
    for (std::string_view rest = text;;) {
        const auto [status, message, consumed] = scanner.scan(rest);
        if (status == MessageScanner::Status::kNeedMore) break;
        if (status != MessageScanner::Status::kMessage) return std::nullopt;
        auto value = Json::parse(message, nullptr, false);
        rest.remove_prefix(consumed);
        if (!value.is_array()) value = Json::array({std::move(value)});
        for (auto& request : value) {
            if (!request.is_object()) return std::nullopt;
            requests.push_back(std::move(request));
        }
    }
    if (scanner.in_message()) return std::nullopt;
    return requests;
}

}  // namespace

Outcome<Request> batch_request(const Arguments& arguments) {
    auto input = read_file(arguments.operands[0], limits::kMessageBytesMax);
    if (const auto* failure = failure_of(input)) return *failure;
    auto requests = read_requests(std::get<std::string>(std::move(input)));
    if (!requests) return bad_input("the requests are not JSON objects");
    if (requests->empty()) return bad_input("there is no request");
    bool are_keyed = true;
    for (auto& request : *requests)
        are_keyed = give_key(request) && are_keyed;
    auto params = R"({"requests":)" + requests->dump();
    if (arguments.is_atomic) params += R"(,"atomic":true)";
    return Request{"batch", params + '}', are_keyed ? Nature::kKeyed : Nature::kOnce,
                   "ask `ticket-client orders` and `ticket-client events` what was done"};
}

}  // namespace ticketd::client
