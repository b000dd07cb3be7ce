#include "tests/fault/history_log.h"

#include <map>
#include <nlohmann/json.hpp>
#include <utility>

namespace ticketd::testing {
namespace {

using Json = nlohmann::json;
using Numbers = std::vector<std::uint64_t>;

Json json_of(const Counts& counts) {
    return {counts.event, counts.capacity, counts.available, counts.held, counts.sold, counts.lsn};
}

Counts counts_in(const Json& json) {
    return {json.at(0), json.at(1), json.at(2), json.at(3), json.at(4), json.at(5)};
}

Json json_of(const Told& told) {
    auto counts = Json::array();
    for (const auto& row : told.counts)
        counts.push_back(json_of(row));
    return {{"refusal", told.refusal},
            {"lsn", told.lsn},
            {"counts", counts},
            {"requested", told.requested},
            {"available", told.available},
            {"order", told.order},
            {"granted", told.granted},
            {"state", told.state},
            {"serials", told.serials},
            {"returned", told.returned},
            {"replayed", told.replayed},
            {"held", told.held},
            {"capacity", told.capacity},
            {"committed", told.committed}};
}

Told told_in(const Json& json) {
    Told told;
    told.refusal = json.at("refusal");
    told.lsn = json.at("lsn");
    for (const auto& row : json.at("counts"))
        told.counts.push_back(counts_in(row));
    told.requested = json.at("requested");
    told.available = json.at("available");
    told.order = json.at("order");
    told.granted = json.at("granted");
    told.state = json.at("state");
    told.serials = json.at("serials").get<Numbers>();
    told.returned = json.at("returned").get<Numbers>();
    told.replayed = json.at("replayed");
    told.held = json.at("held");
    told.capacity = json.at("capacity");
    told.committed = json.at("committed");
    return told;
}

Json json_of(const Op& op) {
    return {{"client", op.client},
            {"number", op.number},
            {"deed", static_cast<int>(op.deed)},
            {"uid", op.uid},
            {"event", op.event},
            {"quantity", op.quantity},
            {"min_quantity", op.min_quantity},
            {"capacity", op.capacity},
            {"has_slots", op.has_slots},
            {"key", op.key},
            {"memo", op.memo},
            {"ttl_ms", op.ttl_ms},
            {"wait_ms", op.wait_ms},
            {"is_bound", op.is_bound},
            {"order", op.order},
            {"serials", op.serials},
            {"restocks", op.restocks},
            {"batch", op.batch},
            {"ahead", op.ahead},
            {"invoked_ns", op.invoked_ns},
            {"ended_ns", op.ended_ns},
            {"answer", static_cast<int>(op.answer)},
            {"told", json_of(op.told)}};
}

Op op_in(const Json& json) {
    Op op;
    op.client = json.at("client");
    op.number = json.at("number");
    op.deed = static_cast<Deed>(json.at("deed").get<int>());
    op.uid = json.at("uid");
    op.event = json.at("event");
    op.quantity = json.at("quantity");
    op.min_quantity = json.at("min_quantity");
    op.capacity = json.at("capacity");
    op.has_slots = json.at("has_slots");
    op.key = json.at("key");
    op.memo = json.at("memo");
    op.ttl_ms = json.at("ttl_ms");
    op.wait_ms = json.at("wait_ms");
    op.is_bound = json.at("is_bound");
    op.order = json.at("order");
    op.serials = json.at("serials").get<Numbers>();
    op.restocks = json.at("restocks");
    op.batch = json.at("batch");
    op.ahead = json.at("ahead");
    op.invoked_ns = json.at("invoked_ns");
    op.ended_ns = json.at("ended_ns");
    op.answer = static_cast<Answer>(json.at("answer").get<int>());
    op.told = told_in(json.at("told"));
    return op;
}

}  // namespace

std::string line_of(const std::vector<Op>& ops) {
    auto line = Json::array();
    for (const auto& op : ops)
        line.push_back(json_of(op));
    return line.dump();
}

std::vector<Op> ops_in(const std::string& text) {
    std::map<std::pair<std::uint32_t, std::uint64_t>, Op> last;
    for (std::size_t begin = 0, end = text.find('\n'); end != std::string::npos;
         begin = end + 1, end = text.find('\n', begin)) {
        for (const auto& json : Json::parse(text.substr(begin, end - begin))) {
            auto op = op_in(json);
            const auto name = std::pair{op.client, op.number};
            last.insert_or_assign(name, std::move(op));
        }
    }
    std::vector<Op> ops;
    for (auto& [name, op] : last)
        ops.push_back(std::move(op));
    return ops;
}

}  // namespace ticketd::testing
