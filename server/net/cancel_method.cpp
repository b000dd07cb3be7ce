// cancel: what an order has is in the journal on disk, so it is read first, on a thread of its own;
// the store then makes sure that nothing has changed meanwhile.
#include "server/net/order_json.h"
#include "server/net/refusal.h"
#include "server/net/service.h"

namespace ticketd::net {

void Service::cancel(const Params& params, const Caller& caller, const Responder& responder) {
    constexpr std::size_t kQuantity = 1, kSerials = 2, kKey = 3, kReason = 4, kRestock = 5;
    if (params.has(kQuantity) && params.has(kSerials)) {
        return responder.error(0, ErrorKind::kInvalidParams, "give quantity or serials, not both");
    }
    cancel({caller.uid,
            caller.is_operator,
            params.integer(0, 0),
            {params.integer(kQuantity, 0), params.serials(kSerials),
             params.flag(kRestock).value_or(true)},
            std::string{params.text(kKey)},
            std::string{params.text(kReason)}},
           caller, responder);
}

void Service::cancel(const store::CancelRequest& request, const Caller& caller,
                     const Responder& responder) {
    using Known = std::optional<store::KnownOrder>;
    read_order(request.order, kNow, responder, [=, this](const Known& known) {
        if (!known) {
            return static_cast<void>(
                answer(store_.cancel(request, nullptr), "", caller, request, responder));
        }
        const auto& event = store_.state().event(known->first.event);
        const bool is_visible = caller.is_operator || known->first.uid == caller.uid;
        if (is_visible && event.rules.terms.reuses_numbers && !request.terms.restocks) {
            return responder.error(0, ErrorKind::kInvalidParams,
                                   "restock: slots are used again, resize the event instead");
        }
        run_locked(known->first.event, responder, [=, this](const Responder& r) {
            const auto result = store_.cancel(request, &*known);
            if (std::holds_alternative<store::Outdated>(result)) {
                cancel(request, caller, r);
                return true;
            }
            return answer(result, "", caller, request, r);
        });
        if (store_.has_open_group()) on_change_();
    });
}

}  // namespace ticketd::net
