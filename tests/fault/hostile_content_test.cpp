// Requests made to hurt their reader: too deep, too long, too many, or not quite JSON. Each is
// refused, soon, in little memory, and nothing changes.
#include <doctest/doctest.h>

#include "client/wait.h"
#include "tests/support/hostile.h"

namespace ticketd::testing {
namespace {

using namespace std::chrono_literals;

// The most that a configuration can allow.
constexpr std::size_t kLargestMessage = 1024 * 1024;

constexpr auto kSoon = 3s;

std::string purchase_with(const std::string& params) {
    return R"({"jsonrpc":"2.0","id":1,"method":"purchase","params":)" + params + "}\n";
}

std::string times(const std::string& part, std::size_t count) {
    std::string all;
    all.reserve(part.size() * count);
    for (std::size_t i = 0; i < count; ++i)
        all += part;
    return all;
}

std::vector<std::pair<const char*, std::string>> large_bombs() {
    constexpr std::size_t kMany = 100'000;
    std::string members = "{\"a\":0";
    for (std::size_t i = 0; i < 70'000; ++i)
        members += ",\"a" + std::to_string(i) + "\":1";
    return {
        {"depth 10^5", purchase_with(times("[", kMany) + times("]", kMany))},
        {"depth 10^5 of objects", purchase_with(times("{\"a\":", kMany) + "1" + times("}", kMany))},
        {"70 000 params", purchase_with(members + "}")},
        {"70 000 members of the request",
         "{\"method\":\"purchase\",\"id\":1,\"x\":" + members + "},\"id\":2}\n"},
        {"a string of 1 MB", purchase_with("{\"key\":\"" + times("k", 1'000'000) + "\"}")},
        {"a name of 1 MB", purchase_with("{\"" + times("k", 1'000'000) + "\":1}")},
        {"a method of 1 MB", "{\"id\":1,\"method\":\"" + times("m", 1'000'000) + "\"}\n"},
        {"10^5 digits", purchase_with("{\"quantity\":" + times("9", kMany) + "}")},
        {"10^5 zeros before a digit", purchase_with("{\"quantity\":" + times("0", kMany) + "1}")},
        {"10^5 digits of a fraction", purchase_with("{\"quantity\":1." + times("3", kMany) + "}")},
        {"10^5 digits of an exponent", purchase_with("{\"quantity\":1e" + times("9", kMany) + "}")},
        {"10^5 digits of a small exponent",
         purchase_with("{\"quantity\":1e-" + times("9", kMany) + "}")},
        {"a batch of 10^5", "[" + times("1,", kMany) + "1]\n"},
    };
}

// Sends `text` and waits for the refusal, while another client is served.
void check_refused_soon(Daemon& daemon, const std::string& text) {
    auto good = daemon.connect();
    auto rpc = daemon.connect();
    [[maybe_unused]] const auto before = usage_of(daemon.pid()).resident_kib;
    const auto start = client::Clock::now();
    rpc.send(text);
    CHECK(good.result("ping")["ok"] == true);
    const auto reply = rpc.receive();
    CHECK(client::Clock::now() - start < kSoon);
    CHECK(reply.contains("error"));
    CHECK(rpc.result("ping")["ok"] == true);  // the connection goes on
    CHECK(usage_of(daemon.pid()).resident_kib - before < 32 * 1024);
}

TEST_SUITE_BEGIN("hostile_content");

TEST_CASE("bombs of a megabyte are refused soon and in little memory") {
    auto daemon =
        Daemon::with_events({"demo=5"}, {{"limits", {{"message_bytes", kLargestMessage}}}});
    for (const auto& [name, text] : large_bombs()) {
        const std::string bomb = name;
        CAPTURE(bomb);
        REQUIRE(text.size() <= kLargestMessage);
        check_refused_soon(daemon, text);
    }
    CHECK(daemon.connect().result("server.info")["lsn"] == 1);
}

TEST_CASE("the same bombs beyond the limit of a message end their connection") {
    auto daemon = Daemon::with_events({"demo=5"});
    for (const auto& [name, text] : large_bombs()) {
        const std::string bomb = name;
        CAPTURE(bomb);
        auto rpc = daemon.connect();
        try {
            rpc.send(text);
        } catch (const std::system_error&) {  // hung up before it was all sent
        }
        const auto reply = rpc.receive();
        CHECK(reply["error"]["code"] == -32600);
        CHECK(rpc.is_closed_by_peer());
    }
    auto rpc = daemon.connect();
    rpc.wait_for_stat("connections", 1);
    CHECK(rpc.result("server.info")["lsn"] == 1);
}

TEST_CASE("numbers that are not exactly the integer asked for are refused") {
    auto daemon = Daemon::with_events({"demo=50"});
    auto rpc = daemon.connect();
    for (const std::string number :
         {"1e400", "-1e400", "1e2", "1E0", "1.0", "-0", "-0.0", "0.1e1", "10e-1", "true", "\"2\"",
          "9007199254740993", "18446744073709551617", "1e-400", "-9223372036854775809"}) {
        CAPTURE(number);
        for (const auto* name : {"quantity", "min_quantity"}) {
            rpc.send(purchase_with("{\"" + std::string{name} + "\":" + number + "}"));
            CHECK(rpc.receive()["error"]["code"] == -32602);
        }
        rpc.send(R"({"jsonrpc":"2.0","id":1,"method":"event.create","params":["x",)" + number +
                 "]}\n");
        CHECK(rpc.receive()["error"]["code"] == -32602);
        rpc.send(R"({"jsonrpc":"2.0","id":1,"method":"order","params":{"order":)" + number +
                 "}}\n");
        CHECK(rpc.receive()["error"]["code"] == -32602);
    }
    for (const std::string no_number :
         {"01", "+1", "1.", ".5", "0x1", "1_000", "NaN", "Infinity"}) {
        CAPTURE(no_number);
        rpc.send(purchase_with("{\"quantity\":" + no_number + "}"));
        CHECK(rpc.receive()["error"]["code"] == -32700);
    }
    CHECK(rpc.result("server.info")["lsn"] == 1);
}

TEST_CASE("text that is not exactly right is refused wherever it stands") {
    auto daemon = Daemon::with_events({"demo=50"});
    auto rpc = daemon.connect();
    // Bad UTF-8, lone surrogates, control characters: as value, name, method, id and beside them.
    for (const std::string bad :
         {"\xff", "\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe2\x82", "\x80", "\\ud800",
          "\\udc00", "\\ud800x", "\\ud800\\u0041", "\\udc00\\ud800", "\x01", "\x1b", "\\x41",
          "\\u12", "\\u00g0"}) {
        CAPTURE(bad);
        for (const auto& text : {
                 purchase_with("{\"memo\":\"" + bad + "\"}"),
                 purchase_with("{\"" + bad + "\":1}"),
                 purchase_with("{\"event\":\"demo" + bad + "\"}"),
                 R"({"jsonrpc":"2.0","id":1,"method":")" + bad + "\"}\n",
                 R"({"jsonrpc":"2.0","method":"purchase","id":")" + bad + "\"}\n",
                 R"({"jsonrpc":"2.0","id":1,"method":"purchase","x":")" + bad + "\"}\n",
                 R"({"jsonrpc":"2.0","id":1,"method":"purchase","x":{")" + bad + "\":1}}\n",
             }) {
            rpc.send(text);
            const auto reply = rpc.receive();
            CHECK(reply["error"]["code"] == -32700);
            CHECK(reply["id"].is_null());
        }
    }
    // JSON, but not what may be a name or a key.
    for (const std::string bad : {"a\\u0000b", "\\u001b[31m", "a\\nb", "\\u0080", "a b", "%n%s\\n",
                                  "../x", "caf\\u00e9", "\\ufeff"}) {
        CAPTURE(bad);
        rpc.send(purchase_with("{\"event\":\"" + bad + "\"}"));
        CHECK(rpc.receive()["error"]["code"] == -32602);
        rpc.send(R"({"jsonrpc":"2.0","id":1,"method":"event.create","params":[")" + bad +
                 "\",1]}\n");
        CHECK(rpc.receive()["error"]["code"] == -32602);
        if (bad == "../x") continue;  // any printable bytes may be a key
        rpc.send(purchase_with("{\"key\":\"" + bad + "\"}"));
        CHECK(rpc.receive()["error"]["code"] == -32602);
    }
    CHECK(rpc.result("server.info")["lsn"] == 1);
}

TEST_CASE("a member given twice, or in wrong case, is refused however it is spelled") {
    auto daemon = Daemon::with_events({"demo=50"});
    auto rpc = daemon.connect();
    const std::string start = R"({"jsonrpc":"2.0","id":1,"method":"purchase")";
    for (const std::string rest :
         {R"(,"method":"purchase"})", R"(,"\u006dethod":"purchase"})", R"(,"metho\u0064":"ping"})",
          R"(,"id":1})", R"(,"\u0069\u0064":2})", R"(,"jsonrpc":"2.0"})",
          R"(,"json\u0072pc":"2.0"})", R"(,"params":{},"params":{}})",
          R"(,"params":{},"param\u0073":{}})", R"(,"Params":{}})", R"(,"PARAMS":[]})",
          R"(,"Method":"ping"})", R"(,"ID":5})", R"(,"\u0049d":5})"}) {
        CAPTURE(rest);
        rpc.send(start + rest + "\n");
        CHECK(rpc.receive()["error"]["code"] == -32600);
    }
    for (const std::string params :
         {R"({"quantity":1,"quantity":1})", R"({"quantity":1,"\u0071uantity":1})",
          R"({"key":"a","ke\u0079":"b"})", R"({"Quantity":1})", R"({"KEY":"a"})",
          R"({"quantity ":1})", R"({"":1})", R"({"quantity\u0000":1})"}) {
        CAPTURE(params);
        rpc.send(start + ",\"params\":" + params + "}\n");
        CHECK(rpc.receive()["error"]["code"] == -32602);
    }
    CHECK(rpc.result("server.info")["lsn"] == 1);
}

TEST_CASE("a byte order mark is no part of JSON") {
    auto daemon = Daemon::with_events({"demo=50"});
    for (const std::string mark : {"\xef\xbb\xbf", "\xff\xfe", "\xfe\xff"}) {
        auto rpc = daemon.connect();
        rpc.send(mark + purchase_with("{}"));
        CHECK(rpc.receive()["error"]["code"] == -32700);
        rpc.send("[" + mark + "]\n");
        CHECK(rpc.receive()["error"]["code"] == -32700);
    }
    CHECK(daemon.connect().result("server.info")["lsn"] == 1);
}

TEST_CASE("what strangers write comes back escaped and gets into no log") {
    auto daemon = open_daemon({"demo=50"});
    auto rpc = daemon.connect();
    const auto lines_before = count_of(daemon.log(), "\n");
    const std::string memo =
        "%n%s%p {} {0} \xc2\x9b"
        "31m \" \\ </script> \xe2\x80\xa8";
    const auto order =
        rpc.result("purchase", {{"memo", memo}, {"key", "%n%s{}\\\"'`$(x)"}})["order"];
    const auto shown = rpc.result("order", {{"order", order}});
    CHECK(shown["memo"] == memo);
    CHECK(shown["key"] == "%n%s{}\\\"'`$(x)");
    for (const std::string word : {"%n%s{}", "\x1b[2J", "a\nwarning forged", "\x07\x08"}) {
        CAPTURE(word);
        for (const auto& [method, params] : std::vector<std::pair<std::string, Json>>{
                 {word, Json::object()},
                 {"purchase", {{word, 1}}},
                 {"purchase", {{"event", word}}},
                 {"event.create", {{"name", word}, {"capacity", 1}}}}) {
            rpc.send(request_line(1, method, params));
            const auto reply = rpc.line();  // one line, of printable bytes
            for (const char c : reply)
                CHECK(static_cast<unsigned char>(c) >= ' ');
            CHECK(Json::parse(reply).contains("error"));
        }
    }
    // The client shows no control characters either.
    const auto printed = run_client(daemon.socket(), {"order", order.dump()});
    CHECK(printed.exit == 0);
    CHECK(printed.output.find("\xc2\x9b") == std::string::npos);
    CHECK(daemon.stop() == 0);
    CHECK(count_of(daemon.log(), "\n") - lines_before == 2);  // of the stop
    CHECK(daemon.log().find("%n") == std::string::npos);
    CHECK(daemon.log().find('\x1b') == std::string::npos);
    CHECK(daemon.log().find("forged") == std::string::npos);
}

TEST_SUITE_END();

}  // namespace
}  // namespace ticketd::testing
