#include "server/net/message.h"

#include <doctest/doctest.h>

#include <string>

using namespace ticketd;
using namespace ticketd::net;

namespace {

const std::string kPing = R"({"jsonrpc":"2.0","id":1,"method":"ping"})";

bool is_request(const Message::Part& part) {
    return std::holds_alternative<Request>(part.request);
}

}  // namespace

TEST_CASE("a single request is a message of one part") {
    const auto message = read_message(kPing, 4);
    CHECK_FALSE(message.is_batch);
    CHECK_FALSE(message.fault);
    REQUIRE(message.parts.size() == 1);
    CHECK(is_request(message.parts[0]));
    CHECK(message.parts[0].bytes == kPing.size());
}

TEST_CASE("a batch has its requests and faults in order, each with its size") {
    const auto message = read_message("[" + kPing + ", 17 ," + kPing + "]", 4);
    CHECK(message.is_batch);
    CHECK_FALSE(message.fault);
    REQUIRE(message.parts.size() == 3);
    CHECK(is_request(message.parts[0]));
    CHECK_FALSE(is_request(message.parts[1]));
    CHECK(message.parts[1].bytes == 2);
    CHECK(is_request(message.parts[2]));
}

TEST_CASE("a batch that cannot be taken has a fault and no parts") {
    for (const std::string text : {"[]", "[1,]", "[1,2,3]", "[[]"}) {
        CAPTURE(text);
        const auto message = read_message(text, 2);
        CHECK(message.fault);
        CHECK(message.parts.empty());
    }
    CHECK(read_message("[1,]", 2).fault->kind == ErrorKind::kParseError);
    CHECK(read_message("[1,2,3]", 2).fault->kind == ErrorKind::kInvalidRequest);
}

TEST_CASE("a request within a batch may nest one level less") {
    const auto nested = [](std::size_t levels) {
        return R"({"jsonrpc":"2.0","id":1,"method":"ping","x":)" + std::string(levels, '[') +
               std::string(levels, ']') + "}";
    };
    CHECK(is_request(read_message(nested(15), 4).parts[0]));
    CHECK_FALSE(is_request(read_message(nested(16), 4).parts[0]));
    CHECK(is_request(read_message("[" + nested(14) + "]", 4).parts[0]));
    CHECK_FALSE(is_request(read_message("[" + nested(15) + "]", 4).parts[0]));
}
