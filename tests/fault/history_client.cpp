#include "tests/fault/history_client.h"

#include <unistd.h>

#include <chrono>
#include <map>
#include <nlohmann/json.hpp>

#include "tests/fault/history_judge.h"
#include "tests/fault/history_log.h"
#include "tests/fault/history_wire.h"
#include "tests/fault/monotonic.h"
#include "tests/support/process.h"

namespace ticketd::testing {
namespace {

using client::Connection;
using client::IoStatus;

client::Deadline patience() {
    return client::Clock::now() + kPatience;
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
    return end(indices);
}

std::vector<Op> HistoryClient::ask_atomic(std::vector<Op> ops) {
    std::map<std::string, std::uint64_t> wanted;
    for (auto& op : ops) {
        op.batch = ops_.size() + 1;
        op.ahead = wanted[op.event];
        wanted[op.event] += op.quantity;
    }
    return ask_all(std::move(ops));
}

std::pair<Op, Op> HistoryClient::ask_twice(const Op& op) {
    auto other = connect();
    const auto first = begin({op}), second = begin({op});
    const bool is_sent = send(*connection_, first);
    const bool is_other_sent = other && send(*other, second);
    if (!is_sent || !receive(*connection_, first)) connection_.reset();
    auto ended = end(first).front();
    if (is_other_sent) static_cast<void>(receive(*other, second));
    return {std::move(ended), end(second).front()};
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
        indices.push_back(ops_.size());
        ops_.push_back(op);
    }
    log(ops);
    return indices;
}

std::vector<Op> HistoryClient::end(const Indices& indices) {
    std::vector<Op> ended;
    for (const auto index : indices) {
        ops_[index].ended_ns = monotonic_ns();
        ended.push_back(ops_[index]);
    }
    log(ended);
    return ended;
}

bool HistoryClient::send(Connection& connection, const Indices& indices) {
    std::vector<const Op*> ops;
    for (const auto index : indices)
        ops.push_back(&ops_[index]);
    const auto status = connection.send_raw(request_text(ops) + '\n', patience());
    if (status == IoStatus::kTimedOut) note(*ops.front(), "the daemon does not read");
    return status == IoStatus::kDone;
}

bool HistoryClient::receive(Connection& connection, const Indices& indices) {
    const auto received = connection.receive(patience());
    std::vector<Op*> ops;
    for (const auto index : indices)
        ops.push_back(&ops_[index]);
    if (received.status == IoStatus::kTimedOut) note(*ops.front(), "no answer for a long time");
    if (received.status == IoStatus::kMalformed) note(*ops.front(), "an answer that is not JSON");
    if (received.status != IoStatus::kDone) return false;
    try {
        take_answer(ops, nlohmann::json::parse(received.message));
    } catch (const std::exception& error) {
        note(*ops.front(), std::string{error.what()} + ": " + received.message);
        return false;
    }
    return true;
}

void HistoryClient::note(const Op& op, const std::string& problem) {
    problems_.push_back(name_of(op) + ": " + problem);
}

void HistoryClient::log(const std::vector<Op>& ops) const {
    if (options_.log_fd < 0) return;
    const auto line = line_of(ops) + "\n";
    static_cast<void>(!::write(options_.log_fd, line.data(), line.size()));
}

}  // namespace ticketd::testing
