#include "tests/fault/flood.h"

#include <stdexcept>

namespace ticketd::testing {

std::string purchases(const std::vector<std::string>& keys) {
    auto batch = Json::array();
    for (std::size_t i = 0; i < keys.size(); ++i) {
        batch.push_back({{"jsonrpc", "2.0"},
                         {"id", i},
                         {"method", "purchase"},
                         {"params", {{"key", keys[i]}, {"memo", std::string(250, 'm')}}}});
    }
    return batch.dump() + "\n";
}

std::vector<Json> buy_all(Rpc& rpc, const std::vector<std::string>& keys) {
    rpc.send(purchases(keys));
    const auto replies = rpc.receive();
    std::vector<Json> results(keys.size());
    for (const auto& reply : replies) {
        if (!reply.contains("result")) throw std::runtime_error(reply.dump());
        results.at(reply.at("id").get<std::size_t>()) = reply.at("result");
    }
    if (replies.size() != keys.size()) throw std::runtime_error("an answer is missing");
    return results;
}

Flood::Flood(const std::string& socket, int connections)
    : connections_(static_cast<std::size_t>(connections)) {
    for (int i = 0; i < connections; ++i) {
        connections_[static_cast<std::size_t>(i)].thread =
            std::thread{[this, socket, i] { run(socket, i); }};
    }
}

void Flood::run(const std::string& socket, int number) {
    constexpr int kBatch = 100;
    auto& self = connections_[static_cast<std::size_t>(number)];
    try {
        Rpc rpc{socket};
        for (int round = 0; !stopping_; ++round) {
            std::vector<std::string> keys;
            for (int i = 0; i < kBatch; ++i) {
                keys.push_back(std::to_string(number) + "-" + std::to_string(round) + "-" +
                               std::to_string(i) + "-" + std::string(80, 'k'));
            }
            const auto results = buy_all(rpc, keys);
            const Sold last{keys.back(), results.back().at("lsn")};
            self.sales.push_back(last);
            auto newest = acknowledged_.load();
            while (newest < last.lsn && !acknowledged_.compare_exchange_weak(newest, last.lsn)) {
            }
        }
    } catch (const std::exception& error) {
        self.problem = error.what();
    }
}

void Flood::stop() {
    stopping_ = true;
    for (auto& connection : connections_) {
        if (!connection.thread.joinable()) continue;
        connection.thread.join();
        sales_.insert(sales_.end(), connection.sales.begin(), connection.sales.end());
        problem_ += connection.problem;
    }
}

}  // namespace ticketd::testing
