#include "client/ticket_client/text.h"

#include <doctest/doctest.h>

#include "client/streams.h"
#include "client/ticket_client/help.h"

namespace ticketd::client {
namespace {

std::string purchase(std::string_view result) {
    return result_text(Verb::kPurchase, result);
}

}  // namespace

TEST_CASE("a purchase is one clear line") {
    CHECK(purchase(R"({"order":5,"event":"demo","state":"sold","requested":1,"granted":1,)"
                   R"("serials":[1],"available":1,"lsn":7})") ==
          "order 5: 1 ticket of demo, serial 1, 1 left\n");
    CHECK(purchase(R"({"order":6,"event":"demo","requested":4,"granted":4,)"
                   R"("serials":[2,3,4,9],"available":0,"replayed":true})") ==
          "order 6: 4 tickets of demo, serials 2-4, 9, 0 left (replayed: done before)\n");
}

TEST_CASE("a purchase that got fewer says so") {
    CHECK(purchase(R"({"order":5,"event":"demo","requested":3,"granted":2,)"
                   R"("serials":[1,2],"available":0,"replayed":false})") ==
          "order 5: 2 of 3 tickets of demo, serials 1-2, 0 left\n");
}

TEST_CASE("results are aligned lines under the daemon's own names and in its order") {
    CHECK(result_text(Verb::kStats, R"({"requests":12,"b":true,"a":null,"text":"x"})") ==
          "requests  12\n"
          "b         true\n"
          "a         -\n"
          "text      x\n");
    CHECK(result_text(Verb::kPing, "{}") == "ok\n");
    CHECK(result_text(Verb::kPing, "\"pong\"") == "pong\n");
}

TEST_CASE("times are shown as people write them, and none as none") {
    CHECK(result_text(Verb::kQuery, R"({"opens_ms":1798135200250,"closes_ms":0})") ==
          "opens   2026-12-24T18:00:00.250Z\n"
          "closes  -\n");
    CHECK(result_text(Verb::kLedgerRead, R"({"entries":[{"time_ms":1798135200000}]})") ==
          "time\n2026-12-24T18:00:00.000Z\n");
    CHECK(
        result_text(Verb::kOrder, R"({"time_ms":9007199254740991,"opens_ms":-1,"uptime_ms":5})") ==
        "time       9007199254740991\n"
        "opens      -1\n"
        "uptime_ms  5\n");
}

TEST_CASE("lists are tables") {
    CHECK(result_text(Verb::kEvents, R"({"events":[{"event":"a","capacity":2},)"
                                     R"({"event":"long","capacity":1000,"new":1}]})") ==
          "event  capacity  new\n"
          "a      2         -\n"
          "long   1000      1\n");
    CHECK(result_text(Verb::kOrders, R"({"orders":[{"order":1,"serials":[1,2]}],"next":9})") ==
          "order  serials\n"
          "1      1-2\n"
          "next  9\n");
    CHECK(result_text(Verb::kOrders, R"({"orders":[{"order":1}],"next":null})") == "order\n1\n");
}

TEST_CASE("the problems of a ledger are readable") {
    CHECK(result_text(Verb::kLedgerVerify, R"({"ok":false,"problems":["a","b"],"none":[]})") ==
          "ok        false\n"
          "problems  a; b\n"
          "none      -\n");
}

TEST_CASE("unexpected results are shown, not trusted") {
    for (const auto* result : {"", "{", "null", "[]", "3", "[{}]", "[[1]]", R"({"order":"x"})",
                               R"({"order":1,"granted":1})", R"({"order":1,"granted":1,"event":7})",
                               R"({"order":1,"granted":1,"event":"e","serials":"1"})",
                               R"({"order":-1,"granted":1.5,"event":"e","serials":[{}]})"}) {
        CAPTURE(result);
        CHECK(purchase(result).ends_with('\n'));
    }
}

TEST_CASE("a result without end is shown as it came, in little time") {
    const std::string deep = std::string(200'000, '[') + std::string(200'000, ']');
    CHECK(result_text(Verb::kCall, deep) == deep + '\n');

    std::string wide = "{";
    for (int i = 0; i < 300'000; ++i)
        wide += "\"" + std::to_string(i) + "\":1,";
    wide.back() = '}';
    CHECK(result_text(Verb::kCall, wide) == wide + '\n');

    std::string columns = "[";
    for (int i = 0; i < 20'000; ++i)
        columns += "{\"" + std::to_string(i) + "\":1},";
    columns.back() = ']';
    CHECK(result_text(Verb::kCall, columns) == columns + '\n');
}

TEST_CASE("words chosen by others cannot steer the terminal") {
    CHECK(result_text(Verb::kOrder, R"({"memo":"a\u001b[2Jb\nc\u009bd \u00e9"})") ==
          "memo  a?[2Jb?c??d \xc3\xa9\n");
    CHECK(printable("ok \xc2\xa0\xc3\xa9") == "ok \xc2\xa0\xc3\xa9");
}

TEST_CASE("every verb has help with an example, within 100 columns") {
    auto texts = help_text(nullptr);
    for (const auto& verb : all_verbs()) {
        const auto text = help_text(&verb);
        CHECK(text.find("  ticket-client ") != std::string::npos);
        CHECK(help_text(nullptr).find(verb.summary) != std::string::npos);
        texts += text;
    }
    std::size_t start = 0;
    for (auto end = texts.find('\n'); end != std::string::npos; end = texts.find('\n', start)) {
        CHECK(end - start <= 100);
        start = end + 1;
    }
}

}  // namespace ticketd::client
