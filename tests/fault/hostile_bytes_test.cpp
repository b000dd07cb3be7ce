// Any bytes are safe: cut anywhere, many at once, random, or almost a request. The daemon goes on,
// and nothing changes without a request that says so.
#include <doctest/doctest.h>

#include <array>
#include <random>

#include "client/wait.h"
#include "tests/support/hostile.h"
#include "tests/support/randomness.h"

namespace ticketd::testing {
namespace {

using Random = std::mt19937_64;

const std::string kPurchase =
    R"({"jsonrpc":"2.0","id":"\"}\\u00e9{","method":"purchase","params":{"event":"demo",)"
    R"("quantity":1,"memo":"\ud83c\udfab \\ \" }]"}})"
    "\n";

std::size_t below(Random& random, std::size_t limit) {
    return std::uniform_int_distribution<std::size_t>{0, limit - 1}(random);
}

// What the mutations start from: valid messages of every kind.
std::vector<std::string> valid_messages() {
    return {kPurchase,
            R"({"jsonrpc":"2.0","id":1,"method":"query","params":["demo"]})",
            R"({"method":"purchase","params":["demo",2,1,"key-1",null,null,"memo"],"id":7})",
            R"({"jsonrpc":"2.0","method":"purchase","params":{"key":"k2","quantity":3}})",
            R"([{"jsonrpc":"2.0","id":1,"method":"purchase"},{"id":2,"method":"ping"},17])",
            R"({"jsonrpc":"2.0","id":1,"method":"order","params":{"key":"key-1"}})",
            R"({"jsonrpc":"2.0","id":1,"method":"orders","params":{"limit":5,"after_lsn":3}})",
            R"({"jsonrpc":"2.0","id":1.5e3,"method":"server.stats","params":{}})",
            R"({"jsonrpc":"2.0","id":null,"method":"ledger.read","params":{"from_lsn":2}})"};
}

// A few small changes of the kinds that parsers trip over.
std::string mutated(std::string text, const std::vector<std::string>& others, Random& random) {
    static const std::array<std::string, 14> kPieces{
        "{",    "}",  "[", "]",  "\"",    "\\",   "\\u0000",
        "\xff", "\n", ",", "-0", "1e999", "null", "18446744073709551616"};
    for (auto changes = 1 + below(random, 4); changes > 0 && !text.empty(); --changes) {
        const auto at = below(random, text.size());
        const auto length = 1 + below(random, std::min<std::size_t>(text.size() - at, 20));
        switch (below(random, 7)) {
            case 0: text[at] = static_cast<char>(text[at] ^ (1 << below(random, 8))); break;
            case 1: text.erase(at, length); break;
            case 2: text.insert(at, kPieces[below(random, kPieces.size())]); break;
            case 3: text.insert(at, text.substr(at, length)); break;
            case 4: text.resize(at); break;
            case 5: text.insert(at, others[below(random, others.size())]); break;
            default: text.replace(at, length, kPieces[below(random, kPieces.size())]); break;
        }
    }
    return text;
}

std::string random_bytes(std::size_t count, Random& random) {
    static constexpr std::string_view kJson = "{}[]\",:\\u0 \n1e-.tfnxyz";
    const bool is_json_like = below(random, 2) == 0;
    std::string bytes(count, '\0');
    for (auto& byte : bytes) {
        byte = is_json_like ? kJson[below(random, kJson.size())]
                            : static_cast<char>(below(random, 256));
    }
    return bytes;
}

// Sends, ends the input, and reads everything until the daemon hangs up; each line must be JSON.
void converse(const Daemon& daemon, const std::string& bytes) {
    auto rpc = daemon.connect();
    try {
        rpc.send(bytes);
    } catch (const std::system_error&) {  // hung up already: too large, or no JSON and no LF
    }
    rpc.end_input();
    while (!rpc.is_closed_by_peer()) {
        const auto line = rpc.line();
        if (!line.empty()) CHECK(Json::accept(line));
    }
}

bool may_change(const std::string& text) {
    return text.find("purchase") != std::string::npos || text.find("event.") != std::string::npos;
}

TEST_SUITE_BEGIN("hostile_bytes");

TEST_CASE("a request cut at any byte is one request") {
    auto daemon = Daemon::with_events({"demo=1000"});
    auto rpc = daemon.connect();
    auto other = daemon.connect();
    for (std::size_t cut = 1; cut < kPurchase.size(); ++cut) {
        CAPTURE(cut);
        rpc.send(kPurchase.substr(0, cut));
        other.result("ping");  // the loop has turned: the first part was read by itself
        rpc.send(kPurchase.substr(cut));
        const auto reply = rpc.receive();
        CHECK(reply["result"]["serials"] == Json{cut});
        CHECK(reply["id"] == "\"}\\u00e9{");
    }
    CHECK_FALSE(rpc.has_input(std::chrono::milliseconds{0}));
}

TEST_CASE("a thousand requests in one write are answered in order") {
    auto daemon = Daemon::with_events({"demo=1000"});
    auto rpc = daemon.connect();
    std::string requests;
    for (int id = 0; id < 1000; ++id) {
        requests += R"({"jsonrpc":"2.0","id":)" + std::to_string(id) + R"(,"method":")" +
                    (id % 2 == 0 ? "purchase" : "query") + "\"}\n";
    }
    REQUIRE(rpc.try_send(requests) == requests.size());
    for (int id = 0; id < 1000; ++id) {
        const auto reply = rpc.receive();
        CHECK(reply["id"] == id);
        CHECK(reply["result"][id % 2 == 0 ? "granted" : "sold"] == (id % 2 == 0 ? 1 : id / 2 + 1));
    }
}

TEST_CASE("requests sent before the end of input are all answered, then the connection ends") {
    auto daemon = Daemon::with_events({"demo=1000"});
    for (const int count : {1, 2, 128, 129, 500}) {
        CAPTURE(count);
        auto rpc = daemon.connect();
        std::string requests;
        for (int i = 0; i < count; ++i)
            requests += R"({"jsonrpc":"2.0","id":1,"method":"purchase"})"
                        "\n";
        rpc.send(requests);
        rpc.end_input();
        for (int i = 0; i < count; ++i)
            CHECK(rpc.receive()["result"]["granted"] == 1);
        CHECK(rpc.is_closed_by_peer());
    }
    CHECK(daemon.connect().result("query")["sold"] == 760);
}

TEST_CASE("random bytes change nothing") {
    Random random{test_seed()};
    auto daemon = Daemon::with_events({"demo=1000"});
    for (unsigned i = 0; i < scaled(500); ++i)
        converse(daemon, random_bytes(1 + below(random, 3000), random));
    auto rpc = daemon.connect();
    CHECK(rpc.result("server.info")["lsn"] == 1);
    rpc.wait_for_stat("connections", 1);
}

TEST_CASE("mutated requests change something only if they ask for it") {
    Random random{test_seed()};
    auto daemon = Daemon::with_events({"demo=1000000000"});
    auto good = daemon.connect();
    const auto messages = valid_messages();
    auto lsn = good.result("server.info")["lsn"];
    unsigned changes = 0;
    for (unsigned i = 0; i < scaled(2000); ++i) {
        const auto bytes = mutated(messages[below(random, messages.size())], messages, random);
        CAPTURE(bytes);
        converse(daemon, bytes);
        const auto now = good.result("server.info")["lsn"];
        if (now != lsn) {
            CHECK(may_change(bytes));
            ++changes;
        }
        lsn = now;
    }
    MESSAGE(changes << " of the mutated requests bought something");
    CHECK(changes > 0);
    CHECK(good.result("ledger.verify")["ok"] == true);
    good.wait_for_stat("connections", 1);
    CHECK(daemon.stop() == 0);
    CHECK(daemon.verify().exit == 0);
}

TEST_CASE("mutated sessions in small pieces, with hang-ups at any point, do no harm") {
    Random random{test_seed()};
    auto daemon = Daemon::with_events({"demo=1000000000"});
    auto good = daemon.connect();
    const auto messages = valid_messages();
    for (unsigned i = 0; i < scaled(300); ++i) {
        std::vector<Rpc> sessions;
        for (int s = 0; s < 4; ++s)
            sessions.push_back(daemon.connect());
        for (int piece = 0; piece < 20; ++piece) {
            auto bytes = messages[below(random, messages.size())] + "\n";
            if (below(random, 4) == 0) bytes = mutated(bytes, messages, random);
            if (bytes.empty()) continue;
            if (below(random, 2) == 0) bytes.resize(1 + below(random, bytes.size()));
            auto& session = sessions[below(random, sessions.size())];
            try {
                session.try_send(bytes);
            } catch (const std::system_error&) {
                session = daemon.connect();
            }
        }
    }
    CHECK(good.result("ledger.verify")["ok"] == true);
    good.wait_for_stat("connections", 1);
    CHECK(daemon.stop() == 0);
    CHECK(daemon.verify().exit == 0);
}

TEST_SUITE_END();

}  // namespace
}  // namespace ticketd::testing
