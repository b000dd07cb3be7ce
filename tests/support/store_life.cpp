#include "tests/support/store_life.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <thread>
#include <utility>

#include "server/store/store_error.h"

namespace ticketd::tests {
namespace {

using store::Changed;
using store::Entry;
using store::EntryType;
using store::Refused;
using store::Replay;

constexpr const char* kFill = "fill";
constexpr std::int64_t kHoldMs = 60'000;
// So that an entry spans sectors.
const std::string kMemo(200, 'm');

bool is_for_space(const Refused& refused) {
    return refused.refusal.kind == ErrorKind::kStorageFull ||
           refused.refusal.kind == ErrorKind::kBusy;
}

}  // namespace

StoreLife::StoreLife(MemoryDirectory& disk, ManualClock& clock, Told& told,
                     const std::atomic<bool>& has_failed)
    : disk_(disk), clock_(clock), told_(told), has_failed_(has_failed) {
    try {
        store_ = std::make_unique<store::Store>(
            disk_, clock_, events(), store::StoreSettings{.segment_bytes = kTinySegmentBytes});
    } catch (const store::StoreUnavailable& unavailable) {
        disk_.stop();
        throw ProcessEnded(unavailable.what());
    }
    take_note_of_start();
}

bool StoreLife::kill() {
    disk_.stop();
    store_.reset();
    const std::lock_guard lock{mutex_};
    return !fatal_.empty();
}

store::StoreEvents StoreLife::events() {
    store::StoreEvents events;
    const auto report = [this](std::optional<Lsn> durable) {
        const auto at = disk_.operations();
        const std::lock_guard lock{mutex_};
        reports_.push_back({durable, at});
        reported_.notify_all();
    };
    events.on_durable = report;
    events.on_full = [report](std::error_code) { report(std::nullopt); };
    events.on_fatal = [this](const std::string& what) {
        disk_.stop();  // the process ends here
        {
            const std::lock_guard lock{mutex_};
            if (fatal_.empty()) fatal_ = what;
            reported_.notify_all();
        }
        disk_.tell_news();
    };
    events.on_keys_expired = [this](const store::KeyFloor& floor) {
        {
            const std::lock_guard lock{mutex_};
            expired_ = floor;
        }
        disk_.tell_news();
    };
    events.on_checkpoint = [this](Lsn lsn, const store::OrderRuns& runs) {
        {
            const std::lock_guard lock{mutex_};
            order_runs_ = runs;
            checkpoint_ = lsn;
        }
        disk_.tell_news();
    };
    events.on_notice = [this](const std::string& notice) {
        check_alive();
        throw WrongAnswer(notice);
    };
    return events;
}

void StoreLife::take_note_of_start() {
    const auto& state = store_->state();
    const auto at = disk_.operations();
    if (state.last_lsn() < told_.now().durable) throw WrongAnswer("entries were lost");
    if (state.last_lsn() > told_.now().entries.size()) throw WrongAnswer("entries from nowhere");
    told_.taken_back_after(state.last_lsn(), at);
    told_.durable(state.last_lsn(), at);
    if (state.key_floor().lsn > told_.now().forgettable + 1) throw WrongAnswer("forgot too early");
    told_.keys_gone(state.key_floor().lsn, at);

    const auto& now = told_.now();
    const auto sum = add_up_all(now.entries);
    const auto& events = sum.events;
    if (state.holds() != with_buyers(sum.holds, state)) throw WrongAnswer("other holds");
    if (events.size() != state.events().size()) throw WrongAnswer("another number of events");
    for (EventId id = 0; id < events.size(); ++id) {
        const auto counts = store_->query(id);
        if (std::get<store::Counts>(counts).stock != events[id].stock ||
            state.event(id) != events[id]) {
            throw WrongAnswer("other counts, or another rules, of " + events[id].name);
        }
    }
    for (const auto& entry : now.entries) {
        if (entry.key.empty() || entry.lsn < now.floor) continue;
        const auto result = store_->purchase({entry.uid, 0, {1, 1}, entry.key, "anything"});
        const auto* replay = std::get_if<Replay>(&result);
        if (replay == nullptr || replay->lsn != entry.lsn) {
            throw WrongAnswer("key " + entry.key + " was not answered as before");
        }
    }
}

void StoreLife::create_event() {
    const auto number = told_.now().entries.size();
    box_office::Rules rules;
    rules.terms.reuses_numbers = number % 2 == 1;
    create("e" + std::to_string(number), 4, rules);
    settle();
}

void StoreLife::buy_with_key() {
    if (const auto event = newest_event()) buy(*event, 1, 1, unused_key('k'));
    settle();
}

void StoreLife::buy_more() {
    if (const auto event = newest_event()) {
        buy(*event, 1, 1, "");
        buy(*event, 2, 2, unused_key('k'));
        buy(*event, 9, 1, "");
        buy(*event, 1, 1, "");
    }
    settle();
}

void StoreLife::buy_batch() {
    const auto event = newest_event();
    if (!event) return settle();
    const auto stock = add_up(told_.now().entries).at(*event).stock;
    const auto first = told_.now().entries.size() + 1;
    const store::PurchaseRequest purchase{kUser, *event, {1, 1}, unused_key('b'), kMemo};
    const store::HoldRequest hold{{kUser, *event, {1, 1}, "", kMemo}, kHoldMs, {}};
    store::Lines lines;
    const auto outcome = store_->atomically({purchase, hold}, lines);
    check_alive();
    const auto& results = std::get<std::vector<store::ChangeResult>>(outcome);
    const bool was_refused = std::holds_alternative<Refused>(results.back());
    if ((stock.available() < 2 || !is_open(*event)) && was_refused) {
        refused_keys_.insert(purchase.key);
        return settle();
    }
    Entry asked;
    asked.type = EntryType::kPurchased;
    asked.event = *event;
    asked.requested = asked.min_quantity = asked.granted = 1;
    asked.key = purchase.key;
    asked.memo = kMemo;
    asked.after = stock;
    asked.after.sold += 1;
    asked.after.next_serial += 1;
    give_numbers(asked);
    if (note(results[0], asked)) {
        asked.type = EntryType::kHeld;
        asked.key = "";
        asked.first_serial = 0;
        asked.tickets = {};
        asked.after.held += 1;
        give_numbers(asked);
        note_timed(results[1], asked);
        told_.together(first, first + 1, disk_.operations());
    }
    settle();
}

void StoreLife::hold() {
    const auto event = newest_event();
    if (!event) return settle();
    Entry asked;
    asked.type = EntryType::kHeld;
    asked.event = *event;
    asked.requested = 2;
    asked.min_quantity = 1;
    asked.key = unused_key('h');
    asked.memo = kMemo;
    asked.after = store_->state().event(*event).stock;
    asked.granted = std::min<std::uint64_t>(2, asked.after.available());
    asked.after.held += asked.granted;
    give_numbers(asked);
    const auto result = store_->hold({{kUser, *event, {2, 1}, asked.key, kMemo}, kHoldMs, {}});
    if ((asked.granted == 0 || !is_open(*event)) && std::holds_alternative<Refused>(result)) {
        refused_keys_.insert(asked.key);
    } else {
        note_timed(result, asked);
    }
    settle();
}

void StoreLife::change_hold() {
    const auto holds = add_up_all(told_.now().entries).holds;
    if (!holds.empty()) {
        const auto& [order, hold] = *holds.begin();
        Entry asked;
        asked.event = hold.event;
        asked.order = order;
        asked.previous = hold.last;
        asked.key = unused_key('h');
        asked.after = store_->state().event(hold.event).stock;
        if (hold.last == order) {
            asked.type = EntryType::kExtended;
            note_timed(
                store_->change_hold({kUser, false, order, store::Extend{kHoldMs}, asked.key}),
                asked);
        } else {
            asked.type = EntryType::kConfirmed;
            asked.requested = asked.granted = 1;
            if (hold.slots.empty()) {
                asked.first_serial = asked.after.next_serial;
            } else {
                asked.tickets = {hold.slots.front()};
            }
            asked.after.held -= hold.quantity;
            asked.after.sold += 1;
            asked.after.next_serial += 1;
            note(store_->change_hold({kUser, false, order, box_office::Confirm{1}, asked.key}),
                 asked);
        }
    }
    settle();
}

// One ticket of the last order that has some, for good every other time where that can be.
void StoreLife::cancel_ticket() {
    const auto sum = add_up_all(told_.now().entries);
    const auto sold = std::find_if(sum.sold.rbegin(), sum.sold.rend(), [this](const auto& order) {
        const auto& first = told_.now().entries[order.first - 1];
        return !order.second.empty() && store_->state().event(first.event).name != kFill;
    });
    if (sold != sum.sold.rend()) {
        const auto& [order, tickets] = *sold;
        const auto& entries = told_.now().entries;
        const auto changed = sum.newest.find(order);
        const auto newest = changed == sum.newest.end() ? order : changed->second;
        const store::KnownOrder known{entries[order - 1], entries[newest - 1],
                                      store_->look_up(order)};
        const auto& event = store_->state().event(known.first.event);
        Entry asked;
        asked.type = EntryType::kCancelled;
        asked.event = known.first.event;
        asked.order = order;
        asked.previous = newest;
        asked.requested = 1;
        asked.restocks = event.rules.terms.reuses_numbers || entries.size() % 2 == 0;
        asked.owner = kUser;
        asked.returned = {tickets.back()};
        asked.tickets = {tickets.begin(), tickets.end() - 1};
        asked.key = unused_key('c');
        asked.after = event.stock;
        asked.after.sold -= 1;
        if (!asked.restocks) asked.after.capacity -= 1;
        note(store_->cancel({kUser, false, order, {1, {}, asked.restocks}, asked.key, ""}, &known),
             asked);
    }
    settle();
}

void StoreLife::give_numbers(Entry& asked) const {
    const auto event = add_up(told_.now().entries).at(asked.event);
    if (event.rules.terms.reuses_numbers) {
        asked.tickets = event.slots.lowest_free(asked.granted);
    } else if (is_sale(asked.type)) {
        asked.first_serial = event.stock.next_serial;
    }
}

// Those that end come back in the order in which they end, which is that of their numbers.
void StoreLife::end_holds() {
    clock_.advance(std::chrono::milliseconds{kHoldMs});
    auto sum = add_up_all(told_.now().entries);
    const auto before = store_->state().last_lsn();
    store_->end_due_holds();
    std::map<EventId, std::vector<Lsn>> ended;
    for (const auto& [order, hold] : sum.holds)
        ended[hold.event].push_back(order);
    for (auto& [event, orders] : ended) {
        std::sort(orders.begin(), orders.end(), [&](Lsn a, Lsn b) {
            return std::pair{sum.holds[a].expires_ms, a} < std::pair{sum.holds[b].expires_ms, b};
        });
        for (const auto order : orders) {
            if (told_.now().entries.size() == store_->state().last_lsn()) break;
            const auto& hold = sum.holds[order];
            Entry entry;
            entry.type = EntryType::kExpired;
            entry.uid = hold.uid;
            entry.event = event;
            entry.order = order;
            entry.previous = hold.last;
            auto& stock = sum.events[event].stock;
            stock.held -= hold.quantity;
            entry.lsn = stock.lsn = told_.now().entries.size() + 1;
            entry.after = stock;
            entry.time_ms = store_->state().last_time_ms();
            told_.made(entry, disk_.operations());
        }
    }
    const bool ended_all = store_->state().holds().empty();
    if (!ended_all && !has_failed_) throw WrongAnswer("holds outlived their time");
    if (store_->state().last_lsn() - before > sum.holds.size()) throw WrongAnswer("ended twice");
    settle();
}

void StoreLife::resize_event() {
    if (const auto event = newest_event()) {
        const auto& stock = store_->state().event(*event).stock;
        Entry asked;
        asked.type = EntryType::kEventResized;
        asked.event = *event;
        asked.after = stock;
        asked.after.capacity += 2;
        note(store_->resize_event(kUser, *event, {asked.after.capacity}), asked);
        if (stock.sold + stock.held > 0) {
            const auto result = store_->resize_event(kUser, *event, {stock.sold + stock.held - 1});
            if (!std::holds_alternative<Refused>(result)) throw WrongAnswer("resized below sold");
        }
    }
    settle();
}

void StoreLife::reschedule_event() {
    if (const auto event = newest_event()) {
        reschedule(*event, EntryType::kEventPaused, box_office::SaleState::kPaused);
        if (!is_open(*event)) buy(*event, 1, 1, "");
        reschedule(*event, EntryType::kEventResumed, box_office::SaleState::kOpen);
    }
    settle();
}

bool StoreLife::is_open(EventId event) const {
    const auto events = add_up(told_.now().entries);
    return events.at(event).rules.state == box_office::SaleState::kOpen;
}

void StoreLife::reschedule(EventId event, EntryType type, box_office::SaleState state) {
    const auto& before = store_->state().event(event);
    Entry asked;
    asked.type = type;
    asked.event = event;
    asked.after = before.stock;
    asked.rules = before.rules;
    asked.rules.state = state;
    if (asked.rules == before.rules) return;
    note(type == EntryType::kEventPaused ? store_->change_rules(kUser, event, box_office::Pause{})
                                         : store_->change_rules(kUser, event, box_office::Resume{}),
         asked);
}

void StoreLife::abandon_key() {
    Entry asked;
    asked.type = EntryType::kKeyAbandoned;
    asked.after.next_serial = 0;
    asked.key = unused_key('a');
    note(store_->abandon(kUser, asked.key), asked);
    const auto& entries = told_.now().entries;
    const auto bought = std::find_if(entries.begin(), entries.end(), [this](const Entry& entry) {
        return !entry.key.empty() && entry.lsn >= told_.now().floor;
    });
    if (bought != entries.end()) {
        const auto result = store_->abandon(kUser, bought->key);
        const auto* replay = std::get_if<Replay>(&result);
        if (replay == nullptr || replay->lsn != bought->lsn) {
            throw WrongAnswer("a key that was answered could be abandoned");
        }
    }
    settle();
}

Told::Position StoreLife::switch_segment() {
    auto fill = store_->state().find_event(kFill);
    if (!fill) {
        create(kFill, 1'000'000);
        settle();
        fill = store_->state().find_event(kFill);
    }
    const auto before = segments();
    auto last_group = disk_.operations();
    while (fill && segments() == before) {
        last_group = disk_.operations();
        const bool sold = buy(*fill, 1, 1, "");
        settle();
        if (!sold) break;
    }
    return last_group;
}

void StoreLife::wait_for_checkpoint() {
    const auto left = segments() - 1;
    for (;;) {
        const auto news = disk_.news();
        check_alive();
        const auto position = store::read_checkpoint(disk_).position;
        const bool is_reported =
            checkpoint_ + 1 >= position.lsn || !disk_.is_unsynced(store::kCheckpointName);
        const bool is_done = position.segment >= left && is_reported;
        if (is_done || has_failed_) return note_checkpoint();
        disk_.wait_for_news(news);
    }
}

void StoreLife::note_checkpoint() {
    const std::lock_guard lock{mutex_};
    if (checkpoint_ > 0) store_->note_checkpoint(checkpoint_, order_runs_);
}

Told::Position StoreLife::expire_keys() {
    end_holds();
    wait_for_checkpoint();  // only runs that are on the disk are looked at
    const bool has_old_runs = segments() > 1;
    clock_.advance(std::chrono::milliseconds{3 * limits::kKeyRetentionMs});
    told_.keys_may_go(disk_.operations());
    const auto last_group = switch_segment();
    if (!has_old_runs) return last_group;
    std::optional<store::KeyFloor> floor;
    for (;;) {
        const auto news = disk_.news();
        check_alive();
        {
            const std::lock_guard lock{mutex_};
            floor = std::exchange(expired_, std::nullopt);
        }
        if (floor) break;
        if (has_failed_) return last_group;
        disk_.wait_for_news(news);
    }
    store_->note_keys_expired(*floor);
    told_.keys_gone(floor->lsn, disk_.operations());
    for (std::size_t step = 0; step < store::KeyIndex::kShards; ++step)
        store_->scrub();
    return last_group;
}

void StoreLife::begin_sale() {
    if (const auto event = newest_event()) buy(*event, 1, 1, unused_key('k'));
    store_->end_turn();
}

void StoreLife::settle() {
    check_alive();
    store_->end_turn();
    while (store_->durable_lsn() < store_->state().last_lsn()) {
        std::unique_lock lock{mutex_};
        reported_.wait(lock, [this] { return !reports_.empty() || !fatal_.empty(); });
        if (!reports_.empty()) {
            const auto report = reports_.front();
            reports_.pop_front();
            lock.unlock();
            handle(report);
        } else {
            lock.unlock();
        }
        check_alive();
    }
}

void StoreLife::handle(const Report& report) {
    if (report.durable) {
        store_->note_durable(*report.durable);
        told_.durable(*report.durable, report.at);
    } else {
        store_->roll_back();
        told_.taken_back_after(store_->durable_lsn(), disk_.operations());
    }
}

void StoreLife::stop_cleanly() {
    try {
        store_->close();
    } catch (const store::StoreUnavailable& unavailable) {
        disk_.stop();
        throw ProcessEnded(unavailable.what());
    }
    check_alive();
    store_.reset();
}

// The store looks for space by a clock of its own, so there is nothing to wait for but time.
void StoreLife::go_on_again() {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{30};
    while (!create("again", 1)) {
        settle();
        if (std::chrono::steady_clock::now() > deadline) throw WrongAnswer("refuses for ever");
        std::this_thread::sleep_for(std::chrono::milliseconds{5});
    }
    settle();
    if (told_.now().durable < told_.now().entries.size()) throw WrongAnswer("took back once more");
}

bool StoreLife::buy(EventId event, std::uint64_t quantity, std::uint64_t least,
                    const std::string& key) {
    const auto stock = add_up(told_.now().entries).at(event).stock;
    const auto granted = std::min(quantity, stock.available());
    const auto result = store_->purchase({kUser, event, {quantity, least}, key, kMemo});
    check_alive();
    const auto* refused = std::get_if<Refused>(&result);
    if ((granted < least || !is_open(event)) && refused != nullptr) {
        refused_keys_.insert(key);
        return true;
    }
    Entry asked;
    asked.type = EntryType::kPurchased;
    asked.event = event;
    asked.requested = quantity;
    asked.min_quantity = least;
    asked.granted = granted;
    give_numbers(asked);
    asked.key = key;
    asked.memo = kMemo;
    asked.after = stock;
    asked.after.sold += granted;
    asked.after.next_serial += granted;
    return note(result, asked);
}

bool StoreLife::create(const std::string& name, std::uint64_t capacity,
                       const box_office::Rules& rules) {
    Entry asked;
    asked.type = EntryType::kEventCreated;
    asked.event = static_cast<EventId>(store_->state().events().size());
    asked.event_name = name;
    asked.after.capacity = capacity;
    asked.rules = rules;
    return note(store_->create_event(kUser, name, capacity, rules), asked);
}

// When a hold ends depends on when it was made.
bool StoreLife::note_timed(const store::ChangeResult& result, Entry asked) {
    if (const auto* changed = std::get_if<Changed>(&result)) {
        asked.expires_ms = changed->entry.time_ms + kHoldMs;
    }
    return note(result, asked);
}

// Holds the result against what it has to be.
bool StoreLife::note(const store::ChangeResult& result, const Entry& asked) {
    check_alive();
    if (const auto* refused = std::get_if<Refused>(&result)) {
        if (is_for_space(*refused) && has_failed_) return false;
        throw WrongAnswer("refused what there is: " +
                          std::string{error_kind_info(refused->refusal.kind).name});
    }
    const auto* changed = std::get_if<Changed>(&result);
    if (changed == nullptr) throw WrongAnswer("neither changed nor refused");
    auto expected = asked;
    expected.uid = kUser;
    expected.lsn = expected.after.lsn = told_.now().entries.size() + 1;
    expected.time_ms = changed->entry.time_ms;
    if (changed->entry != expected) throw WrongAnswer("changed something else than was asked");
    told_.made(expected, disk_.operations());
    return true;
}

std::optional<EventId> StoreLife::newest_event() const {
    const auto& events = store_->state().events();
    for (auto id = events.size(); id-- > 0;) {
        if (events[id].name != kFill) return static_cast<EventId>(id);
    }
    return std::nullopt;
}

std::string StoreLife::unused_key(char first) const {
    for (int number = 0;; ++number) {
        const auto key = first + std::to_string(number);
        if (told_.now().holder(kUser, key) == 0 && !refused_keys_.contains(key)) return key;
    }
}

std::uint64_t StoreLife::segments() const {
    return store::count_segments(disk_);
}

void StoreLife::check_alive() {
    const std::lock_guard lock{mutex_};
    if (!fatal_.empty()) throw ProcessEnded(fatal_);
}

}  // namespace ticketd::tests
