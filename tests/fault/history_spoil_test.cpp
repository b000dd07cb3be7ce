// The checker against histories by chance: thousands that a right daemon could have made, all
// accepted; and each of them with one thing spoiled, all rejected.
#include <functional>

#include "tests/fault/history_judge.h"
#include "tests/fault/history_verdict.h"
#include "tests/support/daemon.h"
#include "tests/support/randomness.h"

namespace ticketd::testing {
namespace {

using Random = std::mt19937_64;

// The index of an op by chance for which `fits` holds; the number of ops if there is none.
std::size_t pick(const Scene& scene, Random& random, const std::function<bool(const Op&)>& fits) {
    const auto count = scene.history.ops.size();
    const auto start = random() % count;
    for (std::size_t i = 0; i < count; ++i) {
        const auto at = (start + i) % count;
        if (fits(scene.history.ops[at])) return at;
    }
    return count;
}

bool is_sale(const Op& op) {
    return op.deed == Deed::kPurchase && op.answer == Answer::kOk && !op.told.replayed;
}
bool is_answered_query(const Op& op) {
    return op.deed == Deed::kQuery && op.answer == Answer::kOk;
}

// Each spoils a history so that no daemon can have made it; false if there is nothing to spoil.
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

// Of those with one key that wait all are told of the same entry.
bool is_of_one(const Scene& scene, const Op& sale) {
    return std::none_of(scene.history.ops.begin(), scene.history.ops.end(), [&](const Op& op) {
        return &op != &sale && !op.key.empty() && op.key == sale.key && op.uid == sale.uid;
    });
}

bool sell_to_two(Scene& scene, Random& random) {
    const auto i = pick(scene, random, [](const Op& op) { return is_sale(op) && op.wait_ms == 0; });
    if (i == scene.history.ops.size()) return false;
    scene.history.ops.push_back(scene.op(i));
    return true;
}

bool refuse_a_sale(Scene& scene, Random& random) {
    const auto i = pick(scene, random, is_sale);
    if (i == scene.history.ops.size()) return false;
    // Whoever repeated it would be the maker, if in doubt or in line with it.
    if (!is_of_one(scene, scene.op(i))) return false;
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

bool has_timed_out(const Op& op) {
    return op.answer == Answer::kRefused && op.told.refusal == "wait_timeout";
}

bool time_out_early(Scene& scene, Random& random) {
    const auto i = pick(scene, random, [&scene](const Op& op) {
        return has_timed_out(op) && is_of_one(scene, op);
    });
    if (i == scene.history.ops.size()) return false;
    scene.op(i).ended_ns = scene.op(i).invoked_ns + scene.op(i).wait_ms * 1'000'000 - 1;
    return true;
}

bool time_out_without_wait(Scene& scene, Random& random) {
    const auto i = pick(scene, random, [&scene](const Op& op) {
        return has_timed_out(op) && is_of_one(scene, op);
    });
    if (i == scene.history.ops.size()) return false;
    scene.op(i).wait_ms = 0;
    return true;
}

// Nobody was in line, whoever is told so.
bool reserve_for_nobody(Scene& scene, Random& random) {
    const auto i =
        pick(scene, random, [](const Op& op) { return op.told.refusal == "reserved_for_line"; });
    if (i == scene.history.ops.size()) return false;
    for (auto& op : scene.history.ops)
        op.wait_ms = 0;
    return true;
}

// An order with slots whose numbers are `spoil`ed, in the ledger and in what was told. Those that
// changed since would be wrong for another reason.
bool spoil_slots(Scene& scene, Random& random,
                 const std::function<bool(const Op&, std::vector<std::uint64_t>&)>& spoil) {
    const auto is_new = [&scene](const Op& op) {
        const bool begins = op.deed == Deed::kPurchase || op.deed == Deed::kHold;
        return begins && op.event == "s" && op.answer == Answer::kOk && !op.told.replayed &&
               is_of_one(scene, op);
    };
    std::vector<std::uint64_t> spoiled;
    const auto i = pick(scene, random, [&](const Op& op) {
        if (!is_new(op)) return false;
        spoiled = op.told.serials;
        return spoil(op, spoiled);
    });
    if (i == scene.history.ops.size()) return false;
    scene.op(i).told.serials = scene.entries[scene.op(i).told.lsn - 1].tickets = spoiled;
    return true;
}

bool skip_slot(Scene& scene, Random& random) {
    return spoil_slots(scene, random, [](const Op&, std::vector<std::uint64_t>& slots) {
        ++slots.back();
        return true;
    });
}

bool give_slot_twice(Scene& scene, Random& random) {
    return spoil_slots(scene, random, [](const Op&, std::vector<std::uint64_t>& slots) {
        if (slots.front() == 1) return false;  // nobody has a lower one
        --slots.front();
        return true;
    });
}

bool tell_another_slot(Scene& scene, Random& random) {
    const auto i = pick(scene, random, [](const Op& op) {
        return op.event == "s" && op.told.state == "held" && !op.told.serials.empty();
    });
    if (i == scene.history.ops.size()) return false;
    ++scene.op(i).told.serials.back();
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

TEST_SUITE_BEGIN("history");

TEST_CASE("histories that a right daemon could have made are accepted") {
    Random random{test_seed()};
    std::size_t ops = 0, refusals = 0, lost = 0, replays = 0, timeouts = 0;
    for (unsigned i = 0; i < scaled(2000); ++i) {
        const auto scene = random_scene(random, 100);
        check_accepted(scene);
        for (const auto& op : scene.history.ops) {
            ++ops;
            refusals += is_refusal_for_stock(op) ? 1U : 0U;
            lost += op.answer == Answer::kUnknown ? 1U : 0U;
            replays += op.told.replayed ? 1U : 0U;
            timeouts += has_timed_out(op) ? 1U : 0U;
        }
    }
    MESSAGE(ops << " ops, " << refusals << " refused for stock, " << lost << " without an answer, "
                << replays << " replays, " << timeouts << " waited in vain");
    CHECK(std::min({refusals, lost, replays, timeouts}) > ops / 100);
}

TEST_CASE("each of these histories is rejected once one thing in it is spoiled") {
    using Spoil = bool (*)(Scene&, Random&);
    const std::pair<std::string, Spoil> spoils[]{
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
        {"time_out_early", time_out_early},
        {"time_out_without_wait", time_out_without_wait},
        {"reserve_for_nobody", reserve_for_nobody},
        {"skip_slot", skip_slot},
        {"give_slot_twice", give_slot_twice},
        {"tell_another_slot", tell_another_slot},
        {"tear_batch", tear_batch},
        {"change_state", change_state},
        {"change_what_returned", change_what_returned},
    };
    Random random{test_seed()};
    for (const auto& [name, spoil] : spoils) {
        CAPTURE(name);
        unsigned spoiled = 0;
        // Not every history has something for every spoil.
        for (unsigned i = 0; i < scaled(2000) && spoiled < scaled(100); ++i) {
            auto scene = random_scene(random, 100);
            if (!spoil(scene, random)) continue;
            ++spoiled;
            CHECK_FALSE(check_history(scene.history, scene.entries).empty());
        }
        CHECK(spoiled == scaled(100));
    }
}

TEST_SUITE_END();

}  // namespace
}  // namespace ticketd::testing
