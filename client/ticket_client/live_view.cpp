#include "client/ticket_client/live_view.h"

#include <algorithm>
#include <cstdio>

#include "client/streams.h"
#include "client/ticket_client/cells.h"

namespace ticketd::client {
namespace {

void set_number(std::uint64_t& to, const Json& counts, const char* name) {
    to = number_in(counts, name).value_or(to);
}

template <typename... Values>
std::string formatted(const char* format, const Values&... values) {
    char text[256];
    std::snprintf(text, sizeof text, format, values...);
    return text;
}

unsigned long long shown(std::uint64_t number) {
    return number;
}

}  // namespace

void LiveView::take(const Json& counts, Clock::time_point now) {
    const auto name = counts.find("event"), state = counts.find("state");
    if (name == counts.end() || !name->is_string()) return;
    const auto [at, is_new] = events_.try_emplace(printable(name->get<std::string>()));
    auto& event = at->second;
    if (state != counts.end() && state->is_string()) {
        event.state = printable(state->get<std::string>());
    }
    const auto sold_before = event.sold;
    set_number(event.capacity, counts, "capacity");
    set_number(event.available, counts, "available");
    set_number(event.held, counts, "held");
    set_number(event.sold, counts, "sold");
    if (!is_new && event.sold > sold_before)
        event.sales.emplace_back(now, event.sold - sold_before);
    while (!event.sales.empty() && event.sales.front().first + kRateOver < now)
        event.sales.pop_front();
}

void LiveView::note_daemon(std::uint64_t waiting, std::chrono::microseconds latency) {
    waiting_ = waiting;
    latency_ = latency;
}

std::string LiveView::line_of(const std::string& name, const Event& event, Clock::time_point now) {
    std::uint64_t recent = 0;
    for (const auto& [when, count] : event.sales) {
        if (when + kRateOver >= now) recent += count;
    }
    const auto rate = static_cast<double>(recent) / static_cast<double>(kRateOver.count());
    return formatted("%-20.20s  %-8.8s %10llu%10llu%10llu%10llu%9.1f", name.c_str(),
                     event.state.c_str(), shown(event.available), shown(event.held),
                     shown(event.sold), shown(event.capacity), rate);
}

std::string LiveView::frame(std::size_t columns, std::size_t rows, bool has_colour,
                            Clock::time_point now) const {
    const auto fit = [columns](std::string line) { return line.substr(0, columns); };
    const auto strong = [&](std::string line) {
        return has_colour ? "\x1b[1m" + fit(std::move(line)) + "\x1b[0m" : fit(std::move(line));
    };
    std::string text = strong(formatted("%-20s  %-8s %10s%10s%10s%10s%9s", "EVENT", "STATE",
                                        "AVAILABLE", "HELD", "SOLD", "CAPACITY", "SOLD/S")) +
                       '\n';
    // The head, the daemon's line, and where the cursor stands after it.
    const std::size_t room = rows > 3 ? rows - 3 : 0;
    // Of those that do not fit the last row tells.
    const auto shown_events = events_.size() <= room ? room : room - std::min<std::size_t>(room, 1);
    std::size_t left = shown_events;
    for (const auto& [name, event] : events_) {
        if (left-- == 0) break;
        const auto line = fit(line_of(name, event, now));
        const bool is_gone = event.available == 0;
        text += (has_colour && is_gone ? "\x1b[31m" + line + "\x1b[0m" : line) + '\n';
    }
    if (events_.size() > room && room > 0) {
        const auto more = static_cast<unsigned long long>(events_.size() - shown_events);
        text += fit(formatted("... and %llu more", more)) + '\n';
    }
    const auto daemon =
        latency_ ? formatted("waiting %llu   latency %.1f ms   Ctrl-C ends", shown(waiting_),
                             static_cast<double>(latency_->count()) / 1000)
                 : std::string{"no daemon answers   Ctrl-C ends"};
    return text + fit(daemon) + '\n';
}

}  // namespace ticketd::client
