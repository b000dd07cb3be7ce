#include "client/rpc.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "common/limits.h"

namespace ticketd::client {
namespace {

RpcError error_in(std::string_view message) {
    const auto reply = parse_reply(message);
    REQUIRE(reply);
    REQUIRE(std::holds_alternative<RpcError>(reply->answer));
    return std::get<RpcError>(reply->answer);
}

std::string result_in(std::string_view message) {
    const auto reply = parse_reply(message);
    REQUIRE(reply);
    REQUIRE(std::holds_alternative<std::string>(reply->answer));
    return std::get<std::string>(reply->answer);
}

}  // namespace

TEST_CASE("a request is one line of JSON-RPC 2.0") {
    CHECK(request_line(7, "purchase", R"({"quantity":2})") ==
          "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"purchase\",\"params\":{\"quantity\":2}}\n");
}

TEST_CASE("a method name with quotes cannot leave its string") {
    const auto line = request_line(1, "a\",\"id\":2,\"b", "{}");
    CHECK(nlohmann::json::parse(line)["method"] == "a\",\"id\":2,\"b");
}

TEST_CASE("a result is handed on byte for byte") {
    CHECK(result_in(R"({"jsonrpc":"2.0","id":1,"result":{"b":1.50,"a":[ 1 ],"s":"\u00e9}"}})") ==
          R"({"b":1.50,"a":[ 1 ],"s":"\u00e9}"})");
    CHECK(result_in(R"({"result":{"result":1,"error":2},"id":1,"jsonrpc":"2.0"})") ==
          R"({"result":1,"error":2})");
    CHECK(result_in("{ \"id\" : 1 ,\n \"result\" : null }") == "null");
    CHECK(result_in(R"({"result":5,"error":null,"id":1})") == "5");
}

TEST_CASE("the id is kept as it was sent") {
    CHECK(parse_reply(R"({"id":12,"result":1})")->id == "12");
    CHECK(parse_reply(R"({"id":"x","result":1})")->id == "\"x\"");
    CHECK(parse_reply(R"({"id":null,"error":{"code":-32700,"message":"m"}})")->id == "null");
}

TEST_CASE("an error tells its kind, its advice and its exit code") {
    const auto error =
        error_in(R"({"jsonrpc":"2.0","id":1,"error":{"code":1011,"message":"lock held",)"
                 R"("data":{"kind":"busy","retry":"same_key","retry_after_ms":5}}})");
    CHECK(error.code == 1011);
    CHECK(error.kind == "busy");
    CHECK(error.message == "lock held");
    CHECK(error.retry == Retry::kSameKey);
    CHECK(error.data == R"({"kind":"busy","retry":"same_key","retry_after_ms":5})");
    CHECK(exit_code_of(error) == 75);
}

TEST_CASE("every kind of the contract has its exit code") {
    for (int i = 0; i <= static_cast<int>(ErrorKind::kStorageFull); ++i) {
        const auto& info = error_kind_info(static_cast<ErrorKind>(i));
        const auto error =
            error_in(R"({"id":1,"error":{"code":)" + std::to_string(info.code) +
                     R"(,"message":"m","data":{"kind":")" + std::string{info.name} + R"("}}})");
        CHECK(exit_code_of(error) == info.client_exit);
    }
}

TEST_CASE("a kind of a newer daemon counts as its code does") {
    const auto exit_for = [](const std::string& code, const std::string& data) {
        return exit_code_of(error_in(R"({"id":1,"error":{"code":)" + code +
                                     R"(,"message":"m","data":)" + data + "}}"));
    };
    CHECK(exit_for("1001", R"({"kind":"all_gone"})") == 10);
    CHECK(exit_for("1010", R"({"kind":"too_slow"})") == 124);
    CHECK(exit_for("1013", "{}") == 74);
    CHECK(exit_for("1099", R"({"kind":"new"})") == 70);
    CHECK(exit_for("-32602", "null") == 65);
}

TEST_CASE("an error without a usable kind gets one") {
    CHECK(error_in(R"({"id":1,"error":{"code":-32601,"message":"m"}})").kind == "method_not_found");
    CHECK(error_in(R"({"id":1,"error":{"code":5,"message":"m"}})").kind == "error");
    CHECK(error_in(R"({"id":1,"error":{"code":5,"data":{"kind":"a b\n"}}})").kind == "error");
    CHECK(error_in(R"({"id":1,"error":{"code":1012,"data":{"kind":7}}})").kind == "denied");
    CHECK(error_in(R"({"id":1,"error":{"code":1012,"data":[1]}})").message.empty());
}

TEST_CASE("what is no reply is none") {
    for (const auto* text :
         {"", "x", "{", "[]", "1", "null", "{}", R"({"id":1})", R"({"error":3,"id":1})",
          R"({"error":{},"id":1})", R"({"error":{"code":"1"},"id":1})",
          R"({"id":1,"error":{"code":1.5}})", R"({"jsonrpc":"2.0","method":"changed"})",
          "{\"id\":1,\"result\":\"\xff\"}", R"({"id":1,"result":1}})", R"({"id":1,"result":01})"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_reply(text));
    }
}

TEST_CASE("a reply that nests without end is none") {
    const auto nested = [](std::size_t depth) {
        return R"({"id":1,"result":)" + std::string(depth - 1, '[') + std::string(depth - 1, ']') +
               "}";
    };
    CHECK(parse_reply(nested(limits::kReplyDepth)));
    CHECK_FALSE(parse_reply(nested(limits::kReplyDepth + 1)));
    CHECK_FALSE(parse_reply(nested(1'000'000)));
    CHECK_FALSE(is_notification(R"({"method":"m","params":)" + std::string(1'000'000, '[') +
                                std::string(1'000'000, ']') + "}"));
}

TEST_CASE("a notification is told from garbage") {
    CHECK(is_notification(R"({"jsonrpc":"2.0","method":"changed","params":{}})"));
    CHECK_FALSE(is_notification(R"({"jsonrpc":"2.0","method":"changed","id":1})"));
    CHECK_FALSE(is_notification(R"({"method":)"));
    CHECK_FALSE(is_notification("5"));
}

}  // namespace ticketd::client
