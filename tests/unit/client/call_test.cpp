#include "client/call.h"

#include <doctest/doctest.h>

#include <array>

#include "client/rpc.h"
#include "tests/unit/client/fake_server.h"

namespace ticketd::client {
namespace {

using Step = FakeServer::Step;
using Then = FakeServer::Step::Then;
using std::chrono::milliseconds;

constexpr const char* kOk = "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"order\":5}}\n";
constexpr const char* kBusy =
    "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":1011,\"message\":\"lock held\","
    "\"data\":{\"kind\":\"busy\",\"retry\":\"same_key\",\"retry_after_ms\":1}}}\n";
constexpr const char* kSoldOut =
    "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":1001,\"message\":\"0 of 2 left\","
    "\"data\":{\"kind\":\"sold_out\",\"retry\":\"new_key\"}}}\n";

Request purchase() {
    return {"purchase", R"({"quantity":1,"key":"k"})", Nature::kKeyed, "repeat with --key k"};
}

CallOptions within(const std::string& path, milliseconds timeout) {
    CallOptions options;
    options.socket_path = path;
    options.timeout = options.absent_timeout = timeout;
    return options;
}

Failure failure_in(const Outcome<std::string>& outcome) {
    REQUIRE(failure_of(outcome));
    return *failure_of(outcome);
}

}  // namespace

TEST_CASE("an answer ends the call at the first try") {
    FakeServer server{{Step{kOk}}};
    const auto outcome = call(purchase(), within(server.path(), milliseconds{10'000}));
    CHECK(std::get<std::string>(outcome) == "{\"order\":5}");
    CHECK(server.stop().size() == 1);
}

TEST_CASE("a lost connection is replaced and the very same bytes are sent again") {
    FakeServer server{{Step{"", Then::kHangUp}, Step{"{\"jso", Then::kHangUp}, Step{kOk}}};
    const auto outcome = call(purchase(), within(server.path(), milliseconds{10'000}));
    CHECK(std::get<std::string>(outcome) == "{\"order\":5}");
    const auto& lines = server.stop();
    REQUIRE(lines.size() == 3);
    CHECK(lines[0] == request_line(1, purchase().method, purchase().params));
    CHECK(lines[1] == lines[0]);
    CHECK(lines[2] == lines[0]);
}

TEST_CASE("busy is tried again with the same bytes") {
    FakeServer server{{Step{kBusy}, Step{kOk}}};
    const auto outcome = call(purchase(), within(server.path(), milliseconds{10'000}));
    CHECK(std::get<std::string>(outcome) == "{\"order\":5}");
    const auto& lines = server.stop();
    REQUIRE(lines.size() == 2);
    CHECK(lines[0] == lines[1]);
}

TEST_CASE("a refusal is final") {
    FakeServer server{{Step{kSoldOut}, Step{kOk}}};
    const auto failure = failure_in(call(purchase(), within(server.path(), milliseconds{10'000})));
    CHECK(failure.kind == "sold_out");
    CHECK(failure.exit_code == 10);
    CHECK(failure.message == "0 of 2 left");
    CHECK(server.stop().size() == 1);
}

TEST_CASE("no answer to a purchase is unknown, and the key is told") {
    FakeServer server{{Step{}}};
    const auto failure = failure_in(call(purchase(), within(server.path(), milliseconds{30})));
    CHECK(failure.kind == "unknown");
    CHECK(failure.exit_code == 75);
    CHECK(failure.message.ends_with("; repeat with --key k"));
}

TEST_CASE("no answer to a query is just that") {
    FakeServer server{{Step{}}};
    const auto failure = failure_in(
        call({"query", "{}", Nature::kQuery, ""}, within(server.path(), milliseconds{30})));
    CHECK(failure.kind == "no_answer");
    CHECK(failure.exit_code == 75);
}

TEST_CASE("without a daemon nothing was sent") {
    const SocketHome home;
    const auto failure = failure_in(call(purchase(), within(home.socket(), milliseconds{30})));
    CHECK(failure.kind == "unreachable");
    CHECK(failure.exit_code == 69);
    CHECK(failure.message.find("--key") == std::string::npos);
}

TEST_CASE("a daemon that was never there is given up sooner than the whole time") {
    const SocketHome home;
    auto options = within(home.socket(), milliseconds{600'000});
    options.absent_timeout = milliseconds{10};
    CHECK(failure_in(call(purchase(), options)).exit_code == 69);
}

TEST_CASE("a daemon that went away after a purchase was sent leaves it unknown") {
    FakeServer server{{Step{"", Then::kHangUp}}};
    auto options = within(server.path(), milliseconds{60});
    options.absent_timeout = milliseconds{0};
    const auto failure = failure_in(call(purchase(), options));
    CHECK(failure.kind == "unknown");
    CHECK(failure.exit_code == 75);
}

TEST_CASE("what must not be done twice is not sent twice") {
    FakeServer server{{Step{"", Then::kHangUp}, Step{kOk}}};
    const auto failure = failure_in(call({"event.create", "{}", Nature::kOnce, "look"},
                                         within(server.path(), milliseconds{10'000})));
    CHECK(failure.kind == "unknown");
    CHECK(failure.exit_code == 75);
    CHECK(failure.message.ends_with("; look"));
    CHECK(server.stop().size() == 1);
}

TEST_CASE("busy is told to who must not send again") {
    FakeServer server{{Step{kBusy}, Step{kOk}}};
    const auto failure = failure_in(call({"event.create", "{}", Nature::kOnce, ""},
                                         within(server.path(), milliseconds{10'000})));
    CHECK(failure.kind == "busy");
    CHECK(failure.exit_code == 75);
    CHECK(server.stop().size() == 1);
}

TEST_CASE("a daemon that asks for more patience than there is was busy") {
    std::string busy{kBusy};
    busy.replace(busy.find("_ms\":1"), 6, "_ms\":60000");
    FakeServer server{{Step{busy}, Step{kOk}}};
    const auto failure = failure_in(call(purchase(), within(server.path(), milliseconds{300})));
    CHECK(failure.kind == "busy");
    CHECK(failure.exit_code == 75);
    CHECK(failure.message == "lock held; repeat with --key k");
    CHECK(server.stop().size() == 1);
}

TEST_CASE("a server that speaks something else is a protocol error") {
    FakeServer server{{Step{"220 mail ready\r\n"}}};
    const auto failure = failure_in(call(purchase(), within(server.path(), milliseconds{10'000})));
    CHECK(failure.kind == "protocol");
    CHECK(failure.exit_code == 76);
}

TEST_CASE("an interruption tells whether something was sent") {
    std::array<int, 2> ends{};
    REQUIRE(::pipe(ends.data()) == 0);
    const Descriptor reading{ends[0]};
    const Descriptor writing{ends[1]};
    REQUIRE(::write(writing.number(), "!", 1) == 1);

    const SocketHome home;
    auto absent = within(home.socket(), milliseconds{10'000});
    absent.interrupt_fd = reading.number();
    CHECK(failure_in(call(purchase(), absent)).exit_code == kInterruptedExit);

    FakeServer server{{Step{}}};
    auto silent = within(server.path(), milliseconds{10'000});
    silent.interrupt_fd = reading.number();
    const auto failure = failure_in(call(purchase(), silent));
    CHECK(failure.kind == "unknown");
    CHECK(failure.exit_code == 75);
    CHECK(failure.message == "interrupted before the answer; repeat with --key k");
}

}  // namespace ticketd::client
