#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "client/bench/histogram.h"
#include "client/bench/load.h"
#include "client/bench/options.h"
#include "client/bench/replies.h"
#include "client/bench/report.h"
#include "client/bench/requests.h"
#include "tests/unit/client/fake_server.h"

namespace ticketd::client {
namespace {

using std::chrono::nanoseconds;

Outcome<BenchOptions> parse_bench(std::vector<std::string> words) {
    words.insert(words.begin(), "ticket-bench");
    std::vector<char*> argv;
    for (auto& word : words)
        argv.push_back(word.data());
    argv.push_back(nullptr);
    return parse_bench_options(static_cast<int>(words.size()), argv.data());
}

}  // namespace

TEST_CASE("bench options are read and checked") {
    const auto outcome = parse_bench({"--clients", "15", "--pipeline=4", "--duration", "2s",
                                      "--method", "query", "--event", "e", "--no-key", "--json"});
    REQUIRE(std::holds_alternative<BenchOptions>(outcome));
    const auto& options = std::get<BenchOptions>(outcome);
    CHECK(options.clients == 15);
    CHECK(options.pipeline == 4);
    CHECK(options.duration == std::chrono::seconds{2});
    CHECK(options.method == BenchMethod::kQuery);
    CHECK(options.event == "e");
    CHECK_FALSE(options.has_keys);
    CHECK(options.wants_json);
    for (const auto& words :
         std::vector<std::vector<std::string>>{{"--clients", "0"},
                                               {"--clients", "1000000"},
                                               {"--requests", "x"},
                                               {"--duration", "5"},
                                               {"--method", "hold"},
                                               {"--event", "a b"},
                                               {"word"},
                                               {"--frob"},
                                               {"--clients"},
                                               {"--requests", "5", "--duration", "1s"}}) {
        CAPTURE(words[0]);
        const auto bad = parse_bench(words);
        REQUIRE(failure_of(bad));
        CHECK(failure_of(bad)->exit_code == 64);
    }
}

TEST_CASE("a percentile is at most 1/64 above the truth and never above the longest") {
    Histogram histogram;
    CHECK(histogram.percentile(500) == nanoseconds{0});
    for (int us = 1; us <= 1000; ++us)
        histogram.add(std::chrono::microseconds{us});
    CHECK(histogram.count() == 1000);
    for (const unsigned per_mille : {1U, 500U, 900U, 990U, 999U, 1000U}) {
        const auto truth = static_cast<double>(per_mille) * 1000;
        const auto found = static_cast<double>(histogram.percentile(per_mille).count());
        CHECK(found >= truth);
        CHECK(found <= truth * (1 + 1.0 / 64));
    }
    CHECK(histogram.longest() == std::chrono::milliseconds{1});
    CHECK(histogram.percentile(1000) == histogram.longest());
}

TEST_CASE("every latency has a bucket") {
    Histogram histogram;
    histogram.add(nanoseconds{-5});
    CHECK(histogram.percentile(1000) == nanoseconds{0});
    histogram.add(nanoseconds::max());
    CHECK(histogram.percentile(1000) == nanoseconds::max());
}

TEST_CASE("requests are valid, numbered, and their keys never repeat") {
    BenchOptions options;
    options.event = "e";
    options.quantity = 2;
    RequestWriter writer{options};
    std::set<std::string> keys;
    std::set<std::uint64_t> ids;
    for (int i = 0; i < 100; ++i) {
        std::string text;
        writer.append_next(text);
        REQUIRE(text.ends_with('\n'));
        const auto request = nlohmann::json::parse(text);
        CHECK(request["params"]["quantity"] == 2);
        CHECK(request["params"]["event"] == "e");
        keys.insert(request["params"]["key"].get<std::string>());
        ids.insert(request["id"].get<std::uint64_t>());
    }
    CHECK(keys.size() == 100);
    CHECK(ids.size() == 100);
}

TEST_CASE("queries and pings carry no key, purchases only if wanted") {
    BenchOptions options;
    options.has_keys = false;
    for (const auto method : {BenchMethod::kPurchase, BenchMethod::kQuery, BenchMethod::kPing}) {
        options.method = method;
        std::string text;
        RequestWriter{options}.append_next(text);
        const auto request = nlohmann::json::parse(text);
        CHECK(request["method"] == bench_method_name(method));
        CHECK_FALSE(request["params"].contains("key"));
    }
}

TEST_CASE("replies are told apart: results, refusals, errors, neither") {
    ReplyCounts counts;
    CHECK(counts.add(R"({"jsonrpc":"2.0","id":100000000000001,"result":{"error":1}})"));
    const auto error = [](int code, const std::string& kind) {
        return R"({"jsonrpc":"2.0","id":1,"error":{"code":)" + std::to_string(code) +
               R"(,"message":"m","data":{"kind":")" + kind + R"("}}})";
    };
    CHECK(counts.add(error(1001, "sold_out")));
    CHECK(counts.add(error(1001, "sold_out")));
    CHECK(counts.add(error(1003, "limit_reached")));
    CHECK(counts.add(error(1011, "busy")));
    CHECK(counts.add(R"({"id":1,"error":{"code":)"));
    CHECK_FALSE(counts.add("{}"));
    CHECK(counts.results() == 1);
    CHECK(counts.refusals() ==
          std::map<std::string, std::uint64_t>{{"limit_reached", 1}, {"sold_out", 2}});
    CHECK(counts.errors() == std::map<std::string, std::uint64_t>{{"busy", 1}, {"garbled", 1}});
}

TEST_CASE("a run sends what it was asked to and counts the answers") {
    FakeServer server{{{"{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}\n", {}},
                       {"{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}\n", {}}}};
    BenchOptions options;
    options.socket_path = server.path();
    options.clients = 2;
    options.requests = 2;
    options.wants_json = true;
    const auto outcome = run_load(options);
    REQUIRE(std::holds_alternative<LoadResult>(outcome));
    const auto report = nlohmann::json::parse(report_text(options, std::get<LoadResult>(outcome)));
    CHECK(report["requests"] == 2);
    CHECK(report["sales"] == 2);
    CHECK(report["latency_us"]["p99.9"] <= report["latency_us"]["max"]);
    CHECK(server.stop().size() == 2);
}

TEST_CASE("a run ends when a connection is lost or speaks something else") {
    const auto exit_after = [](FakeServer::Step step) {
        FakeServer server{{std::move(step)}};
        BenchOptions options;
        options.socket_path = server.path();
        options.clients = 1;
        const auto outcome = run_load(options);
        return failure_of(outcome) != nullptr ? failure_of(outcome)->exit_code : 0;
    };
    CHECK(exit_after({"", FakeServer::Step::Then::kHangUp}) == 69);
    CHECK(exit_after({"hello\n", FakeServer::Step::Then::kKeepOpen}) == 76);
    CHECK(exit_after({"{\"result\":1}\n{\"result\":1}\n", {}}) == 76);
}

}  // namespace ticketd::client
