// The methods of the wire contract: each takes checked parameters and a responder, asks the store,
// and writes the answer. One Service per daemon. Event loop only.
#pragma once

#include <asio/io_context.hpp>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "server/net/durability.h"
#include "server/net/hold_watch.h"
#include "server/net/ledger_worker.h"
#include "server/net/lock_queue.h"
#include "server/net/order_json.h"
#include "server/net/params.h"
#include "server/net/refusal.h"
#include "server/net/responder.h"
#include "server/net/rows.h"
#include "server/net/session.h"
#include "server/net/waiting_room.h"
#include "server/net/watchers.h"
#include "server/store/store.h"

namespace ticketd::net {

struct ServiceCounters {
    std::uint64_t requests = 0;
    std::uint64_t purchases_sold = 0;
    std::uint64_t purchases_refused = 0;
    std::uint64_t connections_total = 0;
    std::uint64_t connections_refused = 0;
    std::size_t connections = 0;
    std::size_t held_bytes = 0;  ///< by connections, Session::held_bytes()
};

class Service;

inline constexpr EventId kNoEvent = UINT32_MAX;

/// How much an answer may hold: a line, or rows without end.
enum class AnswerSize : std::uint8_t { kSmall, kLarge };

/// Who may call a method. Operators may call every one.
enum class Role : std::uint8_t {
    kAnybody,  ///< who may open the socket
    kReader,   ///< buyers, and auditors
    kBuyer,
    kAuditor,
    kOperator,
};

/// One method of the contract.
struct Method {
    std::string_view name;
    std::string_view summary;
    Role role;  ///< who may call it
    AnswerSize answer_size;
    std::span<const ParamSpec> params;
    void (Service::*handler)(const Params&, const Caller&, const Responder&);
};

class Service {
  public:
    /// All references must outlive the service.
    /// `on_change` is called when something was changed, or is about to be, beside a request that
    /// is being handled.
    /// `on_exchange` is called for answers that are being collected, which may rest on what is
    /// taken back later.
    using OnExchange = std::function<void(const std::shared_ptr<Exchange>&)>;
    Service(asio::io_context& loop, platform::Directory& directory, store::Store& store,
            const Settings& settings, std::function<void()> on_change, OnExchange on_exchange);

    /// How large the answer to a request may be.
    static AnswerSize answer_size(std::string_view method);

    /// Answers one request of `caller`.
    void handle(const Request& request, const Caller& caller, const Responder& responder);

    ServiceCounters& counters() { return counters_; }
    Durability& durability() { return durability_; }
    HoldWatch& hold_watch() { return hold_watch_; }
    WaitingRoom& waiting_room() { return waiting_room_; }
    Watchers& watchers() { return watchers_; }
    /// Requests that wait for a record lock are told `busy`: what they were checked against was
    /// taken back.
    void give_up_locks() { locks_.give_up_all(); }
    /// The daemon stops: nobody waits for a lock or in line any more.
    void close() {
        locks_.close();
        waiting_room_.close();
    }

    static std::span<const Method> methods();

  private:
    static const Method* find_method(std::string_view name);
    /// The method that is asked for, and its parameters; nullptr if it was refused: there is none,
    /// or the caller may not, or not like that.
    const Method* admit(const Request& request, const Caller& caller, const Responder& responder,
                        Params& params);

    // stock_methods.cpp
    void query(const Params&, const Caller&, const Responder&);
    void purchase(const Params&, const Caller&, const Responder&);
    void abandon(const Params&, const Caller&, const Responder&);
    // hold_methods.cpp
    void hold(const Params&, const Caller&, const Responder&);
    void confirm(const Params&, const Caller&, const Responder&);
    void release(const Params&, const Caller&, const Responder&);
    void extend(const Params&, const Caller&, const Responder&);
    // cancel_method.cpp
    void cancel(const Params&, const Caller&, const Responder&);
    // batch_method.cpp
    void batch(const Params&, const Caller&, const Responder&);
    // watch_methods.cpp
    void watch(const Params&, const Caller&, const Responder&);
    void unwatch(const Params&, const Caller&, const Responder&);
    void start_watch(const std::set<EventId>& events, Lsn since, const Caller& caller,
                     const Responder& responder);
    // event_methods.cpp
    void events(const Params&, const Caller&, const Responder&);
    void event_create(const Params&, const Caller&, const Responder&);
    void event_resize(const Params&, const Caller&, const Responder&);
    void event_update(const Params&, const Caller&, const Responder&);
    void event_pause(const Params&, const Caller&, const Responder&);
    void event_resume(const Params&, const Caller&, const Responder&);
    void event_close(const Params&, const Caller&, const Responder&);
    // order_methods.cpp
    void order(const Params&, const Caller&, const Responder&);
    void orders(const Params&, const Caller&, const Responder&);
    // ledger_methods.cpp
    void ledger_read(const Params&, const Caller&, const Responder&);
    void ledger_verify(const Params&, const Caller&, const Responder&);
    void ledger_position(const Params&, const Caller&, const Responder&);
    // server_methods.cpp
    void ping(const Params&, const Caller&, const Responder&);
    void server_info(const Params&, const Caller&, const Responder&);
    void server_stats(const Params&, const Caller&, const Responder&);
    void rpc_discover(const Params&, const Caller&, const Responder&);

    /// The event a request is about: the one named, else the only one, else "default".
    std::optional<EventId> find_event(std::string_view name) const;
    void refuse_unknown_event(std::string_view name, const Responder& responder) const;
    bool try_query(EventId event, const Caller& caller, const Responder& responder);
    /// Where among the parameters of `purchase` and `hold` what they share is.
    struct OrderParams {
        std::size_t min_quantity, key, buyer, wait, memo;
    };
    static constexpr OrderParams kOfPurchase{2, 3, 4, 5, 6};
    static constexpr OrderParams kOfHold{3, 4, 5, 6, 8};
    static constexpr std::size_t kDryRun = 7;  ///< of `purchase`
    /// What both ask for; nothing if it was refused.
    std::optional<store::PurchaseRequest> read_terms(const Params& params, const OrderParams& at,
                                                     const Caller& caller,
                                                     const Responder& responder);
    /// Decides a purchase or a hold, now or when its turn comes.
    template <typename Request>
    void ask_for(Request request, std::chrono::milliseconds wait, const Caller& caller,
                 const Responder& responder);
    /// What `hold` asks for; nothing if it was refused.
    std::optional<store::HoldRequest> read_hold(const Params& params, const Caller& caller,
                                                const Responder& responder);
    /// Answers a purchase or a hold with what the store said.
    template <typename Request>
    bool tell(const store::ChangeResult& result, const Caller& caller, const Request& request,
              const Responder& responder, bool is_last = true);
    void count(const store::ChangeResult& result);
    void bind(const store::Changed& held, const box_office::Binding& binding, const Caller& caller,
              const Responder& responder);
    bool try_preview(const store::PurchaseRequest& request, const Responder& responder);
    /// What `confirm`, `release` or `extend` asks for.
    static store::HoldChangeRequest read_change_of_hold(std::string_view method,
                                                        const Params& params, const Caller& caller);
    void change_hold(std::string_view method, const Params& params, const Caller& caller,
                     const Responder& responder);
    /// That an order is not what a cancellation, or a change of a hold, needs.
    void refuse_not_held(const store::NotHeld& what, bool is_cancel, const Caller& caller,
                         const Responder& responder);
    /// Reads what had become of an order at an LSN, or by now, and calls `show` with it, or with
    /// nothing if there is none of this number.
    static constexpr Lsn kNow = UINT64_MAX;
    void read_order(Lsn order, Lsn as_of, const Responder& responder,
                    std::function<void(const std::optional<store::KnownOrder>&)> show);
    /// The same, and refuses if there is none that the caller may see.
    void view_order(Lsn order, Lsn as_of, const Caller& caller, const Responder& responder,
                    std::function<void(const store::KnownOrder&)> show);
    void cancel(const store::CancelRequest& request, const Caller& caller,
                const Responder& responder);
    /// A request of an atomic batch, ready to be decided with the others.
    struct Prepared {
        Responder responder;
        store::BatchRequest item;
        bool is_ready = false;  ///< else it was answered: it cannot be
        Lsn known = 0;          ///< of the answer to its key that it was compared with; 0: none
    };
    Prepared prepare(const RequestResult& read, const Caller& caller, const Responder& responder);
    /// Reads what the request asks for into `item`; false if it was refused.
    bool read_item(const Request& request, const Caller& caller, const Responder& responder,
                   store::BatchRequest& item);
    void run_in_order(std::vector<RequestResult> requests, const Caller& caller,
                      const std::shared_ptr<Exchange>& answers);
    using Batch = std::shared_ptr<std::vector<Prepared>>;
    using KnownAnswers = std::vector<std::optional<store::Entry>>;
    /// Runs it once it is known what its keys were answered with before.
    void run_atomic(const Batch& batch, const Caller& caller, const Responder& responder);
    void decide(const Batch& batch, const KnownAnswers& known, const Caller& caller,
                const Responder& responder);
    std::optional<EventId> who_waits(const std::vector<Prepared>& batch) const;
    void park_atomic(const Batch& batch, const Caller& caller, const Responder& responder,
                     EventId event, LockQueue::Time give_up_at);
    std::optional<EventId> try_atomic(const Batch& batch, const Caller& caller,
                                      const Responder& responder);
    /// Of the answer to the key of a request, or 0.
    Lsn answer_to(const store::BatchRequest& item, const Caller& caller) const;
    /// Tells all of a batch that cannot be done but the one that failed.
    void link_others(const std::vector<Prepared>& batch, std::size_t failed, const Caller& caller);
    void tell(const Prepared& one, const store::ChangeResult& result, const Caller& caller);
    void show_order(Lsn order, const Caller& caller, const Responder& responder);
    struct OrderFilter;
    struct OrderPage;
    /// Looks at more of the ledger, and answers once the page is complete.
    void read_page(const std::shared_ptr<OrderPage>& page, const Responder& responder);
    void look_up_page(const std::shared_ptr<OrderPage>& page, Rows rows,
                      const Responder& responder);
    /// Answers with what the store said to a request about orders; false if the lock was held.
    template <typename Request>
    bool answer(const store::ChangeResult& result, std::string_view event, const Caller& caller,
                const Request& request, const Responder& responder);
    std::string changed_json(std::uint64_t subscription, const store::Entry& entry) const;
    std::string answer_of(const store::Entry& entry, Replayed replayed) const;
    bool try_event_change(const store::ChangeResult& result, std::string_view event,
                          const Caller& caller, const Responder& responder);
    /// Runs a change of the rules of the event that is named.
    void change_rules(std::string_view event, const box_office::RulesChange& change,
                      const Caller& caller, const Responder& responder);
    std::string counts_json(EventId event, const Caller& caller) const;
    void replay(Lsn lsn, UserId uid, const std::string& key, const std::string& image,
                const Responder& responder);
    /// The name of the event that the entry is about, or "".
    std::string_view event_of(const store::Entry& entry) const;
    /// Calls `attempt(responder)` until it returns true, in turn with others for this event; it
    /// returns false while the lock is held elsewhere. What came back before is for those in line
    /// first; they are served at the same instant.
    template <typename Attempt>
    void run_locked(EventId event, const Responder& responder, Attempt attempt);
    /// The same, once those who wait for the event's lock have had their turn.
    template <typename Attempt>
    void park(EventId event, LockQueue::Time give_up_at, const Responder& responder,
              Attempt attempt);
    LockQueue::Time lock_deadline() const {
        return std::chrono::steady_clock::now() + settings_.lock_timeout;
    }
    /// Once `lsn` is durable, calls `read(LedgerReader&)` on the worker's thread, then
    /// `done(result)` on the loop.
    template <typename Read, typename Done>
    void read_ledger(LedgerWorker& worker, Lsn lsn, const Responder& responder, Read read,
                     Done done);

    asio::io_context& loop_;
    store::Store& store_;
    const Settings& settings_;
    const std::function<void()> on_change_;
    const OnExchange on_exchange_;
    Durability durability_;
    LockQueue locks_;
    HoldWatch hold_watch_;
    WaitingRoom waiting_room_;
    std::atomic<Lsn> audited_lsn_{0};  // how far the audit that runs has come; 0: none does
    // Apart, so that a replayed key need not wait for a long scan, nor that for an audit.
    LedgerWorker lookups_;
    LedgerWorker scans_;
    LedgerWorker audits_;
    LedgerWorker past_;  // for those who watch
    Watchers watchers_;
    ServiceCounters counters_;
    std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
};

template <typename Request>
bool Service::answer(const store::ChangeResult& result, std::string_view event,
                     const Caller& caller, const Request& request, const Responder& responder) {
    if (std::holds_alternative<store::LockHeld>(result)) return false;
    if (const auto* changed = std::get_if<store::Changed>(&result)) {
        responder.result(changed->entry.lsn, answer_of(changed->entry, Replayed::kNo));
    } else if (const auto* refused = std::get_if<store::Refused>(&result)) {
        refuse(*refused, event, responder);
    } else if (const auto* not_held = std::get_if<store::NotHeld>(&result)) {
        constexpr bool is_cancel = std::is_same_v<Request, store::CancelRequest>;
        refuse_not_held(*not_held, is_cancel, caller, responder);
    } else {
        const auto lsn = std::get<store::Replay>(result).lsn;
        replay(lsn, caller.uid, key_of(request), image_of(request), responder);
    }
    return true;
}

template <typename Request>
void Service::ask_for(Request request, std::chrono::milliseconds wait, const Caller& caller,
                      const Responder& responder) {
    const auto event = store::event_of(request);
    run_locked(event, responder, [this, event, wait, caller, request](const Responder& r) {
        const bool is_alone =
            !waiting_room_.has_line(event) && !waiting_room_.has(caller.uid, key_of(request));
        if (wait.count() == 0 && is_alone) {
            return tell(store_.ask(request), caller, request, r);
        }
        const auto tell_later = [this, request](const store::ChangeResult& result,
                                                const Caller& who, const Responder& to,
                                                bool is_last) {
            tell(result, who, request, to, is_last);
        };
        return waiting_room_.admit(request, caller, wait, r, tell_later);
    });
}

template <typename Request>
bool Service::tell(const store::ChangeResult& result, const Caller& caller, const Request& request,
                   const Responder& responder, bool is_last) {
    if (is_last) count(result);
    if constexpr (std::is_same_v<Request, store::HoldRequest>) {
        const auto* held = std::get_if<store::Changed>(&result);
        if (held != nullptr && is_last) bind(*held, request.binding, caller, responder);
    }
    const auto& event = store_.state().event(store::event_of(request)).name;
    return answer(result, event, caller, request, responder);
}

template <typename Attempt>
void Service::run_locked(EventId event, const Responder& responder, Attempt attempt) {
    {
        const store::OneInstant instant{store_};
        waiting_room_.serve(event);
        if (!locks_.has_waiting(event) && attempt(responder)) return;
    }
    park(event, lock_deadline(), responder, std::move(attempt));
}

template <typename Attempt>
void Service::park(EventId event, LockQueue::Time give_up_at, const Responder& responder,
                   Attempt attempt) {
    const auto give_up = [responder, this] {
        responder.error(
            0, ErrorKind::kBusy, "another process holds the lock of the event",
            {{"retry_after_ms", static_cast<std::uint64_t>(settings_.lock_timeout.count())}});
    };
    locks_.park(
        event, give_up_at,
        [responder, attempt, give_up, event, this] {
            // Whoever asked is gone: what they wanted is not done behind their back.
            if (!responder.is_connected()) {
                give_up();
                return true;
            }
            const store::OneInstant instant{store_};
            waiting_room_.serve(event);
            const bool is_answered = attempt(responder);
            if (store_.has_open_group()) on_change_();
            return is_answered;
        },
        give_up);
}

template <typename Read, typename Done>
void Service::read_ledger(LedgerWorker& worker, Lsn lsn, const Responder& responder, Read read,
                          Done done) {
    durability_.when(lsn, [&worker, responder, read, done](bool is_durable) {
        if (!is_durable) {
            return responder.error(0, ErrorKind::kStorageFull, kNoSpace);
        }
        worker.run(responder.connection(), read, done, [responder](const std::string& what) {
            responder.error(0, ErrorKind::kInternal, what);
        });
    });
}

}  // namespace ticketd::net
