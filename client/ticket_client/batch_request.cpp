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
#include "client/ticket_client/requests.h"
#include "common/limits.h"
#include "common/message_scanner.h"

namespace ticketd::client {
namespace {

using Json = nlohmann::ordered_json;

// What it takes to send a request again without harm.
enum class Again : std::uint8_t {
    kAsInFile,      // it changes nothing, or has a key of its own
    kWithGivenKey,  // it got one here
    kNever,         // it cannot have one
};

struct KeyPlace {
    std::string_view method;
    std::size_t key_at;  // of its parameters, if they go by position
};
constexpr std::array kKeyPlaces{KeyPlace{"purchase", 3}, KeyPlace{"hold", 4},
                                KeyPlace{"confirm", 2},  KeyPlace{"release", 1},
                                KeyPlace{"extend", 2},   KeyPlace{"cancel", 3}};

Again give_key(Json& request) {
    const auto method = request.value("method", Json{});
    if (!method.is_string()) return Again::kAsInFile;  // and is refused
    const auto& name = method.get_ref<const std::string&>();
    // To abandon a key once more is to hear the same answer.
    if (nature_of(name, "{}") == Nature::kQuery || name == "abandon") return Again::kAsInFile;
    const auto* const place = std::find_if(kKeyPlaces.begin(), kKeyPlaces.end(),
                                           [&](const auto& info) { return info.method == name; });
    if (place == kKeyPlaces.end()) return Again::kNever;
    auto& params = request["params"];
    if (params.is_null()) params = Json::object();
    if (params.is_object() && params.contains("key")) return Again::kAsInFile;
    // By position a null is a parameter that was left out.
    while (params.is_array() && params.size() <= place->key_at)
        params.push_back(nullptr);
    if (!params.is_structured()) return Again::kAsInFile;  // and is refused
    auto& key = params.is_object() ? params["key"] : params[place->key_at];
    if (!key.is_null()) return Again::kAsInFile;
    key = new_key();
    return Again::kWithGivenKey;
}

std::string repeat_hint_for(Again again) {
    switch (again) {
        case Again::kAsInFile: return "or send the same again: nothing is done twice";
        case Again::kWithGivenKey:
            return "or send the next line again, in which all have keys: nothing is done twice";
        case Again::kNever: break;
    }
    return "not all of it can have a key";
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
    const auto look = [&](int depth, Json::parse_event_t event, Json& value) {
        const bool is_too_deep = depth > static_cast<int>(limits::kDepth);
        if (is_too_deep && !wrong) wrong = wrong_request(count, "it is nested too deeply");
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
        return !is_too_deep;
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
    text += '\n';  // so that a bare word has an end
    auto requests = Json::array();
    const auto strange = [&requests] {
        return wrong_request(requests.size() + 1, "it is no JSON object");
    };
    MessageScanner scanner{limits::kMessageBytesMax};
    for (std::string_view rest = text;;) {
        const auto [status, message, consumed] = scanner.scan(rest);
        if (status == MessageScanner::Status::kNeedMore) break;
        if (status != MessageScanner::Status::kMessage) return strange();
        auto read = read_value(message, requests.size());
        if (const auto* failure = failure_of(read)) return *failure;
        rest.remove_prefix(consumed);
        auto& value = std::get<Json>(read);
        if (!value.is_array()) value = Json::array({std::move(value)});
        for (auto& request : value) {
            if (!request.is_object()) return strange();
            if (auto problem = problem_with_members(request, requests.size() + 1)) {
                return *std::move(problem);
            }
            requests.push_back(std::move(request));
        }
    }
    if (scanner.in_message()) return strange();
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
    auto again = Again::kAsInFile;
    for (auto& request : requests)
        again = std::max(again, give_key(request));
    auto params = R"({"requests":)" + requests.dump();
    if (arguments.is_atomic) params += R"(,"atomic":true)";
    const auto nature = again == Again::kNever ? Nature::kOnce : Nature::kKeyed;
    Request batch{"batch", params + '}', nature,
                  "ask `ticket-client orders` and `ticket-client events` what was done"};
    batch.repeat_hint = repeat_hint_for(again);
    // In ASCII, so that no terminal is steered by it.
    if (again == Again::kWithGivenKey) batch.repetition = requests.dump(-1, ' ', true);
    return batch;
}

}  // namespace ticketd::client
