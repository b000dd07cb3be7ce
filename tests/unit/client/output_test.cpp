#include "client/ticket_client/output.h"

#include <doctest/doctest.h>

#include <string>

namespace ticketd::client {
namespace {

std::string env(std::string_view result) {
    return formatted(Output::kEnv, Verb::kCall, result).value_or("nothing");
}

std::string tsv(std::string_view result) {
    return formatted(Output::kTsv, Verb::kCall, result).value_or("nothing");
}

}  // namespace

TEST_CASE("a format is known by its name") {
    CHECK(output_called("text") == Output::kText);
    CHECK(output_called("json") == Output::kJson);
    CHECK(output_called("env") == Output::kEnv);
    CHECK(output_called("tsv") == Output::kTsv);
    CHECK(!output_called("xml"));
}

TEST_CASE("json is the daemon's own text") {
    CHECK(formatted(Output::kJson, Verb::kQuery, "{ \"a\":1 }") == "{ \"a\":1 }\n");
}

TEST_CASE("env sets a variable for each member, in the daemon's order") {
    CHECK(env(R"({"order":5,"event":"demo","serials":[1,2,9],"replayed":true,"key":null})") ==
          "TICKET_ORDER='5'\n"
          "TICKET_EVENT='demo'\n"
          "TICKET_SERIALS='1 2 9'\n"
          "TICKET_REPLAYED='true'\n"
          "TICKET_KEY=''\n");
    CHECK(env(R"({"orders":[{"order":1}],"next":4})") ==
          "TICKET_ORDERS='[{\"order\":1}]'\nTICKET_NEXT='4'\n");
}

TEST_CASE("whatever a value holds, a shell takes it as it is") {
    CHECK(env(R"({"memo":"it's $(here) `x` \\ \"\n;"})") ==
          "TICKET_MEMO='it'\\''s $(here) `x` \\ \"\n;'\n");
    CHECK(env(R"({"a b;rm":"x","PATH":"y","\u00e9":"z"})") ==
          "TICKET_A_B_RM='x'\nTICKET_PATH='y'\nTICKET___='z'\n");
    CHECK(env(R"({"memo":"a\u0000b"})") == "TICKET_MEMO='ab'\n");
}

TEST_CASE("tsv is a line of names and a line of values, or one for each row of a list") {
    CHECK(tsv(R"({"order":5,"serials":[1,2],"memo":null})") == "order\tserials\tmemo\n5\t1 2\t\n");
    CHECK(tsv(R"({"orders":[{"order":1,"memo":"x"},{"order":2,"key":"k"}],"next":9})") ==
          "order\tmemo\tkey\n1\tx\t\n2\t\tk\n");
    CHECK(tsv(R"({"orders":[],"next":null})").empty());
}

TEST_CASE("the columns of tsv do not depend on the data, and an empty list has them too") {
    const auto columns_of = [](Verb verb, std::string_view result) {
        const auto text = formatted(Output::kTsv, verb, result).value_or("nothing");
        return text.substr(0, text.find('\n'));
    };
    const auto plain = columns_of(Verb::kQuery, R"({"event":"a","state":"open","capacity":2})");
    CHECK(plain.starts_with("event\tstate\tcapacity\tavailable\theld\tsold\tlsn\topens_ms\t"));
    CHECK(columns_of(Verb::kQuery, R"({"event":"a","state":"open","opens_ms":5})") == plain);
    CHECK(columns_of(Verb::kEvents, R"({"events":[]})") == plain);
    CHECK(columns_of(Verb::kOrders, R"({"orders":[],"next":4})") ==
          columns_of(Verb::kOrder, R"({"order":1,"memo":"x","of a newer daemon":1})"));
    CHECK(columns_of(Verb::kReport, R"({"report":[],"per":"hour"})") ==
          "hour\torders\tsold\tcancelled\theld\treleased");
    CHECK(columns_of(Verb::kLedgerRead, R"({"entries":[]})").starts_with("lsn\ttype\ttime_ms\t"));
    CHECK(columns_of(Verb::kOrders, R"({"entries":[]})") == "nothing");
    CHECK(columns_of(Verb::kOrders, R"({"orders":[1]})") == "nothing");
    CHECK(formatted(Output::kTsv, Verb::kBatch, R"({"results":[{"result":{"order":1}},{}]})") ==
          "result\terror\n{\"order\":1}\t\n\t\n");
}

TEST_CASE("one line of tsv after another needs its names once") {
    const auto* change = R"({"subscription":1,"lsn":2,"type":"held","event":"a","sold":3})";
    CHECK(formatted(Output::kTsv, Verb::kWatch, change) ==
          "lsn\ttype\ttime_ms\tevent\tstate\tcapacity\tavailable\theld\tsold\n"
          "2\theld\t\ta\t\t\t\t\t3\n");
    CHECK(formatted(Output::kTsv, Verb::kWatch, change, Head::kWithout) ==
          "2\theld\t\ta\t\t\t\t\t3\n");
}

TEST_CASE("env sets what an answer has not got to nothing, so that none of the last one stays") {
    const auto text = formatted(Output::kEnv, Verb::kPurchase, R"({"order":5,"new":"n"})");
    CHECK(text.value_or("").starts_with("TICKET_ORDER='5'\nTICKET_NEW='n'\nTICKET_EVENT=''\n"));
    CHECK(text.value_or("").find("TICKET_REPLAYED=''\n") != std::string::npos);
    CHECK(formatted(Output::kEnv, Verb::kOrders, R"({"orders":[],"next":null})") ==
          "TICKET_ORDERS=''\nTICKET_NEXT=''\n");
}

TEST_CASE("what would end a field or a line of tsv is escaped") {
    CHECK(tsv(R"({"memo":"a\tb\nc\rd\\e"})") == "memo\na\\tb\\nc\\rd\\\\e\n");
}

TEST_CASE("what is no object has no names to show") {
    for (const auto* result : {"[]", "5", "\"text\"", "{", ""}) {
        CHECK(env(result) == "nothing");
        CHECK(tsv(result) == "nothing");
    }
    CHECK(tsv(R"({"list":[1,2]})") == "nothing");
}

}  // namespace ticketd::client
