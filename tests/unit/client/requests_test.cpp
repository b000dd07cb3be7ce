#include "client/ticket_client/requests.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <string>

namespace ticketd::client {
namespace {

Arguments arguments(std::string_view verb, std::vector<std::string> operands = {}) {
    Arguments made;
    made.verb = find_verb(verb);
    REQUIRE(made.verb != nullptr);
    made.operands = std::move(operands);
    return made;
}

Request request(const Arguments& from) {
    const auto outcome = request_for(from);
    REQUIRE(std::holds_alternative<Request>(outcome));
    return std::get<Request>(outcome);
}

int exit_of(const Arguments& from) {
    const auto outcome = request_for(from);
    return failure_of(outcome) != nullptr ? failure_of(outcome)->exit_code : 0;
}

}  // namespace

TEST_CASE("a purchase names its parameters and makes its key") {
    const auto made = request(arguments("purchase"));
    CHECK(made.method == "purchase");
    CHECK(made.nature == Nature::kKeyed);
    const auto params = nlohmann::json::parse(made.params);
    CHECK(params.size() == 2);
    CHECK(params["quantity"] == 1);
    CHECK(params["key"].get<std::string>().size() == 36);
    CHECK(made.hint == "repeat with --key " + params["key"].get<std::string>());
}

TEST_CASE("a purchase sends what it was given") {
    auto given = arguments("purchase", {"4"});
    given.event = "demo";
    given.min = 2;
    given.key = "k";
    given.memo = "says \"hi\"";
    CHECK(request(given).params ==
          R"({"event":"demo","quantity":4,"min_quantity":2,"key":"k","memo":"says \"hi\""})");
}

TEST_CASE("an export is JSON or CSV, and is told so when it is asked for anything else") {
    auto given = arguments("ledger export");
    CHECK(exit_of(given) == 0);
    given.is_csv = true;
    CHECK(exit_of(given) == 0);
    for (const auto output : {Output::kJson, Output::kText, Output::kEnv, Output::kTsv}) {
        given.output = output;
        CHECK(exit_of(given) == 64);
    }
    given.is_csv = false;
    CHECK(exit_of(given) == 64);
    given.output = Output::kJson;
    CHECK(exit_of(given) == 0);
}

TEST_CASE("an order is asked for by its number or its key, one of them") {
    const auto message = [](const Arguments& from) {
        const auto outcome = request_for(from);
        return failure_of(outcome) == nullptr ? "" : failure_of(outcome)->message;
    };
    CHECK(message(arguments("order")) == "order: give a number or --key; try --help");
    auto both = arguments("order", {"5"});
    both.key = "k";
    CHECK(message(both) == "order needs a number or --key, not both; try --help");
}

TEST_CASE("numbers of tickets are strict") {
    for (const auto* text : {"2x", "-1", "1e3", "0", "", " 1", "1 ", "+1", "0x1", "1.0",
                             "9007199254740992", "99999999999999999999"}) {
        CAPTURE(text);
        CHECK(exit_of(arguments("purchase", {text})) == 64);
    }
    for (const auto* text : {"-1", "many", "1.5"}) {
        CHECK(exit_of(arguments("event create", {"a", text})) == 64);
    }
    auto more_than_all = arguments("purchase", {"2"});
    more_than_all.min = 3;
    CHECK(exit_of(more_than_all) == 64);
}

TEST_CASE("words that the daemon would refuse are bad input") {
    const auto with = [](auto Arguments::* member, const std::string& text) {
        auto made = arguments("purchase");
        made.*member = text;
        return exit_of(made);
    };
    CHECK(with(&Arguments::event, "") == 65);
    CHECK(with(&Arguments::event, "a b") == 65);
    CHECK(with(&Arguments::key, "a b") == 65);
    CHECK(with(&Arguments::key, std::string(129, 'k')) == 65);
    CHECK(with(&Arguments::memo, "a\nb") == 65);
    CHECK(with(&Arguments::memo, "\xff") == 65);
    CHECK(with(&Arguments::memo, "caf\xc3\xa9") == 0);
    CHECK(exit_of(arguments("query", {"a/b"})) == 65);
}

TEST_CASE("an order is asked for by number or by key") {
    CHECK(request(arguments("order", {"5"})).params == R"({"order":5})");
    auto by_key = arguments("order");
    by_key.key = "k";
    CHECK(request(by_key).params == R"({"key":"k"})");
    CHECK(exit_of(arguments("order")) == 64);
    CHECK(exit_of(arguments("order", {"x"})) == 64);
    by_key.operands = {"5"};
    CHECK(exit_of(by_key) == 64);
}

TEST_CASE("every other verb has its method") {
    auto orders = arguments("orders");
    orders.event = "e";
    orders.buyer = "1000";
    orders.state = "sold";
    orders.after = 7;
    orders.limit = 3;
    CHECK(request(orders).params ==
          R"({"event":"e","buyer":1000,"state":"sold","after_lsn":7,"limit":3})");
    orders = arguments("orders");
    orders.buyer = R"("1000")";
    CHECK(request(orders).params == R"({"buyer":"1000"})");
    auto ledger = arguments("ledger read");
    ledger.from = 2;
    CHECK(request(ledger).method == "ledger.read");
    CHECK(request(ledger).params == R"({"from_lsn":2})");
    CHECK(request(arguments("query")).params == "{}");
    CHECK(request(arguments("query", {"e"})).params == R"({"event":"e"})");
    CHECK(request(arguments("events")).method == "events");
    CHECK(request(arguments("ping")).method == "ping");
    CHECK(request(arguments("stats")).method == "server.stats");
    CHECK(request(arguments("info")).method == "server.info");
    CHECK(request(arguments("ledger verify")).method == "ledger.verify");
    CHECK(request(arguments("ledger backup", {"/copy"})).method == "ledger.position");
    const auto create = request(arguments("event create", {"e", "2"}));
    CHECK(create.method == "event.create");
    CHECK(create.params == R"({"name":"e","capacity":2})");
    CHECK(create.nature == Nature::kOnce);
    CHECK(request(arguments("event resize", {"e", "0"})).method == "event.resize");
}

TEST_CASE("a call takes an object or an array, on one line, and nothing else") {
    CHECK(request(arguments("call", {"x"})).params == "{}");
    CHECK(request(arguments("call", {"x", "\xef\xbb\xbf{\n\"a\":\r\n1}\n"})).params ==
          "{ \"a\":  1} ");
    CHECK(request(arguments("call", {"x", "[1,\"b\"]"})).params == "[1,\"b\"]");
    for (const auto* text : {"", "1", "\"{}\"", "{", "{}}", "{a:1}", "[1,]", "{\"a\":\"\xff\"}"}) {
        CAPTURE(text);
        CHECK(exit_of(arguments("call", {"x", text})) == 65);
    }
    CHECK(exit_of(arguments("call", {"a b"})) == 65);
}

TEST_CASE("only queries and requests with a key may be sent twice") {
    CHECK(nature_of("query", "{}") == Nature::kQuery);
    CHECK(nature_of("ledger.verify", "{}") == Nature::kQuery);
    CHECK(nature_of("ledger.position", "{}") == Nature::kQuery);
    CHECK(nature_of("purchase", R"({"key":"k"})") == Nature::kKeyed);
    CHECK(nature_of("brand.new", R"({"n":1,"key":"k"})") == Nature::kKeyed);
    CHECK(nature_of("purchase", "{}") == Nature::kOnce);
    CHECK(nature_of("purchase", R"({"key":null})") == Nature::kOnce);
    CHECK(nature_of("purchase", R"({"a":{"key":"k"}})") == Nature::kOnce);
    CHECK(nature_of("brand.new", R"(["key"])") == Nature::kOnce);
}

}  // namespace ticketd::client
