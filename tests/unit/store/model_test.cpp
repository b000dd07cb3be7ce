// Random commands of several buyers on several events, with the clock set on, clean stops, crashes
// that lose what was not synced, and rollbacks, against a box office that is as simple as it can be
// (tests/support/reference_model.h). TICKETD_SEED repeats a run, TICKETD_SCALE makes it longer.
#include <doctest/doctest.h>

#include <memory>
#include <random>
#include <set>

#include "common/limits.h"
#include "server/store/audit.h"
#include "server/store/ledger_reader.h"
#include "server/store/store.h"
#include "tests/support/randomness.h"
#include "tests/support/reference_model.h"
#include "tests/support/store_rig.h"

using namespace ticketd;
using namespace ticketd::store;
using tests::ModelTerms;
using tests::Outcome;
using tests::ReferenceModel;
using tests::StoreRig;

namespace {

struct ToOutcome {
    Outcome operator()(const Changed& changed) const {
        const auto& entry = changed.entry;
        if (!begins_order(entry.type) && !changes_order(entry.type)) return {"ok", entry.lsn};
        const auto granted =
            entry.type == EntryType::kCancelled ? entry.returned.size() : entry.granted;
        return {"ok", entry.lsn, tickets_after(entry), granted};
    }
    Outcome operator()(const Refused& refused) const {
        const auto kind = refused.refusal.kind;
        // What a hold was changed for that did not live is told from the ledger.
        return {std::string{error_kind_info(kind).name}};
    }
    Outcome operator()(const Replay& replay) const { return {"replay", replay.lsn}; }
    Outcome operator()(const Unchanged&) const { return {"unchanged"}; }
    Outcome operator()(const NotHeld&) const { return {"not_held"}; }
    Outcome operator()(const LockHeld&) const { return {"lock_held"}; }
    Outcome operator()(const Outdated&) const { return {"outdated"}; }
};

class World {
  public:
    explicit World(std::uint32_t seed) : random_(seed) {}

    void live(unsigned steps) {
        for (unsigned i = 0; i < steps; ++i) {
            step();
            if (pick(20) == 0) settle();
        }
        settle();
        const auto disk = rig_->close();
        CHECK(audit_store(*disk).problems == std::vector<std::string>{});
    }

  private:
    std::uint64_t pick(std::uint64_t n) { return random_() % n; }
    UserId user() { return static_cast<UserId>(7 + pick(3)); }
    std::uint64_t quantity() { return 1 + pick(pick(4) == 0 ? 9 : 3); }
    Store& store() { return rig_->store(); }

    ReferenceModel::Key key(const std::string& asked) {
        if (pick(3) != 0) return {"", asked};
        return {"k" + std::to_string(pick(30 + model_.last_lsn() / 4)), asked};
    }

    void agree(const char* what, const ChangeResult& result, Outcome expected) {
        const auto got = std::visit(ToOutcome{}, result);
        CAPTURE(what);
        CAPTURE(expected.kind);
        CAPTURE(expected.lsn);
        CAPTURE(got.kind);
        CAPTURE(got.lsn);
        REQUIRE(got.kind == expected.kind);
        if (got.kind != "ok") return;
        REQUIRE(got.lsn == expected.lsn);
        REQUIRE(got.granted == expected.granted);
        REQUIRE(got.numbers == expected.numbers);
    }

    void agree_on_counts(EventId event) {
        const auto result = store().query(event);
        const auto& stock = std::get<Counts>(result).stock;
        const auto expected = model_.query(event);
        const ReferenceModel::Counts got{stock.capacity, stock.available(), stock.held,
                                         stock.sold,     stock.overcommit,  stock.lsn};
        REQUIRE(got == expected);
        const auto& what = store().state().event(event);
        if (!what.rules.terms.reuses_numbers) return;
        const auto taken = model_.taken(event);
        REQUIRE(what.slots.taken() == box_office::TicketNumbers(taken.begin(), taken.end()));
    }

    void step() {
        model_.set_time(rig_->clock().now().time_since_epoch().count());
        if (model_.events() == 0) return create();
        const auto event = static_cast<EventId>(pick(model_.events()));
        switch (pick(24)) {
            case 0: return pick(4) == 0 ? create() : agree_on_counts(event);
            case 1: return rig_->clock().advance(std::chrono::milliseconds{pick(2000)});
            case 2: return change_rules(event);
            case 3: return resize(event);
            case 4: return abandon();
            case 5: return pick(25) == 0 ? restart() : agree_on_counts(event);
            case 6:
            case 7:
            case 8:
            case 9:
            case 10: purchase(event); break;
            case 11:
            case 12:
            case 13:
            case 14: hold(event); break;
            case 15:
            case 16:
            case 17:
            case 18: change_hold(); break;
            case 19: batch(); break;
            default: cancel(); break;
        }
        agree_on_counts(event);
    }

    void create() {
        if (model_.events() >= 6) return;
        ModelTerms terms;
        terms.has_slots = pick(3) == 0;
        terms.order_limit = pick(3) == 0 ? 1 + pick(4) : 0;
        terms.buyer_limit = pick(3) == 0 ? 1 + pick(12) : 0;
        terms.closes_when_sold_out = pick(5) == 0;
        box_office::Rules rules;
        rules.terms.reuses_numbers = terms.has_slots;
        rules.terms.order_limit = static_cast<std::uint16_t>(terms.order_limit);
        rules.terms.buyer_limit = static_cast<std::uint32_t>(terms.buyer_limit);
        rules.terms.closes_when_sold_out = terms.closes_when_sold_out;
        const auto capacity = pick(40);
        const auto name = "e" + std::to_string(model_.events());
        agree("create", store().create_event(0, name, capacity, rules),
              model_.create(capacity, terms));
    }

    // What is asked of both of them.
    template <typename Request>
    struct Question {
        Request request;
        ReferenceModel::Part part;
    };

    Question<PurchaseRequest> some_purchase(EventId event) {
        const auto uid = user();
        const auto most = quantity(), least = 1 + pick(most);
        const auto id = key("p" + std::to_string(event) + "," + std::to_string(most) + "," +
                            std::to_string(least));
        return {{uid, event, {most, least}, id.key, ""},
                {uid, id, event, [=](ReferenceModel& model) {
                     return model.purchase(uid, event, most, least, id);
                 }}};
    }

    Question<HoldRequest> some_hold(EventId event) {
        const auto uid = user();
        const auto most = quantity(), least = 1 + pick(most);
        const auto ttl = static_cast<std::int64_t>(pick(4) == 0 ? 0 : 1 + pick(20'000));
        const auto id = key("h" + std::to_string(event) + "," + std::to_string(most) + "," +
                            std::to_string(least) + "," + std::to_string(ttl));
        return {{{uid, event, {most, least}, id.key, ""}, ttl, {}},
                {uid, id, event, [=](ReferenceModel& model) {
                     return model.hold(uid, event, most, least, ttl, id);
                 }}};
    }

    Question<HoldChangeRequest> some_change(Lsn order) {
        const auto uid = user();
        const auto number = std::to_string(order);
        const auto event = model_.event_of_hold(order);
        switch (pick(3)) {
            case 0: {
                const auto count = pick(4);
                const auto id = key("c" + number + "," + std::to_string(count));
                return {{uid, false, order, box_office::Confirm{count}, id.key},
                        {uid, id, event, [=](ReferenceModel& model) {
                             return model.confirm(uid, order, count, id);
                         }}};
            }
            case 1: {
                const auto id = key("r" + number);
                return {{uid, false, order, Release{}, id.key},
                        {uid, id, event,
                         [=](ReferenceModel& model) { return model.release(uid, order, id); }}};
            }
            default: {
                // What was made a while ago cannot be given all the time that there is.
                const bool is_long = pick(4) == 0;
                const auto ttl = is_long
                                     ? limits::kHoldMsMax - static_cast<std::int64_t>(pick(5'000))
                                     : static_cast<std::int64_t>(1 + pick(20'000));
                const auto id = key("x" + number + "," + std::to_string(ttl));
                return {{uid, false, order, Extend{ttl}, id.key},
                        {uid, id, event,
                         [=](ReferenceModel& model) { return model.extend(uid, order, ttl, id); }}};
            }
        }
    }

    void purchase(EventId event) {
        const auto [request, part] = some_purchase(event);
        agree("purchase", store().purchase(request), part.ask(model_));
    }

    void hold(EventId event) {
        const auto [request, part] = some_hold(event);
        agree("hold", store().hold(request), part.ask(model_));
    }

    void batch() {
        std::vector<BatchRequest> items;
        std::vector<ReferenceModel::Part> parts;
        std::set<std::string> keys;
        const auto add = [&](const auto& question) {
            const auto& name = question.part.key.key;
            if (!name.empty() && !keys.insert(name).second) return;
            items.push_back(question.request);
            parts.push_back(question.part);
        };
        for (auto left = 1 + pick(4); left > 0; --left) {
            const auto event = static_cast<EventId>(pick(model_.events()));
            const auto order = some_order();
            switch (pick(3)) {
                case 0: add(some_hold(event)); break;
                case 1: add(some_purchase(event)); break;
                default:
                    if (order != 0) add(some_change(order));
            }
        }
        if (items.empty()) return;
        Lines lines;
        const auto results = std::get<std::vector<ChangeResult>>(store().atomically(items, lines));
        const auto expected = model_.atomically(parts);
        REQUIRE(results.size() == expected.size());
        for (std::size_t i = 0; i < results.size(); ++i)
            agree("batch", results[i], expected[i]);
    }

    // Mostly one of the newest orders, by whoever it may be.
    Lsn some_order() {
        const auto orders = model_.orders();
        if (orders.empty()) return 0;
        const auto back = std::min<std::uint64_t>(pick(pick(3) == 0 ? 200 : 12), orders.size() - 1);
        return orders[orders.size() - 1 - back];
    }

    void change_hold() {
        const auto order = some_order();
        if (order == 0) return;
        const auto [request, part] = some_change(order);
        agree("change of a hold", store().change_hold(request), part.ask(model_));
    }

    // What the order is has to be durable to be read.
    KnownOrder read(Lsn order) {
        settle();
        const auto lookup = store().look_up(order);
        LedgerReader reader{rig_->disk(), store().id()};
        return {reader.entry(order), reader.entry(newest_entry(lookup)), lookup};
    }

    void cancel() {
        const auto order = some_order();
        const auto uid = user();
        if (order == 0) return;
        auto known = read(order);
        box_office::Cancel terms{pick(4), {}, pick(4) != 0};
        const auto had = tickets_after(known.newest);
        const auto event = store().state().event(known.first.event);
        if (event.rules.terms.reuses_numbers) terms.restocks = true;
        if (terms.quantity == 0 && !had.empty() && pick(2) == 0) {
            terms.numbers = {had[pick(had.size())]};
            if (pick(5) == 0) terms.numbers = {had.back(), had.back() + 1};
        }
        auto asked = "d" + std::to_string(order) + "," + std::to_string(terms.quantity) +
                     (terms.restocks ? "," : "!");
        for (const auto one : terms.numbers)
            asked += std::to_string(one) + ",";
        const auto id = key(asked);
        const CancelRequest request{uid, false, order, terms, id.key, ""};
        auto result = store().cancel(request, &known);
        if (std::holds_alternative<Outdated>(result)) {
            // It was a hold, and its time was up just then.
            static_cast<void>(model_.query(known.first.event));
            known = read(order);
            result = store().cancel(request, &known);
        }
        agree("cancel", result,
              model_.cancel(uid, order, terms.quantity,
                            {terms.numbers.begin(), terms.numbers.end()}, terms.restocks, id));
    }

    void change_rules(EventId event) {
        switch (pick(8)) {
            case 0:
                return agree("pause", store().change_rules(0, event, box_office::Pause{}),
                             model_.pause(event));
            case 1: {
                const bool voids = pick(2) == 0;
                return agree("close", store().change_rules(0, event, box_office::Close{voids}),
                             model_.close(event, voids));
            }
            case 2: {
                box_office::Update update;
                update.order_limit = static_cast<std::uint16_t>(pick(5));
                update.buyer_limit = static_cast<std::uint32_t>(pick(2) == 0 ? 0 : 1 + pick(12));
                return agree("limit", store().change_rules(0, event, update),
                             model_.limit(event, *update.order_limit, *update.buyer_limit));
            }
            case 3: {
                const auto now = rig_->clock().now().time_since_epoch().count();
                const auto time = [&] {
                    return pick(2) == 0 ? 0 : now - 2000 + static_cast<std::int64_t>(pick(8000));
                };
                const box_office::Update update{time(), time()};
                return agree("window", store().change_rules(0, event, update),
                             model_.window(event, *update.opens_ms, *update.closes_ms));
            }
            default:
                return agree("resume", store().change_rules(0, event, box_office::Resume{}),
                             model_.resume(event));
        }
    }

    void resize(EventId event) {
        box_office::Resize resize{pick(60)};
        resize.is_forced = pick(3) == 0;
        agree("resize", store().resize_event(0, event, resize),
              model_.resize(event, resize.capacity, resize.is_forced));
    }

    void abandon() {
        const auto uid = user();
        const auto name = key("").key;
        if (name.empty()) return;
        agree("abandon", store().abandon(uid, name), model_.abandon(uid, name));
        model_.forget_refusal(uid, name);
    }

    void settle() {
        REQUIRE(rig_->settle() == StoreRig::Settled::kDurable);
        durable_ = model_;
    }

    void restart() {
        const auto now = rig_->clock().now().time_since_epoch();
        std::unique_ptr<tests::MemoryDirectory> disk;
        if (pick(2) == 0) {
            settle();
            disk = rig_->close();
        } else {
            disk = rig_->crash(tests::Unsynced::kLost);
            model_ = durable_;
        }
        rig_ = std::make_unique<StoreRig>(std::move(disk), StoreRig::settings(), now);
        model_.forget_refusals();
        durable_ = model_;
    }

    std::mt19937 random_;
    std::unique_ptr<StoreRig> rig_ = std::make_unique<StoreRig>();
    ReferenceModel model_;
    ReferenceModel durable_;  // as of the last settle()
};

}  // namespace

TEST_CASE("whatever is asked, the store does what the reference model does") {
    const auto start = static_cast<std::uint32_t>(testing::test_seed());
    constexpr unsigned kSteps = 3000;
    for (unsigned world = 0; world < testing::scaled(20); ++world) {
        CAPTURE(world);
        World{start + world}.live(kSteps);
    }
}
