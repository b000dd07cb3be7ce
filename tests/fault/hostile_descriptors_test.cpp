// File descriptors: the daemon runs out of them and recovers; those that clients push at it, with
// whatever else can travel beside bytes, leave no trace.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>

#include "client/wait.h"
#include "tests/fault/strace.h"
#include "tests/support/hostile.h"
#include "tests/support/randomness.h"
#include "tests/support/send_with.h"

namespace ticketd::testing {
namespace {

using namespace std::chrono_literals;
using client::Descriptor;

constexpr std::string_view kPing = R"({"jsonrpc":"2.0","id":1,"method":"ping"})"
                                   "\n";

// The highest descriptor the running daemon may have from now on, or as many as it could before.
void limit_descriptors(pid_t pid, rlim_t count) {
    rlimit limit{};
    REQUIRE(::prlimit(pid, RLIMIT_NOFILE, nullptr, &limit) == 0);
    limit.rlim_cur = std::min(count, limit.rlim_max);
    REQUIRE(::prlimit(pid, RLIMIT_NOFILE, &limit, nullptr) == 0);
}

TEST_SUITE_BEGIN("hostile_descriptors");

TEST_CASE("out of descriptors the daemon goes on, idles, says so once, and recovers by itself") {
    auto daemon = Daemon::with_events({"demo=1000"});
    auto first = daemon.connect();
    first.result("purchase");
    limit_descriptors(daemon.pid(), usage_of(daemon.pid()).descriptors);
    std::vector<Rpc> crowd;
    for (int i = 0; i < 50; ++i) {
        crowd.push_back(daemon.connect());  // into the backlog
        crowd.back().send(kPing);
    }
    REQUIRE(daemon.process().wait_for_error("cannot accept connections now"));
    const auto share = cpu_share(daemon.pid(), 2s);
    MESSAGE("CPU without descriptors: " << share * 100 << " %");
    CHECK(share < 0.05);
    for (int i = 0; i < 100; ++i)
        CHECK(first.result("purchase")["granted"] == 1);
    CHECK_FALSE(crowd.back().has_input(0ms));
    limit_descriptors(daemon.pid(), RLIM_INFINITY);
    for (auto& rpc : crowd)
        CHECK(rpc.receive()["result"]["ok"] == true);
    CHECK(first.result("ledger.verify")["ok"] == true);
    CHECK(daemon.stop() == 0);
    CHECK(count_of(daemon.log(), "cannot accept connections now") == 1);
}

TEST_CASE("whatever accept fails with, the daemon accepts again when it can") {
    if (!can_trace()) return;
    for (const std::string error :
         {"EMFILE", "ENFILE", "ENOBUFS", "ENOMEM", "EPERM", "ECONNABORTED", "EINTR", "EPROTO"}) {
        CAPTURE(error);
        DaemonOptions options;
        options.arguments = {"--event", "demo=5"};
        options.wrapper = tracing("/dev/null", {"-e", "trace=accept4", "-e",
                                                "inject=accept4:error=" + error + ":when=1..5"});
        Daemon daemon{options};
        daemon.start();
        CHECK(daemon.connect().result("purchase")["granted"] == 1);
        CHECK(count_of(daemon.log(), "cannot accept connections now") <= 1);
        CHECK(daemon.stop() == 0);
    }
}

TEST_CASE("descriptors that are sent along are closed by the kernel, and the requests answered") {
    auto daemon = Daemon::with_events({"demo=5"});
    auto rpc = daemon.connect();
    rpc.result("ping");
    const auto before = usage_of(daemon.pid()).descriptors;
    for (unsigned round = 0; round < scaled(200); ++round) {
        std::array<int, 2> ends{};
        REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
        const Descriptor reading{ends[0]};
        Descriptor writing{ends[1]};
        std::array<int, 200> copies{};
        copies.fill(writing.number());
        REQUIRE(send_with(rpc.descriptor(), kPing, SCM_RIGHTS, copies.data(), sizeof copies));
        writing = {};
        CHECK(rpc.receive()["result"]["ok"] == true);
        // The daemon has read the bytes; had it got the descriptors, the pipe would not have ended.
        pollfd ended{reading.number(), POLLIN, 0};
        REQUIRE(::poll(&ended, 1, 10'000) == 1);
        CHECK((ended.revents & POLLHUP) != 0);
    }
    CHECK(usage_of(daemon.pid()).descriptors == before);
}

TEST_CASE("descriptors in requests that nobody reads yet do not count as the daemon's") {
    auto daemon = Daemon::with_events({"demo=5"}, {{"limits", {{"in_flight_per_connection", 1}}}});
    const auto null = Descriptor{::open("/dev/null", O_RDWR | O_CLOEXEC)};
    std::array<int, 200> copies{};
    copies.fill(null.number());
    auto other = daemon.connect();
    other.result("ping");
    const auto before = usage_of(daemon.pid()).descriptors;
    daemon.send_signal(SIGSTOP);
    std::vector<Rpc> senders;
    for (int i = 0; i < 10; ++i) {
        senders.push_back(daemon.connect());
        CHECK(send_with(senders.back().descriptor(), kPing, SCM_RIGHTS, copies.data(),
                        sizeof copies));
    }
    daemon.send_signal(SIGCONT);
    for (auto& rpc : senders)
        CHECK(rpc.receive()["result"]["ok"] == true);
    CHECK(usage_of(daemon.pid()).descriptors == before + senders.size());
}

TEST_CASE("credentials that are sent along change nothing") {
    if (!can_be_others()) return;
    auto daemon = open_daemon({"demo=5"});
    auto rpc = daemon.connect();
    const std::string purchase = R"({"jsonrpc":"2.0","id":1,"method":"purchase"})"
                                 "\n";
    const ucred stranger{1, kStranger, kStranger};  // root may claim to be anybody
    REQUIRE(send_with(rpc.descriptor(), purchase, SCM_CREDENTIALS, &stranger, sizeof stranger));
    const auto order = rpc.receive().at("result").at("order");
    CHECK(rpc.result("order", {{"order", order}})["buyer"] == 0);

    auto theirs = connect_as(kStranger, daemon.socket());
    const ucred root{::getpid(), 0, 0};
    REQUIRE(send_with(theirs.descriptor(),
                      R"({"jsonrpc":"2.0","id":1,"method":"ledger.verify"})"
                      "\n",
                      SCM_CREDENTIALS, &root, sizeof root));
    CHECK(theirs.receive()["error"]["data"]["kind"] == "denied");
}

TEST_CASE("urgent bytes are no part of a request and keep nobody busy") {
    auto daemon = Daemon::with_events({"demo=5"});
    auto rpc = daemon.connect();
    rpc.result("ping");
    if (::send(rpc.descriptor(), "!", 1, MSG_OOB | MSG_NOSIGNAL) != 1) {
        MESSAGE("SKIPPED: this kernel has no urgent bytes on Unix sockets");
        return;
    }
    CHECK(cpu_share(daemon.pid(), 1s) < 0.05);  // readable, and nothing to read
    CHECK(rpc.result("ping")["ok"] == true);
    rpc.send(kPing.substr(0, 10));
    REQUIRE(::send(rpc.descriptor(), "!", 1, MSG_OOB | MSG_NOSIGNAL) == 1);
    rpc.send(kPing.substr(10));
    CHECK(rpc.receive()["result"]["ok"] == true);
    CHECK(rpc.result("purchase")["granted"] == 1);
}

TEST_SUITE_END();

}  // namespace
}  // namespace ticketd::testing
