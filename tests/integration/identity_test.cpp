// Who somebody is, is what the kernel said when the connection was opened; what is not theirs looks
// as if it did not exist.
#include <doctest/doctest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/hostile.h"

namespace ticketd::testing {
namespace {

constexpr const char* kPurchase =
    R"({"jsonrpc":"2.0","id":1,"method":"purchase","params":["demo"]})"
    "\n";

// Has a process of another user write to our connection.
void send_as(uid_t uid, const Rpc& rpc, std::string_view bytes) {
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        const bool sent = ::setgid(uid) == 0 && ::setuid(uid) == 0 &&
                          ::send(rpc.descriptor(), bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
                              static_cast<ssize_t>(bytes.size());
        ::_exit(sent ? 0 : 1);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    REQUIRE(status == 0);
}

// ticket-client where every user may run it.
Finished client_as(uid_t uid, const Daemon& daemon, std::vector<std::string> words) {
    const auto program = daemon.scratch() / "client";
    std::filesystem::copy_file(TICKET_CLIENT_BINARY, program,
                               std::filesystem::copy_options::skip_existing);
    words.insert(words.begin(), {program, "--socket", daemon.socket()});
    ProcessOptions options;
    options.uid = uid;
    return run(words, options);
}

// The reply's bytes.
std::string ask(Rpc& rpc, const std::string& method, const Json& params) {
    rpc.send(request_line(1, method, params));
    return rpc.line();
}

TEST_SUITE_BEGIN("identity");

TEST_CASE("a connection keeps the rights of the user who opened it, whoever writes to it") {
    if (!can_be_others()) return;
    auto daemon = open_daemon({"demo=9"});
    auto ours = daemon.connect();
    send_as(kStranger, ours, kPurchase);
    const auto order = ours.receive().at("result").at("order");
    CHECK(ours.result("order", {{"order", order}})["buyer"] == 0);
    send_as(kStranger, ours,
            R"({"jsonrpc":"2.0","id":2,"method":"event.create","params":["x",1]})"
            "\n");
    CHECK(ours.receive().contains("result"));

    auto theirs = connect_as(kStranger, daemon.socket());
    theirs.send(kPurchase);  // by root, over the stranger's connection
    const auto sold = theirs.receive().at("result").at("order");
    CHECK(theirs.result("order", {{"order", sold}})["buyer"] == kStranger);
    CHECK(theirs.kind("event.create", {{"name", "y"}, {"capacity", 1}}) == "denied");
}

TEST_CASE("others' orders are answered byte for byte like orders that do not exist") {
    if (!can_be_others()) return;
    auto daemon = open_daemon({"demo=9"});
    auto ours = daemon.connect();
    const auto order =
        ours.result("purchase", {{"key", "secret"}, {"memo", "row 7"}, {"quantity", 2}})["order"];
    auto stranger = connect_as(kStranger, daemon.socket());
    const auto nothing = ask(stranger, "order", {{"order", 999}});
    CHECK(Json::parse(nothing)["error"]["data"]["kind"] == "not_found");
    CHECK(ask(stranger, "order", {{"order", order}}) == nothing);
    CHECK(ask(stranger, "order", {{"order", 1}}) == nothing);  // the event's own entry
    CHECK(ask(stranger, "order", {{"key", "secret"}}) == nothing);
    CHECK(ask(stranger, "order", {{"key", "no such key"}}) != nothing);  // not a key at all
    CHECK(ask(stranger, "order", {{"key", "unused"}}) == nothing);
    // After others have read them, too, and from another stranger.
    CHECK(ours.result("order", {{"order", order}})["memo"] == "row 7");
    auto another = connect_as(kOtherStranger, daemon.socket());
    CHECK(ask(another, "order", {{"order", order}}) == nothing);
    CHECK(stranger.result("orders")["orders"].empty());
    CHECK(stranger.kind("orders", {{"buyer", 0}}) == "denied");
    // A request with somebody else's key neither replays nor fails because of theirs.
    const auto mine = stranger.result("purchase", {{"key", "secret"}});
    CHECK(mine["order"] != order);
    CHECK_FALSE(mine.contains("replayed"));
}

TEST_CASE("what is for operators is denied to others in the same words, whatever they ask") {
    if (!can_be_others()) return;
    auto daemon = open_daemon({"demo=9"});
    auto stranger = connect_as(kStranger, daemon.socket());
    const auto denied = ask(stranger, "ledger.read", Json::object());
    CHECK(Json::parse(denied)["error"]["data"]["kind"] == "denied");
    CHECK(ask(stranger, "ledger.verify", Json::object()) == denied);
    const auto for_operators = ask(stranger, "event.close", {{"name", "demo"}});
    CHECK(Json::parse(for_operators)["error"]["data"]["kind"] == "denied");
    for (const auto* event : {"demo", "none"}) {
        CHECK(ask(stranger, "event.create", {{"name", event}, {"capacity", 5}}) == for_operators);
        CHECK(ask(stranger, "event.resize", {{"name", event}, {"capacity", 5}}) == for_operators);
    }
    CHECK(stranger.result("server.info")["lsn"] == 1);
}

TEST_CASE("the socket's mode decides who may connect") {
    if (!can_be_others()) return;
    DaemonOptions options;
    options.arguments = {"--event", "demo=9"};
    Daemon daemon{options};  // mode 0660 by default
    daemon.scratch().open_to_all();
    // What is made in this directory belongs to the stranger's group.
    REQUIRE(::chown(daemon.scratch().path().c_str(), 0, kStranger) == 0);
    REQUIRE(::chmod(daemon.scratch().path().c_str(), 02755) == 0);
    daemon.start();
    CHECK(client_as(kStranger, daemon, {"purchase"}).exit == 0);
    const auto refused = client_as(kOtherStranger, daemon, {"purchase"});
    CHECK(refused.exit == 77);
    CHECK(refused.error.starts_with("denied: "));
    CHECK_THROWS_AS(connect_as(kOtherStranger, daemon.socket()), std::system_error);
    // The directory decides before the socket does.
    REQUIRE(::chmod(daemon.socket().c_str(), 0666) == 0);
    REQUIRE(::chmod(daemon.scratch().path().c_str(), 0750) == 0);
    CHECK_THROWS_AS(connect_as(kOtherStranger, daemon.socket()), std::system_error);
    CHECK(daemon.connect().result("query")["sold"] == 1);
}

TEST_SUITE_END();

}  // namespace
}  // namespace ticketd::testing
