#include "tests/fault/power_cut_load.h"

#include <algorithm>
#include <random>
#include <stdexcept>

#include "client/wait.h"

namespace ticketd::testing {

Json Ask::params() const {
    Json params{{"event", event}, {"key", key}, {"quantity", quantity}};
    if (!memo.empty()) params["memo"] = memo;
    return params;
}

void ToldHistory::add(ToldHistory&& other) {
    const auto append = [](auto& to, auto& from) {
        to.insert(to.end(), std::make_move_iterator(from.begin()),
                  std::make_move_iterator(from.end()));
    };
    append(sales, other.sales);
    append(counts, other.counts);
    append(refused, other.refused);
    append(unanswered, other.unanswered);
    append(problems, other.problems);
    lsn_max = std::max(lsn_max, other.lsn_max);
}

void ToldHistory::add_reply(const Ask& ask, const Json& reply) {
    if (const auto result = reply.find("result"); result != reply.end()) {
        const auto serials = result->at("serials").get<std::vector<std::uint64_t>>();
        if (serials.size() != ask.quantity) problems.push_back("another quantity: " + ask.key);
        sales.push_back({ask, result->at("order").get<std::uint64_t>(), serials});
        lsn_max = std::max(lsn_max, result->at("lsn").get<std::uint64_t>());
        return;
    }
    const auto& data = reply.at("error").at("data");
    const auto kind = data.at("kind").get<std::string>();
    if (kind == "sold_out" || kind == "insufficient") {
        refused.push_back(ask);
        lsn_max = std::max(lsn_max, data.at("lsn").get<std::uint64_t>());
    } else if (kind == "busy" || kind == "storage_full") {
        unanswered.push_back(ask);  // nothing was done, so the same key may be used again
    } else {
        problems.push_back(ask.key + " was told " + reply.dump());
    }
}

void ToldHistory::add_counts(const std::string& event, const Json& told) {
    const auto lsn = told.at("lsn").get<std::uint64_t>();
    counts.push_back({event, lsn, told.at("sold").get<std::uint64_t>()});
    lsn_max = std::max(lsn_max, lsn);
}

Json ToldHistory::as_json() const {
    Json told = Json::array(), open = Json::array(), no = Json::array(), queries = Json::array();
    for (const auto& sale : sales) {
        auto one = sale.ask.params();
        one["order"] = sale.order;
        one["serials"] = sale.serials;
        told.push_back(one);
    }
    for (const auto& ask : unanswered)
        open.push_back(ask.params());
    for (const auto& ask : refused)
        no.push_back(ask.params());
    for (const auto& count : counts)
        queries.push_back({{"event", count.event}, {"lsn", count.lsn}, {"sold", count.sold}});
    return {{"sales", told},      {"unanswered", open}, {"refused", no},
            {"queries", queries}, {"lsn_max", lsn_max}, {"problems", problems}};
}

Buyers::Buyers(Plan plan)
    : plan_(std::move(plan)),
      active_(plan_.buyers),
      histories_(static_cast<std::size_t>(plan_.buyers)) {
    for (int i = 0; i < plan_.buyers; ++i) {
        auto& history = histories_[static_cast<std::size_t>(i)];
        threads_.emplace_back([this, &history, i] { run(history, i); });
    }
}

Buyers::~Buyers() {
    for (auto& thread : threads_) {
        if (thread.joinable()) thread.join();
    }
}

bool Buyers::wait_for_answers(std::uint64_t count) const {
    const client::Deadline deadline = client::Clock::now() + kPatience;
    while (answered_ < count) {
        if (active_ == 0 || client::Clock::now() > deadline) return false;
        client::pause_for(std::chrono::microseconds{50}, deadline);
    }
    return true;
}

ToldHistory Buyers::join() {
    ToldHistory all;
    for (std::size_t i = 0; i < threads_.size(); ++i) {
        threads_[i].join();
        all.add(std::move(histories_[i]));
    }
    return all;
}

void Buyers::run(ToldHistory& history, int number) {
    try {
        Rpc rpc{plan_.socket};
        converse(rpc, history, number);
    } catch (const nlohmann::json::exception& error) {
        history.problems.push_back(std::string{"an answer that makes no sense: "} + error.what());
    } catch (const std::runtime_error&) {
        // The connection has ended, which is how it is meant to be.
    }
    --active_;
}

void Buyers::converse(Rpc& rpc, ToldHistory& history, int number) {
    std::mt19937_64 random{plan_.seed + static_cast<std::uint64_t>(number)};
    const auto any_event = [&] { return plan_.events[random() % plan_.events.size()]; };
    const auto prefix = plan_.prefix + "-" + std::to_string(number) + "-";
    for (std::uint64_t next = 0;;) {
        std::vector<Ask> asks;
        std::string lines;
        for (unsigned i = 0; i < plan_.pipelined; ++i) {
            asks.push_back({any_event(), prefix + std::to_string(next++), random() % 3 + 1,
                            std::string(plan_.memo_bytes, 'm')});
            lines += request_line(i, "purchase", asks.back().params());
        }
        const auto asked_about = any_event();
        lines += request_line(asks.size(), "query", {{"event", asked_about}});
        // Until it is answered, whatever happens, each of them may or may not be done.
        history.unanswered.insert(history.unanswered.end(), asks.begin(), asks.end());
        rpc.send(lines);
        for (std::size_t left = asks.size() + 1; left > 0; --left) {
            const auto reply = rpc.receive();
            if (*plan_.is_power_off) return;
            take_reply(history, reply, asks, asked_about);
        }
    }
}

void Buyers::take_reply(ToldHistory& history, const Json& reply, const std::vector<Ask>& asks,
                        const std::string& asked_about) {
    const auto id = reply.at("id").get<std::size_t>();
    if (id == asks.size()) {
        if (reply.contains("result")) history.add_counts(asked_about, reply["result"]);
        return;
    }
    std::erase_if(history.unanswered, [&](const Ask& open) { return open.key == asks.at(id).key; });
    history.add_reply(asks[id], reply);
    ++answered_;
}

}  // namespace ticketd::testing
