#include "tests/fuzz/json_oracle.h"

#include <algorithm>
#include <map>
#include <set>
#include <vector>

namespace ticketd::fuzz {
namespace {

constexpr std::size_t kDepthMax = 16;
constexpr std::size_t kParamsMax = 32;

std::size_t depth_of(std::string_view text) {
    std::size_t depth = 0;
    std::size_t deepest = 0;
    bool in_string = false;
    for (std::size_t at = 0; at < text.size(); ++at) {
        const char c = text[at];
        if (in_string && c == '\\') {
            ++at;
        } else if (c == '"') {
            in_string = !in_string;
        } else if (!in_string && (c == '{' || c == '[')) {
            deepest = std::max(deepest, ++depth);
        } else if (!in_string && (c == '}' || c == ']')) {
            --depth;
        }
    }
    return deepest;
}

struct Names {
    bool envelope_repeats = false;
    bool envelope_is_misspelt = false;
    bool params_repeat = false;
    std::size_t params = 0;  ///< by name, repeated ones counted each time
};

bool is_envelope_name(const std::string& name) {
    return name == "jsonrpc" || name == "method" || name == "params" || name == "id";
}

// In upper case, or partly so.
bool is_misspelt_name(std::string name) {
    if (is_envelope_name(name)) return false;
    for (auto& c : name) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    return is_envelope_name(name);
}

// The DOM keeps one of several members of a name, so they are counted while it is built.
Names repeated_names(std::string_view text) {
    Names names;
    std::set<std::string> envelope;
    std::set<std::string> params;
    std::string member;
    const auto watch = [&](int depth, json::parse_event_t event, json& value) {
        if (event != json::parse_event_t::key) return true;
        const auto name = value.get<std::string>();
        if (depth == 1) {
            member = name;
            if (is_misspelt_name(name)) names.envelope_is_misspelt = true;
            if (is_envelope_name(name) && !envelope.insert(name).second) {
                names.envelope_repeats = true;
            }
        } else if (depth == 2 && member == "params") {
            ++names.params;
            if (!params.insert(name).second) names.params_repeat = true;
        }
        return true;
    };
    [[maybe_unused]] const auto document = json::parse(text, watch);
    return names;
}

bool is_scalar_id(const json& id) {
    return id.is_null() || id.is_string() || id.is_number();
}

bool is_integer(const json& value, std::uint64_t min, std::uint64_t max) {
    return value.is_number_unsigned() && value >= min && value <= max;
}

using Check = bool (*)(const json&);

bool is_name(const json& value) {
    if (!value.is_string()) return false;
    const auto& text = value.get_ref<const std::string&>();
    constexpr std::string_view kAllowed =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:-";
    return !text.empty() && text.size() <= 64 &&
           text.find_first_not_of(kAllowed) == std::string::npos;
}

bool is_key(const json& value) {
    if (!value.is_string()) return false;
    const auto& text = value.get_ref<const std::string&>();
    return !text.empty() && text.size() <= 128 &&
           std::all_of(text.begin(), text.end(), [](char c) { return c >= '!' && c <= '~'; });
}

bool is_memo(const json& value) {
    if (!value.is_string()) return false;
    const auto& text = value.get_ref<const std::string&>();
    return text.size() <= 256 && std::none_of(text.begin(), text.end(), [](char c) {
               return (c >= '\0' && c < ' ') || c == '\x7f';
           });
}

bool is_quantity(const json& value) {
    return is_integer(value, 1, 10'000);
}
bool is_capacity(const json& value) {
    return is_integer(value, 0, 1'000'000'000'000);
}
bool is_delta(const json& value) {
    return value.is_number_integer() && value >= -1'000'000'000'000 && value <= 1'000'000'000'000;
}
bool is_rows(const json& value) {
    return is_integer(value, 1, 1000);
}
bool is_lsn(const json& value) {
    return is_integer(value, 0, (std::uint64_t{1} << 53) - 1);
}
bool is_time(const json& value) {
    return is_integer(value, 0, (std::uint64_t{1} << 52) - 1);
}
bool is_uid(const json& value) {
    return is_integer(value, 0, 0xffff'ffff);
}
bool is_state(const json& value) {
    return value == "held" || value == "sold" || value == "released" || value == "expired" ||
           value == "cancelled";
}
bool is_ttl(const json& value) {
    return is_integer(value, 1, std::uint64_t{31} * 86'400'000);
}
bool is_wait(const json& value) {
    return is_integer(value, 0, 86'400'000);
}
bool is_order_limit(const json& value) {
    return is_integer(value, 0, 10'000);
}
bool is_line(const json& value) {
    return value == "strict" || value == "fit";
}
bool is_flag(const json& value) {
    return value.is_boolean();
}
bool is_bind(const json& value) {
    if (value == "connection" || value == "pid") return true;
    if (!value.is_string()) return false;
    const auto& text = value.get_ref<const std::string&>();
    return text.starts_with("pid:") && text.size() > 4 && text.size() <= 14 && text[4] != '0' &&
           text.find_first_not_of("0123456789", 4) == std::string::npos;
}
bool is_buyer_name(const json& value) {
    return is_memo(value) && !value.get_ref<const std::string&>().empty() &&
           value.get_ref<const std::string&>().size() <= 128;
}
bool is_uid_or_name(const json& value) {
    return is_uid(value) || is_buyer_name(value);
}
bool is_buyers(const json& value) {
    return value == "uid" || value == "claimed";
}
bool is_buyer_limit(const json& value) {
    return is_integer(value, 0, 1'000'000'000);
}
bool are_names(const json& value) {
    return value.is_array() && std::all_of(value.begin(), value.end(), is_name);
}
bool are_requests(const json& value) {
    return value.is_array() && !value.empty() && value.size() <= 4096 &&
           std::all_of(value.begin(), value.end(), [](const json& one) { return one.is_object(); });
}
bool are_serials(const json& value) {
    if (!value.is_array() || value.empty() || value.size() > 10'000) return false;
    std::set<std::uint64_t> seen;
    return std::all_of(value.begin(), value.end(), [&seen](const json& serial) {
        return is_integer(serial, 1, (std::uint64_t{1} << 53) - 1) &&
               seen.insert(serial.get<std::uint64_t>()).second;
    });
}

struct ParamRule {
    std::string_view name;
    Check is_right;
    bool is_required = false;
};
using Rules = std::vector<ParamRule>;

// The table of methods in docs/protocol.md.
const Rules* rules_of(const std::string& method) {
    static const std::map<std::string, Rules> kMethods{
        {"query", {{"event", is_name}}},
        {"purchase",
         {{"event", is_name},
          {"quantity", is_quantity},
          {"min_quantity", is_quantity},
          {"key", is_key},
          {"buyer", is_buyer_name},
          {"wait_ms", is_wait},
          {"memo", is_memo},
          {"dry_run", is_flag}}},
        {"hold",
         {{"event", is_name},
          {"quantity", is_quantity},
          {"ttl_ms", is_ttl},
          {"min_quantity", is_quantity},
          {"key", is_key},
          {"buyer", is_buyer_name},
          {"wait_ms", is_wait},
          {"bind", is_bind},
          {"memo", is_memo}}},
        {"confirm", {{"order", is_lsn, true}, {"quantity", is_quantity}, {"key", is_key}}},
        {"release", {{"order", is_lsn, true}, {"key", is_key}}},
        {"extend", {{"order", is_lsn, true}, {"ttl_ms", is_ttl}, {"key", is_key}}},
        {"cancel",
         {{"order", is_lsn, true},
          {"quantity", is_quantity},
          {"serials", are_serials},
          {"key", is_key},
          {"reason", is_memo},
          {"restock", is_flag}}},
        {"batch", {{"requests", are_requests, true}, {"atomic", is_flag}}},
        {"watch", {{"events", are_names}, {"since_lsn", is_lsn}}},
        {"unwatch", {{"subscription", is_lsn, true}}},
        {"abandon", {{"key", is_key, true}}},
        {"order", {{"order", is_lsn}, {"key", is_key}}},
        {"orders",
         {{"event", is_name},
          {"buyer", is_uid_or_name},
          {"state", is_state},
          {"after_lsn", is_lsn},
          {"limit", is_rows}}},
        {"events", {}},
        {"event.create",
         {{"name", is_name, true},
          {"capacity", is_capacity, true},
          {"opens_ms", is_time},
          {"closes_ms", is_time},
          {"order_limit", is_order_limit},
          {"line", is_line},
          {"auto_close", is_flag},
          {"buyer_limit", is_buyer_limit},
          {"buyers", is_buyers},
          {"slots", is_flag}}},
        {"event.resize",
         {{"name", is_name, true},
          {"capacity", is_capacity},
          {"delta", is_delta},
          {"if_lsn", is_lsn},
          {"force", is_flag}}},
        {"event.update",
         {{"name", is_name, true},
          {"opens_ms", is_time},
          {"closes_ms", is_time},
          {"order_limit", is_order_limit},
          {"line", is_line},
          {"auto_close", is_flag},
          {"buyer_limit", is_buyer_limit}}},
        {"event.pause", {{"name", is_name, true}}},
        {"event.resume", {{"name", is_name, true}}},
        {"event.close", {{"name", is_name, true}, {"void_holds", is_flag}}},
        {"ledger.read", {{"from_lsn", is_lsn}, {"limit", is_rows}}},
        {"ledger.verify", {}},
        {"ledger.position", {}},
        {"ping", {}},
        {"server.info", {}},
        {"server.stats", {}},
        {"rpc.discover", {}},
    };
    const auto found = kMethods.find(method);
    return found == kMethods.end() ? nullptr : &found->second;
}

bool are_right_by_position(const json& params, const Rules& rules) {
    if (params.size() > rules.size()) return false;
    for (std::size_t i = 0; i < rules.size(); ++i) {
        const bool is_given = i < params.size() && !params[i].is_null();
        if (is_given ? !rules[i].is_right(params[i]) : rules[i].is_required) return false;
    }
    return true;
}

bool are_right_by_name(const json& params, const Rules& rules) {
    std::size_t known = 0;
    for (const auto& rule : rules) {
        const auto found = params.find(rule.name);
        if (found == params.end()) {
            if (rule.is_required) return false;
            continue;
        }
        if (!rule.is_right(*found)) return false;
        ++known;
    }
    return known == params.size();
}

}  // namespace

Judged judge(std::string_view text) {
    try {
        return {Verdict::kJson, json::parse(text)};
    } catch (const json::out_of_range&) {
        return {Verdict::kNumberOutOfRange, {}};
    } catch (const json::parse_error&) {
        return {Verdict::kNotJson, {}};
    }
}

json OracleRequest::id() const {
    if (verdict != Verdict::kJson || !value.is_object()) return {};
    const auto found = value.find("id");
    return found != value.end() && is_scalar_id(*found) ? *found : json{};
}

OracleRequest judge_request(std::string_view text, std::size_t depth) {
    OracleRequest request;
    request.text = text;
    auto [verdict, value] = judge(text);
    request.verdict = verdict;
    request.value = std::move(value);
    if (verdict != Verdict::kJson || !request.value.is_object()) return request;
    const auto& object = request.value;
    const auto names = repeated_names(text);
    request.has_repeated_params = names.params_repeat;
    const auto version = object.find("jsonrpc");
    const auto method = object.find("method");
    const auto id = object.find("id");
    const auto params = object.find("params");
    request.is_version_2 = version != object.end() || object.empty();
    request.is_request =
        !names.envelope_repeats && !names.envelope_is_misspelt &&
        (version == object.end() || *version == "2.0") && method != object.end() &&
        method->is_string() && (id == object.end() || is_scalar_id(*id)) &&
        (params == object.end() || params->is_null() || params->is_structured()) &&
        names.params <= kParamsMax &&
        (params == object.end() || !params->is_array() || params->size() <= kParamsMax) &&
        depth_of(text) <= kDepthMax - depth;
    if (request.is_request) {
        request.wants_reply = id != object.end() && (version != object.end() || !id->is_null());
    }
    return request;
}

std::optional<bool> has_right_params(const OracleRequest& request) {
    const auto* rules = rules_of(request.method());
    if (rules == nullptr) return std::nullopt;
    if (request.has_repeated_params) return false;
    const auto params = request.params();
    if (params.is_array()) return are_right_by_position(params, *rules);
    return params.is_null() ? are_right_by_name(json::object(), *rules)
                            : are_right_by_name(params, *rules);
}

json param(const OracleRequest& request, std::string_view name) {
    const auto params = request.params();
    if (params.is_object()) return params.value(name, json());
    const auto& rules = *rules_of(request.method());
    for (std::size_t i = 0; i < params.size() && i < rules.size(); ++i) {
        if (rules[i].name == name) return params[i];
    }
    return {};
}

}  // namespace ticketd::fuzz
