#include "tests/fault/history_spoils.h"

namespace ticketd::testing {
namespace {

bool time_out_early(Scene& scene, Random& random) {
    const auto i = pick(scene, random, [&scene](const Op& op) {
        return has_timed_out(op) && has_own_key(scene, op);
    });
    if (i == scene.history.ops.size()) return false;
    scene.op(i).ended_ns = scene.op(i).invoked_ns + scene.op(i).wait_ms * 1'000'000 - 1;
    return true;
}

bool time_out_without_wait(Scene& scene, Random& random) {
    const auto i = pick(scene, random, [&scene](const Op& op) {
        return has_timed_out(op) && has_own_key(scene, op);
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
        return wants_tickets(op.deed) && op.event == "s" && op.answer == Answer::kOk &&
               !op.told.replayed && has_own_key(scene, op);
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

}  // namespace

bool has_timed_out(const Op& op) {
    return op.answer == Answer::kRefused && op.told.refusal == "wait_timeout";
}

std::vector<Spoil> spoils_of_scarcity() {
    return {
        {"time_out_early", time_out_early},
        {"time_out_without_wait", time_out_without_wait},
        {"reserve_for_nobody", reserve_for_nobody},
        {"skip_slot", skip_slot},
        {"give_slot_twice", give_slot_twice},
        {"tell_another_slot", tell_another_slot},
    };
}

}  // namespace ticketd::testing
