#include "tests/fault/power_cut_audit.h"

namespace ticketd::testing {
namespace {

std::uint64_t number(const Json& object, const char* name) {
    return object.at(name).get<std::uint64_t>();
}

}  // namespace

Problems AuditedLedger::read_on(Rpc& rpc) {
    Problems problems;
    for (Json from = last_lsn_ + 1; !from.is_null();) {
        const auto page = rpc.result("ledger.read", {{"from_lsn", from}, {"limit", 1000}});
        for (const auto& entry : page.at("entries"))
            add(entry, problems);
        from = page.at("next");
    }
    return problems;
}

void AuditedLedger::take_for_granted(Rpc& rpc, std::uint64_t orders) {
    const auto present = rpc.result("events");
    for (const auto& counts : present.at("events")) {
        auto& event = events_[counts.at("event").get<std::string>()];
        event.capacity = number(counts, "capacity");
        event.sold_at[number(counts, "lsn")] = number(counts, "sold");
    }
    last_lsn_ = number(rpc.result("server.info"), "durable_lsn");
    orders_granted_ += orders;
}

void AuditedLedger::add(const Json& entry, Problems& problems) {
    const auto lsn = number(entry, "lsn");
    if (lsn != last_lsn_ + 1) problems.push_back("not the next entry: " + entry.dump());
    last_lsn_ = lsn;
    auto& event = events_[entry.at("event").get<std::string>()];
    event.capacity = number(entry, "capacity");
    if (entry.at("type") == "purchased") add_sale(entry, event, problems);
    if (number(entry, "sold") != event.sold()) problems.push_back("sold jumps: " + entry.dump());
    if (number(entry, "sold") + number(entry, "held") + number(entry, "available") !=
        event.capacity) {
        problems.push_back("counts do not add up: " + entry.dump());
    }
}

void AuditedLedger::add_sale(const Json& entry, Event& event, Problems& problems) {
    const Sale sale{entry.at("event"), number(entry, "order"), number(entry, "first_serial"),
                    number(entry, "granted")};
    if (sale.first_serial != event.sold() + 1) {
        problems.push_back("serials do not go on: " + entry.dump());
    }
    event.sold_at[sale.order] = event.sold() + sale.granted;
    if (!sales_.emplace(entry.at("key"), sale).second) {
        problems.push_back("one key, two sales: " + entry.dump());
    }
}

std::string AuditedLedger::problem_with(const ToldSale& told) const {
    const auto found = sales_.find(told.ask.key);
    if (found == sales_.end()) return "acknowledged, but lost: " + told.ask.key;
    const auto& sale = found->second;
    const bool is_same = sale.event == told.ask.event && sale.order == told.order &&
                         sale.granted == told.serials.size() &&
                         sale.first_serial == told.serials.front();
    return is_same ? "" : "acknowledged otherwise: " + told.ask.key;
}

// A purchase that was not answered is there whole, or not at all.
std::string AuditedLedger::problem_with_open(const Ask& ask) const {
    const auto found = sales_.find(ask.key);
    if (found == sales_.end() || found->second.granted == ask.quantity) return "";
    return "done in part: " + ask.key;
}

std::string AuditedLedger::problem_with(const ToldCounts& told) const {
    if (told.lsn > last_lsn_) return "";  // counted once, below
    const auto event = events_.find(told.event);
    std::uint64_t sold = 0;
    if (event != events_.end()) {
        const auto after = event->second.sold_at.upper_bound(told.lsn);
        if (after != event->second.sold_at.begin()) sold = std::prev(after)->second;
    }
    if (sold == told.sold) return "";
    return "a query was told " + std::to_string(told.sold) + " of " + told.event + " at LSN " +
           std::to_string(told.lsn) + ", not " + std::to_string(sold);
}

Problems AuditedLedger::check(const ToldHistory& history) const {
    Problems problems = history.problems;
    const auto note = [&problems](std::string problem) {
        if (!problem.empty()) problems.push_back(std::move(problem));
    };
    for (const auto& sale : history.sales)
        note(problem_with(sale));
    for (const auto& counts : history.counts)
        note(problem_with(counts));
    for (const auto& ask : history.unanswered)
        note(problem_with_open(ask));
    for (const auto& ask : history.refused)
        if (has(ask.key)) problems.push_back("refused, but sold: " + ask.key);
    if (history.lsn_max > last_lsn_) {
        problems.push_back("LSN " + std::to_string(history.lsn_max) +
                           " was told, but the ledger ends at " + std::to_string(last_lsn_));
    }
    return problems;
}

Problems AuditedLedger::check_counts(Rpc& rpc) const {
    Problems problems;
    std::uint64_t sold = 0;
    for (const auto& [name, event] : events_) {
        const auto counts = rpc.result("query", {{"event", name}});
        sold += event.sold();
        if (number(counts, "sold") != event.sold() ||
            number(counts, "capacity") != event.capacity ||
            number(counts, "available") != event.capacity - event.sold()) {
            problems.push_back("the counts are wrong: " + counts.dump());
        }
    }
    const auto verdict = rpc.result("ledger.verify");
    if (verdict.at("ok") != true || number(verdict, "lsn") != last_lsn_ ||
        number(verdict, "orders") != sales_.size() + orders_granted_ ||
        number(verdict, "sold") != sold) {
        problems.push_back("ledger.verify says otherwise: " + verdict.dump());
    }
    return problems;
}

}  // namespace ticketd::testing
