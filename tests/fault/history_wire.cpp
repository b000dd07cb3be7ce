#include "tests/fault/history_wire.h"

#include <nlohmann/json.hpp>
#include <stdexcept>

#include "common/json_writer.h"

namespace ticketd::testing {
namespace {

using Json = nlohmann::json;
using Numbers = std::vector<std::uint64_t>;

const char* method_of(Deed deed) {
    switch (deed) {
        case Deed::kCreate: return "event.create";
        case Deed::kResize: return "event.resize";
        case Deed::kPurchase: return "purchase";
        case Deed::kQuery: return "query";
        case Deed::kEvents: return "events";
        case Deed::kOrder: return "order";
        case Deed::kAbandon: return "abandon";
        case Deed::kHold: return "hold";
        case Deed::kConfirm: return "confirm";
        case Deed::kRelease: return "release";
        case Deed::kExtend: return "extend";
        case Deed::kCancel: return "cancel";
    }
    return "";
}

void append_new_order(JsonWriter& json, const Op& op) {
    json.member("event", op.event).member("quantity", op.quantity);
    if (op.min_quantity != op.quantity) json.member("min_quantity", op.min_quantity);
    if (!op.memo.empty()) json.member("memo", op.memo);
    if (op.ttl_ms > 0) json.member("ttl_ms", op.ttl_ms);
    if (op.is_bound) json.member("bind", "connection");
    if (op.wait_ms > 0) json.member("wait_ms", op.wait_ms);
}

void append_change_of_order(JsonWriter& json, const Op& op) {
    json.member("order", op.order);
    if (op.quantity > 0) json.member("quantity", op.quantity);
    if (op.ttl_ms > 0) json.member("ttl_ms", op.ttl_ms);
    if (!op.restocks) json.member("restock", false);
    if (op.serials.empty()) return;
    json.name("serials").begin_array();
    for (const auto serial : op.serials)
        json.value(serial);
    json.end_array();
}

// Written by hand, because a DOM for each of a hundred thousand requests takes most of the time.
void append_method(JsonWriter& json, const Op& op) {
    json.member("method", method_of(op.deed)).name("params").begin_object();
    if (op.deed == Deed::kCreate || op.deed == Deed::kResize) {
        json.member("name", op.event).member("capacity", op.capacity);
        if (op.has_slots) json.member("slots", true);
    } else if (op.deed == Deed::kQuery) {
        json.member("event", op.event);
    } else if (changes_order(op.deed)) {
        append_change_of_order(json, op);
    } else if (may_have_key(op.deed)) {
        append_new_order(json, op);
    }
    if (!op.key.empty()) json.member("key", op.key);
    json.end_object();
}

void begin_request(JsonWriter& json, const Op& op) {
    json.begin_object().member("jsonrpc", "2.0").member("id", op.number);
}

Counts counts_answered(const Json& row) {
    return {row.at("event"), row.at("capacity"), row.at("available"),
            row.at("held"),  row.at("sold"),     row.at("lsn")};
}

void take_order(Op& op, const Json& result) {
    auto& told = op.told;
    told.order = result.at("order");
    told.state = result.at("state");
    told.requested = result.value("requested", std::uint64_t{0});
    told.granted = result.value("granted", std::uint64_t{0});
    told.serials = result.value("serials", Numbers{});
    told.returned = result.value("returned", Numbers{});
    told.available = result.value("available", std::uint64_t{0});
    const std::string event = result.at("event");
    if (!wants_tickets(op.deed)) op.event = event;
    if (op.event != event) throw std::runtime_error("of another event: " + result.dump());
}

void take_result(Op& op, const Json& result) {
    auto& told = op.told;
    op.answer = Answer::kOk;
    if (op.deed == Deed::kEvents) {
        for (const auto& row : result.at("events"))
            told.counts.push_back(counts_answered(row));
        return;
    }
    told.lsn = result.at("lsn");
    told.replayed = result.value("replayed", false);
    if (result.contains("order")) return take_order(op, result);
    if (op.deed == Deed::kAbandon) return;
    if (may_have_key(op.deed)) throw std::runtime_error("no order: " + result.dump());
    told.counts.push_back(counts_answered(result));
}

void take_error(Op& op, const Json& error) {
    const auto& data = error.at("data");
    const auto number = [&data](const char* name) { return data.value(name, std::uint64_t{0}); };
    auto& told = op.told;
    op.answer = Answer::kRefused;
    told.refusal = data.at("kind");
    told.order = number("order");
    told.lsn = number("lsn");
    told.requested = number("requested");
    told.available = number("available");
    told.held = number("held");
    told.capacity = number("capacity");
    told.committed = number("committed");
}

void take_reply(Op& op, const Json& reply) {
    if (reply.contains("result")) {
        take_result(op, reply.at("result"));
    } else {
        take_error(op, reply.at("error"));
    }
}

void require_id(const Op& op, const Json& message) {
    if (message.at("id") != op.number) throw std::runtime_error("not our id");
}

void require_one_for_each(const std::vector<Op*>& ops, const Json& replies) {
    if (!replies.is_array() || replies.size() != ops.size()) {
        throw std::runtime_error("not as many answers as requests");
    }
}

}  // namespace

std::string request_text(const std::vector<const Op*>& ops) {
    std::string text;
    JsonWriter json{text};
    const auto& first = *ops.front();
    if (first.batch > 0) {
        begin_request(json, first);
        json.member("method", "batch").name("params").begin_object().member("atomic", true);
        json.name("requests").begin_array();
        for (const auto* op : ops) {
            json.begin_object();
            append_method(json, *op);
            json.end_object();
        }
        json.end_array().end_object().end_object();
        return text;
    }
    if (ops.size() > 1) json.begin_array();
    for (const auto* op : ops) {
        begin_request(json, *op);
        append_method(json, *op);
        json.end_object();
    }
    if (ops.size() > 1) json.end_array();
    return text;
}

void take_answer(const std::vector<Op*>& ops, const Json& message) {
    if (ops.front()->batch > 0) {
        require_id(*ops.front(), message);
        if (!message.contains("result")) {
            for (auto* op : ops)
                take_error(*op, message.at("error"));
            return;
        }
        const auto& results = message.at("result").at("results");
        require_one_for_each(ops, results);
        for (std::size_t i = 0; i < ops.size(); ++i)
            take_reply(*ops[i], results[i]);
        return;
    }
    const auto replies = ops.size() > 1 ? message : Json::array({message});
    require_one_for_each(ops, replies);
    for (std::size_t i = 0; i < ops.size(); ++i) {
        require_id(*ops[i], replies[i]);
        take_reply(*ops[i], replies[i]);
    }
}

}  // namespace ticketd::testing
