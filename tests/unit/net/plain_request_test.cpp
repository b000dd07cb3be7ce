#include "server/net/plain_request.h"

#include <doctest/doctest.h>

#include <random>
#include <string>
#include <vector>

#include "tests/support/randomness.h"

using namespace ticketd;
using namespace ticketd::net;

namespace {

const std::vector<std::string> kPlain = {
    R"({"jsonrpc":"2.0","id":1,"method":"purchase","params":{"event":"demo","quantity":2,"key":"k-1"}})",
    R"({"jsonrpc":"2.0","id":"a b","method":"query","params":["demo"]})",
    R"( {"params" : { "a" : true , "b" : false , "c":null,"d":0 } , "id":999999999999999999,)"
    R"("method":"m","jsonrpc":"2.0"})",
    R"({"jsonrpc":"2.0","method":"ping","params":{}})",
    R"({"jsonrpc":"2.0","id":0,"method":"","params":[]})",
    "{\"jsonrpc\":\"2.0\",\t\"method\":\r\n\"ping\"}",
};

const std::vector<std::string> kOthers = {
    "",
    "{}",
    "[]",
    "1",
    R"({"id":1,"method":"ping"})",
    R"({"jsonrpc":"2.0","id":null,"method":"ping"})",
    R"({"jsonrpc":"2.0","id":01,"method":"ping"})",
    R"({"jsonrpc":"2.0","id":1000000000000000000,"method":"ping"})",
    R"({"jsonrpc":"2.0","id":-1,"method":"ping"})",
    R"({"jsonrpc":"2.0","id":1.0,"method":"ping"})",
    R"({"jsonrpc":"2.0","id":1,"method":"pi\u006eg"})",
    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"pi\tng\"}",
    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\t\"}",
    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"pi\xc3\xa4ng\"}",
    R"({"jsonrpc":"2.0","id":1,"method":"ping","id":1})",
    R"({"jsonrpc":"2.0","id":1,"method":"ping","other":1})",
    R"({"jsonrpc":"2.0","id":1,"method":"ping",})",
    R"({"jsonrpc":"2.0","id":1,"method":"ping"} )",
    R"({"jsonrpc":"2.0","id":1,"method":"ping","params":{"a":[]}})",
    R"({"jsonrpc":"2.0","id":1,"method":"ping","params":{"a":truer}})",
    R"({"jsonrpc":"2.0","id":1,"method":"ping","params":{"a" "b"}})",
    R"({"jsonrpc":"2.0","id":1,"method":"ping","params":[1,]})",
    R"({"jsonrpc":"2.0","id":1,"method":"ping","params":null})",
};

/// Whether it is plain; if so, the library reads the same.
bool agrees(const std::string& text) {
    const auto plain = read_plain_request(text);
    if (!plain) return false;
    CAPTURE(text);
    const auto read = read_any_request(text);
    REQUIRE(std::holds_alternative<Request>(read));
    CHECK(std::get<Request>(read) == *plain);
    return true;
}

/// With some bytes in it replaced, put in or taken out.
std::string changed(std::string text, std::mt19937_64& random) {
    constexpr std::string_view kBytes =
        "{}[]\",:\\ \t\n0123e.-tfnajsonrpcidmethodparams\x01\x7f\xc3";
    for (auto changes = 1 + random() % 3; changes > 0 && !text.empty(); --changes) {
        const auto at = random() % text.size();
        const char byte = kBytes[random() % kBytes.size()];
        switch (random() % 3) {
            case 0: text[at] = byte; break;
            case 1: text.insert(at, 1, byte); break;
            default: text.erase(at, 1);
        }
    }
    return text;
}

}  // namespace

TEST_CASE("a plain request is read without the library, and as the library reads it") {
    for (const auto& text : kPlain) {
        CAPTURE(text);
        CHECK(agrees(text));
    }
}

TEST_CASE("what is not plain is left to the library") {
    for (const auto& text : kOthers) {
        CAPTURE(text);
        CHECK_FALSE(read_plain_request(text));
    }
}

TEST_CASE("whatever is taken for a plain request, the library reads alike") {
    const auto seed = testing::test_seed();
    CAPTURE(seed);
    std::mt19937_64 random{seed};
    int plain = 0;
    for (int i = 0; i < 200'000; ++i)
        plain += agrees(changed(kPlain[random() % kPlain.size()], random)) ? 1 : 0;
    CHECK(plain > 10'000);
}

TEST_CASE("parameters beyond what any method takes are not plain") {
    std::string params = "0";
    for (int i = 1; i < 32; ++i)
        params += ",0";
    const auto request = [](const std::string& list) {
        return R"({"jsonrpc":"2.0","id":1,"method":"m","params":[)" + list + "]}";
    };
    CHECK(agrees(request(params)));
    CHECK_FALSE(read_plain_request(request(params + ",0")));
}
