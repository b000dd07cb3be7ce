// Where messages begin and end (design section 4, "Liberal in"), and how replies end.
#include <doctest/doctest.h>

#include "tests/support/daemon.h"
#include "tests/support/process_lock.h"

namespace ticketd::testing {
namespace {

const std::string kUnendedPing = R"({"jsonrpc":"2.0","id":1,"method":"ping"})";
const std::string kPong = R"({"jsonrpc":"2.0","id":1,"result":{"ok":true}})";

// The daemon goes on with the next line.
void check_alive(Rpc& rpc) {
    rpc.send(kUnendedPing + "\n");
    CHECK(rpc.line() == kPong);
}

TEST_SUITE_BEGIN("framing");

TEST_CASE("a request without a newline is answered at once, with a blank line behind it") {
    auto daemon = Daemon::with_events({"demo=5"});
    auto rpc = daemon.connect();
    for (int i = 0; i < 3; ++i) {
        rpc.send(kUnendedPing);
        CHECK(rpc.bytes(kPong.size() + 2) == kPong + "\n\n");
    }
    CHECK_FALSE(rpc.has_input(std::chrono::milliseconds{0}));
}

TEST_CASE("a request with a newline gets one newline and no blank line") {
    auto daemon = Daemon::with_events({"demo=5"});
    for (const std::string end : {"\n", "\r\n", " \n", "\n\n"}) {
        auto rpc = daemon.connect();
        rpc.send(kUnendedPing + end + kUnendedPing + end);
        CHECK(rpc.bytes(2 * (kPong.size() + 1)) == kPong + "\n" + kPong + "\n");
        CHECK_FALSE(rpc.has_input(std::chrono::milliseconds{0}));
    }
}

TEST_CASE("a newline that comes a moment after the first request is its newline") {
    auto daemon = Daemon::with_events({"demo=5"});
    LockHolder holder{daemon.data_dir() + "/stock", {}};  // the reply has to wait
    auto other = daemon.connect();
    auto rpc = daemon.connect();
    rpc.send(R"({"jsonrpc":"2.0","id":1,"method":"query"})");
    other.wait_for_stat("lock_waiting", 1);
    rpc.send("\n");
    rpc.send(R"({"jsonrpc":"2.0","id":2,"method":"ping"})"
             "\n");
    CHECK(rpc.receive()["id"] == 2);
    holder.release();
    const auto next = rpc.line();  // no blank line in between
    CHECK(Json::parse(next, nullptr, false)["id"] == 1);
}

TEST_CASE("a newline that is read apart from the first request is its newline all the same") {
    auto daemon = Daemon::with_events({"demo=5"});
    for (const std::size_t bytes : {4096U, 8192U, 16384U, 65536U}) {
        CAPTURE(bytes);
        auto rpc = daemon.connect();
        const auto padding = std::string(bytes - kUnendedPing.size(), ' ');
        rpc.send("{" + padding + kUnendedPing.substr(1) + "\n" + kUnendedPing + "\n");
        CHECK(rpc.line() == kPong);
        CHECK(rpc.line() == kPong);
    }
}

TEST_CASE("a pretty-printed request is one request") {
    auto daemon = Daemon::with_events({"demo=5"});
    auto rpc = daemon.connect();
    const auto pretty = Json::parse(kUnendedPing).dump(4);
    rpc.send(pretty + "\r\n\r\n\t" + pretty + "\n");
    CHECK(rpc.line() == kPong);
    CHECK(rpc.line() == kPong);
}

TEST_CASE("several values in one write are several requests") {
    auto daemon = Daemon::with_events({"demo=5"});
    auto rpc = daemon.connect();
    const std::string nul(1, '\0');
    rpc.send(kUnendedPing + kUnendedPing + nul + kUnendedPing + nul + nul + " \n" + kUnendedPing +
             "\n");
    for (int i = 0; i < 4; ++i) {
        auto reply = rpc.line();
        if (reply.empty()) reply = rpc.line();  // blank lines, because no LF followed the first
        CHECK(reply == kPong);
    }
}

TEST_CASE("a request sent byte by byte is one request") {
    auto daemon = Daemon::with_events({"demo=5"});
    auto rpc = daemon.connect();
    const auto text = R"({"jsonrpc":"2.0","id":"\"}\\","method":"ping","params":{}})"
                      "\n";
    for (const char c : std::string{text})
        rpc.send({&c, 1});
    CHECK(rpc.receive()["result"]["ok"] == true);
}

TEST_CASE("after a parse error the next line works") {
    auto daemon = Daemon::with_events({"demo=5"});
    for (const std::string bad :
         {"hello", "}", "{]", R"({"a" 1})", "{\"a\":\"\x01\"}", "\"\xff\"{", "nul", "01", "--1",
          R"({"jsonrpc":"2.0","id":1,"method":"ping",})", "\xef\xbb\xbf{}"}) {
        CAPTURE(bad);
        auto rpc = daemon.connect();
        check_alive(rpc);
        rpc.send(bad + " " + kUnendedPing + "\n");
        const auto reply = rpc.receive();
        CHECK(reply["id"].is_null());
        CHECK(reply["error"]["code"] == -32700);
        CHECK(reply["error"]["data"]["kind"] == "parse_error");
        CHECK(reply["error"]["data"]["retry"] == "never");
        check_alive(rpc);
    }
}

TEST_CASE("a parse error on a connection that sends no newlines closes it") {
    auto daemon = Daemon::with_events({"demo=5"});
    auto rpc = daemon.connect();
    rpc.send(kUnendedPing);
    CHECK(rpc.bytes(kPong.size() + 2) == kPong + "\n\n");
    rpc.send("{]");
    const auto reply = rpc.receive();
    CHECK(reply["error"]["code"] == -32700);
    CHECK(rpc.line().empty());
    CHECK(rpc.is_closed_by_peer());
}

TEST_CASE("input that ends inside a value is a parse error") {
    auto daemon = Daemon::with_events({"demo=5"});
    for (const std::string unfinished : {"{", "[1,", R"({"jsonrpc":"2.0","id":1,"me)", "\"abc"}) {
        CAPTURE(unfinished);
        auto rpc = daemon.connect();
        rpc.send(unfinished);
        rpc.end_input();
        CHECK(rpc.receive()["error"]["code"] == -32700);
        CHECK(rpc.is_closed_by_peer());
    }
}

TEST_CASE("what was sent before the end of input is answered") {
    auto daemon = Daemon::with_events({"demo=5"});
    auto rpc = daemon.connect();
    rpc.send(R"({"jsonrpc":"2.0","id":7,"method":"purchase"})"
             "\n");
    rpc.end_input();
    CHECK(rpc.receive()["result"]["order"] == 2);
    CHECK(rpc.is_closed_by_peer());
}

TEST_CASE("values that are no object are invalid requests") {
    auto daemon = Daemon::with_events({"demo=5"});
    auto rpc = daemon.connect();
    for (const auto* value :
         {"17", "\"text\"", "null", "true", "{}", "[]", R"({"jsonrpc":"2.0"})"}) {
        CAPTURE(value);
        rpc.send(std::string{value} + "\n");
        const auto reply = rpc.receive();
        CHECK(reply["error"]["code"] == -32600);
        CHECK(reply["id"].is_null());
    }
    check_alive(rpc);
}

TEST_SUITE_END();

}  // namespace
}  // namespace ticketd::testing
