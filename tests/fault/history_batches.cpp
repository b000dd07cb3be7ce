#include "tests/fault/history_batches.h"

#include <algorithm>
#include <map>

namespace ticketd::testing {
namespace {

using Indices = std::vector<std::size_t>;

struct Batch {
    const History& history;
    const Model& model;
    const Indices& ops;

    const Op& op(std::size_t i) const { return history.ops[ops[i]]; }

    std::size_t count(Answer answer) const {
        return static_cast<std::size_t>(
            std::count_if(ops.begin(), ops.end(),
                          [&](std::size_t index) { return history.ops[index].answer == answer; }));
    }

    // The entries that requests of it have; they all have keys.
    std::vector<std::uint64_t> entries() const {
        std::vector<std::uint64_t> lsns;
        for (const auto index : ops) {
            const auto& asked = history.ops[index];
            const auto* entry = model.entry_of_key(asked.uid, asked.key);
            if (entry != nullptr && is_request_of(asked, *entry, model)) lsns.push_back(entry->lsn);
        }
        return lsns;
    }
};

// Holds may end of themselves while it is decided; nobody is served.
std::string problem_with_entries(const Batch& batch) {
    const auto lsns = batch.entries();
    if (lsns.empty()) return "";
    if (lsns.size() < batch.ops.size()) return "a part of an atomic batch";
    for (auto lsn = lsns.front(); lsn < lsns.back(); ++lsn) {
        const bool is_its_own = std::find(lsns.begin(), lsns.end(), lsn) != lsns.end();
        if (!is_its_own && batch.model.entry(lsn)->type != RawType::kExpired) {
            return "an atomic batch with something in between";
        }
    }
    return "";
}

// What cannot be done tells why, or all are told that there is no room for them; a batch that is
// repeated may only be told that it failed.
std::string problem_with_refusals(const Batch& batch) {
    std::size_t own = 0, later = 0;
    for (std::size_t i = 0; i < batch.ops.size(); ++i) {
        const auto& kind = batch.op(i).told.refusal;
        const bool is_for_later = kind == "busy" || kind == "storage_full";
        later += is_for_later ? 1U : 0U;
        own += !is_for_later && kind != "linked_failed" ? 1U : 0U;
    }
    if (later > 0) return later == batch.ops.size() ? "" : "a part of an atomic batch for later";
    return own <= 1 ? "" : "an atomic batch that failed twice";
}

std::string problem_with(const Batch& batch) {
    const auto yes = batch.count(Answer::kOk), unknown = batch.count(Answer::kUnknown);
    const auto size = batch.ops.size();
    if ((yes > 0 && yes < size) || (unknown > 0 && unknown < size)) {
        return "an atomic batch that was answered in part";
    }
    return yes + unknown > 0 ? problem_with_entries(batch) : problem_with_refusals(batch);
}

}  // namespace

void check_batches(const History& history, const Model& model, std::vector<std::string>& problems) {
    std::map<std::pair<std::uint32_t, std::uint64_t>, Indices> batches;
    for (std::size_t i = 0; i < history.ops.size(); ++i) {
        const auto& op = history.ops[i];
        if (op.batch > 0) batches[{op.client, op.batch}].push_back(i);
    }
    for (const auto& [name, ops] : batches) {
        const Batch batch{history, model, ops};
        if (auto problem = problem_with(batch); !problem.empty()) {
            problems.push_back(name_of(batch.op(0)) + ": " + problem);
        }
    }
}

}  // namespace ticketd::testing
