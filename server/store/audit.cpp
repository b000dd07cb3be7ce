#include "server/store/audit.h"

#include "server/store/key_run.h"
#include "server/store/ledger_reader.h"
#include "server/store/order_run.h"
#include "server/store/owner_lock.h"
#include "server/store/store_error.h"

namespace ticketd::store {

bool Audit::add(const Entry& entry) {
    if (const auto problem = problem_with(entry)) {
        problems_.push_back("LSN " + std::to_string(entry.lsn) + ": " + *problem);
        return false;
    }
    for (const auto order : state_.changed_by(entry))
        newest_[order] = entry.lsn;
    state_.apply(entry);
    sold_by_orders_.resize(state_.events().size());
    if (begins_order(entry.type)) ++orders_;
    if (is_sale(entry.type)) sold_by_orders_[entry.event] += entry.granted;
    if (!entry.returned.empty()) sold_by_orders_[entry.event] -= entry.returned.size();
    return true;
}

std::optional<std::string> Audit::problem_with(const Entry& entry) const {
    if (auto problem = state_.problem_with(entry)) return problem;
    if (entry.type != EntryType::kCancelled) return std::nullopt;
    const auto found = newest_.find(entry.order);
    if (entry.previous != (found == newest_.end() ? entry.order : found->second)) {
        return "another state of the order than it was in";
    }
    return problem_with_cancellation(entry, read_entry_(entry.previous));
}

void Audit::compare(const std::vector<Event>& events, const std::string& whose) {
    if (events.size() != state_.events().size()) {
        problems_.push_back(whose + ": another number of events than the journal has");
        return;
    }
    for (EventId id = 0; id < events.size(); ++id) {
        const auto& ours = state_.event(id);
        if (events[id] != ours) {
            problems_.push_back(whose + ": event " + ours.name + " differs from the journal");
        }
    }
}

void Audit::compare_holds(const Holds& holds, const std::string& whose) {
    if (holds != state_.holds()) problems_.push_back(whose + ": its holds differ from the journal");
}

void Audit::compare_buyers(const BuyerCounts& buyers, const std::string& whose) {
    if (buyers != state_.buyers()) {
        problems_.push_back(whose + ": what its buyers have differs from the journal");
    }
}

void Audit::compare_orders(platform::Directory& directory, const Checkpoint& checkpoint) {
    std::map<Lsn, Lsn> newest;
    for (const auto& run :
         open_order_runs(directory, checkpoint.store, checkpoint.position.segment)) {
        for (std::uint64_t block = 0; block < run->blocks(); ++block) {
            // Newer runs come first.
            for (const auto& item : run->read_block(block))
                newest.emplace(item.order, item.newest);
        }
    }
    if (newest != newest_) problems_.emplace_back("order runs: they differ from the journal");
}

void Audit::compare_keys(platform::Directory& directory, const Checkpoint& checkpoint,
                         const Progress& progress) {
    std::uint64_t found = 0;
    const auto first = checkpoint.first_key_run, last = checkpoint.position.segment;
    for (auto segment = first; segment <= last; ++segment) {
        if (progress) progress("key runs", segment - first, last - first + 1);
        for (const auto& item : read_key_run(directory, checkpoint.store, segment).items) {
            if (state_.keys().find(item.digest) == item.lsn) ++found;
        }
    }
    if (found != state_.keys().size()) {
        problems_.push_back("key runs: they have " + std::to_string(found) + " of the journal's " +
                            std::to_string(state_.keys().size()) + " keys");
    }
}

AuditReport Audit::report() && {
    AuditReport report;
    report.lsn = state_.last_lsn();
    report.events = state_.events().size();
    report.orders = orders_;
    report.keys = state_.keys().size();
    for (EventId id = 0; id < state_.events().size(); ++id) {
        const auto& [name, stock, rules, slots] = state_.event(id);
        report.capacity += stock.capacity;
        report.available += stock.available();
        report.held += stock.held;
        report.sold += stock.sold;
        report.overcommit += stock.overcommit;
        if (stock.sold != sold_by_orders_[id]) {
            problems_.push_back("event " + name + ": sold " + std::to_string(stock.sold) +
                                ", its orders add up to " + std::to_string(sold_by_orders_[id]));
        }
    }
    if (report.capacity + report.overcommit != report.available + report.held + report.sold) {
        problems_.emplace_back("capacity and overcommit are not available + held + sold");
    }
    std::uint64_t held = 0;
    for (const auto& [order, hold] : state_.holds())
        held += hold.quantity;
    if (held != report.held) problems_.emplace_back("holds do not add up to what is held");
    report.problems = std::move(problems_);
    return report;
}

AuditReport audit_store(platform::Directory& directory, const Progress& progress) {
    const auto reading = is_owned(directory) ? Reading::kInUse : Reading::kAtRest;
    const auto checkpoint = read_checkpoint(directory);
    LedgerReader reader{directory, checkpoint.store};
    Audit audit{checkpoint.store, checkpoint.key_floor,
                [&reader](Lsn lsn) { return reader.entry(lsn); }};
    bool compared = false;
    const auto compare_at_checkpoint = [&](Lsn next) {
        if (compared || next != checkpoint.position.lsn) return;
        audit.compare(checkpoint.events, kCheckpointName);
        audit.compare_holds(checkpoint.holds, kCheckpointName);
        audit.compare_buyers(checkpoint.buyers, kCheckpointName);
        // A daemon may drop old runs meanwhile.
        if (reading == Reading::kAtRest) {
            audit.compare_keys(directory, checkpoint, progress);
            audit.compare_orders(directory, checkpoint);
        }
        compared = true;
    };
    // read_journal() checks each entry too; the audit keeps its own count of orders.
    JournalPosition position{0, kBlockBytes, 1, 1, 0};
    LedgerState state{checkpoint.store, kNoKeys};
    const auto visit = [&](const Entry& entry) {
        compare_at_checkpoint(entry.lsn);
        audit.add(entry);
    };
    const auto end =
        read_journal(directory, checkpoint.store, position, state, visit, progress, reading);
    compare_at_checkpoint(position.lsn);
    auto report = std::move(audit).report();
    if (!compared) {
        report.problems.push_back("the checkpoint is at LSN " +
                                  std::to_string(checkpoint.position.lsn - 1) +
                                  ", the journal ends at " + std::to_string(position.lsn - 1));
    }
    if (reading == Reading::kInUse) {
        report.notices.emplace_back(
            "a ticketd is selling from it: checked as far as it was written");
    } else if (end.torn_bytes > 0) {
        report.notices.push_back(
            "a torn tail of " + std::to_string(end.torn_bytes) + " bytes, never acknowledged, in " +
            segment_name(position.segment) + " at offset " + std::to_string(position.offset));
    }
    return report;
}

}  // namespace ticketd::store
