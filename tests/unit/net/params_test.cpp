#include "server/net/params.h"

#include <doctest/doctest.h>

#include <array>
#include <string>

using namespace ticketd;
using namespace ticketd::net;

namespace {

constexpr std::array kSpecs{
    ParamSpec{"event", ParamType::kEventName}, ParamSpec{"quantity", ParamType::kQuantity},
    ParamSpec{"key", ParamType::kKey}, ParamSpec{"capacity", ParamType::kCapacity}};
constexpr std::array kRequired{ParamSpec{"name", ParamType::kEventName, true}};

Request request_with(const std::string& params) {
    return std::get<Request>(
        read_request(R"({"jsonrpc":"2.0","method":"m","id":1,"params":)" + params + "}"));
}

std::string problem_with_params(const std::string& params,
                                std::span<const ParamSpec> specs = kSpecs) {
    const auto request = request_with(params);
    Params checked;
    return check_params(request, specs, checked).value_or("");
}

}  // namespace

TEST_CASE("params are found by name and by position") {
    for (const std::string text : {R"({"quantity":3,"event":"demo"})", R"(["demo",3])"}) {
        const auto request = request_with(text);
        Params params;
        CHECK_FALSE(check_params(request, kSpecs, params).has_value());
        CHECK(params.text(0) == "demo");
        CHECK(params.integer(1, 1) == 3);
        CHECK_FALSE(params.has(2));
        CHECK(params.integer(3, 99) == 99);
    }
}

TEST_CASE("null is left out by position and wrong by name") {
    CHECK(problem_with_params(R"([null,2])").empty());
    CHECK(problem_with_params(R"({"event":null})") == "event must be a string");
}

TEST_CASE("each wrong param is named") {
    CHECK(problem_with_params(R"({"evnt":"demo"})") == "unknown param \"evnt\"");
    CHECK(problem_with_params(R"({"Event":"demo"})") == "unknown param \"Event\"");
    CHECK(problem_with_params(R"({"event":"a","event":"a"})") == "event is given twice");
    CHECK(problem_with_params(R"({"event":"a","\u0065vent":"a"})") == "event is given twice");
    CHECK(problem_with_params(R"({"event":"a b"})") ==
          "event must be 1 to 64 of A-Z a-z 0-9 . _ : -");
    CHECK(problem_with_params(R"({"event":"a\u0000"})").starts_with("event must be"));
    CHECK(problem_with_params(R"(["a",1,"k",1,1])") == "takes at most 4 params");
    CHECK(problem_with_params("{}", kRequired) == "name is missing");
    CHECK(problem_with_params(R"({"\u001b[31m":1})") == "unknown param \"?[31m\"");
}

TEST_CASE("a quantity is a whole number in its range and nothing else") {
    for (const std::string good : {"1", "10000"}) {
        CHECK(problem_with_params(R"({"quantity":)" + good + "}").empty());
    }
    for (const std::string wrong :
         {"0", "-1", "-0", "10001", "4294967297", "18446744073709551615", "18446744073709551616",
          "1.0", "1e2", "1e400", "true", "\"1\"", "[1]", "{}", "null"}) {
        CAPTURE(wrong);
        if (wrong == "1e400") continue;  // not even JSON for the parser
        CHECK(problem_with_params(R"({"quantity":)" + wrong + "}").starts_with("quantity must be"));
    }
}
