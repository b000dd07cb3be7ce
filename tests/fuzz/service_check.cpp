#include "tests/fuzz/service_check.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "tests/fuzz/finding.h"

namespace ticketd::fuzz {
namespace {

using store::Entry;
using store::EntryType;

/// A change that somebody asked for, and was not refused as far as is known.
struct Asked {
    EntryType type = EntryType::kPurchased;
    UserId uid = 0;
    std::optional<std::string> event;  ///< nothing: the only one, or "default"
    std::optional<std::uint64_t> capacity, opens_ms, closes_ms, order_limit,
        buyer_limit;  ///< of an event
    std::uint64_t quantity = 0;
    std::uint64_t min_quantity = 0;
    std::string key;
    std::string memo;
    std::uint64_t ttl_ms = 0;  ///< 0: without end
    std::string bind;
    std::string buyer;
    Lsn order = 0;  ///< that is to change
    bool restocks = true;
    box_office::TicketNumbers serials;  ///< that are to be cancelled
};

std::uint64_t number(const OracleRequest& request, const char* name, std::uint64_t otherwise) {
    const auto value = param(request, name);
    return value.is_null() ? otherwise : value.get<std::uint64_t>();
}

std::string text(const OracleRequest& request, const char* name) {
    const auto value = param(request, name);
    return value.is_null() ? "" : value.get<std::string>();
}

/// What the request would change if it were granted; nothing if it may not.
std::optional<Asked> change_in(const OracleRequest& request, const net::Caller& caller) {
    if (!request.is_request || has_right_params(request) != true) return std::nullopt;
    const auto method = request.method();
    Asked asked;
    asked.uid = caller.uid;
    if (method == "purchase" || method == "hold") {
        if (method == "purchase" && param(request, "dry_run") == true) return std::nullopt;
        const auto event = param(request, "event");
        if (!event.is_null()) asked.event = event.get<std::string>();
        asked.quantity = number(request, "quantity", 1);
        asked.min_quantity = number(request, "min_quantity", asked.quantity);
        asked.key = text(request, "key");
        asked.memo = text(request, "memo");
        asked.buyer = text(request, "buyer");
        if (method == "hold") {
            asked.type = EntryType::kHeld;
            asked.bind = text(request, "bind");
            asked.ttl_ms = number(request, "ttl_ms", asked.bind.empty() ? 600'000 : 0);
        }
        return asked.min_quantity <= asked.quantity ? std::optional{asked} : std::nullopt;
    }
    static const std::map<std::string, EntryType> kOnHolds{{"confirm", EntryType::kConfirmed},
                                                           {"release", EntryType::kReleased},
                                                           {"extend", EntryType::kExtended}};
    if (const auto found = kOnHolds.find(method); found != kOnHolds.end()) {
        asked.type = found->second;
        asked.order = number(request, "order", 0);
        asked.key = text(request, "key");
        if (asked.type == EntryType::kConfirmed) asked.quantity = number(request, "quantity", 0);
        if (asked.type == EntryType::kExtended) asked.ttl_ms = number(request, "ttl_ms", 600'000);
        return asked;
    }
    if (method == "cancel") {
        const auto serials = param(request, "serials"), restock = param(request, "restock");
        if (!serials.is_null() && !param(request, "quantity").is_null()) return std::nullopt;
        asked.type = EntryType::kCancelled;
        asked.order = number(request, "order", 0);
        asked.quantity = number(request, "quantity", 0);
        asked.key = text(request, "key");
        asked.memo = text(request, "reason");
        asked.restocks = restock.is_null() || restock == true;
        if (!serials.is_null()) asked.serials = serials.get<box_office::TicketNumbers>();
        std::sort(asked.serials.begin(), asked.serials.end());
        return asked;
    }
    if (method == "abandon") {
        asked.type = EntryType::kKeyAbandoned;
        asked.key = text(request, "key");
        return asked;
    }
    static const std::map<std::string, EntryType> kOnEvents{
        {"event.create", EntryType::kEventCreated}, {"event.resize", EntryType::kEventResized},
        {"event.pause", EntryType::kEventPaused},   {"event.resume", EntryType::kEventResumed},
        {"event.close", EntryType::kEventClosed},   {"event.update", EntryType::kEventUpdated}};
    const auto change = kOnEvents.find(method);
    if (!caller.is_operator || change == kOnEvents.end()) return std::nullopt;
    asked.type = change->second;
    asked.event = text(request, "name");
    if (!param(request, "capacity").is_null()) asked.capacity = number(request, "capacity", 0);
    if (!param(request, "opens_ms").is_null()) asked.opens_ms = number(request, "opens_ms", 0);
    if (!param(request, "closes_ms").is_null()) asked.closes_ms = number(request, "closes_ms", 0);
    if (!param(request, "order_limit").is_null()) {
        asked.order_limit = number(request, "order_limit", 0);
    }
    if (!param(request, "buyer_limit").is_null()) {
        asked.buyer_limit = number(request, "buyer_limit", 0);
    }
    return asked;
}

bool is_change_of_event(const Asked& asked, const Entry& entry) {
    const auto& [opens, closes] = entry.rules.window;
    return (!asked.capacity || asked.capacity == entry.after.capacity) &&
           (!asked.opens_ms || std::cmp_equal(*asked.opens_ms, opens)) &&
           (!asked.closes_ms || std::cmp_equal(*asked.closes_ms, closes)) &&
           (!asked.order_limit || asked.order_limit == entry.rules.terms.order_limit) &&
           (!asked.buyer_limit || asked.buyer_limit == entry.rules.terms.buyer_limit);
}

std::uint64_t ttl_of(const Entry& entry) {
    return entry.expires_ms == 0 ? 0 : static_cast<std::uint64_t>(entry.expires_ms - entry.time_ms);
}

bool is_change_of_hold(const Asked& asked, const Entry& entry) {
    return asked.order == entry.order && asked.key == entry.key &&
           asked.quantity == entry.requested && asked.ttl_ms == ttl_of(entry);
}

bool is_cancellation(const Asked& asked, const Entry& entry) {
    const auto named = entry.names_tickets ? entry.returned : box_office::TicketNumbers{};
    return asked.order == entry.order && asked.key == entry.key && asked.memo == entry.memo &&
           asked.quantity == entry.requested && asked.serials == named &&
           asked.restocks == entry.restocks;
}

/// True of what happens without anybody's asking: a hold's time is up, or its connection ended.
bool happens_by_itself(const Ledger& ledger, const Entry& entry) {
    // With its last ticket, by whoever bought that.
    if (entry.type == EntryType::kEventClosed && entry.lsn > 1) {
        const auto& sale = ledger.at(entry.lsn - 1);
        return entry.rules.terms.closes_when_sold_out && is_sale(sale.type) &&
               sale.event == entry.event && sale.uid == entry.uid && !entry.voids_holds &&
               entry.after.available() == 0 && entry.after.held == 0;
    }
    if (!changes_order(entry.type)) return false;
    const auto& hold = ledger.at(entry.order);
    if (entry.type == EntryType::kExpired) return entry.uid == hold.uid;
    return entry.type == EntryType::kReleased && entry.key.empty() && entry.uid == hold.uid &&
           hold.binding.bind == box_office::Bind::kConnection;
}

bool is_for(const Asked& asked, const Entry& entry, const std::string& event) {
    if (asked.type != entry.type || asked.uid != entry.uid) return false;
    if (asked.type == EntryType::kKeyAbandoned) return asked.key == entry.key;
    if (entry.type == EntryType::kCancelled) return is_cancellation(asked, entry);
    if (changes_order(entry.type)) return is_change_of_hold(asked, entry);
    if (asked.event ? *asked.event != event : event != "default" && entry.event != 0) return false;
    if (!begins_order(asked.type)) return is_change_of_event(asked, entry);
    const bool is_bound = entry.binding.bind == box_office::Bind::kConnection;
    return ttl_of(entry) == asked.ttl_ms && is_bound == (asked.bind == "connection") &&
           asked.quantity == entry.requested && asked.min_quantity == entry.min_quantity &&
           asked.key == entry.key && asked.memo == entry.memo && asked.buyer == entry.buyer;
}

// All that the daemon sent.
std::vector<json> messages_in(const Conversation& conversation) {
    const std::string_view end_of_reply = conversation.rules.mistake_ends_it ? "\n\n" : "\n";
    std::vector<json> messages;
    std::string_view rest = conversation.received;
    while (!rest.empty()) {
        const auto end = rest.find(end_of_reply);
        if (end == std::string_view::npos) {
            expect(conversation.was_cut_off, "a reply is a whole line", rest);
            return messages;
        }
        auto [verdict, value] = judge(rest.substr(0, end));
        expect(verdict == Verdict::kJson, "a reply is JSON", rest.substr(0, end));
        expect(value.is_object() || (value.is_array() && !value.empty()),
               "a reply is an object or a batch of them", rest.substr(0, end));
        messages.push_back(std::move(value));
        rest.remove_prefix(end + end_of_reply.size());
    }
    return messages;
}

bool is_notification(const json& message) {
    return message.is_object() && message.contains("method");
}

std::vector<json> notifications_in(const Conversation& conversation) {
    auto messages = messages_in(conversation);
    std::erase_if(messages, [](const json& message) { return !is_notification(message); });
    return messages;
}

/// A message and its reply, known by the ids in them.
std::string ids_of(const OracleMessage& message) {
    if (message.kind != OracleMessage::Kind::kRequests) return "null";
    auto ids = json::array();
    for (const auto& request : message.requests) {
        if (request.wants_reply) ids.push_back(request.id());
    }
    return message.is_batch ? ids.dump() : ids.at(0).dump();
}

std::string ids_of(const json& reply) {
    if (!reply.is_array()) return reply.at("id").dump();
    auto ids = json::array();
    for (const auto& part : reply)
        ids.push_back(part.at("id"));
    return ids.dump();
}

/// One conversation: its replies are checked, and what it may have changed is added up.
class Checker {
  public:
    Checker(const Conversation& conversation, const Ledger& ledger, std::vector<Asked>& asked)
        : conversation_(conversation),
          messages_(judge_stream(conversation.sent, conversation.rules, conversation.end)),
          ledger_(ledger),
          asked_(asked) {}

    void run() {
        const auto replies = replies_in(conversation_);
        match(replies);
        for (const auto& reply : replies) {
            if (reply.is_array()) {
                for (const auto& part : reply)
                    take(part);
            } else {
                take(reply);
            }
        }
        check_told_changes();
        add_changes();
    }

  private:
    void match(const std::vector<json>& replies) {
        std::map<std::string, int> due;
        std::size_t of_any_id = 0;
        for (const auto& message : messages_) {
            // What comes before a number that nobody can read may hold an id or not.
            const bool is_cut_short = !message.is_batch &&
                                      message.kind == OracleMessage::Kind::kRequests &&
                                      message.requests[0].verdict == Verdict::kNumberOutOfRange;
            if (is_cut_short) {
                ++of_any_id;
            } else if (message.wants_reply()) {
                ++due[ids_of(message)];
            }
        }
        for (const auto& reply : replies) {
            if (auto& count = due[ids_of(reply)]; count > 0) {
                --count;
            } else {
                expect(of_any_id-- > 0, "a reply answers a request", reply.dump());
            }
        }
        if (conversation_.was_cut_off) return;
        for (const auto& [ids, count] : due)
            of_any_id += static_cast<std::size_t>(count);
        expect(of_any_id == 0, "each request is answered", conversation_.sent);
    }

    void take(const json& reply) {
        const bool is_version_2 = reply.contains("jsonrpc");
        if (is_version_2) expect(reply.at("jsonrpc") == "2.0", "version 2.0", reply.dump());
        expect(reply.size() == 3, "a reply has no members but its three", reply.dump());
        const auto error = reply.find("error");
        const bool is_error = error != reply.end() && !error->is_null();
        if (is_error) {
            check_error(*error, ledger_);
            refused_.push_back(reply.at("id"));
        } else {
            check_result(reply.at("result"), conversation_.caller, ledger_);
        }
    }

    // Who watches is told of what is in the ledger, each once and in order.
    void check_told_changes() {
        std::map<std::uint64_t, std::uint64_t> last;  // by subscription
        for (const auto& message : notifications_in(conversation_)) {
            const auto& params = message.at("params");
            if (message.at("method") != "changed") continue;
            const auto text = message.dump();
            const auto& entry = ledger_.at(params.at("lsn"));
            auto& before = last[params.at("subscription").get<std::uint64_t>()];
            expect(entry.lsn > before, "changes are told in order, and once", text);
            before = entry.lsn;
            expect(params.at("type") == store::entry_type_name(entry.type) &&
                       params.at("event") == ledger_.event_of(entry) &&
                       params.at("available") == entry.after.available() &&
                       params.at("sold") == entry.after.sold,
                   "a change that is told is the ledger's", text);
        }
    }

    bool is_refused(const OracleRequest& request) const {
        if (!request.wants_reply) return false;
        const auto has_id = [id = request.id()](const json& other) {
            return other == id && other.type() == id.type();
        };
        std::size_t of_this_id = 0;
        for (const auto& message : messages_) {
            of_this_id += static_cast<std::size_t>(std::count_if(
                message.requests.begin(), message.requests.end(), [&](const OracleRequest& other) {
                    return other.wants_reply && has_id(other.id());
                }));
        }
        // An id used twice does not tell which of the two was refused.
        const bool is_known = of_this_id == 1 && !request.id().is_null();
        return is_known && std::any_of(refused_.begin(), refused_.end(), has_id);
    }

    void add_changes() {
        for (const auto& message : messages_) {
            for (const auto& request : message.requests) {
                const auto change = change_in(request, conversation_.caller);
                if (change && !is_refused(request)) asked_.push_back(*change);
                add_changes_of_batch(request);
            }
        }
    }

    // What becomes of each of them is in its answer, but not under an id.
    void add_changes_of_batch(const OracleRequest& batch) {
        const bool is_one =
            batch.is_request && batch.method() == "batch" && has_right_params(batch) == true;
        if (!is_one) return;
        for (const auto& part : param(batch, "requests")) {
            const auto text = part.dump();
            const auto change = change_in(judge_request(text, 3), conversation_.caller);
            if (change) asked_.push_back(*change);
        }
    }

    const Conversation& conversation_;
    const std::vector<OracleMessage> messages_;
    const Ledger& ledger_;
    std::vector<Asked>& asked_;
    std::vector<json> refused_;  // ids
};

}  // namespace

std::vector<json> replies_in(const Conversation& conversation) {
    auto messages = messages_in(conversation);
    std::erase_if(messages, is_notification);
    return messages;
}

std::size_t replies_due(const Conversation& conversation) {
    const auto messages = judge_stream(conversation.sent, conversation.rules, conversation.end);
    const auto due = std::count_if(messages.begin(), messages.end(),
                                   [](const OracleMessage& m) { return m.wants_reply(); });
    return static_cast<std::size_t>(due);
}

void check_conversations(const std::vector<Conversation>& conversations, const Ledger& ledger) {
    std::vector<Asked> asked;
    for (const auto& conversation : conversations)
        Checker{conversation, ledger, asked}.run();
    // Those that name their event first: they can account for no entry of another event.
    std::stable_partition(asked.begin(), asked.end(), [](const Asked& a) { return !!a.event; });
    for (const auto& entry : ledger.entries) {
        const auto event = ledger.event_of(entry);
        const auto found = std::find_if(asked.begin(), asked.end(),
                                        [&](const Asked& a) { return is_for(a, entry, event); });
        if (found == asked.end() && happens_by_itself(ledger, entry)) continue;
        expect(found != asked.end(), "nothing changes that nobody asked for",
               "LSN " + std::to_string(entry.lsn) + " " +
                   std::string{store::entry_type_name(entry.type)} + " " + event + " key '" +
                   entry.key + "' quantity " + std::to_string(entry.requested));
        asked.erase(found);
    }
}

}  // namespace ticketd::fuzz
