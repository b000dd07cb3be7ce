// A purchase survives a restart of the daemon in its middle, exactly once: ticket-client keeps its
// key and asks again.
#include <doctest/doctest.h>
#include <sys/syscall.h>

#include "client/wait.h"
#include "tests/support/daemon.h"

namespace ticketd::testing {
namespace {

void check_bought_once(Daemon& daemon, Process& client) {
    CHECK(client.wait() == 0);
    CAPTURE(client.error());
    const auto order = Json::parse(client.output());
    CHECK(order["serials"] == Json{1});
    auto rpc = daemon.connect();
    CHECK(rpc.result("query")["sold"] == 1);
    CHECK(rpc.result("orders")["orders"].size() == 1);
    CHECK(rpc.result("ledger.verify")["ok"] == true);
}

Process buy(const Daemon& daemon) {
    return start_client(daemon.socket(), {"--json", "--timeout", "50s", "purchase"});
}

// Waits until the client waits: it has sent its request to the stopped daemon, and polls for the
// answer. Where the kernel does not show that, the test is only weaker.
void let_it_send(Process& client) {
    const auto file = "/proc/" + std::to_string(client.pid()) + "/syscall";
    const client::Deadline deadline = client::Clock::now() + std::chrono::seconds{5};
    while (client::Clock::now() < deadline) {
        const auto number = read_file(file);
        const auto is_in = [&](long call) {
            return number.starts_with(std::to_string(call) + " ");
        };
        if (is_in(SYS_poll) || is_in(SYS_ppoll)) return;
    }
}

TEST_SUITE_BEGIN("restart");

TEST_CASE("a purchase that a stopped daemon had not read is done once by the next") {
    auto daemon = Daemon::with_events({"demo=5"});
    daemon.send_signal(SIGSTOP);
    auto client = buy(daemon);
    let_it_send(client);
    daemon.kill_hard();
    daemon.start();
    check_bought_once(daemon, client);
}

TEST_CASE("a purchase waits for a daemon that comes up later") {
    auto daemon = Daemon::with_events({"demo=5"});
    CHECK(daemon.stop() == 0);
    auto client = buy(daemon);
    daemon.start();
    check_bought_once(daemon, client);
}

TEST_CASE("a purchase that was done but not answered is replayed by the next daemon") {
    auto daemon = Daemon::with_events({"demo=5"});
    for (int i = 0; i < 15; ++i) {  // kills at various moments around the sale
        auto client = start_client(daemon.socket(), {"--json", "--timeout", "50s", "purchase",
                                                     "--key", "k" + std::to_string(i)});
        client::pause_for(std::chrono::microseconds{300 * i}, client::Clock::now() + kPatience);
        daemon.kill_hard();
        daemon.start();
        CHECK(client.wait() == 0);
        auto rpc = daemon.connect();
        rpc.result("event.resize", {{"name", "demo"}, {"capacity", 6 + i}});
        CHECK(rpc.result("query")["sold"] == i + 1);
    }
}

TEST_CASE("without an answer in time the client names the key to ask again with") {
    auto daemon = Daemon::with_events({"demo=5"});
    daemon.send_signal(SIGSTOP);
    const auto client =
        run_client(daemon.socket(), {"--timeout", "300ms", "purchase", "--key", "my-key"});
    CHECK(client.exit == 75);
    CHECK(client.error.starts_with("unknown"));
    CHECK(client.error.find("my-key") != std::string::npos);
    daemon.send_signal(SIGCONT);
    const auto again = run_client(daemon.socket(), {"--json", "purchase", "--key", "my-key"});
    CHECK(again.exit == 0);
    CHECK(daemon.connect().result("query")["sold"] == 1);
}

TEST_SUITE_END();

}  // namespace
}  // namespace ticketd::testing
