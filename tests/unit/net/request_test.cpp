#include "server/net/request.h"

#include <doctest/doctest.h>

#include <string>

using namespace ticketd;
using namespace ticketd::net;

namespace {

Request good(const std::string& text) {
    auto result = read_request(text);
    CAPTURE(text);
    REQUIRE(std::holds_alternative<Request>(result));
    return std::get<Request>(std::move(result));
}

RequestFault bad(const std::string& text) {
    auto result = read_request(text);
    CAPTURE(text);
    REQUIRE(std::holds_alternative<RequestFault>(result));
    return std::get<RequestFault>(std::move(result));
}

std::string with_id(const std::string& id) {
    return R"({"jsonrpc":"2.0","method":"ping","id":)" + id + "}";
}

}  // namespace

TEST_CASE("a request is read with its params by name") {
    const auto request = good(
        R"({"params":{"event":"demo","quantity":2},"id":7,"method":"purchase","jsonrpc":"2.0"})");
    CHECK(request.method == "purchase");
    CHECK(request.envelope.id == "7");
    CHECK(request.envelope.wants_reply);
    REQUIRE(request.params.size() == 2);
    CHECK(request.params[0].name == "event");
    CHECK(request.params[0].value.text == "demo");
    CHECK(request.params[1].value.number == 2);
    CHECK_FALSE(request.by_position);
}

TEST_CASE("params by position keep their order") {
    const auto request = good(R"({"jsonrpc":"2.0","id":1,"method":"m","params":["a",null,3]})");
    CHECK(request.by_position);
    REQUIRE(request.params.size() == 3);
    CHECK(request.params[1].value.kind == ValueKind::kNull);
    CHECK(request.params[2].value.number == 3);
}

TEST_CASE("a member of the request in wrong case is refused, not ignored") {
    for (const std::string member :
         {R"("Params":{"quantity":5})", R"("PARAMS":[])", R"("Method":"x")", R"("ID":2)",
          R"("iD":2)", R"("JsonRpc":"2.0")", R"("\u0050arams":{})"}) {
        const auto fault = bad(R"({"jsonrpc":"2.0","id":1,"method":"ping",)" + member + "}");
        CHECK(fault.kind == ErrorKind::kInvalidRequest);
        CHECK(fault.envelope.id == "1");
    }
    CHECK(good(R"({"jsonrpc":"2.0","id":1,"method":"m","idx":2,"parameter":3,"i":4})").method ==
          "m");
}

TEST_CASE("ids are kept byte for byte") {
    for (const std::string id : {"1", "-0", "1E5", "1.50", "18446744073709551616", "null", "\"\"",
                                 R"("a\u0041\n")", "\"剩余\"", "-17"}) {
        CHECK(good(with_id(id)).envelope.id == id);
    }
    CHECK(good(R"({ "\u0069d" : 5 , "jsonrpc":"2.0","method":"ping"})").envelope.id == "5");
}

TEST_CASE("without an id it is a notification, without jsonrpc it is version 1.0") {
    CHECK_FALSE(good(R"({"jsonrpc":"2.0","method":"ping"})").envelope.wants_reply);
    CHECK(good(R"({"jsonrpc":"2.0","method":"ping","id":null})").envelope.wants_reply);
    const auto old = good(R"({"method":"ping","params":[],"id":1})");
    CHECK_FALSE(old.envelope.is_version_2);
    CHECK(old.envelope.wants_reply);
    CHECK_FALSE(good(R"({"method":"ping","params":[],"id":null})").envelope.wants_reply);
}

TEST_CASE("what is not a request is told what it lacks, with its id") {
    for (const std::string text :
         {"1", "\"x\"", "null", "{}", R"({"jsonrpc":"2.0","id":3})",
          R"({"jsonrpc":"2.0","method":1,"id":3})", R"({"jsonrpc":"1.5","method":"ping","id":3})",
          R"({"jsonrpc":"2.0","method":"ping","params":5,"id":3})",
          R"({"jsonrpc":"2.0","method":"ping","method":"ping","id":3})",
          R"({"jsonrpc":"2.0","method":"ping","id":3,"id":3})"}) {
        CHECK(bad(text).kind == ErrorKind::kInvalidRequest);
    }
    CHECK(bad(R"({"jsonrpc":"2.0","method":1,"id":"q"})").envelope.id == "\"q\"");
    CHECK(bad(R"({"jsonrpc":"2.0","method":"ping","id":[3]})").envelope.id == "null");
    CHECK(bad(R"({"jsonrpc":"2.0","method":"ping","id":true})").envelope.id == "null");
}

TEST_CASE("what is not JSON is a parse error that quotes nothing") {
    for (const std::string text :
         {"{\"a\":}", "{'a':1}", "[1,]", "{\"a\":01}", "{\"a\":\"\xff\"}", "{\"a\":\"\\ud800\"}",
          "{\"a\":\"\xc0\x80\"}", "{\"a\":NaN}", "tru"}) {
        const auto fault = bad(text);
        CHECK(fault.kind == ErrorKind::kParseError);
        CHECK(fault.message.find_first_not_of("not JSONatbye0123456789") == std::string::npos);
    }
}

TEST_CASE("numbers that are not whole are known as such") {
    const auto kind = [](const std::string& number) {
        return good(R"({"jsonrpc":"2.0","method":"m","id":1,"params":[)" + number + "]}")
            .params[0]
            .value;
    };
    CHECK(kind("5").number == 5);
    CHECK(kind("5.0").kind == ValueKind::kNotInteger);
    CHECK(kind("5e0").kind == ValueKind::kNotInteger);
    CHECK(kind("18446744073709551616").kind == ValueKind::kNotInteger);
    CHECK(kind("18446744073709551615").number == UINT64_MAX);
    CHECK(kind("-1").is_negative);
    CHECK(kind("-0").is_negative);
    CHECK(kind("true").kind == ValueKind::kBool);
}

TEST_CASE("nesting beyond the limit is refused and its id known") {
    const auto nested = [](std::size_t depth) {
        return R"({"jsonrpc":"2.0","id":9,"method":"m","params":)" + std::string(depth, '[') +
               std::string(depth, ']') + "}";
    };
    CHECK(good(nested(15)).envelope.id == "9");
    CHECK(bad(nested(16)).envelope.id == "9");
    CHECK(bad(nested(16)).kind == ErrorKind::kInvalidRequest);
    CHECK(bad(nested(30'000)).kind == ErrorKind::kInvalidRequest);
}

TEST_CASE("within a batch a request may nest one level less") {
    const auto text = R"({"jsonrpc":"2.0","id":9,"method":"m","params":)" + std::string(15, '[') +
                      std::string(15, ']') + "}";
    CHECK(std::holds_alternative<Request>(read_request(text)));
    CHECK(std::holds_alternative<RequestFault>(read_request(text, 1)));
}

TEST_CASE("a number beyond any range is a wrong param and not a broken line") {
    const auto fault = bad(R"({"jsonrpc":"2.0","id":9,"method":"m","params":[1e400]})");
    CHECK(fault.kind == ErrorKind::kInvalidParams);
    CHECK(fault.envelope.id == "9");
}

TEST_CASE("a flood of params is refused and not kept") {
    std::string many = "[1";
    for (int i = 0; i < 1000; ++i)
        many += ",1";
    CHECK(bad(R"({"jsonrpc":"2.0","id":9,"method":"m","params":)" + many + "]}").kind ==
          ErrorKind::kInvalidRequest);
}

TEST_CASE("a batch is cut into its requests") {
    const auto batch = split_batch(R"([{"a":1} , 2,[3]])", 3);
    const auto& requests = std::get<std::vector<std::string_view>>(batch);
    REQUIRE(requests.size() == 3);
    CHECK(requests[0] == R"({"a":1})");
    CHECK(requests[2] == "[3]");
    CHECK(std::get<RequestFault>(split_batch("[1,2,3,4]", 3)).kind == ErrorKind::kInvalidRequest);
    CHECK(std::get<RequestFault>(split_batch("[]", 3)).kind == ErrorKind::kInvalidRequest);
    CHECK(std::get<RequestFault>(split_batch("[1,}", 3)).kind == ErrorKind::kParseError);
}
