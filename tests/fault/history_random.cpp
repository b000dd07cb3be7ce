// Made-up histories by chance, see history_scene.h.
#include <algorithm>

#include "tests/fault/history_scene.h"

namespace ticketd::testing {
namespace {

// Decisions are made one after another, `kStep` apart. Each op began some steps before its own and
// ended some after, as far as no death lies between.
class RandomScene {
  public:
    explicit RandomScene(std::mt19937_64& random) : random_(random) {
        scene_.create("a", 20 + below(30));
        scene_.create("b", 1'000'000);
        decided_ns_ = born_ns_ = scene_.now_ns + 1;
    }

    void step() {
        decided_ns_ += kStep;
        auto op = below(5) == 0 && !asked_.empty() ? asked_[below(asked_.size())] : some_op();
        op.answer = Answer::kUnknown;
        op.told = {};
        op.invoked_ns = std::max(born_ns_, decided_ns_ - time_below(8 * kStep));
        op.ended_ns = decided_ns_ + time_below(8 * kStep);
        if (op.deed == Deed::kPurchase && !op.key.empty()) asked_.push_back(op);
        if (below(20) == 0) {  // sent, and never done
            op.number = scene_.history.ops.size();
            scene_.history.ops.push_back(op);
            return;
        }
        const auto index = scene_.perform(op);
        if (below(10) == 0) {  // the client had given up, perhaps before it was done
            scene_.lose_answer(index);
            scene_.op(index).ended_ns = op.invoked_ns + time_below(4 * kStep);
        }
        if (below(25) == 0) die();
    }

    Scene take() { return std::move(scene_); }

  private:
    static constexpr std::int64_t kStep = 10;

    std::uint64_t below(std::uint64_t n) { return random_() % n; }
    std::int64_t time_below(std::int64_t n) {
        return static_cast<std::int64_t>(below(static_cast<std::uint64_t>(n)));
    }

    Op some_op() {
        Op op;
        op.deed = Deed::kPurchase;
        op.event = below(2) == 0 ? "a" : "b";
        op.uid = 7 + static_cast<std::uint32_t>(below(2));
        switch (below(9)) {
            case 0: op.deed = Deed::kQuery; return op;
            case 1:
                op.deed = Deed::kResize;
                op.event = "a";
                op.capacity = below(90);
                return op;
            case 2:
                op.deed = Deed::kCreate;
                op.event = "c" + std::to_string(below(3));
                return op;
            case 3:
                op.event.clear();
                op.deed = Deed::kEvents;
                if (below(2) == 0 || asked_.empty()) return op;
                op.deed = below(2) == 0 ? Deed::kOrder : Deed::kAbandon;
                op.key = asked_[below(asked_.size())].key;
                return op;
            default: break;
        }
        op.quantity = 1 + below(5);
        op.min_quantity = 1 + below(op.quantity);
        if (below(4) != 0) op.key = "k" + std::to_string(decided_ns_);
        return op;
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
        decided_ns_ = born_ns_ = decided_ns_ + 2;
    }

    std::mt19937_64& random_;
    Scene scene_;
    std::vector<Op> asked_;
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
