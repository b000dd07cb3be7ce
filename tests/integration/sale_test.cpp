// Many ticket-client processes at once: never more tickets than there are, never fewer.
#include <doctest/doctest.h>

#include <algorithm>
#include <numeric>
#include <thread>

#include "tests/support/daemon.h"

namespace ticketd::testing {
namespace {

struct Crowd {
    std::vector<Finished> winners;
    std::vector<Finished> losers;
    std::vector<Finished> others;
};

Crowd buy_at_once(const Daemon& daemon, int clients) {
    std::vector<Process> running;
    for (int i = 0; i < clients; ++i) {
        running.push_back(
            start_client(daemon.socket(), {"--json", "--timeout", "50s", "purchase"}));
    }
    Crowd crowd;
    for (auto& client : running) {
        const int exit = client.wait();
        auto& group = exit == 0 ? crowd.winners : exit == 10 ? crowd.losers : crowd.others;
        group.push_back({exit, client.output(), client.error()});
    }
    return crowd;
}

std::vector<int> serials_of(const std::vector<Finished>& winners) {
    std::vector<int> serials;
    for (const auto& winner : winners) {
        const auto order = Json::parse(winner.output);
        for (const int serial : order["serials"])
            serials.push_back(serial);
    }
    std::sort(serials.begin(), serials.end());
    return serials;
}

void check_crowd(int clients, int tickets) {
    auto daemon = Daemon::with_events({"demo=" + std::to_string(tickets)});
    const auto crowd = buy_at_once(daemon, clients);
    CHECK(crowd.winners.size() == static_cast<std::size_t>(tickets));
    CHECK(crowd.losers.size() == static_cast<std::size_t>(clients - tickets));
    for (const auto& other : crowd.others) {
        FAIL_CHECK("exit " << other.exit << ": " << other.error);
    }
    for (const auto& loser : crowd.losers) {
        CHECK(loser.error.starts_with("sold_out"));
        CHECK(loser.output.empty());
    }
    std::vector<int> expected(static_cast<std::size_t>(tickets));
    std::iota(expected.begin(), expected.end(), 1);
    CHECK(serials_of(crowd.winners) == expected);

    auto rpc = daemon.connect();
    const auto counts = rpc.result("query");
    CHECK(counts["sold"] == tickets);
    CHECK(counts["available"] == 0);
    CHECK(rpc.result("ledger.verify")["ok"] == true);
    CHECK(daemon.stop() == 0);
    CHECK(daemon.verify().exit == 0);
}

TEST_SUITE_BEGIN("sale");

TEST_CASE("fifteen clients at once get two tickets, two of them") {
    check_crowd(15, 2);
}

TEST_CASE("two hundred clients at once get a hundred tickets, a hundred of them") {
    check_crowd(200, 100);
}

TEST_CASE("requests for several tickets leave no ticket unsold") {
    auto daemon = Daemon::with_events({"demo=100"});
    std::vector<std::uint64_t> bought(8);
    std::vector<std::thread> buyers;
    for (std::size_t i = 0; i < bought.size(); ++i) {
        buyers.emplace_back([&, i] {
            auto rpc = daemon.connect();
            for (;;) {
                const auto reply = rpc.call("purchase", {{"quantity", 7}, {"min_quantity", 1}});
                if (!reply.contains("result")) break;
                bought[i] += reply["result"]["granted"].get<std::uint64_t>();
            }
        });
    }
    for (auto& buyer : buyers)
        buyer.join();
    CHECK(std::accumulate(bought.begin(), bought.end(), std::uint64_t{0}) == 100);
    CHECK(daemon.connect().result("query")["available"] == 0);
}

TEST_CASE("a dry run says what would be, and changes nothing") {
    auto daemon = Daemon::with_events({"demo=3"});
    auto rpc = daemon.connect();
    const Json dry{{"quantity", 9}, {"min_quantity", 2}, {"dry_run", true}, {"key", "k"}};
    CHECK(rpc.result("purchase", dry) == Json{{"event", "demo"},
                                              {"state", "possible"},
                                              {"requested", 9},
                                              {"granted", 3},
                                              {"available", 3},
                                              {"lsn", 1}});
    CHECK(rpc.kind("purchase", {{"quantity", 4}, {"dry_run", true}}) == "never_satisfiable");
    CHECK(rpc.result("purchase", {{"key", "k"}})["order"] == 2);
    const auto possible = client(daemon, {"buy", "2", "--dry-run"});
    CHECK(possible.exit == 0);
    CHECK(possible.output == "would buy 2 tickets of demo\n");
    CHECK(client(daemon, {"buy", "3", "--dry-run"}).exit == 10);
    CHECK(rpc.result("query")["lsn"] == 2);
}

TEST_SUITE_END();

}  // namespace
}  // namespace ticketd::testing
