// Large messages are read on a thread of their own; nobody can tell by what they are answered.
#include <doctest/doctest.h>

#include "tests/support/daemon.h"

namespace ticketd::testing {
namespace {

// A request of `bytes`, most of them blanks.
std::string padded(const std::string& request, std::size_t bytes) {
    auto text = request;
    text.insert(1, bytes - text.size(), ' ');
    return text;
}

std::string ping(int id, std::size_t bytes) {
    return padded(R"({"jsonrpc":"2.0","id":)" + std::to_string(id) + R"(,"method":"ping"})", bytes);
}

constexpr std::size_t kLarge = 60'000;

TEST_SUITE_BEGIN("large_messages");

TEST_CASE("large and small requests of one write are answered in order") {
    auto daemon = Daemon::with_events({"demo=5"});
    auto rpc = daemon.connect();
    std::string bytes;
    for (int id = 0; id < 60; ++id)
        bytes += ping(id, id % 3 == 0 ? kLarge : 100) + "\n";
    rpc.send(bytes);
    for (int id = 0; id < 60; ++id)
        CHECK(rpc.receive()["id"] == id);
}

TEST_CASE("sizes around the one that makes a message large are all answered") {
    auto daemon = Daemon::with_events({"demo=5"});
    auto rpc = daemon.connect();
    for (std::size_t bytes = 4090; bytes < 4102; ++bytes) {
        rpc.send(ping(static_cast<int>(bytes), bytes) + "\n" + ping(1, bytes) + "\n");
        CHECK(rpc.receive()["id"] == bytes);
        CHECK(rpc.receive()["id"] == 1);
    }
}

TEST_CASE("a large request without a newline gets its blank line, one with a newline gets none") {
    auto daemon = Daemon::with_events({"demo=5"});
    const std::string pong = R"({"jsonrpc":"2.0","id":1,"result":{"ok":true}})";
    for (const std::string end : {"", "\n"}) {
        CAPTURE(end);
        auto rpc = daemon.connect();
        const auto ending = end.empty() ? "\n\n" : "\n";
        for (int i = 0; i < 3; ++i) {
            rpc.send(ping(1, kLarge) + end);
            CHECK(rpc.bytes(pong.size() + (end.empty() ? 2 : 1)) == pong + ending);
        }
        CHECK_FALSE(rpc.has_input(std::chrono::milliseconds{0}));
    }
}

TEST_CASE("after a large message that is no JSON the next line works") {
    auto daemon = Daemon::with_events({"demo=5"});
    auto rpc = daemon.connect();
    CHECK(rpc.result("ping")["ok"] == true);
    rpc.send(padded(R"({"jsonrpc":"2.0","id":1,"method":nonsense})", kLarge) + " {}\n" +
             ping(2, 100) + "\n");
    CHECK(rpc.receive()["error"]["code"] == -32700);
    CHECK(rpc.receive()["id"] == 2);
}

TEST_CASE("a large message is answered although input ends behind it") {
    auto daemon = Daemon::with_events({"demo=5"});
    for (const auto& text : {ping(7, kLarge), ping(7, kLarge) + "\n" + ping(8, 50)}) {
        auto rpc = daemon.connect();
        rpc.send(text);
        rpc.end_input();
        std::string reply;
        while (reply.empty())
            reply = rpc.line();  // blank lines come between
        CHECK(Json::parse(reply)["id"] == 7);
    }
    // A number that only the end of input ends.
    auto rpc = daemon.connect();
    rpc.send(std::string(kLarge, '7'));
    rpc.end_input();
    CHECK(rpc.receive()["error"]["code"] == -32602);
}

TEST_CASE("a large batch is answered by one array, and buys what it says") {
    auto daemon = Daemon::with_events({"demo=1000"});
    auto rpc = daemon.connect();
    Json batch = Json::array();
    for (int id = 0; id < 128; ++id) {
        batch.push_back({{"jsonrpc", "2.0"},
                         {"id", id},
                         {"method", "purchase"},
                         {"params", {{"memo", std::string(256, 'm')}}}});
    }
    for (int round = 0; round < 3; ++round) {
        rpc.send(batch.dump() + "\n");
        const auto replies = rpc.receive();
        REQUIRE(replies.size() == 128);
        for (int id = 0; id < 128; ++id) {
            CHECK(replies[static_cast<std::size_t>(id)]["id"] == id);
            CHECK(replies[static_cast<std::size_t>(id)]["result"]["granted"] == 1);
        }
    }
    CHECK(rpc.result("query")["sold"] == 3 * 128);
}

TEST_CASE("a client that dies while its large message is read does no harm") {
    auto daemon = Daemon::with_events({"demo=5"});
    for (int i = 0; i < 50; ++i) {
        auto rpc = daemon.connect();
        rpc.send(ping(1, kLarge) + ping(2, kLarge));
    }
    auto rpc = daemon.connect();
    rpc.wait_for_stat("connections", 1);
    CHECK(rpc.result("ping")["ok"] == true);
    for (int i = 0; i < 50; ++i)
        daemon.connect().send(ping(1, kLarge));
    CHECK(daemon.stop() == 0);
}

TEST_SUITE_END();

}  // namespace
}  // namespace ticketd::testing
