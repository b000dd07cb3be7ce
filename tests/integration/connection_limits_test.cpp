// Limits of a connection (design section 6), made small by configuration.
#include <doctest/doctest.h>

#include "tests/support/daemon.h"

namespace ticketd::testing {
namespace {

using std::chrono::steady_clock;
using namespace std::chrono_literals;

const std::string kPing = R"({"jsonrpc":"2.0","id":1,"method":"ping"})"
                          "\n";

Daemon limited(const Json& limits) {
    return Daemon::with_events({"demo=1000"}, {{"limits", limits}});
}

void check_too_many(Rpc rpc) {
    const auto refused = rpc.receive();
    CHECK(refused["error"]["data"]["kind"] == "busy");
    CHECK(refused["id"].is_null());
    CHECK(rpc.is_closed_by_peer());
}

// Sends `bytes` whenever 20 ms brought nothing, and reads what comes, until the daemon hangs up;
// false if it does not within the tests' patience.
bool is_dropped_while_sending(Rpc& rpc, const std::string& bytes) {
    const auto deadline = steady_clock::now() + kPatience;
    try {
        while (steady_clock::now() < deadline) {
            rpc.send(bytes);
            if (!rpc.has_input(20ms)) continue;
            if (rpc.is_closed_by_peer(0ms)) return true;
            rpc.line();
        }
    } catch (const std::system_error&) {  // from sending to a closed connection
        return true;
    }
    return false;
}

TEST_SUITE_BEGIN("connection_limits");

TEST_CASE("connections of one user beyond the limit are refused, and freed ones count again") {
    auto daemon = limited({{"connections_per_uid", 3}});
    std::vector<Rpc> connections;
    for (int i = 0; i < 3; ++i) {
        connections.push_back(daemon.connect());
        CHECK(connections.back().result("ping").is_object());
    }
    check_too_many(daemon.connect());
    CHECK(run_client(daemon.socket(), {"--timeout", "300ms", "ping"}).exit == 75);
    connections.pop_back();
    // Our end is closed; theirs is when they have read that.
    while (connections[0].result("server.stats")["connections"] != 2) {
    }
    CHECK(daemon.connect().result("query")["available"] == 1000);
}

TEST_CASE("connections in all beyond the limit are refused") {
    auto daemon = limited({{"connections", 2}});
    auto first = daemon.connect();
    auto second = daemon.connect();
    CHECK(first.result("ping").is_object());
    CHECK(second.result("ping").is_object());
    check_too_many(daemon.connect());
}

TEST_CASE("more requests than may be in flight are all answered, in order") {
    auto daemon = limited({{"in_flight_per_connection", 2}});
    auto rpc = daemon.connect();
    std::string requests;
    for (int i = 0; i < 500; ++i) {
        requests += R"({"jsonrpc":"2.0","id":)" + std::to_string(i) + R"(,"method":")" +
                    (i % 3 == 0 ? "query" : "purchase") + "\"}\n";
    }
    rpc.send(requests);
    for (int i = 0; i < 500; ++i) {
        const auto reply = rpc.receive();
        CHECK(reply["id"] == i);
        CHECK(reply.contains("result"));
    }
    CHECK(rpc.result("query")["sold"] == 333);
}

TEST_CASE("a message begun and not finished ends the connection at its deadline") {
    auto daemon = limited({{"message_ms", 300}});
    auto idle = daemon.connect();
    auto rpc = daemon.connect();
    rpc.send(kPing);
    CHECK(rpc.receive()["result"]["ok"] == true);
    const auto start = steady_clock::now();
    rpc.send(R"({"jsonrpc":"2.0","id":2,"method":"purchase")");
    CHECK(rpc.is_closed_by_peer());
    CHECK(steady_clock::now() - start >= 300ms);
    CHECK(idle.result("query")["sold"] == 0);  // one without a message begun is left alone
}

TEST_CASE("a message that comes byte by byte has the same deadline") {
    auto daemon = limited({{"message_ms", 300}});
    auto rpc = daemon.connect();
    CHECK_THROWS([&] {
        rpc.send("{\"a\":\"");
        for (;;) {  // a byte whenever 20 ms brought nothing
            if (rpc.has_input(20ms)) throw std::runtime_error("closed");
            rpc.send("x");
        }
    }());
    CHECK(rpc.is_closed_by_peer());
}

TEST_CASE("a connection that says nothing is dropped") {
    auto daemon = limited({{"first_byte_ms", 300}});
    auto rpc = daemon.connect();
    auto blank = daemon.connect();
    blank.send("\n \n");
    const auto start = steady_clock::now();
    CHECK(rpc.is_closed_by_peer());
    CHECK(blank.is_closed_by_peer());
    CHECK(steady_clock::now() - start < 20s);
}

TEST_CASE("blanks, and bytes that begin no JSON, do not put off the first request's deadline") {
    auto daemon = limited({{"first_byte_ms", 300}, {"message_ms", 300}});
    for (const std::string bytes : {"\n", " ", "hello\n", "}"}) {
        CAPTURE(bytes);
        auto rpc = daemon.connect();
        CHECK(is_dropped_while_sending(rpc, bytes));
    }
}

TEST_CASE("blanks between requests do not keep a connection") {
    auto daemon = limited({{"idle_ms", 300}});
    auto rpc = daemon.connect();
    CHECK(rpc.result("ping")["ok"] == true);
    CHECK(is_dropped_while_sending(rpc, "\n"));
}

TEST_CASE("a connection is not idle while it asks and is answered") {
    auto daemon = limited({{"idle_ms", 300}});
    auto rpc = daemon.connect();
    const auto start = steady_clock::now();
    while (steady_clock::now() - start < 1s)
        CHECK(rpc.result("ping")["ok"] == true);
}

TEST_CASE("a connection that fell silent is dropped") {
    auto daemon = limited({{"idle_ms", 300}});
    auto rpc = daemon.connect();
    rpc.send(kPing);
    CHECK(rpc.receive()["result"]["ok"] == true);
    CHECK(rpc.is_closed_by_peer());
}

TEST_SUITE_END();

}  // namespace
}  // namespace ticketd::testing
