#include "tests/fault/history_check.h"

#include "tests/fault/history_batches.h"
#include "tests/fault/history_line.h"
#include "tests/fault/history_order.h"

namespace ticketd::testing {

std::vector<std::string> check_history(const History& history,
                                       const std::vector<RawEntry>& entries) {
    const Model model{entries};
    auto problems = model.problems();
    // Without sound entries there is nothing to hold the answers against.
    if (!problems.empty()) return problems;
    std::vector<Place> places;
    places.reserve(history.ops.size());
    for (const auto& op : history.ops) {
        auto judgement = judge(op, model);
        if (!judgement.problem.empty()) {
            problems.push_back(name_of(op) + ": " + judgement.problem);
        }
        places.push_back(judgement.place);
    }
    const auto makers = find_makers(history, model, entries, places, problems);
    const auto floors = check_order(history, places, makers, problems);
    unnamed_makers(history, model, entries, makers, floors, problems);
    check_keys(history, model, places, problems);
    check_batches(history, model, problems);
    check_line(history, model, floors, problems);
    return problems;
}

std::vector<std::string> check_slots(const std::vector<RawEntry>& entries,
                                     const std::vector<RawSlot>& slots) {
    const Model model{entries};
    auto problems = model.problems();
    if (slots.size() != model.events().size()) {
        problems.push_back("the stock file has another number of events than the journal");
        return problems;
    }
    for (std::size_t i = 0; i < slots.size(); ++i) {
        const auto& slot = slots[i];
        const auto& state = *model.events()[i].changes.back();
        const auto& rules = *model.events()[i].rules;
        const bool agrees = slot.state == rules.state && slot.opens_ms == rules.opens_ms &&
                            slot.closes_ms == rules.closes_ms && slot.terms == rules.terms &&
                            slot.name == model.events()[i].name && slot.lsn == state.lsn &&
                            slot.capacity == state.capacity &&
                            slot.available == state.available() && slot.held == state.held &&
                            slot.sold == state.sold && slot.next_serial == state.next_serial;
        if (!agrees)
            problems.push_back("slot " + std::to_string(i) + " is not as the journal ends");
    }
    return problems;
}

}  // namespace ticketd::testing
