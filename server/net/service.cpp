#include "server/net/service.h"

#include <algorithm>
#include <array>

namespace ticketd::net {
namespace {

using enum ParamType;
using enum AnswerSize;
using enum Role;

constexpr std::array kQueryParams{ParamSpec{"event", kEventName}};
constexpr std::array kPurchaseParams{ParamSpec{"event", kEventName},
                                     ParamSpec{"quantity", kQuantity},
                                     ParamSpec{"min_quantity", kQuantity},
                                     ParamSpec{"key", kKey},
                                     ParamSpec{"buyer", kBuyerName},
                                     ParamSpec{"wait_ms", kWait},
                                     ParamSpec{"memo", kMemo},
                                     ParamSpec{"dry_run", kFlag}};
constexpr std::array kHoldParams{
    ParamSpec{"event", kEventName}, ParamSpec{"quantity", kQuantity},
    ParamSpec{"ttl_ms", kTtl},      ParamSpec{"min_quantity", kQuantity},
    ParamSpec{"key", kKey},         ParamSpec{"buyer", kBuyerName},
    ParamSpec{"wait_ms", kWait},    ParamSpec{"bind", kBind},
    ParamSpec{"memo", kMemo}};
constexpr std::array kConfirmParams{ParamSpec{"order", kLsn, true},
                                    ParamSpec{"quantity", kQuantity}, ParamSpec{"key", kKey}};
constexpr std::array kReleaseParams{ParamSpec{"order", kLsn, true}, ParamSpec{"key", kKey}};
constexpr std::array kExtendParams{ParamSpec{"order", kLsn, true}, ParamSpec{"ttl_ms", kTtl},
                                   ParamSpec{"key", kKey}};
constexpr std::array kCancelParams{ParamSpec{"order", kLsn, true}, ParamSpec{"quantity", kQuantity},
                                   ParamSpec{"serials", kSerials}, ParamSpec{"key", kKey},
                                   ParamSpec{"reason", kMemo},     ParamSpec{"restock", kFlag}};
constexpr std::array kBatchParams{ParamSpec{"requests", kRequests, true},
                                  ParamSpec{"atomic", kFlag}};
constexpr std::array kWatchParams{ParamSpec{"events", kNames}, ParamSpec{"since_lsn", kLsn}};
constexpr std::array kUnwatchParams{ParamSpec{"subscription", kLsn, true}};
constexpr std::array kAbandonParams{ParamSpec{"key", kKey, true}};
constexpr std::array kOrderParams{ParamSpec{"order", kLsn}, ParamSpec{"key", kKey}};
constexpr std::array kOrdersParams{ParamSpec{"event", kEventName}, ParamSpec{"buyer", kUserOrName},
                                   ParamSpec{"state", kState}, ParamSpec{"after_lsn", kLsn},
                                   ParamSpec{"limit", kRows}};
constexpr std::array kCreateParams{
    ParamSpec{"name", kEventName, true},   ParamSpec{"capacity", kCapacity, true},
    ParamSpec{"opens_ms", kTime},          ParamSpec{"closes_ms", kTime},
    ParamSpec{"order_limit", kOrderLimit}, ParamSpec{"line", kLine},
    ParamSpec{"auto_close", kFlag},        ParamSpec{"buyer_limit", kBuyerLimit},
    ParamSpec{"buyers", kBuyers},          ParamSpec{"slots", kFlag}};
constexpr std::array kResizeParams{ParamSpec{"name", kEventName, true},
                                   ParamSpec{"capacity", kCapacity}, ParamSpec{"delta", kDelta},
                                   ParamSpec{"if_lsn", kLsn}, ParamSpec{"force", kFlag}};
constexpr std::array kUpdateParams{ParamSpec{"name", kEventName, true},
                                   ParamSpec{"opens_ms", kTime},
                                   ParamSpec{"closes_ms", kTime},
                                   ParamSpec{"order_limit", kOrderLimit},
                                   ParamSpec{"line", kLine},
                                   ParamSpec{"auto_close", kFlag},
                                   ParamSpec{"buyer_limit", kBuyerLimit}};
constexpr std::array kNameParams{ParamSpec{"name", kEventName, true}};
constexpr std::array kCloseParams{ParamSpec{"name", kEventName, true},
                                  ParamSpec{"void_holds", kFlag}};
constexpr std::array kLedgerReadParams{ParamSpec{"from_lsn", kLsn}, ParamSpec{"limit", kRows}};
constexpr std::span<const ParamSpec> kNoParams{};

// Why the caller may not, or nothing.
std::optional<std::string_view> denial(Role role, const Caller& caller) {
    switch (role) {
        case kAnybody: return std::nullopt;
        case kReader:
            if (caller.is_buyer || caller.is_auditor) return std::nullopt;
            return "only buyers and auditors may";
        case kBuyer:
            if (caller.is_buyer) return std::nullopt;
            return "only buyers may";
        case kAuditor:
            if (caller.is_auditor) return std::nullopt;
            return "only operators and auditors may";
        case kOperator:
            if (caller.is_operator) return std::nullopt;
            return "only operators may";
    }
    return "nobody may";
}

}  // namespace

std::span<const Method> Service::methods() {
    static constexpr std::array kMethods{
        Method{"query", "The counts of one event.", kReader, kSmall, kQueryParams, &Service::query},
        Method{"purchase", "Buys tickets: all of `quantity`, or at least `min_quantity`.", kBuyer,
               kSmall, kPurchaseParams, &Service::purchase},
        Method{"hold", "Keeps tickets for a time, or as long as what they are bound to lives.",
               kBuyer, kSmall, kHoldParams, &Service::hold},
        Method{"confirm", "Buys what is held: `quantity` of it, or all; the rest returns.", kBuyer,
               kSmall, kConfirmParams, &Service::confirm},
        Method{"release", "Gives back what is held.", kBuyer, kSmall, kReleaseParams,
               &Service::release},
        Method{"extend", "Keeps what is held for `ttl_ms` from now on.", kBuyer, kSmall,
               kExtendParams, &Service::extend},
        Method{"cancel", "Gives back what was bought: all, `quantity` of it, or these `serials`.",
               kBuyer, kSmall, kCancelParams, &Service::cancel},
        Method{"batch", "Several requests, one after another; with `atomic` all of them or none.",
               kReader, kSmall, kBatchParams, &Service::batch},
        Method{"abandon", "Makes sure that a key never buys, unless it has.", kBuyer, kSmall,
               kAbandonParams, &Service::abandon},
        Method{"order", "One order, by its number or by the key it was bought with.", kReader,
               kSmall, kOrderParams, &Service::order},
        Method{"orders", "Orders in LSN order; others' orders for operators and auditors only.",
               kReader, kLarge, kOrdersParams, &Service::orders},
        Method{"watch", "Tells of changes, as notifications, from `since_lsn` on.", kReader, kSmall,
               kWatchParams, &Service::watch},
        Method{"unwatch", "Tells no more.", kReader, kSmall, kUnwatchParams, &Service::unwatch},
        Method{"events", "The counts of every event.", kReader, kLarge, kNoParams,
               &Service::events},
        Method{"event.create", "Makes a new event.", kOperator, kSmall, kCreateParams,
               &Service::event_create},
        Method{"event.resize",
               "Sets or changes the capacity, not below held + sold unless `force`.", kOperator,
               kSmall, kResizeParams, &Service::event_resize},
        Method{"event.update",
               "Sets when an event opens and closes (0: never mind), and on what terms it sells.",
               kOperator, kSmall, kUpdateParams, &Service::event_update},
        Method{"event.pause", "Sells nothing until it is resumed.", kOperator, kSmall, kNameParams,
               &Service::event_pause},
        Method{"event.resume", "Sells again, after a pause or a close.", kOperator, kSmall,
               kNameParams, &Service::event_resume},
        Method{"event.close", "Ends the sale of an event; with `void_holds` its holds too.",
               kOperator, kSmall, kCloseParams, &Service::event_close},
        Method{"ledger.read", "Entries of the ledger from an LSN on.", kAuditor, kLarge,
               kLedgerReadParams, &Service::ledger_read},
        Method{"ledger.verify", "Recomputes every total from the first entry.", kAuditor, kLarge,
               kNoParams, &Service::ledger_verify},
        Method{"ledger.position", "Where the store is, and how far its journal is durable.",
               kOperator, kSmall, kNoParams, &Service::ledger_position},
        Method{"ping", "Answers at once.", kAnybody, kSmall, kNoParams, &Service::ping},
        Method{"server.info", "Version, limits, and how far the ledger is.", kAnybody, kSmall,
               kNoParams, &Service::server_info},
        Method{"server.stats", "Counters since the start.", kAnybody, kSmall, kNoParams,
               &Service::server_stats},
        Method{"rpc.discover", "This list, as an OpenRPC document.", kAnybody, kLarge, kNoParams,
               &Service::rpc_discover},
    };
    static_assert(kHoldParams.size() <= Params::kMax && kCreateParams.size() <= Params::kMax);
    return kMethods;
}

Service::Service(asio::io_context& loop, platform::Directory& directory, store::Store& store,
                 const Settings& settings, std::function<void()> on_change, OnExchange on_exchange)
    : loop_(loop),
      store_(store),
      settings_(settings),
      on_change_(std::move(on_change)),
      on_exchange_(std::move(on_exchange)),
      locks_(loop),
      hold_watch_(loop, store, settings, on_change_),
      waiting_room_(loop, store, on_change_),
      lookups_(loop, directory, store.id()),
      scans_(loop, directory, store.id()),
      audits_(loop, directory, store.id()),
      past_(loop, directory, store.id()),
      watchers_(
          store, past_,
          [this](std::uint64_t subscription, const store::Entry& entry) {
              return changed_json(subscription, entry);
          },
          on_change_) {
    durability_.reached(store.durable_lsn());
}

const Method* Service::find_method(std::string_view name) {
    const auto all = methods();
    const auto found = std::find_if(all.begin(), all.end(),
                                    [&](const Method& method) { return method.name == name; });
    return found == all.end() ? nullptr : &*found;
}

AnswerSize Service::answer_size(std::string_view method) {
    const auto* found = find_method(method);
    return found == nullptr ? kSmall : found->answer_size;
}

void Service::handle(const Request& request, const Caller& caller, const Responder& responder) {
    ++counters_.requests;
    Params params;
    if (const auto* method = admit(request, caller, responder, params)) {
        (this->*method->handler)(params, caller, responder);
    }
}

const Method* Service::admit(const Request& request, const Caller& caller,
                             const Responder& responder, Params& params) {
    const auto* method = find_method(request.method);
    if (method == nullptr) {
        responder.error(0, ErrorKind::kMethodNotFound, "no such method");
        return nullptr;
    }
    if (const auto problem = denial(method->role, caller)) {
        responder.error(0, ErrorKind::kDenied, *problem);
        return nullptr;
    }
    if (const auto problem = check_params(request, method->params, params)) {
        responder.error(0, ErrorKind::kInvalidParams, *problem);
        return nullptr;
    }
    return method;
}

std::optional<EventId> Service::find_event(std::string_view name) const {
    const auto& state = store_.state();
    if (!name.empty()) return state.find_event(name);
    if (state.events().size() == 1) return EventId{0};
    return state.find_event("default");
}

void Service::refuse_unknown_event(std::string_view name, const Responder& responder) const {
    // That an event does not exist rests on everything there is.
    responder.error(store_.state().last_lsn(), ErrorKind::kNotFound,
                    name.empty() ? std::string{"no event was named, and there is no event "
                                               "\"default\""}
                                 : "no event " + std::string{name});
}

}  // namespace ticketd::net
