// "Strict in content": whatever is not exactly a request is refused precisely, and nothing changes.
#include <doctest/doctest.h>

#include "tests/support/daemon.h"

namespace ticketd::testing {
namespace {

struct Row {
    const char* params;
    int code;
};

std::string purchase_with(const std::string& params) {
    return R"({"jsonrpc":"2.0","id":1,"method":"purchase","params":)" + params + "}\n";
}

Json ask(Rpc& rpc, const std::string& bytes) {
    rpc.send(bytes);
    return rpc.receive();
}

std::string nested(int depth) {
    const auto count = static_cast<std::size_t>(depth);
    return std::string(count, '[') + std::string(count, ']');
}

TEST_SUITE_BEGIN("strictness");

TEST_CASE("params that are not exactly right are refused and change nothing") {
    auto daemon = Daemon::with_events({"demo=5"});
    auto rpc = daemon.connect();
    for (const auto& [params, code] : std::initializer_list<Row>{
             {R"({"quantity":1,"colour":"red"})", -32602},
             {R"({"Quantity":1})", -32602},
             {R"({"quantity":1,"quantity":1})", -32602},
             {R"({"quantity":1,"quantit\u0079":1})", -32602},
             {R"({"quantity":1.0})", -32602},
             {R"({"quantity":1e0})", -32602},
             {R"({"quantity":0.5})", -32602},
             {R"({"quantity":true})", -32602},
             {R"({"quantity":"1"})", -32602},
             {R"({"quantity":null})", -32602},
             {R"({"quantity":[1]})", -32602},
             {R"({"quantity":{}})", -32602},
             {R"({"quantity":0})", -32602},
             {R"({"quantity":-1})", -32602},
             {R"({"quantity":-0})", -32602},
             {R"({"quantity":10001})", -32602},
             {R"({"quantity":4294967297})", -32602},
             {R"({"quantity":9223372036854775808})", -32602},
             {R"({"quantity":18446744073709551615})", -32602},
             {R"({"quantity":18446744073709551616})", -32602},
             {R"({"quantity":18446744073709551617})", -32602},
             {R"({"quantity":1,"min_quantity":2})", -32602},
             {R"({"quantity":1,"min_quantity":0})", -32602},
             {R"({"key":""})", -32602},
             {R"({"key":"a b"})", -32602},
             {R"({"key":"a\u0000b"})", -32602},
             {R"({"key":7})", -32602},
             {R"({"memo":"a\u0000b"})", -32602},
             {R"({"memo":"a\nb"})", -32602},
             {R"({"event":"a/b"})", -32602},
             {R"({"event":""})", -32602},
             {R"({"buyer":"me"})", -32602},
             {R"({"wait_ms":"1s"})", -32602},
             {R"({"wait_ms":86400001})", -32602},
             {R"(["demo",1,1,"k",null,null,"m",1])", -32602},
             {R"("demo")", -32600},
             {"17", -32600},
             {R"({"memo":"\ud800"})", -32700},
             {R"({"memo":"\udc00\ud800"})", -32700},
             {"{\"memo\":\"\xff\"}", -32700},
             {"{\"memo\":\"\xc0\x80\"}", -32700},
             {"{\"memo\":\"\xed\xa0\x80\"}", -32700},
         }) {
        CAPTURE(params);
        const auto reply = ask(rpc, purchase_with(params));
        REQUIRE(reply.contains("error"));
        CHECK(reply["error"]["code"] == code);
        CHECK(reply["error"]["data"]["retry"] == "never");
        CHECK_FALSE(reply["error"]["message"].get<std::string>().empty());
    }
    CHECK(rpc.result("query")["lsn"] == 1);
    CHECK(rpc.result("server.info")["lsn"] == 1);
}

TEST_CASE("values at their limits are taken, one more is not") {
    auto daemon = Daemon::with_events({"demo=50000"});
    auto rpc = daemon.connect();
    const std::string key(128, 'k'), memo(256, 'm');
    CHECK(rpc.result("purchase", {{"key", key}, {"memo", memo}})["granted"] == 1);
    CHECK(rpc.kind("purchase", {{"key", key + "k"}}) == "invalid_params");
    CHECK(rpc.kind("purchase", {{"memo", memo + "m"}}) == "invalid_params");
    CHECK(rpc.result("purchase", {{"quantity", 10'000}})["serials"].size() == 10'000);
    const auto largest = 1'000'000'000'000;
    const std::string name(64, 'e');
    CHECK(rpc.result("event.create", {{"name", name}, {"capacity", largest}})["capacity"] ==
          largest);
    CHECK(rpc.kind("event.create", {{"name", "x"}, {"capacity", largest + 1}}) == "invalid_params");
    CHECK(rpc.kind("event.create", {{"name", name + "e"}, {"capacity", 1}}) == "invalid_params");
    CHECK(rpc.kind("event.create", {{"name", "y"}}) == "invalid_params");
}

TEST_CASE("envelopes that are not exactly right are refused") {
    auto daemon = Daemon::with_events({"demo=5"});
    auto rpc = daemon.connect();
    for (const auto* text :
         {R"({"jsonrpc":"2.1","id":1,"method":"purchase"})",
          R"({"jsonrpc":2.0,"id":1,"method":"purchase"})", R"({"jsonrpc":"2.0","id":1,"method":7})",
          R"({"jsonrpc":"2.0","id":1})",
          R"({"jsonrpc":"2.0","id":1,"method":"purchase","method":"ping"})",
          R"({"jsonrpc":"2.0","id":1,"id":2,"method":"purchase"})",
          R"({"jsonrpc":"2.0","id":1,"method":"purchase","params":{},"params":[]})"}) {
        CAPTURE(text);
        CHECK(ask(rpc, std::string{text} + "\n")["error"]["code"] == -32600);
    }
    CHECK(rpc.result("query")["lsn"] == 1);
}

TEST_CASE("sixteen levels are taken, seventeen are not") {
    auto daemon = Daemon::with_events({"demo=5"});
    auto rpc = daemon.connect();
    const auto with_extra = [](int levels) {
        return R"({"jsonrpc":"2.0","id":1,"method":"ping","extra":)" + nested(levels - 1) + "}\n";
    };
    CHECK(ask(rpc, with_extra(16)).contains("result"));
    CHECK(ask(rpc, with_extra(17))["error"]["code"] == -32600);
    CHECK(ask(rpc, nested(30'000) + "\n").dump().find("error") != std::string::npos);
    CHECK(rpc.result("query")["lsn"] == 1);
}

TEST_CASE("a message of the limit is taken, one byte more ends the connection") {
    auto daemon = Daemon::with_events({"demo=5"}, {{"limits", {{"message_bytes", 1024}}}});
    const auto padded = [](std::size_t bytes) {
        std::string text = R"({"jsonrpc":"2.0","id":1,"method":"purchase")";
        return text + std::string(bytes - text.size() - 1, ' ') + "}";
    };
    auto rpc = daemon.connect();
    CHECK(ask(rpc, padded(1024) + "\n")["result"]["order"] == 2);
    const auto refused = ask(rpc, padded(1025) + "\n");
    CHECK(refused["error"]["code"] == -32600);
    CHECK(refused["id"].is_null());
    CHECK(rpc.is_closed_by_peer());
    CHECK(daemon.connect().result("query")["lsn"] == 2);
}

TEST_CASE("a batch of the limit is taken, one request more or none is not") {
    auto daemon = Daemon::with_events({"demo=50"}, {{"limits", {{"batch_requests", 4}}}});
    auto rpc = daemon.connect();
    const auto batch = [](int count) {
        Json requests = Json::array();
        for (int i = 0; i < count; ++i)
            requests.push_back({{"jsonrpc", "2.0"}, {"id", i}, {"method", "purchase"}});
        return requests.dump() + "\n";
    };
    CHECK(ask(rpc, batch(4)).size() == 4);
    const auto refused = ask(rpc, batch(5));
    CHECK(refused["error"]["code"] == -32600);
    CHECK(refused["id"].is_null());
    CHECK(ask(rpc, "[]\n")["error"]["code"] == -32600);
    CHECK(ask(rpc, "[ 1, ]\n")["error"]["code"] == -32700);
    CHECK(rpc.result("query")["sold"] == 4);
}

TEST_SUITE_END();

}  // namespace
}  // namespace ticketd::testing
