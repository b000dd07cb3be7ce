#include "server/store/store.h"

#include <algorithm>

#include "common/check.h"
#include "common/names.h"
#include "server/platform/process.h"
#include "server/store/bytes.h"
#include "server/store/store_error.h"

namespace ticketd::store {
namespace {

// What makes two requests with one key the same request. Lives as long as the process.
std::uint64_t fingerprint(const StoreId& store, UserId uid, const std::string& image) {
    return key_digest(store, uid, image).high;
}

EntryType type_of(const box_office::RulesChange& change) {
    if (std::holds_alternative<box_office::Pause>(change)) return EntryType::kEventPaused;
    if (std::holds_alternative<box_office::Resume>(change)) return EntryType::kEventResumed;
    if (std::holds_alternative<box_office::Close>(change)) return EntryType::kEventClosed;
    return EntryType::kEventUpdated;
}

Refused refuse_at_once(ErrorKind kind) {
    box_office::Refusal refusal;
    refusal.kind = kind;
    return {refusal, 0, false};
}

}  // namespace

Store::Store(platform::Directory& directory, const platform::Clock& clock, StoreEvents events,
             StoreSettings settings, const Progress& progress)
    : clock_(clock),
      events_(std::move(events)),
      settings_(settings),
      owner_(directory),
      recovered_(recover(directory, settings.segment_bytes, progress)),
      stock_file_(StockFile::open(directory, id())),
      order_index_(recovered_.order_runs),
      durable_lsn_(recovered_.state.last_lsn()) {
    require(stock_file_->rebuild(state().events()), kStockFileName);
    require(directory.sync(), kStockFileName);
    for (const auto& change : recovered_.changes)
        order_index_.changed(change.order, change.newest);
    for (const auto& [order, hold] : state().holds())
        deadlines_.set(order, deadline_of(hold));
    const platform::SignalsHeldBack held_back;
    checkpointer_ = std::make_unique<Checkpointer>(
        directory, clock, std::move(recovered_.base), std::move(recovered_.runs),
        std::move(recovered_.order_runs), settings.key_retention,
        CheckpointEvents{events_.on_keys_expired, events_.on_checkpoint, events_.on_fatal});
    const auto segment_left = [this](std::uint64_t number) { checkpointer_->segment_left(number); };
    segment_left(recovered_.position.segment - 1);
    journal_ = std::make_unique<JournalWriter>(
        directory, std::move(recovered_.segment), id(), recovered_.position, settings.segment_bytes,
        JournalEvents{events_.on_durable, segment_left, events_.on_full, events_.on_fatal});
}

QueryResult Store::query(EventId event) {
    const auto lock = enter(event);
    if (!lock) return LockHeld{};
    return Counts{state().event(event).stock};
}

std::optional<ChangeResult> Store::find_answer(const PurchaseRequest& request) {
    return answer_known_key(Asked{request});
}

void Store::remember_not_found(const PurchaseRequest& request) {
    refused_keys_.remember(state().digest(request.uid, request.key),
                           {{ErrorKind::kNotFound}, 0, state().last_lsn(), true});
}

ChangeResult Store::abandon(UserId uid, const std::string& key) {
    if (const auto lsn = state().keys().find(state().digest(uid, key))) return Replay{*lsn};
    if (auto refused = refuse_new_key(key)) return *refused;
    if (auto refused = refuse_for_space()) return *refused;
    instant_ = now();
    auto entry = new_entry(EntryType::kKeyAbandoned, uid, 0);
    entry.after.next_serial = 0;
    entry.key = key;
    return commit(std::move(entry));
}

ChangeResult Store::create_event(UserId uid, const std::string& name, std::uint64_t capacity,
                                 const box_office::Rules& rules) {
    if (auto refused = refuse_for_space()) return *refused;
    if (const auto existing = state().find_event(name)) {
        return Refused{{ErrorKind::kExists}, state().event(*existing).stock.lsn, false};
    }
    if (state().events().size() >= limits::kEvents) {
        return Refused{{ErrorKind::kLimitReached}, state().last_lsn(), false};
    }
    const auto id = static_cast<EventId>(state().events().size());
    const auto lock = lock_slot(id);
    if (!lock) return LockHeld{};
    if (stock_file_->reserve(id)) return refuse_at_once(ErrorKind::kStorageFull);
    instant_ = now();
    auto entry = new_entry(EntryType::kEventCreated, uid, id);
    entry.after.capacity = capacity;
    entry.event_name = name;
    entry.rules = rules;
    return commit(std::move(entry));
}

ChangeResult Store::resize_event(UserId uid, EventId event, const box_office::Resize& resize) {
    if (auto refused = refuse_for_space()) return *refused;
    const auto lock = enter(event);
    if (!lock) return LockHeld{};
    const auto& [name, stock, rules, slots] = state().event(event);
    const auto decision = decide(stock, rules.terms, resize);
    if (const auto* refusal = std::get_if<box_office::Refusal>(&decision)) {
        return Refused{*refusal, stock.lsn, false};
    }
    auto entry = new_entry(EntryType::kEventResized, uid, event);
    entry.after = std::get<box_office::Stock>(decision);
    return commit(std::move(entry));
}

ChangeResult Store::change_rules(UserId uid, EventId event, const box_office::RulesChange& change) {
    if (auto refused = refuse_for_space()) return *refused;
    const auto lock = enter(event);
    if (!lock) return LockHeld{};
    const auto& [name, stock, rules, slots] = state().event(event);
    auto entry = new_entry(type_of(change), uid, event);
    const auto decision = decide(rules, change, entry.time_ms);
    if (const auto* kind = std::get_if<ErrorKind>(&decision)) return Refused{{*kind}, stock.lsn};
    const auto& after = std::get<box_office::Rules>(decision);
    const auto* close = std::get_if<box_office::Close>(&change);
    const bool voids_holds = close != nullptr && close->voids_holds && stock.held > 0;
    if (after == rules && !voids_holds) return Unchanged{stock.lsn};
    entry.voids_holds = voids_holds;
    entry.after = voids_holds ? give_back(stock, stock.held) : stock;
    entry.rules = after;
    return commit(std::move(entry));
}

void Store::end_turn() {
    open_group_ = false;
    journal_->seal();
}

void Store::note_durable(Lsn lsn) {
    durable_lsn_ = std::max(durable_lsn_, lsn);
    while (!undo_.empty() && undo_.front().undo.lsn <= durable_lsn_)
        undo_.pop_front();
}

void Store::roll_back() {
    std::vector<EventId> touched;
    while (!undo_.empty()) {
        if (undo_.back().undo.event) touched.push_back(*undo_.back().undo.event);
        undo_newest();
    }
    TICKETD_CHECK(state().last_lsn() == durable_lsn_);
    refused_keys_.forget_after(durable_lsn_);
    open_group_ = false;
    journal_->discard(durable_lsn_ + 1);
    // A slot that somebody else has locked now is mended by its next request.
    for (const auto event : touched) {
        const auto lock = lock_slot(event);
        if (!lock) {
            stock_file_->distrust(event);
        } else if (event < state().events().size()) {
            write_slot(event);
        } else if (auto error = stock_file_->erase(event)) {
            fail_stock_file(error.message());
        }
    }
}

void Store::close() {
    const auto end = journal_->finish();
    // The sync thread has ended; what it did not get to is taken back, as if never asked.
    while (!undo_.empty() && undo_.back().undo.lsn >= end.lsn)
        undo_newest();
    durable_lsn_ = end.lsn - 1;
    const auto error = checkpointer_->finish(end.segment);
    if (error && !is_out_of_space(error)) throw StoreUnavailable(kCheckpointName, error);
}

void Store::check_files() {
    if (!stock_file_->is_in_place()) fail_stock_file("was removed or replaced while in use");
    if (!owner_.is_held()) {
        events_.on_fatal(std::string{kOwnerLockName} + ": was removed or replaced while in use");
    }
}

void Store::scrub() {
    constexpr std::size_t kSlotsAtOnce = 64;
    static_cast<void>(recovered_.state.forget_some_keys());
    const auto header = stock_file_->restore_header();
    if (header.error) return fail_stock_file(header.error.message());
    if (header.was_changed) events_.on_notice("the header of the stock file was changed; restored");
    const auto slots = state().events().size();
    for (std::size_t i = 0; i < std::min(kSlotsAtOnce, slots); ++i) {
        if (next_to_scrub_ >= slots) next_to_scrub_ = 0;
        const auto event = next_to_scrub_++;
        const auto lock = lock_slot(event);
        if (lock && !settle_slot(event)) return;
    }
}

std::optional<StockFile::SlotLock> Store::lock_slot(EventId event) {
    if (staged_ && staged_->locked.contains(event)) return StockFile::SlotLock::of_caller();
    return stock_file_->try_lock(event);
}

// With the slot's lock: the slot says what the ledger says, and holds that have ended are no more.
// Nothing if another process has the lock. A batch entered all of its events at one instant.
std::optional<StockFile::SlotLock> Store::enter(EventId event) {
    auto lock = lock_slot(event);
    if (!lock || !settle_slot(event)) return std::nullopt;
    if (staged_) return lock;
    instant_ = now();
    end_due_holds(event);
    return lock;
}

// Under the slot's lock: makes sure that the slot says what the ledger says.
bool Store::settle_slot(EventId event) {
    switch (stock_file_->check(event)) {
        case StockFile::SlotState::kAsWritten: return true;
        case StockFile::SlotState::kUnreadable: fail_stock_file("cannot be read"); return false;
        case StockFile::SlotState::kChanged: break;
    }
    ++restored_slots_;
    events_.on_notice("slot " + std::to_string(event) + " of the stock file (event " +
                      state().event(event).name +
                      ") does not say what was written to it last; restored from the ledger");
    write_slot(event);
    return true;
}

std::optional<Refused> Store::refuse_for_space() const {
    if (journal_->is_backlogged()) return refuse_at_once(ErrorKind::kBusy);
    if (!journal_->has_room()) return refuse_at_once(ErrorKind::kStorageFull);
    return std::nullopt;
}

// By its key, or because there is no room for a change.
std::optional<ChangeResult> Store::answer_at_once(const Asked& asked) {
    if (auto known = answer_known_key(asked)) return known;
    if (auto refused = refuse_for_space()) return *refused;
    if (auto refused = refuse_new_key(asked.key)) return *refused;
    return std::nullopt;
}

std::optional<ChangeResult> Store::answer_known_key(const Asked& asked) {
    if (asked.key.empty()) return std::nullopt;
    const auto digest = state().digest(asked.uid, asked.key);
    if (const auto lsn = state().keys().find(digest)) return Replay{*lsn};
    const auto refused = refused_keys_.find(digest);
    if (!refused) return std::nullopt;
    // A request whose event did not exist cannot be compared with one whose event does.
    const bool is_same = refused->is_of_no_event
                             ? asked.is_for_tickets
                             : refused->fingerprint == fingerprint(id(), asked.uid, asked.image());
    if (!is_same) {
        return Refused{{ErrorKind::kKeyMismatch}, refused->lsn, false};
    }
    return Refused{refused->refusal, refused->lsn, true};
}

// Tells whoever finds too much held when some of it may return.
box_office::Refusal Store::with_next_end(EventId event, box_office::Refusal refusal) const {
    const auto next = deadlines_.next_of(event);
    const auto& stock = state().event(event).stock;
    const bool may_return = refusal.kind == ErrorKind::kHeldOut ||
                            (refusal.kind == ErrorKind::kInsufficient &&
                             refusal.requested <= stock.available() + stock.may_return());
    if (may_return && next) {
        refusal.wait_ms = std::max<std::int64_t>((*next - now().elapsed).count(), 0);
    }
    return refusal;
}

Refused Store::refuse(const Asked& asked, EventId event, box_office::Refusal refusal, Turn turn) {
    const auto next = deadlines_.next_of(event);
    // The tickets of a hold that has ended are nobody's, but there was no room to say so.
    if (next && *next <= now().elapsed) {
        if (auto refused = refuse_for_space()) return *refused;
    }
    refusal = with_next_end(event, refusal);
    const auto lsn = state().event(event).stock.lsn;
    if (!turn.can_wait || !box_office::may_pass(refusal.kind)) remember(asked, refusal, lsn);
    return {refusal, lsn, false};
}

std::optional<ChangeResult> Store::settled(const Asked& asked, const PurchaseRequest& request) {
    if (auto known = answer_known_key(asked)) return known;
    const auto& [name, stock, rules, slots] = state().event(request.event);
    const auto refusal = hopeless(stock, rules, terms_of(request), now_ms());
    if (!refusal) return std::nullopt;
    return refuse(asked, request.event, *refusal);
}

Refused Store::give_up(const Asked& asked, const PurchaseRequest& request) {
    auto refusal = reserve_for_line(state().event(request.event).stock, request.terms);
    refusal.kind = ErrorKind::kWaitTimeout;
    return refuse(asked, request.event, refusal);
}

void Store::remember(const Asked& asked, const box_office::Refusal& refusal, Lsn lsn) {
    // What becomes of an atomic batch is not known yet.
    if (asked.key.empty() || staged_) return;
    const auto digest = state().digest(asked.uid, asked.key);
    // While this request waited in line another one may have been told no with its key.
    if (refused_keys_.find(digest)) return;
    refused_keys_.remember(digest, {refusal, fingerprint(id(), asked.uid, asked.image()), lsn});
}

// A key that is not known any more must not buy again: its own time tells, if it has one.
std::optional<Refused> Store::refuse_new_key(std::string_view key) const {
    if (key.empty()) return std::nullopt;
    const auto made_ms = key_time_ms(key);
    // By the clock as it is now: the ledger's time stays where a clock once was that was too fast.
    const auto wall_ms = now().wall.time_since_epoch().count();
    const auto retained = std::max(wall_ms - settings_.key_retention.count(),
                                   state().key_floor().time_ms + limits::kKeyClockSlackMs);
    if (made_ms && *made_ms < retained) return refuse_at_once(ErrorKind::kKeyTooOld);
    if (state().keys().size() >= settings_.keys) return refuse_at_once(ErrorKind::kBusy);
    return std::nullopt;
}

std::int64_t Store::now_ms() const {
    return time_ms(now());
}

// The ledger's: it never goes back.
std::int64_t Store::time_ms(const platform::Instant& instant) const {
    return std::max<std::int64_t>(state().last_time_ms(), instant.wall.time_since_epoch().count());
}

Entry Store::new_entry(EntryType type, UserId uid, EventId event) {
    Entry entry;
    entry.type = type;
    entry.lsn = state().last_lsn() + 1;
    entry.time_ms = time_ms(instant_);
    entry.uid = uid;
    entry.event = event;
    return entry;
}

// Under the slot's lock. The entry goes into the open group before the slot is written, so that
// the slot never shows what no group will carry.
Changed Store::commit(Entry&& entry) {
    entry.after.lsn = entry.lsn;
    TICKETD_CHECK(!state().problem_with(entry));
    encoded_.clear();
    append_entry(encoded_, entry);
    if (staged_) {
        staged_->entries += encoded_;
        staged_->count += 1;
    } else {
        journal_->append(encoded_, 1);
        open_group_ = true;
    }
    undo_.push_back(apply(entry));
    if (events_.on_entry) events_.on_entry(entry);
    if (concerns_event(entry.type)) write_slot(entry.event);
    return Changed{std::move(entry)};
}

// To what is kept in memory.
Store::Undoable Store::apply(const Entry& entry) {
    Undoable undoable{recovered_.state.apply(entry), {}, {}};
    auto& [undo, deadlines_before, orders_before] = undoable;
    for (const auto& [order, before] : undo.holds) {
        deadlines_before.push_back(deadlines_.find(order));
        const auto* hold = state().find_hold(order);
        deadlines_.set(order, hold == nullptr ? std::nullopt : deadline_of(*hold));
        if (before) orders_before.push_back({order, before->last});
    }
    if (entry.type == EntryType::kCancelled) orders_before.push_back({entry.order, entry.previous});
    for (const auto& changed : orders_before)
        order_index_.changed(changed.order, entry.lsn);
    return undoable;
}

Changed Store::commit_sale(Entry&& entry) {
    auto sold = commit(std::move(entry));
    const auto event = sold.entry.event;
    const auto& [name, stock, rules, slots] = state().event(event);
    const bool is_sold_out = stock.available() == 0 && stock.held == 0;
    const bool is_to_close = rules.terms.closes_when_sold_out && is_sold_out &&
                             rules.state != box_office::SaleState::kClosed;
    if (!is_to_close || refuse_for_space()) return sold;
    auto closed = new_entry(EntryType::kEventClosed, sold.entry.uid, event);
    closed.after = stock;
    closed.rules = rules;
    closed.rules.state = box_office::SaleState::kClosed;
    commit(std::move(closed));
    return sold;
}

void Store::undo_newest() {
    const auto& [undo, deadlines_before, orders_before] = undo_.back();
    recovered_.state.undo(undo);
    for (std::size_t i = 0; i < undo.holds.size(); ++i)
        deadlines_.set(undo.holds[i].order, deadlines_before[i]);
    for (auto order = orders_before.rbegin(); order != orders_before.rend(); ++order)
        order_index_.take_back(order->order, order->newest);
    undo_.pop_back();
}

void Store::write_slot(EventId event) {
    if (auto error = stock_file_->write(event, state().event(event))) {
        fail_stock_file(error.message());
    }
}

void Store::fail_stock_file(const std::string& problem) {
    events_.on_fatal(std::string{kStockFileName} + ": " + problem);
}

}  // namespace ticketd::store
