#include "tests/fault/history_makers.h"

#include <algorithm>
#include <map>
#include <unordered_map>

#include "tests/fault/history_line.h"

namespace ticketd::testing {
namespace {

// The entry that an unanswered op made, if it made one and says by its key or name which.
const RawEntry* entry_named_by(const Op& op, const Model& model) {
    const RawEntry* entry = nullptr;
    if (!op.key.empty()) {
        entry = model.entry_of_key(op.uid, op.key);
    } else if (op.deed == Deed::kCreate) {
        const auto* event = model.find_event(op.event);
        if (event != nullptr) entry = event->changes.front();
    }
    return entry != nullptr && is_request_of(op, *entry, model) ? entry : nullptr;
}

bool is_unnamed(const Op& op) {
    return op.key.empty() && (may_have_key(op.deed) || op.deed == Deed::kResize);
}

// Equal for requests that cannot be told apart.
std::string kind_of(const Op& op) {
    std::string kind;
    for (const auto number :
         {std::uint64_t{op.uid}, static_cast<std::uint64_t>(op.deed), op.capacity, op.quantity,
          op.min_quantity, op.order, static_cast<std::uint64_t>(op.ttl_ms),
          std::uint64_t{op.is_bound}, std::uint64_t{op.restocks}}) {
        kind += std::to_string(number) + " ";
    }
    for (const auto serial : op.serials)
        kind += std::to_string(serial) + ",";
    return kind + (changes_order(op.deed) ? "" : op.event) + " " + op.memo;
}

Deed deed_of(RawType type) {
    switch (type) {
        case RawType::kEventResized: return Deed::kResize;
        case RawType::kHeld: return Deed::kHold;
        case RawType::kConfirmed: return Deed::kConfirm;
        case RawType::kReleased: return Deed::kRelease;
        case RawType::kExtended: return Deed::kExtend;
        case RawType::kCancelled: return Deed::kCancel;
        default: return Deed::kPurchase;
    }
}

std::string kind_of(const RawEntry& entry, const Model& model) {
    Op op;
    op.uid = entry.uid;
    op.event = entry.event < model.events().size() ? model.events()[entry.event].name : "";
    op.deed = deed_of(entry.type);
    if (op.deed == Deed::kResize) op.capacity = entry.capacity;
    op.quantity = entry.requested;
    op.min_quantity = entry.min_quantity;
    op.memo = entry.memo;
    if (entry.expires_ms > 0) op.ttl_ms = entry.expires_ms - entry.time_ms;
    op.is_bound = entry.bind != 0;
    op.order = entry.order;
    if (entry.names_tickets) op.serials = entry.returned;
    if (op.deed == Deed::kCancel) op.restocks = entry.restocks;
    return kind_of(op);
}

using OpsByKey = std::unordered_map<std::string, std::vector<const Op*>>;

// What was told `no` by one daemon was perhaps asked of the next. A client may come to write down
// an answer only after the daemon that gave it has died.
bool has_death_between(const History& history, std::int64_t from, std::int64_t to) {
    return std::any_of(history.deaths_ns.begin(), history.deaths_ns.end(),
                       [&](std::int64_t death) { return from <= death && death <= to; });
}

void check_refused_key(const History& history, const Model& model, const Op& refused,
                       const Place& place, const std::vector<const Op*>& same_key,
                       std::vector<std::string>& problems) {
    const auto* entry = model.entry_of_key(refused.uid, refused.key);
    if (entry != nullptr && entry->type != RawType::kKeyAbandoned) {
        const bool asked_another_daemon =
            std::any_of(same_key.begin(), same_key.end(), [&](const Op* op) {
                return op->answer != Answer::kRefused && !op->told.replayed &&
                       has_death_between(history, refused.invoked_ns, op->ended_ns);
            });
        if (place.first >= entry->lsn) {
            problems.push_back(name_of(refused) + ": refused, though entry " +
                               std::to_string(entry->lsn) + " had sold to it");
        } else if (!asked_another_daemon) {
            problems.push_back(name_of(refused) + ": refused, and yet the same daemon sold to it");
        }
    }
    for (const auto* other : same_key) {
        if (!is_refusal_for_stock(*other) || !is_same_request(*other, refused)) continue;
        const bool differs =
            other->told.refusal != refused.told.refusal || other->told.lsn != refused.told.lsn;
        if (differs && !has_death_between(history, std::min(refused.invoked_ns, other->invoked_ns),
                                          std::max(refused.ended_ns, other->ended_ns))) {
            problems.push_back(name_of(refused) + ": refused in two ways by one daemon");
        }
    }
}

void check_mismatch(const Op& refused, const std::vector<const Op*>& same_key,
                    std::vector<std::string>& problems) {
    const bool explained = std::any_of(same_key.begin(), same_key.end(), [&](const Op* other) {
        return other->invoked_ns <= refused.ended_ns && !is_same_request(*other, refused);
    });
    if (!explained) problems.push_back(name_of(refused) + ": a mismatch with no other request");
}

// Two with one key that stood at one place in line are served by one entry.
bool stood_together(const Op& a, const Op& b, const Line& line) {
    return line.may_wait(a) && line.may_wait(b) && !a.key.empty() && a.invoked_ns <= b.ended_ns &&
           b.invoked_ns <= a.ended_ns;
}

}  // namespace

bool is_same_request(const Op& a, const Op& b) {
    return a.deed == b.deed && kind_of(a) == kind_of(b);
}

std::vector<Maker> find_makers(const History& history, const Model& model,
                               const std::vector<RawEntry>& entries,
                               const std::vector<Place>& places,
                               std::vector<std::string>& problems) {
    const Line line{history};
    std::vector<Maker> makers(entries.size());
    for (std::size_t i = 0; i < history.ops.size(); ++i) {
        const auto& op = history.ops[i];
        if (places[i].kind == Place::Kind::kChange) {
            auto& told = makers[places[i].first - 1].told;
            if (told && !stood_together(op, history.ops[*told], line)) {
                problems.push_back(name_of(op) + ": told that it made entry " +
                                   std::to_string(places[i].first) + ", and so was " +
                                   name_of(history.ops[*told]));
            }
            told = i;
        } else if (op.answer == Answer::kUnknown) {
            if (const auto* entry = entry_named_by(op, model)) {
                makers[entry->lsn - 1].perhaps.push_back(i);
            }
        }
    }
    for (auto& maker : makers) {
        if (maker.told) maker.perhaps.clear();
    }
    return makers;
}

// Requests of one kind differ only in when they were invoked, so the entries of that kind, in
// order, take the requests in the order of their floors: if that does not work out, nothing does.
void unnamed_makers(const History& history, const Model& model,
                    const std::vector<RawEntry>& entries, const std::vector<Maker>& makers,
                    const std::vector<std::uint64_t>& floors, std::vector<std::string>& problems) {
    std::map<std::string, std::vector<std::uint64_t>> floors_by_kind;
    for (std::size_t i = 0; i < history.ops.size(); ++i) {
        const auto& op = history.ops[i];
        if (op.answer == Answer::kUnknown && is_unnamed(op)) {
            floors_by_kind[kind_of(op)].push_back(floors[i]);
        }
    }
    for (auto& [kind, all] : floors_by_kind)
        std::sort(all.begin(), all.end());
    std::map<std::string, std::size_t> taken;
    for (std::size_t i = 0; i < entries.size(); ++i) {
        const auto& entry = entries[i];
        if (makers[i].told || !makers[i].perhaps.empty() || is_own_end(entry, model)) continue;
        const auto where = "entry " + std::to_string(entry.lsn);
        const bool is_named = !entry.key.empty() || entry.type == RawType::kEventCreated;
        const auto kind = is_named ? "" : kind_of(entry, model);
        const auto& candidates = floors_by_kind[kind];
        auto& next = taken[kind];
        if (is_named || next == candidates.size()) {
            problems.push_back(where + ": nobody asked for it, or all who did were told no");
        } else if (candidates[next++] >= entry.lsn) {
            problems.push_back(where + ": made before anybody asked for it");
        }
    }
}

void check_keys(const History& history, const Model& model, const std::vector<Place>& places,
                std::vector<std::string>& problems) {
    OpsByKey by_key;
    for (const auto& op : history.ops) {
        if (may_have_key(op.deed) && !op.key.empty()) {
            by_key[scoped_key(op.uid, op.key)].push_back(&op);
        }
    }
    for (std::size_t i = 0; i < history.ops.size(); ++i) {
        const auto& op = history.ops[i];
        if (!may_have_key(op.deed) || op.answer != Answer::kRefused || op.key.empty()) continue;
        const auto& same_key = by_key[scoped_key(op.uid, op.key)];
        if (places[i].kind == Place::Kind::kRemembered) {
            check_refused_key(history, model, op, places[i], same_key, problems);
        }
        if (op.told.refusal == "key_mismatch") check_mismatch(op, same_key, problems);
    }
}

}  // namespace ticketd::testing
