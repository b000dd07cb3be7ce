// A client that asks and never reads: its share of memory is bounded, others are served meanwhile,
// and it is dropped in the end.
#include <doctest/doctest.h>
#include <poll.h>

#include "tests/support/daemon.h"
#include "tests/support/sanitized.h"

namespace ticketd::testing {
namespace {

// Resident memory in KiB.
long resident(pid_t pid) {
    const auto status = read_file("/proc/" + std::to_string(pid) + "/status");
    const auto at = status.find("VmRSS:");
    REQUIRE(at != std::string::npos);
    return std::stol(status.substr(at + 6));
}

// Sends `request` again and again until the daemon takes no more for a second, or `most` are sent;
// how many went.
int send_until_paused(Rpc& rpc, const std::string& request, int most) {
    std::string rest;
    for (int sent = 0; sent < most;) {
        if (rest.empty()) rest = request;
        const auto taken = rpc.try_send(rest);
        rest.erase(0, taken);
        if (rest.empty()) ++sent;
        pollfd writable{rpc.descriptor(), POLLOUT, 0};
        if (taken == 0 && ::poll(&writable, 1, 1000) == 0) return sent;
    }
    return most;
}

void check_bounded(const std::string& request, int requests) {
    auto daemon = Daemon::with_events({"demo=1000000000"});
    auto good = daemon.connect();
    for (int i = 0; i < 300; ++i)
        good.result("purchase", {{"quantity", 10'000}});
    const auto before = resident(daemon.pid());
    auto greedy = daemon.connect();
    const int sent = send_until_paused(greedy, request, requests);
    CHECK(sent < requests);
    CHECK(good.result("purchase")["granted"] == 1);  // served meanwhile
    const auto growth = resident(daemon.pid()) - before;
    MESSAGE(sent << " requests taken, " << growth << " KiB more");
    // Sanitizers keep what is freed.
    CHECK((kIsSanitized || growth < 48 * 1024));
    // Its output stalls for longer than anybody may let it: the daemon hangs up.
    pollfd hung_up{greedy.descriptor(), POLLRDHUP, 0};
    CHECK(::poll(&hung_up, 1, 60'000) == 1);
    CHECK(good.result("server.stats")["connections"] == 1);
}

TEST_SUITE_BEGIN("slow_reader");

TEST_CASE("a client that asks for the ledger and does not read is bounded and dropped") {
    check_bounded(R"({"jsonrpc":"2.0","id":1,"method":"ledger.read","params":{"limit":1000}})"
                  "\n",
                  100'000);
}

TEST_CASE("a client that asks for large orders and does not read is bounded and dropped") {
    check_bounded(R"({"jsonrpc":"2.0","id":1,"method":"orders","params":{"limit":300}})"
                  "\n",
                  100'000);
}

TEST_CASE("a client that buys and does not read is bounded and dropped") {
    check_bounded(R"({"jsonrpc":"2.0","id":1,"method":"purchase","params":{"quantity":1000}})"
                  "\n",
                  100'000);
}

TEST_SUITE_END();

}  // namespace
}  // namespace ticketd::testing
