// The mixed load asks for everything and is told everything that a daemon can tell: a load that
// only ever bought would let the history check pass for want of history.
#include <doctest/doctest.h>

#include <map>
#include <set>

#include "tests/fault/history_judge.h"
#include "tests/fault/ordeal.h"
#include "tests/support/randomness.h"

namespace ticketd::testing {
namespace {

std::string kind_of(const Op& op) {
    const auto deed = (op.batch > 0     ? "batch "
                       : op.wait_ms > 0 ? "waiting "
                                        : "") +
                      name_of(op.deed);
    if (op.answer == Answer::kUnknown) return deed + ": no answer";
    if (op.answer == Answer::kRefused) return deed + ": " + op.told.refusal;
    return deed + (op.told.replayed ? ": replayed" : ": ok");
}

// True if what it took became available with the entry before its own: it is as good as certain
// that it stood in line for that.
bool was_served_in_line(const Op& op, const std::vector<RawEntry>& entries) {
    if (op.wait_ms == 0 || op.answer != Answer::kOk || op.told.replayed) return false;
    std::vector<const RawEntry*> before;
    for (auto lsn = op.told.lsn - 1; lsn > 0 && before.size() < 2; --lsn) {
        const auto& entry = entries[lsn - 1];
        if (entry.event == entries[op.told.lsn - 1].event) before.push_back(&entry);
    }
    return before.size() == 2 && before[1]->available() < op.min_quantity;
}

// True if it asks for slots, or is about an order that has some.
bool is_of_slots(const Op& op, const std::vector<RawEntry>& entries) {
    if (!changes_order(op.deed)) return op.event == "demo-slots";
    return op.order > 0 && op.order <= entries.size() && !entries[op.order - 1].tickets.empty();
}

// How many slots were handed out after another order had had them.
int reused_slots(const std::vector<RawEntry>& entries) {
    std::set<std::uint64_t> seen;
    int count = 0;
    for (const auto& entry : entries) {
        if (entry.type != RawType::kPurchased && entry.type != RawType::kHeld) continue;
        for (const auto slot : entry.tickets)
            count += seen.insert(slot).second ? 0 : 1;
    }
    return count;
}

TEST_SUITE_BEGIN("history");

TEST_CASE("a mixed load meets every answer there is, and its history holds") {
    std::mt19937_64 random{test_seed()};
    Ordeal ordeal;
    ordeal.start();
    Load load{ordeal.plan(Habit::kMix, 4, random())};
    CHECK(load.wait_for_answers(8000));
    ordeal.kill();
    ordeal.start();
    CHECK(load.wait_for_answers(10));
    ordeal.collect(load);
    const auto store = audit(ordeal.daemon(), ordeal.history());
    std::map<std::string, int> met;
    for (const auto& op : ordeal.history().ops) {
        ++met[kind_of(op)];
        if (is_of_slots(op, store.entries)) ++met["slots: " + kind_of(op)];
        met["served in line"] += was_served_in_line(op, store.entries) ? 1 : 0;
    }
    met["slots used again"] = reused_slots(store.entries);
    for (const auto& [kind, count] : met)
        MESSAGE(kind << " " << count);
    for (const std::string kind : {"purchase: ok",
                                   "purchase: replayed",
                                   "purchase: sold_out",
                                   "purchase: insufficient",
                                   "purchase: never_satisfiable",
                                   "purchase: key_mismatch",
                                   "purchase: key_abandoned",
                                   "create: ok",
                                   "create: exists",
                                   "resize: ok",
                                   "resize: capacity_below_committed",
                                   "query: ok",
                                   "events: ok",
                                   "order: ok",
                                   "order: not_found",
                                   "order: key_abandoned",
                                   "abandon: ok",
                                   "abandon: replayed",
                                   "hold: ok",
                                   "hold: replayed",
                                   "purchase: held_out",
                                   "confirm: ok",
                                   "confirm: replayed",
                                   "confirm: hold_expired",
                                   "confirm: wrong_state",
                                   "release: ok",
                                   "release: not_found",
                                   "extend: ok",
                                   "extend: hold_expired",
                                   "cancel: ok",
                                   "cancel: replayed",
                                   "cancel: wrong_state",
                                   "purchase: reserved_for_line",
                                   "waiting purchase: ok",
                                   "waiting purchase: wait_timeout",
                                   "waiting hold: ok",
                                   "waiting hold: wait_timeout",
                                   "batch purchase: ok",
                                   "batch hold: ok",
                                   "batch purchase: linked_failed",
                                   "batch hold: linked_failed",
                                   "served in line",
                                   "slots: hold: ok",
                                   "slots: purchase: ok",
                                   "slots: confirm: ok",
                                   "slots: release: ok",
                                   "slots: cancel: ok",
                                   "slots used again"}) {
        CAPTURE(kind);
        CHECK(met[kind] > 0);
    }
}

TEST_SUITE_END();

}  // namespace
}  // namespace ticketd::testing
