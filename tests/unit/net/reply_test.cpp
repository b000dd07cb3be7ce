#include "server/net/reply.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

using namespace ticketd;
using namespace ticketd::net;

namespace {

std::string text_of(const ReplyMessage& message) {
    std::string out;
    append_message(out, message);
    return out;
}

Envelope version_1() {
    Envelope envelope;
    envelope.is_version_2 = false;
    envelope.id = "4";
    return envelope;
}

}  // namespace

TEST_CASE("results and errors are written in the form of their request") {
    CHECK(text_of({false, {{{true, true, "\"a\""}, false, 0, "{}"}}}) ==
          R"({"jsonrpc":"2.0","id":"a","result":{}})");
    CHECK(text_of({false, {{version_1(), false, 0, "{}"}}}) ==
          R"({"id":4,"result":{},"error":null})");
    CHECK(text_of({false, {{version_1(), true, 0, R"({"code":1})"}}}) ==
          R"({"id":4,"result":null,"error":{"code":1}})");
}

TEST_CASE("a batch is one array") {
    CHECK(text_of({true, {{{}, false, 0, "1"}, {{}, false, 0, "2"}}}) ==
          R"([{"jsonrpc":"2.0","id":null,"result":1},{"jsonrpc":"2.0","id":null,"result":2}])");
}

TEST_CASE("an error tells its kind, what to do, and the numbers") {
    const auto error = nlohmann::json::parse(
        error_body(ErrorKind::kSoldOut, "x is \"sold out\"", {{"available", 0}, {"lsn", 9}}));
    CHECK(error["code"] == 1001);
    CHECK(error["message"] == "x is \"sold out\"");
    CHECK(error["data"]["kind"] == "sold_out");
    CHECK(error["data"]["retry"] == "new_key");
    CHECK(error["data"]["lsn"] == 9);
}

TEST_CASE("only answers whose change was taken back become refusals") {
    ReplyMessage message{true, {{{}, false, 4, "1"}, {{}, false, 6, "2"}}};
    CHECK(message.lsn() == 6);
    refuse_undone(message, 5);
    CHECK_FALSE(message.replies[0].is_error);
    CHECK(message.replies[1].is_error);
    CHECK(message.replies[1].body.find("storage_full") != std::string::npos);
    CHECK(message.lsn() == 4);
}
