// The store: one owner of all events, their counts and their ledger. It puts the rules of selling
// (box_office/) to work under the record lock, and on disk in the order that keeps every promise:
//
//   lock the slot, check it, decide, append the entry to the open group, write the slot, unlock;
//   then, grouped: one write, one sync; only then may anybody be told.
//
// The store does not wait and does not tell: each result names the LSN it rests on, and the caller
// must keep it back until durable_lsn() has reached it. All functions belong to one thread, the
// event loop; the callbacks in StoreEvents come from the sync thread.
//
// Checkpoints are written behind its back by a thread of its own (checkpointer.h).
//
// Failures: a full disk refuses changes (`storage_full`) and is survived; any other failed write
// and every failed sync is reported by on_fatal, after which the process must end without
// answering anybody.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "common/limits.h"
#include "server/box_office/decide.h"
#include "server/platform/clock.h"
#include "server/platform/file.h"
#include "server/store/deadlines.h"
#include "server/store/journal_writer.h"
#include "server/store/ledger_state.h"
#include "server/store/order_index.h"
#include "server/store/owner_lock.h"
#include "server/store/recovery.h"
#include "server/store/refused_keys.h"
#include "server/store/requests.h"
#include "server/store/settings.h"
#include "server/store/stock_file.h"

namespace ticketd::store {

/// A change was made; it may be told once `entry.lsn` is durable.
struct Changed {
    Entry entry;
};
/// Nothing was changed; may be told once `lsn` is durable (0: at once).
struct Refused {
    box_office::Refusal refusal;
    Lsn lsn = 0;
    bool replayed = false;
};
/// The key was answered before: the entry with this LSN holds the answer, or shows that it was
/// another request.
struct Replay {
    Lsn lsn = 0;
};
/// It is as it was asked to be: nothing was changed; may be told once `lsn` is durable.
struct Unchanged {
    Lsn lsn = 0;
};
/// Another process holds the record lock. Nothing was done; try again.
struct LockHeld {
    EventId event = 0;  ///< for an atomic batch: of which event
};
/// The order has changed since it was read. Nothing was done; read it again.
struct Outdated {};
/// There is no live hold of this number, or no sold order with these tickets. What the order is
/// instead, if it is one, its entries tell.
struct NotHeld {
    Lsn order = 0;
    Lsn as_of = 0;  ///< what it was then is what tells
};
using ChangeResult = std::variant<Changed, Refused, Replay, LockHeld, Unchanged, NotHeld, Outdated>;

/// An order as its entries say: the one that began it, and the one that says last what it is.
struct KnownOrder {
    Entry first;
    Entry newest;
    OrderLookup lookup;  ///< by which it was found
};

struct Counts {
    box_office::Stock stock;
};
using QueryResult = std::variant<Counts, LockHeld>;

/// What the store reports. All but the last are called on its threads and must only pass it on.
struct StoreEvents {
    std::function<void(Lsn)> on_durable;  ///< everything up to this LSN survives a power cut
    std::function<void(std::error_code)> on_full;
    std::function<void(const std::string&)> on_fatal;  ///< the process has to stop without a word
    std::function<void(const KeyFloor&)> on_keys_expired;
    /// One was written that covers everything up to this LSN, with these order runs.
    std::function<void(Lsn, const OrderRuns&)> on_checkpoint;
    /// Something the operator should know, as one line. Called on the event loop.
    std::function<void(const std::string&)> on_notice;
    /// A change was made, which is not durable yet and may still be taken back: then the next one
    /// has the same LSN. Called on the event loop.
    std::function<void(const Entry&)> on_entry;
};

class Store {
  public:
    /// Recovers or creates the store in `directory`, which must outlive it, as must `clock`.
    /// Blocks until what was recovered is durable. Throws StoreDamaged or StoreUnavailable.
    Store(platform::Directory& directory, const platform::Clock& clock, StoreEvents events,
          StoreSettings settings = {}, const Progress& progress = {});

    const StoreSettings& settings() const { return settings_; }
    const StoreId& id() const { return recovered_.base.store; }
    const LedgerState& state() const { return recovered_.state; }
    /// What recovery found, for the log.
    const std::vector<std::string>& notices() const { return recovered_.notices; }
    Lsn durable_lsn() const { return durable_lsn_; }
    /// Where the durable part of the journal ends: at durable_lsn(), or already behind it.
    JournalPosition durable_position() const { return journal_->durable_position(); }
    const JournalStatistics& journal_statistics() const { return journal_->statistics(); }
    std::uint64_t restored_slots() const { return restored_slots_; }
    std::uint64_t checkpoints() const { return checkpointer_->written(); }

    QueryResult query(EventId event);
    ChangeResult purchase(const PurchaseRequest& request, Turn turn = {});
    /// What a purchase on these terms would come to now, if nobody came first: nothing is changed
    /// or remembered.
    using Preview = std::variant<box_office::Sale, Refused, LockHeld>;
    Preview preview(const PurchaseRequest& request);
    /// Keeps tickets for the buyer. Refusals as of a purchase, limit_reached if this user has as
    /// many holds as one may have, and busy if there are as many as may be.
    ChangeResult hold(const HoldRequest& request, Turn turn = {});
    /// The same of whichever it is; a change of a hold knows no turn.
    ChangeResult ask(const PurchaseRequest& request, Turn turn = {}) {
        return purchase(request, turn);
    }
    ChangeResult ask(const HoldRequest& request, Turn turn = {}) { return hold(request, turn); }
    ChangeResult ask(const HoldChangeRequest& request, Turn) { return change_hold(request); }
    template <typename... Requests>
    ChangeResult ask(const std::variant<Requests...>& request, Turn turn) {
        return std::visit([&](const auto& one) { return ask(one, turn); }, request);
    }
    /// The answer to a request that waits for tickets, if it need not wait any longer: its key was
    /// answered otherwise, or it can never be had.
    std::optional<ChangeResult> settled(const PurchaseRequest& request) {
        return settled(Asked{request}, request);
    }
    std::optional<ChangeResult> settled(const HoldRequest& request) {
        return settled(Asked{request}, request.order);
    }
    /// The refusal for a request that has waited for long enough: wait_timeout, remembered.
    Refused give_up(const PurchaseRequest& request) { return give_up(Asked{request}, request); }
    Refused give_up(const HoldRequest& request) { return give_up(Asked{request}, request.order); }
    /// Confirms, releases or extends a hold. Refusals: not_found (it is somebody else's),
    /// invalid_params (it has fewer tickets), key_too_old, busy, storage_full.
    ChangeResult change_hold(const HoldChangeRequest& request);
    /// Takes back tickets of a sold order, all or some. `known`: null if there is no such order.
    /// Refusals: not_found (also if it is somebody else's), invalid_params (it has fewer),
    /// key_too_old, busy, storage_full.
    ChangeResult cancel(const CancelRequest& request, const KnownOrder* known);
    /// All of them or none, decided one after another: what one takes the next has not. If one
    /// cannot be done its result says why, the others are refused as linked_failed, unless their
    /// keys had been answered before, and nothing was changed. They stand behind those in `lines`,
    /// which count, if all are done, how often somebody was passed. Precondition: at most
    /// limits::kAtomicRequests.
    std::variant<LockHeld, std::vector<ChangeResult>> atomically(
        const std::vector<BatchRequest>& items, Lines& lines);
    /// The event whose lock the request needs; nothing if it changes a hold that does not live.
    std::optional<EventId> event_of(const BatchRequest& request) const;
    /// All those of several requests.
    std::set<EventId> events_of(const std::vector<BatchRequest>& requests) const;
    /// What a request of an atomic batch is told that cannot be done because of another: a Replay,
    /// if its key was answered before, else linked_failed, which is remembered.
    ChangeResult link(const BatchRequest& item);
    /// What a hold was bound to is no more: it is released as soon as its slot can be locked.
    void note_gone(Lsn order);
    /// Ends the holds of every event whose time is up.
    void end_due_holds();
    /// When the next hold ends, by Clock::elapsed(), or nothing if none does; and how long that is
    /// from now, 0 if it is past or none does.
    std::optional<std::chrono::milliseconds> next_end() const { return deadlines_.next(); }
    std::chrono::milliseconds until_next_end() const;
    /// How long a live hold has left, or nothing if it has no end.
    std::optional<std::chrono::milliseconds> left_of(Lsn order) const;
    /// Where the newest entry of an order is to be found.
    OrderLookup look_up(Lsn order) const { return order_index_.look_up(order); }

    /// What the key was answered with before, or nothing; for a request whose event is not known.
    std::optional<ChangeResult> find_answer(const PurchaseRequest& request);
    /// Remembers that the request was told its event does not exist. Precondition: its key is not
    /// empty and was not answered before.
    void remember_not_found(const PurchaseRequest& request);
    /// Makes sure that the key never buys anything from now on, unless it has: then a Replay of
    /// what it bought. Refusals: key_too_old, busy, storage_full.
    ChangeResult abandon(UserId uid, const std::string& key);
    /// Precondition for the next three: the caller may do it; names, capacities and windows are
    /// within limits.
    ChangeResult create_event(UserId uid, const std::string& name, std::uint64_t capacity,
                              const box_office::Rules& rules = {});
    ChangeResult resize_event(UserId uid, EventId event, const box_office::Resize& resize);
    ChangeResult change_rules(UserId uid, EventId event, const box_office::RulesChange& change);
    /// The instant at which things are decided now: see OneInstant.
    platform::Instant now() const { return pinned_ ? *pinned_ : clock_.read(); }
    /// Milliseconds since 1970; never before the time of an entry.
    std::int64_t now_ms() const;

    /// True while the disk is so far behind that every change is refused as busy.
    bool is_backlogged() const { return journal_->is_backlogged(); }
    /// True if changes wait for end_turn().
    bool has_open_group() const { return open_group_; }
    /// Hands the changes of this loop turn to the sync thread, as part of one group.
    void end_turn();

    /// Looks whether the names of the store's files still lead to the files it has open; called
    /// before answers leave. If not, on_fatal: what others see is not what is sold from.
    void check_files();
    /// Small work for quiet moments: forgets some of the keys that are past their retention, and
    /// mends the header of the stock file and the next few slots if somebody changed them, so that
    /// no wrong count stands for long in a slot that no request comes to.
    void scrub();

    /// The event loop's part of StoreEvents.on_durable.
    void note_durable(Lsn lsn);
    /// The event loop's part of on_keys_expired. Each scrub() forgets some of them.
    void note_keys_expired(const KeyFloor& floor) { recovered_.state.raise_key_floor(floor); }
    /// The event loop's part of on_checkpoint.
    void note_checkpoint(Lsn lsn, OrderRuns runs) { order_index_.covered(lsn, std::move(runs)); }
    /// The event loop's part of on_full: takes back every change that is not durable, so that what
    /// rested on an LSN after durable_lsn() must be refused.
    void roll_back();

    /// Syncs everything, writes the clean-stop checkpoint, and ends both threads. Changes left over
    /// because the disk is full are taken back first; if it has no room for the checkpoint, the
    /// next start reads more. Throws StoreUnavailable.
    void close();

  private:
    /// Any request: whose it is, with which key, and what it asks for, which few need to know.
    class Asked {
      public:
        template <typename Request>
        explicit Asked(const Request& request)
            : uid(uid_of(request)),
              key(key_of(request)),
              is_for_tickets(std::is_same_v<Request, PurchaseRequest> ||
                             std::is_same_v<Request, HoldRequest>),
              request_(&request),
              image_of_([](const void* it) { return image_of(*static_cast<const Request*>(it)); }) {
        }
        const UserId uid;
        const std::string& key;
        const bool is_for_tickets;
        std::string image() const { return image_of_(request_); }

      private:
        const void* request_;
        std::string (*image_of_)(const void*);
    };
    /// Entries that are to be of one group, and are not appended yet.
    struct Staged {
        std::string entries;
        std::uint32_t count = 0;
        std::set<EventId> locked;
    };
    /// A change that is not durable, and what it takes to undo it.
    struct Undoable {
        LedgerState::Undo undo;
        std::vector<std::optional<Deadlines::Deadline>> deadlines_before;  // of undo.holds
        std::vector<OrderItem> orders_before;
    };

    std::optional<StockFile::SlotLock> lock_slot(EventId event);
    std::optional<StockFile::SlotLock> enter(EventId event);
    bool settle_slot(EventId event);
    std::optional<ChangeResult> answer_at_once(const Asked& asked);
    std::optional<ChangeResult> answer_known_key(const Asked& asked);
    std::optional<Refused> refuse_for_space() const;
    std::optional<Refused> refuse_new_key(std::string_view key) const;
    Refused refuse(const Asked& asked, EventId event, box_office::Refusal refusal, Turn turn = {});
    box_office::Refusal with_next_end(EventId event, box_office::Refusal refusal) const;
    std::optional<ChangeResult> settled(const Asked& asked, const PurchaseRequest& request);
    Refused give_up(const Asked& asked, const PurchaseRequest& request);
    std::optional<Refused> refuse_new_buyer(const PurchaseRequest& request) const;
    box_office::Purchase terms_of(const PurchaseRequest& request) const;
    void fill_in(Entry& entry, const PurchaseRequest& request, std::uint64_t granted) const;
    ChangeResult not_held(const Asked& asked, Lsn order);
    std::optional<ChangeResult> answer_change_at_once(const Asked& asked, Lsn order);
    static std::optional<ChangeResult> as_not_held(std::optional<ChangeResult> answer, Lsn order);
    void remember(const Asked& asked, const box_office::Refusal& refusal, Lsn lsn);
    void remember(const BatchRequest& item, const Refused& refused);
    Entry change_of(Lsn order, const box_office::Hold& hold, EntryType type, UserId uid);
    void end_due_holds(EventId event);
    Changed commit_sale(Entry&& entry);
    std::optional<Deadlines::Deadline> deadline_of(const box_office::Hold& hold) const;
    Changed commit(Entry&& entry);
    Undoable apply(const Entry& entry);
    ChangeResult ask(const BatchRequest& item, Lines& lines);
    std::size_t bytes_at_most(const BatchRequest& request) const;
    void take_back_staged(std::size_t undoable_before);
    void find_cause(const std::vector<BatchRequest>& items, std::vector<ChangeResult>& results);
    std::optional<ChangeResult> known_answer(const BatchRequest& request);
    static std::uint64_t taken_before(const box_office::Refusal& refusal,
                                      const PurchaseRequest& order,
                                      const std::vector<ChangeResult>& results);
    void restate(const PurchaseRequest& order, Refused& refused,
                 const std::vector<ChangeResult>& results) const;
    void tell_of_failure(const std::vector<BatchRequest>& items, std::size_t failed,
                         std::vector<ChangeResult>& results);
    void undo_newest();
    void write_slot(EventId event);
    void fail_stock_file(const std::string& problem);
    /// At the instant at which it is decided.
    Entry new_entry(EntryType type, UserId uid, EventId event);
    std::int64_t time_ms(const platform::Instant& instant) const;

    friend class OneInstant;
    const platform::Clock& clock_;
    std::optional<platform::Instant> pinned_;
    /// At which the request that has the slot's lock is decided: one for all that is asked and said
    /// of the time, or a hold could be confirmed at the time at which it ended.
    platform::Instant instant_ = clock_.read();
    const StoreEvents events_;
    const StoreSettings settings_;
    OwnerLock owner_;
    Recovered recovered_;
    std::unique_ptr<StockFile> stock_file_;
    RefusedKeys refused_keys_;
    Deadlines deadlines_;
    OrderIndex order_index_;
    std::deque<Undoable> undo_;  // of entries that are not durable, oldest first
    Lsn durable_lsn_ = 0;
    bool open_group_ = false;
    std::uint64_t restored_slots_ = 0;
    EventId next_to_scrub_ = 0;
    std::string encoded_;  // scratch, to keep its capacity
    std::optional<Staged> staged_;
    std::unique_ptr<Checkpointer> checkpointer_;
    std::unique_ptr<JournalWriter> journal_;  // ends first: it tells the checkpointer
};

/// While it lives all that the store is asked for is decided at one instant, so that no hold ends
/// between two questions that belong together. Only for as long as one turn of the loop.
class OneInstant {
  public:
    explicit OneInstant(Store& store) : store_(store), before_(store.pinned_) {
        store_.pinned_ = store_.now();
    }
    OneInstant(const OneInstant&) = delete;
    OneInstant& operator=(const OneInstant&) = delete;
    ~OneInstant() { store_.pinned_ = before_; }

  private:
    Store& store_;
    const std::optional<platform::Instant> before_;
};

}  // namespace ticketd::store
