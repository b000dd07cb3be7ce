#include "client/ticket_client/batch_request.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

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

std::string quoted_member(const std::string& name) {
    constexpr std::size_t kShownBytes = 32;
    return '"' + name.substr(0, kShownBytes) + '"';
}

Failure wrong_request(std::size_t number, const std::string& what) {
    return bad_input("request " + std::to_string(number) + ": " + what);
}

// Unlike the library alone, which keeps the last, it takes no member twice. `count` requests were
// read before.
Outcome<Json> read_value(std::string_view text, std::size_t count) {
    std::vector<std::set<std::string>> names;  // of each object that is open
    std::optional<Failure> wrong;
    const auto look = [&](int, Json::parse_event_t event, Json& value) {
        if (event == Json::parse_event_t::object_start) {
            if (names.empty()) ++count;
            names.emplace_back();
        }
        if (event == Json::parse_event_t::object_end) names.pop_back();
        const bool is_name = event == Json::parse_event_t::key;
        if (is_name && !names.back().insert(value.get<std::string>()).second && !wrong) {
            wrong =
                wrong_request(count, quoted_member(value.get<std::string>()) + " is given twice");
        }
        return true;
    };
    auto value = Json::parse(text, look, false);
    if (wrong) return *std::move(wrong);
    return value;
}

// The daemon would leave it aside, and do something else than was meant.
std::optional<Failure> problem_with_members(const Json& request, std::size_t number) {
    constexpr std::array<std::string_view, 4> kMembers{"jsonrpc", "id", "method", "params"};
    for (const auto& item : request.items()) {
        if (std::find(kMembers.begin(), kMembers.end(), item.key()) == kMembers.end()) {
            return wrong_request(number, "unknown member " + quoted_member(item.key()));
        }
    }
    return std::nullopt;
}

// Values one after another, or arrays of them.
Outcome<Json> read_requests(std::string text) {
    const auto strange = bad_input("the requests are not JSON objects");
    text += '\n';  // so that a bare word has an end
    auto requests = Json::array();
    MessageScanner scanner{limits::kMessageBytesMax};
    for (std::string_view rest = text;;) {
        const auto [status, message, consumed] = scanner.scan(rest);
        if (status == MessageScanner::Status::kNeedMore) break;
        if (status != MessageScanner::Status::kMessage) return strange;
        auto read = read_value(message, requests.size());
        if (const auto* failure = failure_of(read)) return *failure;
        rest.remove_prefix(consumed);
        auto& value = std::get<Json>(read);
        if (!value.is_array()) value = Json::array({std::move(value)});
        for (auto& request : value) {
            if (!request.is_object()) return strange;
            if (auto problem = problem_with_members(request, requests.size() + 1)) {
                return *std::move(problem);
            }
            requests.push_back(std::move(request));
        }
    }
    if (scanner.in_message()) return strange;
    return requests;
}

}  // namespace

Outcome<Request> batch_request(const Arguments& arguments) {
    auto input = read_file(arguments.operands[0], limits::kMessageBytesMax);
    if (const auto* failure = failure_of(input)) return *failure;
    auto read = read_requests(std::get<std::string>(std::move(input)));
    if (const auto* failure = failure_of(read)) return *failure;
    auto& requests = std::get<Json>(read);
    if (requests.empty()) return bad_input("there is no request");
    bool are_keyed = true;
    for (auto& request : requests)
        are_keyed = give_key(request) && are_keyed;
    auto params = R"({"requests":)" + requests.dump();
    if (arguments.is_atomic) params += R"(,"atomic":true)";
    return Request{"batch", params + '}', are_keyed ? Nature::kKeyed : Nature::kOnce,
                   "ask `ticket-client orders` and `ticket-client events` what was done"};
}

}  // namespace ticketd::client
