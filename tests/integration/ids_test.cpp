// Envelopes: ids come back byte for byte, notifications get no reply, batches and the 1.0 form
// work.
#include <doctest/doctest.h>

#include "tests/support/daemon.h"

namespace ticketd::testing {
namespace {

TEST_SUITE_BEGIN("ids");

TEST_CASE("ids are echoed byte for byte") {
    auto daemon = Daemon::with_events({"demo=5"});
    auto rpc = daemon.connect();
    for (const std::string id :
         {"1", "0", "-0", "-7", "1E5", "1e+05", "1.50", "0.1", "18446744073709551616",
          "123456789012345678901234567890", R"("abc")", R"("")", R"("\u0061\u00e9\ud83c\udfab")",
          R"("a\/b\"c\\")", R"("{\"id\":5}")", R"("é")", "null"}) {
        CAPTURE(id);
        rpc.send(R"({"jsonrpc":"2.0","method":"ping","id":)" + id + "}\n");
        CHECK(rpc.line() == R"({"jsonrpc":"2.0","id":)" + id + R"(,"result":{"ok":true}})");
    }
}

TEST_CASE("an id is echoed wherever it stands, and with errors too") {
    auto daemon = Daemon::with_events({"demo=5"});
    auto rpc = daemon.connect();
    rpc.send(R"({ "id" : 1.0e1 , "params":{"id":3},"method":"nothing","jsonrpc":"2.0"})"
             "\n");
    CHECK(rpc.line().starts_with(R"({"jsonrpc":"2.0","id":1.0e1,"error":{"code":-32601,)"));
}

TEST_CASE("ids that are no scalar are refused") {
    auto daemon = Daemon::with_events({"demo=5"});
    auto rpc = daemon.connect();
    for (const auto* id : {"true", "{}", "[1]"}) {
        CAPTURE(id);
        rpc.send(std::string{R"({"jsonrpc":"2.0","method":"ping","id":)"} + id + "}\n");
        const auto reply = rpc.receive();
        CHECK(reply["error"]["code"] == -32600);
        CHECK(reply["id"].is_null());
    }
}

TEST_CASE("a notification gets no reply and has its effect") {
    auto daemon = Daemon::with_events({"demo=5"});
    auto rpc = daemon.connect();
    rpc.send(R"({"jsonrpc":"2.0","method":"purchase","params":{"quantity":2}})"
             "\n"
             R"({"jsonrpc":"2.0","method":"nothing"})"
             "\n"
             R"({"jsonrpc":"2.0","method":"purchase","params":{"quantity":0}})"
             "\n");
    CHECK(rpc.result("query")["sold"] == 2);  // which reads the first reply there is
}

TEST_CASE("a batch is answered by one array") {
    auto daemon = Daemon::with_events({"demo=5"});
    auto rpc = daemon.connect();
    rpc.send(R"([{"jsonrpc":"2.0","id":"a","method":"purchase"},
        {"jsonrpc":"2.0","method":"purchase"},
        {"jsonrpc":"2.0","id":"b","method":"nothing"},
        17,
        {"id":"c","method":"query","params":[]}])"
             "\n");
    const auto replies = rpc.receive();
    REQUIRE(replies.is_array());
    REQUIRE(replies.size() == 4);
    CHECK(replies[0]["result"]["order"] == 2);
    CHECK(replies[1]["error"]["code"] == -32601);
    CHECK(replies[2]["error"]["code"] == -32600);
    CHECK(replies[2]["id"].is_null());
    CHECK(replies[3]["result"]["sold"] == 2);
    CHECK_FALSE(replies[3].contains("jsonrpc"));
}

TEST_CASE("a batch of notifications gets no reply at all") {
    auto daemon = Daemon::with_events({"demo=5"});
    auto rpc = daemon.connect();
    rpc.send(R"([{"jsonrpc":"2.0","method":"purchase"},{"jsonrpc":"2.0","method":"purchase"}])"
             "\n");
    CHECK(rpc.result("query")["sold"] == 2);
}

TEST_CASE("a request without a version is answered in the 1.0 form") {
    auto daemon = Daemon::with_events({"demo=5"});
    auto rpc = daemon.connect();
    rpc.send(R"({"id":1,"method":"ping","params":[]})"
             "\n");
    CHECK(rpc.line() == R"({"id":1,"result":{"ok":true},"error":null})");
    rpc.send(R"({"id":2,"method":"nothing","params":[]})"
             "\n");
    const auto refused = rpc.receive();
    CHECK(refused.size() == 3);
    CHECK(refused["result"].is_null());
    CHECK(refused["error"]["code"] == -32601);
    rpc.send(R"({"id":null,"method":"purchase","params":[]})"
             "\n");  // a 1.0 notification
    CHECK(rpc.result("query")["sold"] == 1);
}

TEST_SUITE_END();

}  // namespace
}  // namespace ticketd::testing
