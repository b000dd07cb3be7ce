#include "client/ticket_client/verdict.h"

#include <doctest/doctest.h>

namespace ticketd::client {
namespace {

// The exit code, and whether there is something to say.
std::pair<int, bool> query_verdict(std::string_view result) {
    Arguments arguments;
    arguments.verb = find_verb("query");
    arguments.wants_exit_code = true;
    const auto failure = verdict(arguments, result);
    if (!failure) return {0, false};
    return {failure->exit_code, !failure->message.empty()};
}

}  // namespace

TEST_CASE("only a clear yes verifies a ledger") {
    CHECK(is_verified(R"({"ok":true})"));
    for (const auto* result : {R"({"ok":false})", R"({"ok":1})", "{}", "true", "{", "[]"}) {
        CHECK_FALSE(is_verified(result));
    }
}

TEST_CASE("a query says by its exit code whether there are tickets, if it is asked to") {
    CHECK(query_verdict(R"({"available":1,"held":0})") == std::pair{0, false});
    CHECK(query_verdict(R"({"available":0,"held":0})") == std::pair{10, false});
    CHECK(query_verdict(R"({"available":0})") == std::pair{10, false});
    CHECK(query_verdict(R"({"available":0,"held":2})") == std::pair{11, false});
    CHECK(query_verdict(R"({"capacity":3,"available":0,"held":2,"sold":2})") ==
          std::pair{11, false});
    CHECK(query_verdict(R"({"capacity":3,"available":0,"held":2,"sold":3})") ==
          std::pair{10, false});
    CHECK(query_verdict(R"({"state":"open","available":1})") == std::pair{0, false});
    for (const auto* state : {"not_open", "paused", "closed"}) {
        const auto result = std::string{R"({"available":1,"state":")"} + state + "\"}";
        CHECK(query_verdict(result) == std::pair{13, false});
    }
    for (const auto* result : {"{}", "[]", R"({"available":"1"})", R"({"available":-1})"})
        CHECK(query_verdict(result) == std::pair{76, true});
    Arguments plain;
    plain.verb = find_verb("query");
    CHECK(!verdict(plain, R"({"available":0,"held":0})"));
}

TEST_CASE("a batch that failed says why in the one sentence that decides the exit code") {
    Arguments arguments;
    arguments.verb = find_verb("batch");
    const auto failure =
        verdict(arguments,
                R"({"results":[{"error":{"message":"another","data":{"kind":"linked_failed"}}},)"
                R"({"result":{}},{"error":{"message":"b is sold out","data":{"kind":"sold_out"}}},)"
                R"({"error":{"message":"too late","data":{"kind":"closed"}}}]})");
    REQUIRE(failure);
    CHECK(failure->exit_code == 10);
    CHECK(failure->kind + ": " + failure->message == "sold_out: b is sold out");
    CHECK(!verdict(arguments, R"({"results":[{"result":{}}]})"));
    CHECK(verdict(arguments, R"({"results":[{"error":{"code":1004,"data":{"kind":"new"}}}]})")
              ->exit_code == 13);
    CHECK(verdict(arguments, R"({"results":[{"error":[]}]})")->exit_code == 70);
}

TEST_CASE("rows in tsv that are not all say how to go on, and it is no failure") {
    Arguments arguments;
    arguments.verb = find_verb("orders");
    arguments.output = Output::kTsv;
    const auto note = verdict(arguments, R"({"orders":[],"next":193})");
    REQUIRE(note);
    CHECK(note->exit_code == 0);
    CHECK(note->kind + ": " + note->message == "next: more with --after 193");
    CHECK(!verdict(arguments, R"({"orders":[],"next":null})"));
    arguments.verb = find_verb("ledger read");
    CHECK(verdict(arguments, R"({"entries":[],"next":7})")->message == "more with --from 7");
    arguments.is_quiet = true;
    CHECK(!verdict(arguments, R"({"entries":[],"next":7})"));
    arguments.is_quiet = false;
    arguments.output = Output::kEnv;
    CHECK(!verdict(arguments, R"({"entries":[],"next":7})"));
}

TEST_CASE("an answer nested without end is no verdict, and does no harm") {
    std::string deep(200'000, '[');
    deep = R"({"available":)" + deep + std::string(200'000, ']') + "}";
    CHECK(query_verdict(deep) == std::pair{76, true});
    CHECK_FALSE(is_verified(deep));
}

}  // namespace ticketd::client
