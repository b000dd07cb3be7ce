// What clients did and were told, and when: the input of the history check. Values only; the load
// records them, history_check.h judges them, history_log.h writes and reads them as text.
//
// An Op is one attempt: one request sent once. Asking again with the same key is another Op with
// the same key.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

namespace ticketd::testing {

inline constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();

enum class Deed : std::uint8_t {
    kCreate,
    kResize,
    kPurchase,
    kQuery,
    kEvents,
    kOrder,
    kAbandon,
    kHold,
    kConfirm,
    kRelease,
    kExtend,
    kCancel,
};

/// What may have a key, and with it is done once.
inline bool may_have_key(Deed deed) {
    return deed == Deed::kPurchase || deed >= Deed::kHold;
}

/// What makes a new order.
inline bool wants_tickets(Deed deed) {
    return deed == Deed::kPurchase || deed == Deed::kHold;
}

/// Of an order that is there.
inline bool changes_order(Deed deed) {
    return deed >= Deed::kConfirm;
}

enum class Answer : std::uint8_t {
    kUnknown,  ///< none came: it was done, or not, or will be
    kOk,
    kRefused,
};

/// The counts of an event as an answer shows them.
struct Counts {
    std::string event;
    std::uint64_t capacity = 0, available = 0, held = 0, sold = 0, lsn = 0;
};

/// What the answer said. Which members mean anything depends on deed and answer.
struct Told {
    std::string refusal;         ///< its kind
    std::uint64_t lsn = 0;       ///< what the answer rests on
    std::vector<Counts> counts;  ///< of query, create, resize: one; of events: all of them
    std::uint64_t requested = 0;
    std::uint64_t available = 0;

    std::uint64_t order = 0, granted = 0;  ///< of what is about an order
    std::string state;                     ///< of the order
    std::vector<std::uint64_t> serials, returned;
    bool replayed = false;

    std::uint64_t held = 0, capacity = 0, committed = 0;  ///< of a refusal for stock
};

struct Op {
    std::uint32_t client = 0;  ///< with `number` the name of this op
    std::uint64_t number = 0;

    Deed deed = Deed::kQuery;
    std::uint32_t uid = 0;
    std::string event;
    std::uint64_t quantity = 0, min_quantity = 0;  ///< of a purchase or hold; of confirm and cancel
    std::uint64_t capacity = 0;                    ///< of create and resize
    bool has_slots = false;                        ///< of create: numbers are used again
    std::string key, memo;
    std::int64_t ttl_ms = 0;             ///< of hold and extend
    std::int64_t wait_ms = 0;            ///< of a purchase or hold: how long it stands in line
    bool is_bound = false;               ///< of a hold: to its connection
    std::uint64_t order = 0;             ///< of what changes one
    std::vector<std::uint64_t> serials;  ///< of cancel, if by serials
    bool restocks = true;                ///< of cancel

    /// Of a request in an atomic batch: the number of the batch's first op plus one.
    std::uint64_t batch = 0;
    std::uint64_t ahead = 0;  ///< tickets of the same event that the batch wants before it

    std::int64_t invoked_ns = 0;     ///< CLOCK_MONOTONIC, before the first byte was sent
    std::int64_t ended_ns = kNever;  ///< after the last byte came, or the connection was lost
    Answer answer = Answer::kUnknown;
    Told told;
};

inline Op new_op(Deed deed, const std::string& event) {
    Op op;
    op.deed = deed;
    op.event = event;
    return op;
}

struct History {
    std::vector<Op> ops;
    /// When a daemon was known to be dead, before the next was started: nothing that was sent to it
    /// can be carried out after that.
    std::vector<std::int64_t> deaths_ns;
};

}  // namespace ticketd::testing
