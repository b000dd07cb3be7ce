#include "client/ticket_client/export_verb.h"

#include <map>

#include "client/point_in_time.h"
#include "client/streams.h"
#include "client/ticket_client/cells.h"
#include "client/ticket_client/ledger_pages.h"
#include "client/ticket_client/row_kind.h"

namespace ticketd::client {
namespace {

// RFC 4180: a field with a comma, a quote or a line break stands in quotes, and quotes are doubled.
std::string csv_field(const Json& value) {
    auto text = value.is_string() ? value.get<std::string>() : value.dump();
    if (value.is_array()) {
        text.clear();
        for (const auto& part : value)
            text += (text.empty() ? "" : " ") + part.dump();
    }
    if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
    std::string quoted{'"'};
    for (const char c : text)
        quoted += c == '"' ? std::string{"\"\""} : std::string{c};
    return quoted + '"';
}

std::string csv_line(const Json& entry) {
    std::string line;
    for (const auto column : entry_columns()) {
        if (column != entry_columns().front()) line += ',';
        const auto found = entry.find(column);
        if (found != entry.end()) line += csv_field(*found);
    }
    return line + "\r\n";
}

std::string csv_head() {
    std::string line;
    for (const auto column : entry_columns())
        line += (line.empty() ? "" : ",") + std::string{column};
    return line + "\r\n";
}

std::string word(const Json& entry, const char* name) {
    const auto found = entry.find(name);
    if (found == entry.end()) return {};
    return found->is_string() ? found->get<std::string>() : found->dump();
}

/// What was done in one event, by one buyer or in one hour.
struct Totals {
    std::uint64_t orders = 0, sold = 0, cancelled = 0, held = 0, released = 0;
};

class Report {
  public:
    Report(std::string by, Output output) : by_(std::move(by)), output_(output) {}

    void add(const Json& entry) {
        const auto type = word(entry, "type");
        if (type == "event_closed" && entry.contains("void_holds")) return void_holds(entry);
        const auto order = number_in(entry, "order").value_or(0);
        if (order == 0) return;
        const bool is_new = type == "purchased" || type == "held";
        if (is_new && by_ == "buyer") buyers_[order] = buyer_of(entry);
        const auto group = group_of(entry, order);
        auto& totals = totals_[group];
        const auto granted = number_in(entry, "granted").value_or(0);
        if (is_new) ++totals.orders;
        if (type == "purchased" || type == "confirmed") totals.sold += granted;
        if (type == "cancelled") totals.cancelled += entry.value("returned", Json::array()).size();
        if (type == "held") {
            totals.held += granted;
            live_[order] = {word(entry, "event"), granted};
        }
        if (type == "released" || type == "expired" || type == "confirmed") {
            totals.released += live_[order].tickets - granted;
            live_.erase(order);
        }
    }

    std::string text() const {
        auto rows = Json::array();
        for (const auto& [group, totals] : totals_) {
            rows.push_back({{by_, shown_group(group)},
                            {"orders", totals.orders},
                            {"sold", totals.sold},
                            {"cancelled", totals.cancelled},
                            {"held", totals.held},
                            {"released", totals.released}});
        }
        return Json{{"report", std::move(rows)}, {"per", by_}}.dump();
    }

  private:
    // A number is a user, a name one that was claimed, also if it is all digits.
    static Json buyer_of(const Json& entry) {
        const auto claimed = word(entry, "buyer");
        return claimed.empty() ? entry.value("uid", Json("-")) : Json(claimed);
    }

    // Outside of JSON such a name stands in quotes, or it would pass for a user.
    Json shown_group(const Json& group) const {
        if (output_ == Output::kJson || by_ != "buyer" || !group.is_string()) return group;
        const auto& name = group.get_ref<const std::string&>();
        const bool is_like_user = name.find_first_not_of("0123456789") == std::string::npos;
        return is_like_user ? Json('"' + name + '"') : group;
    }

    Json group_of(const Json& entry, std::uint64_t order) const {
        if (by_ == "event") return word(entry, "event");
        if (by_ == "hour") {
            constexpr std::int64_t kHourMs = 3'600'000;
            const auto time = static_cast<std::int64_t>(number_in(entry, "time_ms").value_or(0));
            return time_text(time / kHourMs * kHourMs);
        }
        const auto found = buyers_.find(order);
        // Of an order from before the report begins.
        return found == buyers_.end() ? Json("-") : found->second;
    }

    void void_holds(const Json& closed) {
        const auto event = word(closed, "event");
        for (const auto& [order, hold] : live_) {
            if (hold.event == event) totals_[group_of(closed, order)].released += hold.tickets;
        }
        std::erase_if(live_, [&](const auto& hold) { return hold.second.event == event; });
    }

    struct Hold {
        std::string event;
        std::uint64_t tickets = 0;
    };
    const std::string by_;
    const Output output_;
    std::map<Json, Totals> totals_;
    std::map<std::uint64_t, Json> buyers_;  // by order
    std::map<std::uint64_t, Hold> live_;    // likewise
};

}  // namespace

std::optional<Failure> export_ledger(const Arguments& arguments, const CallOptions& options) {
    const bool is_csv = arguments.is_csv;
    // A page at a time: a line each would be a system call each. The head goes with the first, so
    // that who may not read the ledger gets nothing.
    constexpr std::size_t kPiece = std::size_t{64} * 1024;
    auto lines = is_csv ? csv_head() : "";
    auto failure = for_each_entry(arguments.from.value_or(1), options,
                                  [&](const Json& entry) -> std::optional<Failure> {
                                      lines += is_csv ? csv_line(entry) : entry.dump() + '\n';
                                      if (lines.size() < kPiece) return std::nullopt;
                                      auto wrong = write_result(lines);
                                      lines.clear();
                                      return wrong;
                                  });
    if (failure) return failure;
    return write_result(lines);
}

Outcome<std::string> report_on_ledger(const Arguments& arguments, const CallOptions& options) {
    const auto by = arguments.by_group.value_or("event");
    if (by != "event" && by != "buyer" && by != "hour") {
        return usage("--per is event, buyer or hour, not '" + by + "'");
    }
    Report report{by, arguments.output.value_or(Output::kText)};
    const auto failure = for_each_entry(arguments.from.value_or(1), options,
                                        [&](const Json& entry) -> std::optional<Failure> {
                                            report.add(entry);
                                            return std::nullopt;
                                        });
    if (failure) return *failure;
    return report.text();
}

}  // namespace ticketd::client
