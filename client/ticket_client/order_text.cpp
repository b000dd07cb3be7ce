#include "client/ticket_client/order_text.h"

#include <algorithm>
#include <chrono>
#include <cstdint>

#include "client/ticket_client/cells.h"
#include "client/translate.h"
#include "common/duration.h"
#include "common/limits.h"

namespace ticketd::client {
namespace {

std::string tickets(std::uint64_t count) {
    return say(count == 1 ? "{1} ticket" : "{1} tickets", {std::to_string(count)});
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
    const auto left_ms = number_in(result, "expires_in_ms");
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
    const auto requested = number_in(result, "requested").value_or(granted);
    const auto event = cell(result["event"]);
    auto text = granted < requested
                    ? say("{1} of {2} of {3}", {std::to_string(granted), tickets(requested), event})
                    : say("{1} of {2}", {tickets(granted), event});
    text += what_it_has(result);
    return left ? text + say(", {1} left", {std::to_string(*left)}) : text;
}

// "released, 3 of demo left"
std::string about_ended(const Json& result, std::uint64_t left) {
    const auto state =
        has_word(result, "state", "held") ? held_for(result) : word_cell(result["state"]);
    return state + say(", {1} of {2} left", {std::to_string(left), cell(result["event"])});
}

}  // namespace

std::optional<std::string> about_order(const Json& result) {
    if (!result.is_object()) return std::nullopt;
    const auto id = number_in(result, "order"), granted = number_in(result, "granted");
    const auto left = number_in(result, "available"), cancelled = number_in(result, "cancelled");
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

}  // namespace ticketd::client
