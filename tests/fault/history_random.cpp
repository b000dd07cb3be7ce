// Made-up histories by chance, see history_scene.h.
#include <algorithm>
#include <array>

#include "tests/fault/history_scene.h"

namespace ticketd::testing {
namespace {

// Decisions are made one after another, `kStep` apart. Each op began some steps before its own and
// ended some after, as far as no death lies between.
class RandomScene {
  public:
    explicit RandomScene(std::mt19937_64& random) : random_(random) {
        scene_.create("a", 2 + below(10));
        scene_.create("b", 1'000'000);
        scene_.create_slots("s", 4);
        decided_ns_ = born_ns_ = scene_.now_ns + 1;
    }

    void step() {
        decided_ns_ += kStep;
        end_waits();
        auto op = below(5) == 0 && !asked_.empty() ? asked_[below(asked_.size())] : some_op();
        op.answer = Answer::kUnknown;
        op.told = {};
        if (below(4) == 0) op.wait_ms = 0;  // a copy need not wait
        op.invoked_ns = std::max(born_ns_, decided_ns_ - time_below(8 * kStep));
        op.ended_ns = decided_ns_ + time_below(8 * kStep);
        if (below(30) == 0) return step_of_batch(op);
        if (may_have_key(op.deed) && !op.key.empty()) asked_.push_back(op);
        if (below(20) == 0) {  // sent, and never done
            op.number = scene_.history.ops.size();
            scene_.history.ops.push_back(op);
            return;
        }
        waiting_.push_back({scene_.perform(op), decided_ns_ + op.wait_ms * kStep});
        note_answers();
        if (below(25) == 0) die();
    }

    // Of those that were answered by now; all but those in line.
    void note_answers() {
        std::erase_if(waiting_, [this](const Waiting& waiting) {
            auto& op = scene_.op(waiting.index);
            if (op.ended_ns == kNever) return false;
            if (op.told.order > 0) orders_.push_back(op.told.order);
            if (below(10) == 0) {  // the client had given up, perhaps before it was done
                scene_.lose_answer(waiting.index);
                op.ended_ns = op.invoked_ns + time_below(4 * kStep);
            }
            return true;
        });
    }

    // Of those whose time is over; the last of those with one key decides.
    void end_waits() {
        scene_.now_ns = std::max(scene_.now_ns, decided_ns_);
        for (const auto& waiting : std::vector<Waiting>{waiting_}) {
            const auto& op = scene_.op(waiting.index);
            const auto is_later = [&](const Waiting& other) {
                const auto& copy = scene_.op(other.index);
                const bool is_it = other.index == waiting.index ||
                                   (!op.key.empty() && copy.key == op.key && copy.uid == op.uid);
                return is_it && other.until_ns > decided_ns_;
            };
            const bool is_over = std::none_of(waiting_.begin(), waiting_.end(), is_later);
            if (op.ended_ns == kNever && is_over) scene_.time_out(waiting.index);
        }
        note_answers();
    }

    // At the same time as `like`.
    void step_of_batch(const Op& like) {
        std::vector<Op> ops;
        for (int i = 0; i < 3; ++i) {
            auto op = some_order();
            op.min_quantity = op.quantity;
            op.wait_ms = 0;
            op.key = "b" + std::to_string(decided_ns_) + "-" + std::to_string(i);
            op.invoked_ns = like.invoked_ns;
            op.ended_ns = like.ended_ns;
            ops.push_back(op);
        }
        scene_.perform_atomically(ops);
        if (below(5) != 0) return;
        for (auto i = scene_.history.ops.size() - 3; i < scene_.history.ops.size(); ++i)
            scene_.lose_answer(i);
    }

    Scene take() { return std::move(scene_); }

  private:
    static constexpr std::int64_t kStep = 1'000'000;  // a millisecond

    struct Waiting {
        std::size_t index;
        std::int64_t until_ns;
    };

    std::uint64_t below(std::uint64_t n) { return random_() % n; }
    std::int64_t time_below(std::int64_t n) {
        return static_cast<std::int64_t>(below(static_cast<std::uint64_t>(n)));
    }

    std::string some_event() { return std::array{"a", "a", "b", "b", "s"}[below(5)]; }

    Op some_order() {
        Op op;
        op.deed = below(3) == 0 ? Deed::kHold : Deed::kPurchase;
        op.event = some_event();
        op.uid = 7 + static_cast<std::uint32_t>(below(2));
        op.quantity = 1 + below(5);
        op.min_quantity = 1 + below(op.quantity);
        if (op.deed == Deed::kHold) op.ttl_ms = 1 + time_below(20);
        if (op.event == "a" && below(2) == 0) {
            op.wait_ms = 1 + time_below(12);
            op.min_quantity = op.quantity += below(4);
        }
        return op;
    }

    Op some_change() {
        constexpr std::array<Deed, 4> kDeeds{Deed::kConfirm, Deed::kRelease, Deed::kExtend,
                                             Deed::kCancel};
        Op op;
        op.deed = kDeeds[below(kDeeds.size())];
        op.order = orders_[below(orders_.size())];
        op.uid = scene_.entries[op.order - 1].uid;
        if (op.deed == Deed::kExtend) op.ttl_ms = 1 + time_below(20);
        if (op.deed == Deed::kConfirm || op.deed == Deed::kCancel) op.quantity = below(4);
        return op;
    }

    Op some_op() {
        auto op = some_order();
        const auto is_change = below(3) == 0 && !orders_.empty();
        if (is_change) op = some_change();
        if (below(4) != 0) op.key = "k" + std::to_string(decided_ns_);
        return is_change || below(9) > 3 ? op : something_else();
    }

    Op something_else() {
        Op op;
        op.event = some_event();
        op.uid = 7 + static_cast<std::uint32_t>(below(2));
        switch (below(4)) {
            case 0: op.deed = Deed::kQuery; return op;
            case 1:
                op.deed = Deed::kResize;
                op.event = below(4) == 0 ? "s" : "a";
                op.capacity = below(op.event == "s" ? 8 : 20);
                return op;
            case 2:
                op.deed = Deed::kCreate;
                op.event = "c" + std::to_string(below(3));
                return op;
            default:
                op.event.clear();
                op.deed = Deed::kEvents;
                if (below(2) == 0 || asked_.empty()) return op;
                op.deed = below(2) == 0 ? Deed::kOrder : Deed::kAbandon;
                op.key = asked_[below(asked_.size())].key;
                return op;
        }
    }

    // Answers that had not come by then never come.
    void die() {
        scene_.now_ns = decided_ns_ + 1;
        scene_.die();
        for (std::size_t i = 0; i < scene_.history.ops.size(); ++i) {
            if (scene_.op(i).ended_ns <= decided_ns_) continue;
            scene_.lose_answer(i);
            scene_.op(i).ended_ns = decided_ns_ + time_below(3);
        }
        waiting_.clear();
        decided_ns_ = born_ns_ = decided_ns_ + 2;
    }

    std::mt19937_64& random_;
    Scene scene_;
    std::vector<Op> asked_;
    std::vector<Waiting> waiting_;
    std::vector<std::uint64_t> orders_;
    std::int64_t born_ns_;     // of the daemon that decides now
    std::int64_t decided_ns_;  // the last decision
};

}  // namespace

Scene random_scene(std::mt19937_64& random, int ops) {
    RandomScene scene{random};
    for (int i = 0; i < ops; ++i)
        scene.step();
    return scene.take();
}

}  // namespace ticketd::testing
