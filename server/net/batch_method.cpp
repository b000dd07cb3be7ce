// batch: several requests in one. Not atomic: one after another. Atomic: all are read first, and
// what their keys were answered with before; then the store decides them together.
#include <algorithm>
#include <array>
#include <set>

#include "common/json_slice.h"
#include "server/net/batch_sequence.h"
#include "server/net/refusal.h"
#include "server/net/service.h"

namespace ticketd::net {
namespace {

std::string results_json(const ReplyMessage& message) {
    std::string body = R"({"results":[)";
    for (const auto& reply : message.replies) {
        if (body.back() != '[') body += ',';
        body += reply.is_error ? R"({"error":)" : R"({"result":)";
        body += reply.body + '}';
    }
    return body + R"(],"lsn":)" + std::to_string(message.lsn()) + '}';
}

// The answers of all, as the result of one. Until they are durable they stay apart, so that one
// which is taken back does not take the others with it.
class BatchResults final : public ReplySink {
  public:
    BatchResults(Durability& durability, Responder responder)
        : durability_(durability), responder_(std::move(responder)) {}

    void deliver(ReplyMessage message, std::size_t) override {
        const auto lsn = message.lsn();
        durability_.when(lsn, [&durability = durability_, responder = responder_,
                               message = std::move(message)](bool is_durable) mutable {
            if (!is_durable) refuse_undone(message, durability.durable());
            responder.result(message.lsn(), results_json(message));
        });
    }
    bool is_connected() override { return responder_.is_connected(); }
    std::uint64_t connection() const override { return responder_.connection(); }

  private:
    Durability& durability_;
    Responder responder_;
};

// Requests within a parameter are parameters too: what is not known in them is not ignored.
std::optional<std::string> unknown_member(std::string_view request) {
    constexpr std::array<std::string_view, 4> kMembers{"jsonrpc", "id", "method", "params"};
    JsonSlice slice{request};
    while (const auto item = slice.next()) {
        if (std::find(kMembers.begin(), kMembers.end(), item->name) == kMembers.end()) {
            return "unknown member \"" + shown(item->name) + "\" of a request";
        }
    }
    return std::nullopt;
}

RequestResult read_part(std::string_view request) {
    constexpr std::size_t kDepth = 3;  // the envelope, its params, the array
    auto unknown = unknown_member(request);
    if (unknown) return RequestFault{ErrorKind::kInvalidRequest, *std::move(unknown), {}};
    return read_request(request, kDepth);
}

std::vector<RequestResult> read_requests(std::string_view array) {
    std::vector<RequestResult> requests;
    JsonSlice slice{array};
    while (const auto item = slice.next())
        requests.push_back(read_part(item->value));
    return requests;
}

}  // namespace

void Service::batch(const Params& params, const Caller& caller, const Responder& responder) {
    auto requests = read_requests(params.text(0));
    const bool is_atomic = params.flag(1).value_or(false);
    const auto most = is_atomic ? std::min(limits::kAtomicRequests, settings_.batch_requests)
                                : settings_.batch_requests;
    if (requests.size() > most) {
        return responder.error(0, ErrorKind::kInvalidParams,
                               "requests: there can be at most " + std::to_string(most));
    }
    const auto answers =
        std::make_shared<Exchange>(std::make_shared<BatchResults>(durability_, responder), true);
    on_exchange_(answers);
    if (!is_atomic) return run_in_order(std::move(requests), caller, answers);

    const auto prepared = std::make_shared<std::vector<Prepared>>();
    std::set<std::string> keys;
    std::optional<std::size_t> failed;
    // Of the faults only the first is told; an exchange that is never completed tells nobody.
    const auto unheard = std::make_shared<Exchange>(responder.sink(), true);
    for (const auto& read : requests) {
        const Responder to{answers, without_id(), 0};
        auto one = prepare(read, caller, failed ? Responder{unheard, without_id(), 0} : to);
        const auto& key = key_of(one.item);
        if (one.is_ready && !key.empty() && !keys.insert(key).second) {
            one.responder.error(0, ErrorKind::kInvalidParams, "the batch has this key twice");
            one.is_ready = false;
        }
        if (!one.is_ready && !failed) failed = prepared->size();
        prepared->push_back({to, std::move(one.item), one.is_ready});
    }
    if (failed) {
        link_others(*prepared, *failed, caller);
    } else {
        run_atomic(prepared, caller, responder);
    }
    complete(answers);
}

// What could not be read has no key that could be told no.
void Service::link_others(const std::vector<Prepared>& batch, std::size_t failed,
                          const Caller& caller) {
    for (std::size_t i = 0; i < batch.size(); ++i) {
        if (i == failed) continue;
        if (batch[i].is_ready) {
            tell(batch[i], store_.link(batch[i].item), caller);
        } else {
            refuse({{ErrorKind::kLinkedFailed}}, "", batch[i].responder);
        }
    }
}

void Service::tell(const Prepared& one, const store::ChangeResult& result, const Caller& caller) {
    const auto tell_it = [&](const auto& asked) {
        using Asked = std::decay_t<decltype(asked)>;
        if constexpr (std::is_same_v<Asked, store::HoldChangeRequest>) {
            answer(result, "", caller, asked, one.responder);
        } else {
            tell(result, caller, asked, one.responder);
        }
    };
    std::visit(tell_it, one.item);
}

void Service::run_in_order(std::vector<RequestResult> requests, const Caller& caller,
                           const std::shared_ptr<Exchange>& answers) {
    const auto handle_one = [this, caller, answers](const RequestResult& read, const Responder& r) {
        if (const auto* fault = std::get_if<RequestFault>(&read)) {
            return r.error(0, fault->kind, fault->message);
        }
        const auto& request = std::get<Request>(read);
        const bool is_of_connection = request.method == "watch" || request.method == "unwatch";
        if (is_of_connection || request.method == "batch" ||
            answer_size(request.method) == AnswerSize::kLarge) {
            return r.error(0, ErrorKind::kInvalidRequest, "cannot be part of a batch");
        }
        if (answers->answer_bytes() > settings_.output_bytes) {
            return r.error(0, ErrorKind::kBusy, "the answers of this batch grow too large");
        }
        handle(request, caller, r);
        if (store_.has_open_group()) on_change_();
    };
    std::make_shared<BatchSequence>(loop_, std::move(requests), answers, handle_one)->go_on();
}

Service::Prepared Service::prepare(const RequestResult& read, const Caller& caller,
                                   const Responder& responder) {
    Prepared prepared{responder, {}, false};
    if (const auto* fault = std::get_if<RequestFault>(&read)) {
        responder.error(0, fault->kind, fault->message);
    } else {
        prepared.is_ready = read_item(std::get<Request>(read), caller, responder, prepared.item);
    }
    return prepared;
}

bool Service::read_item(const Request& request, const Caller& caller, const Responder& responder,
                        store::BatchRequest& item) {
    constexpr std::array<std::string_view, 5> kMethods{"purchase", "hold", "confirm", "release",
                                                       "extend"};
    const auto refuse_it = [&responder](ErrorKind kind, std::string_view why) {
        responder.error(0, kind, why);
        return false;
    };
    const bool can_be_part =
        std::find(kMethods.begin(), kMethods.end(), request.method) != kMethods.end();
    if (!can_be_part && find_method(request.method) != nullptr) {
        return refuse_it(ErrorKind::kInvalidRequest, "cannot be part of an atomic batch");
    }
    Params params;
    if (admit(request, caller, responder, params) == nullptr) return false;
    const bool is_purchase = request.method == "purchase";
    if (!is_purchase && request.method != "hold") {
        item = read_change_of_hold(request.method, params, caller);
        return true;
    }
    const auto& places = is_purchase ? kOfPurchase : kOfHold;
    if (params.integer(places.wait, 0) > 0 || (is_purchase && params.flag(kDryRun) == true)) {
        return refuse_it(ErrorKind::kInvalidParams, "an atomic batch neither waits nor tries");
    }
    const auto take = [&item](auto asked) {
        if (asked) item = *std::move(asked);
        return asked.has_value();
    };
    return is_purchase ? take(read_terms(params, places, caller, responder))
                       : take(read_hold(params, caller, responder));
}

void Service::run_atomic(const Batch& batch, const Caller& caller, const Responder& responder) {
    std::vector<Lsn> lsns;
    for (auto& one : *batch)
        lsns.push_back(one.known = answer_to(one.item, caller));
    const auto last = *std::max_element(lsns.begin(), lsns.end());
    if (last == 0) return decide(batch, KnownAnswers(batch->size()), caller, responder);
    read_ledger(
        lookups_, last, responder,
        [lsns](store::LedgerReader& reader) {
            KnownAnswers known;
            for (const auto lsn : lsns)
                known.push_back(lsn == 0 ? std::nullopt : std::optional{reader.entry(lsn)});
            return known;
        },
        [this, batch, caller, responder](const KnownAnswers& known) {
            decide(batch, known, caller, responder);
        });
}

Lsn Service::answer_to(const store::BatchRequest& item, const Caller& caller) const {
    const auto& key = key_of(item);
    if (key.empty()) return 0;
    const auto& state = store_.state();
    return state.keys().find(state.digest(caller.uid, key)).value_or(0);
}

// A key that was used for something else makes its request fail, and so the others.
void Service::decide(const Batch& batch, const KnownAnswers& known, const Caller& caller,
                     const Responder& responder) {
    // While the ledger was read, what is not durable yet may have been taken back.
    const bool has_lost_event = std::any_of(batch->begin(), batch->end(), [this](const auto& one) {
        const auto event = store_.event_of(one.item);
        return event && *event >= store_.state().events().size();
    });
    if (has_lost_event) {
        for (const auto& one : *batch)
            one.responder.error(0, ErrorKind::kStorageFull, kNoSpace);
        return;
    }
    const auto size = batch->size();
    std::size_t failed = 0;
    while (failed < size && (!known[failed] ||
                             is_answer_to(*known[failed], caller.uid, key_of((*batch)[failed].item),
                                          image_of((*batch)[failed].item)))) {
        ++failed;
    }
    if (failed < size) {
        const auto& entry = *known[failed];
        const bool is_abandoned = entry.type == store::EntryType::kKeyAbandoned;
        const auto kind = is_abandoned ? ErrorKind::kKeyAbandoned : ErrorKind::kKeyMismatch;
        refuse({{kind}, entry.lsn, false}, "", (*batch)[failed].responder);
        return link_others(*batch, failed, caller);
    }
    auto in_the_way = who_waits(*batch);
    if (!in_the_way) in_the_way = try_atomic(batch, caller, responder);
    if (in_the_way) park_atomic(batch, caller, responder, *in_the_way, lock_deadline());
    if (store_.has_open_group()) on_change_();
}

// Those who wait for the lock of one of its events must not be passed.
std::optional<EventId> Service::who_waits(const std::vector<Prepared>& batch) const {
    for (const auto& one : batch) {
        const auto event = store_.event_of(one.item);
        if (event && locks_.has_waiting(*event)) return event;
    }
    return std::nullopt;
}

// With the event whose lock somebody else has, and with no other: those go on.
void Service::park_atomic(const Batch& batch, const Caller& caller, const Responder& responder,
                          EventId event, LockQueue::Time give_up_at) {
    park(event, give_up_at, responder,
         [this, batch, caller, event, give_up_at](const Responder& r) {
             const auto held = try_atomic(batch, caller, r);
             if (!held) return true;
             if (*held == event) return false;
             park_atomic(batch, caller, r, *held, give_up_at);
             return true;
         });
}

// Nothing if it was decided, else the event whose lock another process has. A key that was answered
// since the answers were compared has to be compared first.
std::optional<EventId> Service::try_atomic(const Batch& batch, const Caller& caller,
                                           const Responder& responder) {
    const store::OneInstant instant{store_};
    std::vector<store::BatchRequest> items;
    for (const auto& one : *batch)
        items.push_back(one.item);
    auto lines = waiting_room_.lines_of(store_.events_of(items));
    const bool is_compared = std::all_of(batch->begin(), batch->end(), [&](const auto& one) {
        return answer_to(one.item, caller) == one.known;
    });
    if (!is_compared) {
        run_atomic(batch, caller, responder);
        return std::nullopt;
    }
    const auto outcome = store_.atomically(items, lines);
    const auto* results = std::get_if<std::vector<store::ChangeResult>>(&outcome);
    if (results == nullptr) return std::get<store::LockHeld>(outcome).event;
    waiting_room_.set_lines(std::move(lines));
    for (std::size_t i = 0; i < batch->size(); ++i)
        tell((*batch)[i], (*results)[i], caller);
    return std::nullopt;
}

}  // namespace ticketd::net
