#include "server/net/params.h"

#include <algorithm>
#include <charconv>

#include "common/json_slice.h"
#include "common/limits.h"
#include "common/names.h"

namespace ticketd::net {
namespace {

using Problem = std::optional<std::string>;

Problem problem_with_integer(const Value& value, const ParamTypeInfo& info) {
    if (value.kind != ValueKind::kInteger) return "must be an integer";
    const auto min = info.is_signed ? 0 : info.min;
    const bool is_below = value.is_negative && !info.is_signed;
    if (is_below || value.number < min || value.number > info.max) {
        const auto max = std::to_string(info.max);
        return "must be " + (info.is_signed ? "-" + max : std::to_string(min)) + " to " + max;
    }
    return std::nullopt;
}

bool is_bind(std::string_view text) {
    constexpr std::string_view kPid = "pid:";
    if (text == "connection" || text == "pid") return true;
    if (!text.starts_with(kPid)) return false;
    text.remove_prefix(kPid.size());
    return !text.empty() && text.size() <= 10 && text.front() != '0' &&
           text.find_first_not_of("0123456789") == std::string_view::npos;
}

// What a JSON array of numbers holds, ascending; nothing if there is anything else in it.
std::optional<std::vector<std::uint64_t>> read_numbers(std::string_view array) {
    std::vector<std::uint64_t> numbers;
    JsonSlice slice{array};
    while (const auto item = slice.next()) {
        const auto& text = item->value;
        std::uint64_t number = 0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
        if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
        numbers.push_back(number);
    }
    std::sort(numbers.begin(), numbers.end());
    return numbers;
}

Problem problem_with_serials(const Value& value) {
    if (value.kind != ValueKind::kArray) return "must be an array of serials";
    const auto serials = read_numbers(value.text);
    if (!serials || serials->empty() || serials->size() > limits::kQuantity ||
        serials->front() < 1 || serials->back() > limits::kInteger) {
        return "must be 1 to " + std::to_string(limits::kQuantity) + " serials from 1 on";
    }
    if (std::adjacent_find(serials->begin(), serials->end()) != serials->end()) {
        return "names a serial twice";
    }
    return std::nullopt;
}

// Names need no escapes, so there are none to be undone.
std::vector<std::string> read_names(std::string_view array) {
    std::vector<std::string> names;
    JsonSlice slice{array};
    while (const auto item = slice.next()) {
        auto text = item->value;
        if (text.size() >= 2 && text.front() == '"') text = text.substr(1, text.size() - 2);
        names.emplace_back(text == item->value ? std::string_view{} : text);
    }
    return names;
}

Problem problem_with_names(const Value& value) {
    if (value.kind != ValueKind::kArray) return "must be an array of events";
    const auto names = read_names(value.text);
    const bool are_names = std::all_of(names.begin(), names.end(),
                                       [](const std::string& name) { return is_event_name(name); });
    return are_names ? Problem{} : Problem{"must be an array of events' names"};
}

Problem problem_with_requests(const Value& value) {
    std::size_t count = 0;
    JsonSlice slice{value.kind == ValueKind::kArray ? value.text : std::string_view{}};
    for (auto item = slice.next(); item; item = slice.next(), ++count) {
        if (!item->value.starts_with('{')) return "must be an array of objects";
    }
    if (count >= 1 && count <= limits::kBatchRequestsMax) return std::nullopt;
    return "must be an array of requests, at least one";
}

Problem problem_with_text(const Value& value, ParamType type) {
    if (value.kind != ValueKind::kString) return "must be a string";
    switch (type) {
        case ParamType::kEventName:
            if (!is_event_name(value.text)) return "must be 1 to 64 of A-Z a-z 0-9 . _ : -";
            break;
        case ParamType::kKey:
            if (!is_key(value.text)) return "must be 1 to 128 printable characters, no blanks";
            break;
        case ParamType::kMemo:
            if (!is_memo(value.text)) return "must be at most 256 bytes, no control characters";
            break;
        case ParamType::kState:
            if (std::find(kOrderStates.begin(), kOrderStates.end(), value.text) ==
                kOrderStates.end()) {
                return "must be held, sold, released, expired or cancelled";
            }
            break;
        case ParamType::kLine:
            if (value.text != "strict" && value.text != "fit") return "must be strict or fit";
            break;
        case ParamType::kBind:
            if (!is_bind(value.text)) return "must be connection, pid or pid:NUMBER";
            break;
        case ParamType::kBuyers:
            if (value.text != "uid" && value.text != "claimed") return "must be uid or claimed";
            break;
        case ParamType::kUserOrName:
        case ParamType::kBuyerName:
            if (!is_buyer_name(value.text)) {
                return "must be 1 to 128 bytes, no control characters";
            }
            break;
        default: break;
    }
    return std::nullopt;
}

Problem problem_with(const Value& value, ParamType type) {
    if (type == ParamType::kSerials) return problem_with_serials(value);
    if (type == ParamType::kNames) return problem_with_names(value);
    if (type == ParamType::kRequests) return problem_with_requests(value);
    if (type == ParamType::kUserOrName && value.kind == ValueKind::kInteger)
        type = ParamType::kUserId;
    if (type == ParamType::kFlag) {
        return value.kind == ValueKind::kBool ? Problem{} : Problem{"must be true or false"};
    }
    const auto info = param_type_info(type);
    return info.json_type == "integer" ? problem_with_integer(value, info)
                                       : problem_with_text(value, type);
}

std::optional<std::size_t> index_of(std::string_view name, std::span<const ParamSpec> specs) {
    for (std::size_t i = 0; i < specs.size(); ++i) {
        if (specs[i].name == name) return i;
    }
    return std::nullopt;
}

}  // namespace

std::string shown(std::string_view name) {
    constexpr std::size_t kShownBytes = 32;
    std::string text{name.substr(0, kShownBytes)};
    for (auto& c : text) {
        if (c < ' ' || c > '~') c = '?';
    }
    return text;
}

ParamTypeInfo param_type_info(ParamType type) {
    switch (type) {
        case ParamType::kQuantity: return {"integer", 1, limits::kQuantity};
        case ParamType::kCapacity: return {"integer", 0, limits::kCapacity};
        case ParamType::kDelta: return {"integer", 0, limits::kCapacity, true};
        case ParamType::kRows: return {"integer", 1, limits::kRows};
        case ParamType::kLsn: return {"integer", 0, limits::kInteger};
        case ParamType::kTime: return {"integer", 0, limits::kCounterAtStart};
        case ParamType::kWait: return {"integer", 0, limits::kWaitMsMax};
        case ParamType::kOrderLimit: return {"integer", 0, limits::kQuantity};
        case ParamType::kBuyerLimit: return {"integer", 0, limits::kBuyerLimit};
        case ParamType::kFlag: return {"boolean"};
        case ParamType::kNames:
        case ParamType::kRequests:
        case ParamType::kSerials: return {"array"};
        case ParamType::kTtl: return {"integer", 1, limits::kHoldMsMax};
        case ParamType::kUserId: return {"integer", 0, UINT32_MAX};
        default: return {"string"};
    }
}

std::vector<std::string> Params::names(std::size_t index) const {
    return has(index) ? read_names(values_[index]->text) : std::vector<std::string>{};
}

std::vector<std::uint64_t> Params::serials(std::size_t index) const {
    if (!has(index)) return {};
    return read_numbers(values_[index]->text).value_or(std::vector<std::uint64_t>{});
}

std::optional<std::string> check_params(const Request& request, std::span<const ParamSpec> specs,
                                        Params& params) {
    for (std::size_t i = 0; i < request.params.size(); ++i) {
        const auto& param = request.params[i];
        if (request.by_position && i >= specs.size()) {
            return "takes at most " + std::to_string(specs.size()) + " params";
        }
        if (request.by_position && param.value.kind == ValueKind::kNull) continue;
        const auto index = request.by_position ? std::optional{i} : index_of(param.name, specs);
        if (!index) return "unknown param \"" + shown(param.name) + "\"";
        const std::string name{specs[*index].name};
        if (params.has(*index)) return name + " is given twice";
        if (const auto problem = problem_with(param.value, specs[*index].type)) {
            return name + " " + *problem;
        }
        params.values_[*index] = &param.value;
    }
    for (std::size_t i = 0; i < specs.size(); ++i) {
        if (specs[i].required && !params.has(i)) return std::string{specs[i].name} + " is missing";
    }
    return std::nullopt;
}

}  // namespace ticketd::net
