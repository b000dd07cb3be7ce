#include "client/ticket_client/text.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>
#include <vector>

#include "client/point_in_time.h"
#include "client/streams.h"
#include "client/ticket_client/result_json.h"
#include "client/translate.h"
#include "common/duration.h"
#include "common/limits.h"

namespace ticketd::client {
namespace {

std::optional<std::uint64_t> number(const Json& object, const char* name) {
    const auto found = object.find(name);
    if (found == object.end() || !found->is_number_unsigned()) return std::nullopt;
    return found->get<std::uint64_t>();
}

std::string tickets(std::uint64_t count) {
    return say(count == 1 ? "{1} ticket" : "{1} tickets", {std::to_string(count)});
}

// 1, 2, 3, 7 become "1-3, 7". Nothing if there is anything but numbers in it.
std::optional<std::string> ranges(const Json& numbers) {
    std::string text;
    for (std::size_t i = 0; i < numbers.size();) {
        if (!numbers[i].is_number_unsigned()) return std::nullopt;
        const auto first = numbers[i].get<std::uint64_t>();
        auto last = first;
        for (++i; i < numbers.size() && numbers[i] == last + 1; ++i)
            ++last;
        if (!text.empty()) text += ", ";
        text += std::to_string(first);
        if (last != first) text += '-' + std::to_string(last);
    }
    return text;
}

// Nothing if there is anything but strings in it.
std::optional<std::string> sentences(const Json& strings) {
    std::string text;
    for (const auto& value : strings) {
        if (!value.is_string()) return std::nullopt;
        if (!text.empty()) text += "; ";
        text += printable(value.get_ref<const std::string&>());
    }
    return text;
}

std::string cell(const Json& value) {
    if (value.is_string()) return printable(value.get_ref<const std::string&>());
    if (value.is_null()) return "-";
    if (value.is_boolean()) return tr(value == true ? "true" : "false");
    if (value.is_array()) {
        if (value.empty()) return "-";
        if (auto text = ranges(value)) return *std::move(text);
        if (auto text = sentences(value)) return *std::move(text);
    }
    return printable(value.dump());
}

// Members that are times, which people do not read in milliseconds. A window's 0 is no time.
bool is_time(std::string_view name) {
    return name == "time_ms" || name == "changed_ms" || name == "opens_ms" || name == "closes_ms" ||
           name == "expires_ms";
}

std::string label(std::string_view name) {
    const std::string plain{is_time(name) ? name.substr(0, name.size() - 3) : name};
    return printable(tr(plain.c_str()));
}

// Members whose values are words of ours, not of those who buy.
bool is_word(std::string_view name) {
    return name == "state" || name == "type" || name == "line" || name == "buyers" ||
           name == "bind";
}

std::string word(const Json& value) {
    return value.is_string() ? printable(tr(value.get_ref<const std::string&>().c_str()))
                             : cell(value);
}

std::string cell(std::string_view name, const Json& value) {
    constexpr std::uint64_t kYear10000 = 253'402'300'800'000;
    if (is_word(name)) return word(value);
    if (!is_time(name) || !value.is_number_unsigned() || value >= kYear10000) return cell(value);
    return value == 0 ? "-" : time_text(value.get<std::int64_t>());
}

using Row = std::vector<std::string>;

// How wide a terminal shows it: what East Asian scripts are made of takes two columns.
std::size_t columns_of(std::string_view text) {
    std::size_t columns = 0;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        const bool begins = (byte & 0xc0U) != 0x80;
        if (begins) columns += byte >= 0xe1 ? 2 : 1;
    }
    return columns;
}

std::string aligned(const std::vector<Row>& rows) {
    std::vector<std::size_t> widths;
    for (const auto& row : rows) {
        widths.resize(std::max(widths.size(), row.size()));
        for (std::size_t i = 0; i < row.size(); ++i)
            widths[i] = std::max(widths[i], columns_of(row[i]));
    }
    std::string text;
    for (const auto& row : rows) {
        for (std::size_t i = 0; i < row.size(); ++i) {
            text += row[i];
            if (i + 1 < row.size()) text.append(widths[i] - columns_of(row[i]) + 2, ' ');
        }
        text += '\n';
    }
    return text;
}

std::string table(const Json& array) {
    const auto names = columns(array);
    if (!names) return printable(array.dump()) + '\n';
    std::vector<Row> rows{*names};
    for (auto& name : rows[0])
        name = label(name);
    for (const auto& object : array) {
        Row row;
        for (const auto& name : *names)
            row.push_back(object.contains(name) ? cell(name, object[name]) : "-");
        rows.push_back(std::move(row));
    }
    return aligned(rows);
}

std::string general(const Json& result) {
    if (!result.is_object()) return is_table(result) ? table(result) : cell(result) + '\n';
    std::string tables;
    std::vector<Row> lines;
    for (const auto& [name, value] : result.items()) {
        if (is_table(value)) {
            tables += table(value);
        } else if (name != "next" || !value.is_null()) {  // no `next`: this was the last page
            lines.push_back({label(name), cell(name, value)});
        }
    }
    const auto text = tables + aligned(lines);
    return text.empty() ? std::string{tr("ok")} + '\n' : text;
}

bool has_word(const Json& object, const char* name, std::string_view word) {
    const auto found = object.find(name);
    return found != object.end() && found->is_string() && *found == word;
}

// "10m", or as another language says it.
std::string duration_said(std::chrono::milliseconds duration) {
    const auto text = duration_text(duration);
    const auto unit = std::min(text.find_first_not_of("0123456789"), text.size());
    return say(("{1}" + text.substr(unit)).c_str(), {text.substr(0, unit)});
}

// "held for 10m", of what is not nearly over without its milliseconds.
std::string held_for(const Json& result) {
    using namespace std::chrono_literals;
    const auto left_ms = number(result, "expires_in_ms");
    if (!left_ms || *left_ms > static_cast<std::uint64_t>(limits::kHoldMsMax)) return tr("held");
    const std::chrono::milliseconds left{*left_ms};
    return say("held for {1}",
               {duration_said(left < 10s ? left : std::chrono::ceil<std::chrono::seconds>(left))});
}

// These numbers, in one of two sentences; nothing if there are none.
std::string about_numbers(const Json& result, const char* of_one, const char* of_several) {
    const auto serials = result.find("serials");
    if (serials == result.end() || !serials->is_array() || serials->empty()) return {};
    return say(serials->size() == 1 ? of_one : of_several, {cell(*serials)});
}

// ", serials 1-2", or " held for 10m", or " held, slot 3".
std::string what_it_has(const Json& result) {
    if (!has_word(result, "state", "held")) {
        return about_numbers(result, ", serial {1}", ", serials {1}");
    }
    return ' ' + held_for(result) + about_numbers(result, ", slot {1}", ", slots {1}");
}

// "1 ticket of demo cancelled, serials 1-2 kept, 3 left"
std::string about_cancelled(const Json& result, std::uint64_t cancelled, std::uint64_t left) {
    return say("{1} of {2} cancelled", {tickets(cancelled), cell(result["event"])}) +
           about_numbers(result, ", serial {1} kept", ", serials {1} kept") +
           say(", {1} left", {std::to_string(left)});
}

// "2 of 3 tickets of demo, serials 1-2, 0 left"
std::string about_granted(const Json& result, std::uint64_t granted,
                          std::optional<std::uint64_t> left) {
    const auto requested = number(result, "requested").value_or(granted);
    const auto event = cell(result["event"]);
    auto text = granted < requested
                    ? say("{1} of {2} of {3}", {std::to_string(granted), tickets(requested), event})
                    : say("{1} of {2}", {tickets(granted), event});
    text += what_it_has(result);
    return left ? text + say(", {1} left", {std::to_string(*left)}) : text;
}

// "released, 3 of demo left"
std::string about_ended(const Json& result, std::uint64_t left) {
    const auto state = has_word(result, "state", "held") ? held_for(result) : word(result["state"]);
    return state + say(", {1} of {2} left", {std::to_string(left), cell(result["event"])});
}

// "order 5: 2 of 3 tickets of demo, serials 1-2, 0 left", or "order 5: released, 3 of demo left";
// nothing if it does not look like one.
std::optional<std::string> about_order(const Json& result) {
    if (!result.is_object()) return std::nullopt;
    const auto id = number(result, "order"), granted = number(result, "granted");
    const auto left = number(result, "available"), cancelled = number(result, "cancelled");
    const auto event = result.find("event"), state = result.find("state");
    if (event == result.end() || !event->is_string()) return std::nullopt;
    if (has_word(result, "state", "possible") && granted) {
        return say("would buy {1} of {2}", {tickets(*granted), cell(*event)}) + '\n';
    }
    if (!id) return std::nullopt;

    std::string what;
    if (cancelled && left) {
        what = about_cancelled(result, *cancelled, *left);
    } else if (granted) {
        what = about_granted(result, *granted, left);
    } else {
        if (state == result.end() || !state->is_string() || !left) return std::nullopt;
        what = about_ended(result, *left);
    }
    const bool is_bought = has_word(result, "state", "sold") && !cancelled;
    auto text = say("order {1}: {2}", {std::to_string(*id), what});
    if (is_bought && is_translated("bought")) text = tr("bought") + text;
    const auto replayed = result.find("replayed");
    if (replayed != result.end() && *replayed == true) text += tr(" (replayed: done before)");
    return text + '\n';
}

bool is_about_order(Verb verb) {
    return verb == Verb::kPurchase || verb == Verb::kHold || verb == Verb::kConfirm ||
           verb == Verb::kRelease || verb == Verb::kExtend || verb == Verb::kCancel;
}

// The kind of a request of a batch that failed.
std::string kind_of(const Json& error) {
    const auto data = error.find("data");
    return cell(data != error.end() && data->is_object() ? data->value("kind", Json{}) : Json{});
}

// A line for each request, as if it had been asked for alone; none if all of them had to be done or
// none, and none is: why is said on stderr. Nothing if it does not look like it.
std::optional<std::string> about_batch(const Json& result) {
    const auto results = result.is_object() ? result.find("results") : result.end();
    if (results == result.end() || !results->is_array()) return std::nullopt;
    std::string text;
    bool is_undone = results->size() == 1;
    for (const auto& one : *results) {
        const auto done = one.is_object() ? one.find("result") : one.end();
        const auto failed = one.is_object() ? one.find("error") : one.end();
        if (one.is_object() && done != one.end()) {
            const auto order = about_order(*done);
            text += order ? *order : cell(*done) + '\n';
            is_undone = false;
        } else if (one.is_object() && failed != one.end() && failed->is_object()) {
            const auto kind = kind_of(*failed);
            text += line_of({kind, 0, cell(failed->value("message", Json{}))});
            is_undone = is_undone || kind == "linked_failed";
        } else {
            return std::nullopt;
        }
    }
    return is_undone ? "" : text;
}

// "12 demo purchased: 3 of 5 available, 0 held, 2 sold"
std::optional<std::string> about_change(const Json& change) {
    const auto lsn = number(change, "lsn"), available = number(change, "available");
    const auto capacity = number(change, "capacity"), held = number(change, "held");
    const auto sold = number(change, "sold");
    if (!lsn || !available || !capacity || !held || !sold) return std::nullopt;
    return say("{1} {2} {3}: {4} of {5} available, {6} held, {7} sold",
               {std::to_string(*lsn), cell(change.value("event", Json{})),
                word(change.value("type", Json{})), std::to_string(*available),
                std::to_string(*capacity), std::to_string(*held), std::to_string(*sold)}) +
           '\n';
}

}  // namespace

std::string result_text(Verb verb, std::string_view result) {
    auto json = read_result(result);
    if (!json) return printable(result) + '\n';
    // It stands in the head of the table.
    if (verb == Verb::kReport && json->is_object()) json->erase("per");
    if (verb == Verb::kWatch && json->is_object()) {
        if (auto text = about_change(*json)) return *std::move(text);
    }
    if (verb == Verb::kBatch) {
        if (auto text = about_batch(*json)) return *std::move(text);
    }
    if (is_about_order(verb)) {
        if (auto text = about_order(*json)) return *std::move(text);
    }
    return general(*json);
}

}  // namespace ticketd::client
