#include "client/ticket_client/requests.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <type_traits>
#include <utility>

#include "client/key.h"
#include "client/numbers.h"
#include "client/streams.h"
#include "client/ticket_client/batch_request.h"
#include "common/error_kind.h"
#include "common/json_slice.h"
#include "common/json_writer.h"
#include "common/limits.h"
#include "common/names.h"

namespace ticketd::client {
namespace {

constexpr const char* kAskForEvents = "ask `ticket-client events` what is so now";

// Collects the parameters that were given.
class Params {
  public:
    template <typename T>
    Params& add(std::string_view name, const T& value) {
        if (!text_.empty()) text_ += ',';
        JsonWriter{text_}.value(name);
        text_ += ':';
        JsonWriter{text_}.value(value);
        return *this;
    }
    template <typename T>
    Params& add(std::string_view name, const std::optional<T>& value) {
        return value ? add(name, *value) : *this;
    }
    Params& add(std::string_view name, const std::string& value) {
        return add(name, std::string_view{value});
    }

    Params& add_rules(const Arguments& arguments) {
        return add("opens_ms", arguments.opens_ms)
            .add("closes_ms", arguments.closes_ms)
            .add("order_limit", arguments.order_limit)
            .add("line", arguments.line)
            .add("auto_close", arguments.auto_close)
            .add("buyer_limit", arguments.buyer_limit);
    }
    // The values one after the other, as a JSON array.
    template <typename T>
    Params& add_list(std::string_view name, const std::vector<T>& values) {
        if (!text_.empty()) text_ += ',';
        JsonWriter{text_}.value(name);
        text_ += ":[";
        for (const auto& value : values) {
            if (text_.back() != '[') text_ += ',';
            if constexpr (std::is_same_v<T, std::string>) {
                JsonWriter{text_}.value(std::string_view{value});
            } else {
                JsonWriter{text_}.value(value);
            }
        }
        text_ += ']';
        return *this;
    }
    Params& add_if(bool is_given, std::string_view name, bool value) {
        return is_given ? add(name, value) : *this;
    }

    // A request that is not UTF-8 would be refused whole, without a word about which part of it.
    Outcome<Request> request(std::string_view method, Nature nature, std::string hint = {}) {
        auto object = '{' + text_ + '}';
        if (!nlohmann::json::accept(object)) return bad_input("the arguments are not UTF-8");
        return Request{std::string{method}, std::move(object), nature, std::move(hint)};
    }

  private:
    std::string text_;
};

Outcome<Request> query(const Arguments& arguments) {
    auto event = arguments.event;
    if (!arguments.operands.empty()) {
        if (event) return usage("query: the event is named twice");
        event = arguments.operands[0];
    }
    if (event && !is_event_name(*event)) return bad_input("'" + *event + "' is no event name");
    return Params{}.add("event", event).request("query", Nature::kQuery);
}

// What a purchase and a hold ask for, as far as it is wrong.
std::optional<Failure> problem_with_terms(const Arguments& arguments) {
    std::optional<std::uint64_t> quantity = 1;
    if (!arguments.operands.empty()) quantity = parse_number(arguments.operands[0]);
    if (!quantity || *quantity == 0) {
        return usage("'" + arguments.operands[0] + "' is no number of tickets");
    }
    if (arguments.min == 0) return usage("--min must be at least 1");
    if (arguments.min > quantity) return usage("--min is more than the number of tickets");
    if (arguments.event && !is_event_name(*arguments.event)) {
        return bad_input("'" + *arguments.event + "' is no event name");
    }
    if (arguments.buyer && !is_buyer_name(*arguments.buyer)) {
        return bad_input("a buyer's name is 1 to " + std::to_string(limits::kBuyerNameBytes) +
                         " bytes without control characters");
    }
    if (arguments.memo && !is_memo(*arguments.memo)) {
        return bad_input("the memo is longer than " + std::to_string(limits::kMemoBytes) +
                         " bytes or holds control characters");
    }
    return std::nullopt;
}

// Done at most once, however often it is repeated with its key.
Outcome<Request> keyed(const Arguments& arguments, Params params, std::string_view method) {
    const auto key = arguments.key ? *arguments.key : new_key();
    if (!is_key(key)) return bad_input("a key is 1 to 128 printable characters without blanks");
    params.add("key", key).add("memo", arguments.memo);
    return params.request(method, Nature::kKeyed, "repeat with --key " + key);
}

Params terms(const Arguments& arguments) {
    Params params;
    params.add("event", arguments.event);
    params.add("quantity", arguments.operands.empty() ? 1 : *parse_number(arguments.operands[0]));
    params.add("min_quantity", arguments.min);
    if (arguments.wait) params.add("wait_ms", arguments.wait->count());
    params.add("buyer", arguments.buyer);
    return params;
}

Outcome<Request> purchase(const Arguments& arguments) {
    if (auto problem = problem_with_terms(arguments)) return *std::move(problem);
    if (arguments.is_dry_run) {
        return terms(arguments).add("dry_run", true).request("purchase", Nature::kQuery);
    }
    return keyed(arguments, terms(arguments), "purchase");
}

Outcome<Request> hold(const Arguments& arguments) {
    if (auto problem = problem_with_terms(arguments)) return *std::move(problem);
    auto params = terms(arguments);
    if (arguments.ttl) params.add("ttl_ms", arguments.ttl->count());
    if (arguments.pid) params.add("bind", "pid:" + std::to_string(*arguments.pid));
    return keyed(arguments, std::move(params), "hold");
}

// ORDER [N], of a verb that changes an order.
std::optional<Failure> add_order(Params& params, const std::vector<std::string>& operands) {
    const auto order = parse_number(operands[0]);
    if (!order) return usage("'" + operands[0] + "' is no order number");
    params.add("order", *order);
    if (operands.size() == 1) return std::nullopt;
    const auto quantity = parse_number(operands[1]);
    if (!quantity || *quantity == 0) return usage("'" + operands[1] + "' is no number of tickets");
    params.add("quantity", *quantity);
    return std::nullopt;
}

Outcome<Request> change_hold(const Arguments& arguments, std::string_view method) {
    Params params;
    if (auto problem = add_order(params, arguments.operands)) return *std::move(problem);
    if (arguments.ttl) params.add("ttl_ms", arguments.ttl->count());
    return keyed(arguments, std::move(params), method);
}

Outcome<Request> cancel(const Arguments& arguments) {
    Params params;
    if (auto problem = add_order(params, arguments.operands)) return *std::move(problem);
    if (arguments.serials) {
        if (arguments.operands.size() > 1) return usage("cancel needs N or --serials, not both");
        params.add_list("serials", *arguments.serials);
    }
    params.add("reason", arguments.reason).add_if(arguments.retires, "restock", false);
    return keyed(arguments, std::move(params), "cancel");
}

Outcome<Request> abandon(const Arguments& arguments) {
    const auto& key = arguments.operands[0];
    if (!is_key(key)) return bad_input("a key is 1 to 128 printable characters without blanks");
    return Params{}.add("key", key).request("abandon", Nature::kKeyed, "repeat it");
}

Outcome<Request> order(const Arguments& arguments) {
    if (arguments.key.has_value() != arguments.operands.empty()) {
        return usage(arguments.key ? "order needs a number or --key, not both"
                                   : "order: give a number or --key");
    }
    if (arguments.key) return Params{}.add("key", arguments.key).request("order", Nature::kQuery);
    const auto id = parse_number(arguments.operands[0]);
    if (!id) return usage("'" + arguments.operands[0] + "' is no order number");
    return Params{}.add("order", *id).request("order", Nature::kQuery);
}

Outcome<Request> orders(const Arguments& arguments) {
    Params params;
    params.add("event", arguments.event);
    auto buyer = arguments.buyer;
    if (const auto uid = parse_number(buyer.value_or(""))) {
        params.add("buyer", *uid);
    } else {
        // As a report tells a name of digits from a user.
        const bool is_quoted =
            buyer && buyer->size() > 2 && buyer->starts_with('"') && buyer->ends_with('"');
        if (is_quoted) buyer = buyer->substr(1, buyer->size() - 2);
        params.add("buyer", buyer);
    }
    return params.add("state", arguments.state)
        .add("after_lsn", arguments.after)
        .add("limit", arguments.limit)
        .request("orders", Nature::kQuery);
}

Outcome<Request> size_event(const Arguments& arguments, std::string_view method) {
    const auto& name = arguments.operands[0];
    std::optional<std::uint64_t> capacity;
    if (arguments.operands.size() > 1) {
        capacity = parse_number(arguments.operands[1]);
        if (!capacity) return usage("'" + arguments.operands[1] + "' is no number of tickets");
    }
    if (capacity.has_value() == arguments.by.has_value()) {
        return usage("event resize needs CAPACITY or --by, one of them");
    }
    if (!is_event_name(name)) return bad_input("'" + name + "' is no event name");
    return Params{}
        .add("name", name)
        .add("capacity", capacity)
        .add("delta", arguments.by)
        .add("if_lsn", arguments.if_lsn)
        .add_if(arguments.is_forced, "force", true)
        .add_rules(arguments)
        .add("buyers", arguments.buyers)
        .add_if(arguments.has_slots, "slots", true)
        .request(method, Nature::kOnce, kAskForEvents);
}

Outcome<Request> change_rules(const Arguments& arguments, std::string_view method) {
    const auto& name = arguments.operands[0];
    if (!is_event_name(name)) return bad_input("'" + name + "' is no event name");
    const bool sets_something = arguments.opens_ms || arguments.closes_ms ||
                                arguments.order_limit || arguments.line || arguments.auto_close ||
                                arguments.buyer_limit;
    if (arguments.verb->verb == Verb::kEventUpdate && !sets_something) {
        return usage(
            "event update needs --opens, --closes, --order-limit, --buyer-limit, --line or "
            "--auto-close");
    }
    return Params{}
        .add("name", name)
        .add_rules(arguments)
        .add_if(arguments.voids_holds, "void_holds", true)
        .request(method, Nature::kOnce, kAskForEvents);
}

Outcome<Request> any_call(const Arguments& arguments) {
    const auto& method = arguments.operands[0];
    std::string params = arguments.operands.size() > 1 ? arguments.operands[1] : "{}";
    if (params == "-") {
        auto input = read_input(limits::kMessageBytesMax);
        if (const auto* failure = failure_of(input)) return *failure;
        params = std::get<std::string>(std::move(input));
    }
    // nlohmann skips a byte order mark, which the daemon does not take.
    const auto start = params.find_first_not_of(" \t\r\n\xef\xbb\xbf");
    if (start == std::string::npos || (params[start] != '{' && params[start] != '[') ||
        !nlohmann::json::accept(params)) {
        return bad_input("the parameters are not a JSON object or array");
    }
    params.erase(0, start);
    // One line, so that servers that read by lines understand us as well. A line break cannot stand
    // within a JSON string, so every one found is mere layout.
    std::replace(params.begin(), params.end(), '\n', ' ');
    std::replace(params.begin(), params.end(), '\r', ' ');
    if (!is_event_name(method)) return bad_input("'" + method + "' is no method name");
    const auto nature = nature_of(method, params);
    return Request{
        method, std::move(params), nature,
        nature == Nature::kKeyed ? "repeat with the same key" : "ask the daemon what is so now"};
}

// Page after page, when it runs.
Outcome<Request> export_request(const Arguments& arguments) {
    if (arguments.output && *arguments.output != Output::kJson) {
        return usage("ledger export writes JSON, or CSV with --csv; --output does not go with it");
    }
    if (arguments.output && arguments.is_csv) return usage("--csv or --json, not both");
    return Request{"ledger.read", "{}", Nature::kQuery, {}};
}

}  // namespace

Outcome<Request> hold_for_process(const Arguments& arguments, std::uint64_t pid) {
    auto asked = arguments;
    asked.operands = {std::to_string(arguments.number.value_or(1))};
    asked.pid = pid;
    auto request = hold(asked);
    // Nobody repeats it: what it holds ends with the process.
    if (auto* made = std::get_if<Request>(&request)) made->hint.clear();
    return request;
}

Request settle_hold(std::string_view method, std::uint64_t order) {
    Params params;
    params.add("order", order).add("key", new_key());
    return std::get<Request>(params.request(method, Nature::kKeyed));
}

Outcome<Request> watch_request(const Arguments& arguments, std::optional<std::uint64_t> since) {
    for (const auto& event : arguments.operands) {
        if (!is_event_name(event)) return bad_input("'" + event + "' is no event name");
    }
    Params params;
    if (!arguments.operands.empty()) params.add_list("events", arguments.operands);
    return params.add("since_lsn", since).request("watch", Nature::kQuery);
}

Nature nature_of(std::string_view method, std::string_view params) {
    constexpr std::array<std::string_view, 11> kQueries{
        "query",         "order",           "orders",       "events",
        "ping",          "server.info",     "server.stats", "ledger.read",
        "ledger.verify", "ledger.position", "rpc.discover"};
    if (std::find(kQueries.begin(), kQueries.end(), method) != kQueries.end()) {
        return Nature::kQuery;
    }
    const auto key = member_text(params, "key");
    return key && key->starts_with('"') ? Nature::kKeyed : Nature::kOnce;
}

Outcome<Request> request_for(const Arguments& arguments) {
    switch (arguments.verb->verb) {
        case Verb::kQuery: return query(arguments);
        case Verb::kPurchase: return purchase(arguments);
        case Verb::kHold: return hold(arguments);
        case Verb::kConfirm: return change_hold(arguments, "confirm");
        case Verb::kRelease: return change_hold(arguments, "release");
        case Verb::kExtend: return change_hold(arguments, "extend");
        case Verb::kCancel: return cancel(arguments);
        case Verb::kBatch: return batch_request(arguments);
        case Verb::kWatch: return watch_request(arguments, arguments.since);
        case Verb::kRun: return hold_for_process(arguments, 1);  // checked; asked for when it runs
        case Verb::kAbandon: return abandon(arguments);
        case Verb::kOrder: return order(arguments);
        case Verb::kOrders: return orders(arguments);
        case Verb::kEventCreate: return size_event(arguments, "event.create");
        case Verb::kEventResize: return size_event(arguments, "event.resize");
        case Verb::kEventUpdate: return change_rules(arguments, "event.update");
        case Verb::kEventPause: return change_rules(arguments, "event.pause");
        case Verb::kEventResume: return change_rules(arguments, "event.resume");
        case Verb::kEventClose: return change_rules(arguments, "event.close");
        case Verb::kCall: return any_call(arguments);
        case Verb::kEvents: return Request{"events", "{}", Nature::kQuery, {}};
        case Verb::kPing: return Request{"ping", "{}", Nature::kQuery, {}};
        case Verb::kStats: return Request{"server.stats", "{}", Nature::kQuery, {}};
        case Verb::kInfo: return Request{"server.info", "{}", Nature::kQuery, {}};
        case Verb::kLedgerVerify: return Request{"ledger.verify", "{}", Nature::kQuery, {}};
        case Verb::kLedgerExport: return export_request(arguments);
        case Verb::kReport:  // page after page, when it runs
            return Request{"ledger.read", "{}", Nature::kQuery, {}};
        case Verb::kLedgerBackup: return Request{"ledger.position", "{}", Nature::kQuery, {}};
        case Verb::kLedgerRead:
            return Params{}
                .add("from_lsn", arguments.from)
                .add("limit", arguments.limit)
                .request("ledger.read", Nature::kQuery);
    }
    return usage("no verb given");
}

}  // namespace ticketd::client
