#include "tests/fault/history_client.h"

#include <unistd.h>

#include <chrono>
#include <nlohmann/json.hpp>

#include "common/json_writer.h"
#include "tests/fault/history_judge.h"
#include "tests/fault/history_log.h"
#include "tests/fault/monotonic.h"
#include "tests/support/process.h"

namespace ticketd::testing {
namespace {

using client::Connection;
using client::IoStatus;
using Json = nlohmann::json;

client::Deadline patience() {
    return client::Clock::now() + kPatience;
}

const char* method_of(Deed deed) {
    switch (deed) {
        case Deed::kCreate: return "event.create";
        case Deed::kResize: return "event.resize";
        case Deed::kPurchase: return "purchase";
        case Deed::kQuery: return "query";
        case Deed::kEvents: return "events";
        case Deed::kOrder: return "order";
        case Deed::kAbandon: return "abandon";
    }
    return "";
}

// Written by hand, because a DOM for each of a hundred thousand requests takes most of the time.
void append_request(JsonWriter& json, std::size_t id, const Op& op) {
    json.begin_object().member("jsonrpc", "2.0").member("id", std::uint64_t{id});
    json.member("method", method_of(op.deed)).name("params").begin_object();
    switch (op.deed) {
        case Deed::kCreate:
        case Deed::kResize: json.member("name", op.event).member("capacity", op.capacity); break;
        case Deed::kQuery: json.member("event", op.event); break;
        case Deed::kEvents: break;
        case Deed::kOrder:
        case Deed::kAbandon: json.member("key", op.key); break;
        case Deed::kPurchase:
            json.member("event", op.event).member("quantity", op.quantity);
            if (op.min_quantity != op.quantity) json.member("min_quantity", op.min_quantity);
            if (!op.key.empty()) json.member("key", op.key);
            if (!op.memo.empty()) json.member("memo", op.memo);
    }
    json.end_object().end_object();
}

Counts counts_answered(const Json& row) {
    return {row.at("event"), row.at("capacity"), row.at("available"),
            row.at("held"),  row.at("sold"),     row.at("lsn")};
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
    if (result.contains("order")) {
        told.order = result.at("order");
        told.requested = result.at("requested");
        told.granted = result.at("granted");
        told.serials = result.at("serials").get<std::vector<std::uint64_t>>();
        told.available = result.value("available", std::uint64_t{0});
        const std::string event = result.at("event");
        if (op.deed != Deed::kPurchase) op.event = event;
        if (op.event != event) throw std::runtime_error("of another event: " + result.dump());
        return;
    }
    if (op.deed != Deed::kAbandon) told.counts.push_back(counts_answered(result));
}

void take_error(Op& op, const Json& error) {
    const auto& data = error.at("data");
    const auto number = [&data](const char* name) { return data.value(name, std::uint64_t{0}); };
    auto& told = op.told;
    op.answer = Answer::kRefused;
    told.refusal = data.at("kind");
    told.lsn = number("lsn");
    told.requested = number("requested");
    told.available = number("available");
    told.held = number("held");
    told.capacity = number("capacity");
    told.committed = number("committed");
}

}  // namespace

std::optional<Connection> HistoryClient::connect() {
    const auto deadline = patience();
    for (;;) {
        auto opened = Connection::try_open(options_.socket);
        if (auto* connection = std::get_if<Connection>(&opened)) return std::move(*connection);
        if (client::Clock::now() > deadline) {
            problems_.push_back("no daemon for a long time: " +
                                std::get<client::OpenFailure>(opened).failure.message);
            return std::nullopt;
        }
        client::pause_for(std::chrono::milliseconds{1}, deadline);
    }
}

bool HistoryClient::reach_daemon() {
    if (!connection_) connection_ = connect();
    return connection_.has_value();
}

Op HistoryClient::ask(Op op) {
    return ask_all({std::move(op)}).front();
}

std::vector<Op> HistoryClient::ask_all(std::vector<Op> ops) {
    const auto indices = begin(std::move(ops));
    if (!send(*connection_, indices) || !receive(*connection_, indices)) connection_.reset();
    std::vector<Op> ended;
    for (const auto index : indices) {
        end(index);
        ended.push_back(ops_[index]);
    }
    return ended;
}

std::pair<Op, Op> HistoryClient::ask_twice(const Op& op) {
    auto other = connect();
    const auto first = begin({op}), second = begin({op});
    const bool is_sent = send(*connection_, first);
    const bool is_other_sent = other && send(*other, second);
    if (!is_sent || !receive(*connection_, first)) connection_.reset();
    end(first.front());
    if (is_other_sent) static_cast<void>(receive(*other, second));
    end(second.front());
    return {ops_[first.front()], ops_[second.front()]};
}

HistoryClient::Indices HistoryClient::begin(std::vector<Op> ops) {
    Indices indices;
    for (auto& op : ops) {
        op.client = options_.number;
        op.number = ops_.size();
        op.uid = ::geteuid();
        op.answer = Answer::kUnknown;
        op.told = {};
        op.ended_ns = kNever;
        op.invoked_ns = monotonic_ns();
        log(op);
        indices.push_back(ops_.size());
        ops_.push_back(std::move(op));
    }
    return indices;
}

void HistoryClient::end(std::size_t index) {
    ops_[index].ended_ns = monotonic_ns();
    log(ops_[index]);
}

// One object or one array; the ids are places in ops_.
bool HistoryClient::send(Connection& connection, const Indices& indices) {
    std::string text;
    JsonWriter json{text};
    if (indices.size() > 1) json.begin_array();
    for (const auto index : indices)
        append_request(json, index, ops_[index]);
    if (indices.size() > 1) json.end_array();
    text += '\n';
    const auto status = connection.send_raw(text, patience());
    if (status == IoStatus::kTimedOut) note(ops_[indices.front()], "the daemon does not read");
    return status == IoStatus::kDone;
}

bool HistoryClient::receive(Connection& connection, const Indices& indices) {
    const auto received = connection.receive(patience());
    auto& first = ops_[indices.front()];
    if (received.status == IoStatus::kTimedOut) note(first, "no answer for a long time");
    if (received.status == IoStatus::kMalformed) note(first, "an answer that is not JSON");
    if (received.status != IoStatus::kDone) return false;
    try {
        const auto message = Json::parse(received.message);
        const bool is_batch = message.is_array();
        if (is_batch != (indices.size() > 1) || (is_batch && message.size() != indices.size())) {
            throw std::runtime_error("not as many answers as requests");
        }
        for (std::size_t i = 0; i < indices.size(); ++i) {
            const auto& reply = is_batch ? message[i] : message;
            auto& op = ops_[indices[i]];
            if (reply.at("id") != indices[i]) throw std::runtime_error("not our id");
            if (reply.contains("result")) {
                take_result(op, reply.at("result"));
            } else {
                take_error(op, reply.at("error"));
            }
        }
    } catch (const std::exception& error) {
        note(first, std::string{error.what()} + ": " + received.message);
        return false;
    }
    return true;
}

void HistoryClient::note(const Op& op, const std::string& problem) {
    problems_.push_back(name_of(op) + ": " + problem);
}

void HistoryClient::log(const Op& op) const {
    if (options_.log_fd < 0) return;
    const auto line = line_of(op) + "\n";
    static_cast<void>(!::write(options_.log_fd, line.data(), line.size()));
}

}  // namespace ticketd::testing
