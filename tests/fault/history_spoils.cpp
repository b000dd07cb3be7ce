#include "tests/fault/history_spoils.h"

#include "tests/fault/history_judge.h"

namespace ticketd::testing {
namespace {

bool is_sale(const Op& op) {
    return op.deed == Deed::kPurchase && op.answer == Answer::kOk && !op.told.replayed;
}
bool is_answered_query(const Op& op) {
    return op.deed == Deed::kQuery && op.answer == Answer::kOk;
}

bool lose_sale(Scene& scene, Random& random) {
    const auto i = pick(scene, random, is_sale);
    if (i == scene.history.ops.size()) return false;
    scene.entries.resize(scene.op(i).told.lsn - 1);
    return true;
}

bool change_serial(Scene& scene, Random& random) {
    const auto i = pick(scene, random, is_sale);
    if (i == scene.history.ops.size()) return false;
    auto& serials = scene.op(i).told.serials;
    serials[random() % serials.size()] += 1;
    return true;
}

bool sell_less(Scene& scene, Random& random) {
    const auto i = pick(scene, random, is_sale);
    if (i == scene.history.ops.size()) return false;
    scene.op(i).told.granted -= 1;
    scene.op(i).told.serials.pop_back();
    return true;
}

// One whose key nobody else has: copies that stand in line together are told of one sale.
bool sell_to_two(Scene& scene, Random& random) {
    const auto i = pick(scene, random, [&scene](const Op& op) {
        return is_sale(op) && op.wait_ms == 0 && has_own_key(scene, op);
    });
    if (i == scene.history.ops.size()) return false;
    scene.history.ops.push_back(scene.op(i));
    return true;
}

bool refuse_a_sale(Scene& scene, Random& random) {
    const auto i = pick(scene, random, is_sale);
    if (i == scene.history.ops.size()) return false;
    // Whoever repeated it would be the maker, if in doubt or in line with it.
    if (!has_own_key(scene, scene.op(i))) return false;
    for (const auto& op : scene.history.ops) {
        if (op.answer == Answer::kUnknown && op.key == scene.op(i).key) return false;
    }
    scene.op(i).answer = Answer::kRefused;
    scene.op(i).told = {};
    scene.op(i).told.refusal = "busy";
    return true;
}

bool change_refusal(Scene& scene, Random& random) {
    const auto i = pick(scene, random, is_refusal_for_stock);
    if (i == scene.history.ops.size()) return false;
    auto& told = scene.op(i).told;
    const std::array all{&told.available, &told.capacity, &told.committed, &told.requested};
    *all[random() % all.size()] += 1;
    return true;
}

bool change_count(Scene& scene, Random& random) {
    const auto i = pick(scene, random, is_answered_query);
    if (i == scene.history.ops.size()) return false;
    auto& counts = scene.op(i).told.counts[0];
    const std::array all{&counts.available, &counts.capacity, &counts.sold, &counts.held};
    *all[random() % all.size()] += 1;
    return true;
}

bool tear_batch(Scene& scene, Random& random) {
    const auto i =
        pick(scene, random, [](const Op& op) { return op.batch > 0 && op.answer == Answer::kOk; });
    if (i == scene.history.ops.size()) return false;
    scene.lose_answer(i);
    return true;
}

bool change_what_returned(Scene& scene, Random& random) {
    const auto i = pick(scene, random, [](const Op& op) { return !op.told.returned.empty(); });
    if (i == scene.history.ops.size()) return false;
    scene.op(i).told.returned.back() += 1;
    return true;
}

bool change_state(Scene& scene, Random& random) {
    const auto i = pick(scene, random, [](const Op& op) { return op.told.state == "held"; });
    if (i == scene.history.ops.size()) return false;
    scene.op(i).told.state = "sold";
    return true;
}

// A query that is moved behind the end of the sale that made its answer obsolete.
bool read_stale(Scene& scene, Random& random) {
    const auto query = pick(scene, random, is_answered_query);
    if (query == scene.history.ops.size()) return false;
    const auto& seen = scene.op(query).told.counts[0];
    const auto sale = pick(scene, random, [&](const Op& op) {
        return is_sale(op) && op.event == seen.event && op.told.lsn > seen.lsn;
    });
    if (sale == scene.history.ops.size()) return false;
    scene.op(query).invoked_ns = scene.op(sale).ended_ns + 1;
    scene.op(query).ended_ns = scene.op(query).invoked_ns;
    return true;
}

// A query that is moved before the sale whose effect it saw.
bool read_ahead(Scene& scene, Random& random) {
    const auto query = pick(scene, random, [&](const Op& op) {
        if (!is_answered_query(op)) return false;
        const auto lsn = op.told.counts[0].lsn;
        return pick(scene, random, [lsn](const Op& o) { return is_sale(o) && o.told.lsn == lsn; }) <
               scene.history.ops.size();
    });
    if (query == scene.history.ops.size()) return false;
    const auto lsn = scene.op(query).told.counts[0].lsn;
    const auto sale =
        pick(scene, random, [lsn](const Op& o) { return is_sale(o) && o.told.lsn == lsn; });
    scene.op(query).ended_ns = scene.op(sale).invoked_ns - 1;
    scene.op(query).invoked_ns = scene.op(query).ended_ns;
    return true;
}

// Two sales whose order in real time is the opposite of that in the ledger.
bool reorder(Scene& scene, Random& random) {
    const auto first = pick(scene, random, is_sale);
    if (first == scene.history.ops.size()) return false;
    const auto lsn = scene.op(first).told.lsn;
    const auto second =
        pick(scene, random, [lsn](const Op& op) { return is_sale(op) && op.told.lsn > lsn; });
    if (second == scene.history.ops.size()) return false;
    scene.op(second).ended_ns = scene.op(first).invoked_ns - 1;
    scene.op(second).invoked_ns = scene.op(second).ended_ns;
    return true;
}

bool add_phantom(Scene& scene, Random&) {
    RawEntry entry = scene.entries.back();
    const auto buy = scene.buy("b", 3);
    scene.history.ops.erase(scene.history.ops.begin() + static_cast<std::ptrdiff_t>(buy));
    scene.entries.back().uid = 99;
    return entry.lsn < scene.entries.back().lsn;
}

bool swap_entries(Scene& scene, Random& random) {
    const auto i = pick(scene, random, [&scene](const Op& op) {
        return is_sale(op) && op.told.lsn < scene.entries.size();
    });
    if (i == scene.history.ops.size()) return false;
    auto& entry = scene.entries[scene.op(i).told.lsn - 1];
    auto& next = scene.entries[scene.op(i).told.lsn];
    std::swap(entry, next);
    std::swap(entry.lsn, next.lsn);
    std::swap(entry.time_ms, next.time_ms);
    return true;
}

}  // namespace

std::size_t pick(const Scene& scene, Random& random, const std::function<bool(const Op&)>& fits) {
    const auto count = scene.history.ops.size();
    const auto start = random() % count;
    for (std::size_t i = 0; i < count; ++i) {
        const auto at = (start + i) % count;
        if (fits(scene.history.ops[at])) return at;
    }
    return count;
}

bool has_own_key(const Scene& scene, const Op& sale) {
    return std::none_of(scene.history.ops.begin(), scene.history.ops.end(), [&](const Op& op) {
        return &op != &sale && !op.key.empty() && op.key == sale.key && op.uid == sale.uid;
    });
}

std::vector<Spoil> spoils_of_ledger() {
    return {
        {"lose_sale", lose_sale},
        {"change_serial", change_serial},
        {"sell_less", sell_less},
        {"sell_to_two", sell_to_two},
        {"refuse_a_sale", refuse_a_sale},
        {"change_refusal", change_refusal},
        {"change_count", change_count},
        {"read_stale", read_stale},
        {"read_ahead", read_ahead},
        {"reorder", reorder},
        {"add_phantom", add_phantom},
        {"swap_entries", swap_entries},
        {"tear_batch", tear_batch},
        {"change_state", change_state},
        {"change_what_returned", change_what_returned},
    };
}

}  // namespace ticketd::testing
