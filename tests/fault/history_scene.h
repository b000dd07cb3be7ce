// Histories made up for the tests of the checker: a small, right box office that answers at once,
// so that a history is right until a test spoils it. Single-threaded.
#pragma once

#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "tests/fault/history_check.h"

namespace ticketd::testing {

struct Scene {
    History history;
    std::vector<RawEntry> entries;

    /// Decides `op` now: answers it, with an entry if it is a change, and adds it to the history.
    /// Without times given it runs alone, after everything before it. Its index.
    std::size_t perform(Op op);

    std::size_t create(const std::string& event, std::uint64_t capacity);
    /// One that uses its numbers again.
    std::size_t create_slots(const std::string& event, std::uint64_t capacity);
    std::size_t resize(const std::string& event, std::uint64_t capacity);
    std::size_t buy(const std::string& event, std::uint64_t quantity, const std::string& key = "",
                    std::uint64_t min_quantity = 0);
    std::size_t query(const std::string& event);
    std::size_t list_events();
    std::size_t look_up(const std::string& key);
    std::size_t abandon(const std::string& key);
    std::size_t hold(const std::string& event, std::uint64_t quantity, const std::string& key = "");
    /// Confirm, release, extend or cancel; of a confirm and a cancel so many, 0: all.
    std::size_t change(Deed deed, std::uint64_t order, const std::string& key = "",
                       std::uint64_t quantity = 0);
    /// A purchase that stands in line for so long, if it has to.
    std::size_t wait(const std::string& event, std::uint64_t quantity, std::int64_t wait_ms,
                     const std::string& key = "");
    /// The time is over of one that stands in line, and of those that joined it.
    void time_out(std::size_t index);
    /// Purchases and holds with keys that are new, all or none.
    void perform_atomically(std::vector<Op> ops);
    /// The time of a hold is up.
    void expire(std::uint64_t order);
    /// The daemon dies and is started again.
    void die();

    Op& op(std::size_t index) { return history.ops[index]; }
    /// The answer of that op got lost on the way.
    void lose_answer(std::size_t index);

    std::int64_t now_ns = 0;

  private:
    struct Refusal {
        Op op;
        Told told;
    };
    void begin(Op& op);
    void decide(Op& op);
    void decide_keyed(Op& op);
    void decide_new_order(Op& op);
    /// Nothing if it can be done now.
    std::string shortage_of(const Op& op, bool is_behind) const;
    void make_order(Op& op);
    void decide_change(Op& op);
    void decide_event(Op& op);
    void show_order(Op& op) const;
    void refuse_for_stock(Op& op, const RawEntry& state);
    void refuse_change(Op& op, const RawEntry& newest);
    void answer(Op& op, const RawEntry& entry) const;
    bool uses_slots(const std::string& event) const { return slots_.contains(event); }
    std::vector<std::uint64_t> take_lowest_slots(const std::string& event, std::uint64_t count);
    void keep_slots(RawEntry& entry, const RawEntry& first);
    RawEntry& append(const Op& op, RawType type);
    RawEntry& append_change(const Op& op, RawType type, std::uint64_t freed);
    void end_due_holds();

    /// Those who share a place in line: indices of one request and its copies.
    using Waiter = std::vector<std::size_t>;
    bool has_line(const std::string& event) const;
    std::optional<std::size_t> place_of_key(const Op& op) const;
    void stand_in_line(Op& op);
    void serve_line();
    bool serve_one();
    void answer_waiter(std::size_t place, const Op& decided);
    Counts counts_of(const std::string& event) const;
    static void refuse(Op& op, const std::string& kind);

    std::map<std::string, std::size_t> last_change_;  // index of the entry, by event
    std::vector<std::string> names_;
    std::vector<Waiter> line_;  // of all events
    /// Those that somebody has, by event; only of events with slots.
    std::map<std::string, std::set<std::uint64_t>> slots_;
    std::map<std::string, Op> done_;          // what made an entry, by key
    std::map<std::string, Refusal> refused_;  // by this daemon
    /// Of an order: the index of the entry that said last what it is.
    std::map<std::uint64_t, std::size_t> newest_;
    std::map<std::uint64_t, std::int64_t> ends_ms_;  // of holds that live
    std::int64_t time_ms_ = 0;
};

/// Many clients at once, kills, lost answers, requests repeated by key: whatever a right daemon and
/// its clients might do.
Scene random_scene(std::mt19937_64& random, int ops);

}  // namespace ticketd::testing
