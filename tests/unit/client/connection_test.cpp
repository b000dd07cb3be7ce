#include "client/connection.h"

#include <doctest/doctest.h>

#include <array>

#include "tests/unit/client/fake_server.h"

namespace ticketd::client {
namespace {

using Step = FakeServer::Step;
using Then = FakeServer::Step::Then;

Patience soon() {
    return Clock::now() + std::chrono::milliseconds{20};
}

Patience later() {
    return Clock::now() + std::chrono::seconds{10};
}

Connection connected(const std::string& path) {
    auto opened = Connection::open(path, later());
    REQUIRE(std::holds_alternative<Connection>(opened));
    return std::get<Connection>(std::move(opened));
}

OpenFailure::Cause cause_of(const std::string& path) {
    const auto opened = Connection::try_open(path);
    REQUIRE(std::holds_alternative<OpenFailure>(opened));
    return std::get<OpenFailure>(opened).cause;
}

}  // namespace

TEST_CASE("a path without a socket is absent, one that cannot be is hopeless") {
    const SocketHome home;
    CHECK(cause_of(home.socket()) == OpenFailure::Cause::kAbsent);
    CHECK(cause_of(home.path()) == OpenFailure::Cause::kAbsent);
    CHECK(cause_of("") == OpenFailure::Cause::kHopeless);
    CHECK(cause_of("/" + std::string(107, 'x')) == OpenFailure::Cause::kHopeless);
}

TEST_CASE("opening gives up at its deadline") {
    const SocketHome home;
    const auto opened = Connection::open(home.socket(), soon());
    REQUIRE(failure_of(opened));
    CHECK(failure_of(opened)->exit_code == 69);
}

TEST_CASE("a call returns the answer with its own id and skips what is not for it") {
    FakeServer server{
        {Step{"\n\n{\"jsonrpc\":\"2.0\",\"method\":\"changed\",\"params\":{}}\n"
              "{\"jsonrpc\":\"2.0\",\"id\":99,\"result\":0}\n"
              "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"n\":1}}\n"}}};
    auto connection = connected(server.path());
    const auto answered = connection.call("ping", "{}", later());
    REQUIRE(std::holds_alternative<Answer>(answered));
    CHECK(std::get<std::string>(std::get<Answer>(answered)) == "{\"n\":1}");
    CHECK(server.stop().at(0) == request_line(1, "ping", "{}"));
}

TEST_CASE("an answer that is not JSON-RPC is malformed") {
    for (const auto* answer : {"HTTP/1.1 400 Bad Request\r\n\r\n", "{\"a\":}\n", "17\n", "{}\n"}) {
        CAPTURE(answer);
        FakeServer server{{Step{answer, Then::kHangUp}}};
        auto connection = connected(server.path());
        const auto answered = connection.call("ping", "{}", later());
        REQUIRE(std::holds_alternative<IoStatus>(answered));
        CHECK(std::get<IoStatus>(answered) == IoStatus::kMalformed);
    }
}

TEST_CASE("a connection that ends within an answer is lost") {
    FakeServer server{{Step{"{\"id\":1,\"res", Then::kHangUp}}};
    auto connection = connected(server.path());
    CHECK(std::get<IoStatus>(connection.call("ping", "{}", later())) == IoStatus::kLost);
}

TEST_CASE("values are received wherever lines end") {
    FakeServer server{{Step{"{\"a\":\n1}{\"b\":\"}\"}\r\n\n[2]", Then::kHangUp}}};
    auto connection = connected(server.path());
    CHECK(connection.send_raw("x\n", later()) == IoStatus::kDone);
    CHECK(connection.bytes_sent() == 2);
    CHECK(connection.receive(later()).message == "{\"a\":\n1}");
    CHECK(connection.receive(later()).message == "{\"b\":\"}\"}");
    CHECK(connection.receive(later()).message == "[2]");
    CHECK(connection.receive(later()).status == IoStatus::kLost);
}

TEST_CASE("a wait ends at its deadline or by an interruption") {
    FakeServer server{{Step{}}};
    auto connection = connected(server.path());
    CHECK(connection.receive(soon()).status == IoStatus::kTimedOut);

    std::array<int, 2> ends{};
    REQUIRE(::pipe(ends.data()) == 0);
    const Descriptor reading{ends[0]};
    const Descriptor writing{ends[1]};
    REQUIRE(::write(writing.number(), "!", 1) == 1);
    const Patience interrupted{later().deadline, reading.number()};
    CHECK(connection.receive(interrupted).status == IoStatus::kInterrupted);
    CHECK(pause_for(std::chrono::seconds{10}, interrupted) == Waited::kInterrupted);
}

}  // namespace ticketd::client
