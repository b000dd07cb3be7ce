// A daemon that answers has lived since the request was sent, so what counts is which deaths came
// before that. A request without an answer may stand in line until its daemon is dead.
//
// Who was told `wait_timeout` entered the line after the invocation, left it before the answer and
// stood there for `wait_ms` at least. So between `ended - wait` and `invoked + wait` it was in line
// for certain.
#include "tests/fault/history_line.h"

#include <algorithm>

#include "tests/fault/history_judge.h"
#include "tests/fault/history_makers.h"

namespace ticketd::testing {
namespace {

std::int64_t wait_ns(const Op& op) {
    constexpr std::int64_t kNsPerMs = 1'000'000;
    return op.wait_ms * kNsPerMs;
}

// Everybody behind waits, and there always was something to wait for.
bool is_strict_and_open(const Model::Event& event) {
    constexpr std::uint64_t kFits = std::uint64_t{1} << 32U;
    const auto& born = *event.changes.front();
    return event.rules == &born && (born.terms & kFits) == 0 && born.state == 1 &&
           born.opens_ms == 0 && born.closes_ms == 0;
}

class Check {
  public:
    Check(const History& history, const Model& model, const std::vector<std::uint64_t>& floors,
          std::vector<std::string>& problems)
        : history_(history), model_(model), floors_(floors), problems_(problems), line_(history) {}

    void run() {
        for (std::size_t i = 0; i < history_.ops.size(); ++i) {
            const auto& op = history_.ops[i];
            if (!is_refusal_for_stock(op) || op.told.refusal == "never_satisfiable") continue;
            if (op.told.refusal == "wait_timeout") {
                check_timeout(i);
            } else {
                check_refusal(op);
            }
        }
        note_certain_waits();
        for (const auto& op : history_.ops)
            check_turn(op);
    }

  private:
    void complain(const Op& op, const std::string& problem) const {
        problems_.push_back(name_of(op) + ": " + problem);
    }

    std::int64_t first_invoked(const Op& op) const {
        auto first = op.invoked_ns;
        for (const auto* copy : line_.copies(op))
            first = std::min(first, copy->invoked_ns);
        return first;
    }

    // True if another may have stood in line while this request was on its way.
    bool has_others(const Op& op) const {
        const auto since = first_invoked(op);
        const auto& waiters = line_.waiters(op);
        return std::any_of(waiters.begin(), waiters.end(), [&](const Op* other) {
            const bool is_itself =
                other == &op || (!op.key.empty() && other->key == op.key && other->uid == op.uid);
            return !is_itself && other->invoked_ns <= op.ended_ns &&
                   (other->answer == Answer::kUnknown || other->ended_ns >= since);
        });
    }

    void check_timeout(std::size_t i) {
        const auto& op = history_.ops[i];
        const auto copies = line_.copies(op);
        const auto waited = [](const Op* copy) { return copy->wait_ms > 0; };
        const auto long_enough = [&op](const Op* copy) {
            return copy->wait_ms > 0 && copy->invoked_ns + wait_ns(*copy) <= op.ended_ns;
        };
        if (std::none_of(copies.begin(), copies.end(), waited)) {
            return complain(op, "timed out, and did not wait");
        }
        if (std::none_of(copies.begin(), copies.end(), long_enough)) {
            return complain(op, "timed out before its time");
        }
        // All the while it was as it is told here.
        const auto* state = model_.entry(op.told.lsn);
        const bool is_first = copies.size() == 1 && floors_[i] >= op.told.lsn;
        const auto* event = model_.find_event(op.event);
        if (!is_first || state == nullptr || event == nullptr) return;
        if (is_strict_and_open(*event) && state->available() >= op.min_quantity &&
            !has_others(op)) {
            complain(op, "timed out, though there were enough and nobody else in line");
        }
    }

    void check_refusal(const Op& op) {
        const auto copies = line_.copies(op);
        if (std::all_of(copies.begin(), copies.end(),
                        [](const Op* copy) { return copy->wait_ms > 0; })) {
            return complain(op, "refused as " + op.told.refusal + ", though it would have waited");
        }
        if (op.told.refusal == "reserved_for_line" && !has_others(op)) {
            complain(op, "refused for those in line, and nobody was");
        }
    }

    struct Wait {
        std::int64_t from_ns, to_ns;
        const Op* op;
    };

    // Of those whose key is used once, so that nothing else put them in line.
    void note_certain_waits() {
        for (const auto& op : history_.ops) {
            const bool has_waited =
                op.answer == Answer::kRefused && op.told.refusal == "wait_timeout";
            const auto* event = model_.find_event(op.event);
            if (!has_waited || event == nullptr || !is_strict_and_open(*event)) continue;
            const Wait wait{op.ended_ns - wait_ns(op), op.invoked_ns + wait_ns(op), &op};
            if (wait.from_ns < wait.to_ns && line_.copies(op).size() == 1) {
                waits_[op.event].push_back(wait);
            }
        }
    }

    // Whoever came while somebody was in line, and was served before that one left.
    void check_turn(const Op& op) {
        const bool is_served =
            wants_tickets(op.deed) && op.answer == Answer::kOk && !op.told.replayed;
        const auto waits = waits_.find(op.event);
        if (!is_served || waits == waits_.end()) return;
        const auto first = first_invoked(op);
        for (const auto& wait : waits->second) {
            if (wait.from_ns <= first && op.ended_ns <= wait.to_ns) {
                return complain(op, "served past one in line, " + name_of(*wait.op));
            }
        }
    }

    const History& history_;
    const Model& model_;
    const std::vector<std::uint64_t>& floors_;
    std::vector<std::string>& problems_;
    const Line line_;
    std::unordered_map<std::string, std::vector<Wait>> waits_;
};

}  // namespace

Line::Line(const History& history) : deaths_ns_(history.deaths_ns) {
    std::sort(deaths_ns_.begin(), deaths_ns_.end());
    for (const auto& op : history.ops) {
        if (!wants_tickets(op.deed)) continue;
        if (!op.key.empty()) by_key_[scoped_key(op.uid, op.key)].push_back(&op);
        if (op.wait_ms > 0) waiters_[{op.event, daemon_of(op)}].push_back(&op);
    }
}

std::size_t Line::daemon_of(const Op& op) const {
    const auto next = std::lower_bound(deaths_ns_.begin(), deaths_ns_.end(), op.invoked_ns);
    return static_cast<std::size_t>(next - deaths_ns_.begin());
}

bool Line::may_wait(const Op& op) const {
    const auto all = copies(op);
    return std::any_of(all.begin(), all.end(), [](const Op* copy) { return copy->wait_ms > 0; });
}

std::vector<const Op*> Line::copies(const Op& op) const {
    const auto found = op.key.empty() ? by_key_.end() : by_key_.find(scoped_key(op.uid, op.key));
    if (found == by_key_.end()) return {&op};
    std::vector<const Op*> all;
    for (const auto* other : found->second) {
        const bool is_copy =
            other == &op || (daemon_of(*other) == daemon_of(op) &&
                             other->invoked_ns <= op.ended_ns && is_same_request(*other, op));
        if (is_copy) all.push_back(other);
    }
    return all;
}

const std::vector<const Op*>& Line::waiters(const Op& op) const {
    static const std::vector<const Op*> kNobody;
    const auto found = waiters_.find({op.event, daemon_of(op)});
    return found == waiters_.end() ? kNobody : found->second;
}

void check_line(const History& history, const Model& model,
                const std::vector<std::uint64_t>& floors, std::vector<std::string>& problems) {
    Check{history, model, floors, problems}.run();
}

}  // namespace ticketd::testing
