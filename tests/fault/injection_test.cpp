// System calls made to fail by strace, one after the other, whichever they are: nobody is ever told
// what does not hold afterwards. What exactly a failure leads to is in the tables of
// start_faults_test.cpp, running_faults_test.cpp and switch_faults_test.cpp.
#include <doctest/doctest.h>

#include <random>

#include "tests/fault/strace.h"
#include "tests/support/daemon.h"
#include "tests/support/randomness.h"

namespace ticketd::testing {
namespace {

constexpr int kKeys = 6;

// Does to calls on the store's files what `how` says. strace counts them in each thread.
std::vector<std::string> injecting(const Daemon& daemon, const std::string& call,
                                   const std::string& how) {
    auto options = injection(call, how);
    options.insert(options.end(), {"-P", daemon.data_dir(), "-P", daemon.socket()});
    for (const auto* name :
         {"owner.lock", "stock", "checkpoint", "checkpoint.new", "keys-0000000001", "keys.new",
          "next-segment", "journal-0000000001", "journal-0000000002", "journal-0000000003"})
        options.insert(options.end(), {"-P", daemon.data_dir() + "/" + name, "-P", name});
    return tracing(daemon.scratch() / "trace", options);
}

// Starts the daemon and has it killed at its nth such call; false if it came to serve before.
bool is_killed_at(Daemon& daemon, const std::string& call, int nth) {
    daemon.options().wrapper =
        injecting(daemon, call, "signal=SIGKILL:when=" + std::to_string(nth));
    daemon.launch();
    const bool serves = daemon.process().wait_for_error(" ready on ");
    if (serves) daemon.stop(SIGKILL);
    return !serves;
}

void check_three_sold(const Daemon& daemon) {
    const auto verdict = daemon.verify();
    CAPTURE(verdict.error);
    CHECK(verdict.exit == 0);
    CHECK(verdict.output.find("sold       3\n") != std::string::npos);
}

// Buys with each key once; which were told they are done. The daemon may end on the way.
std::vector<int> buy_what_can_be_had(Daemon& daemon) {
    std::vector<int> told;
    try {
        auto rpc = daemon.connect();
        for (int i = 0; i < kKeys; ++i) {
            const auto reply = rpc.call("purchase", {{"key", "k" + std::to_string(i)}});
            if (reply.contains("result")) {
                CHECK(reply["result"]["serials"] == Json{static_cast<int>(told.size()) + 1});
                told.push_back(i);
            } else {
                CHECK(reply["error"]["data"]["retry"] == "same_key");
            }
        }
    } catch (const std::runtime_error&) {
        CHECK(daemon.wait() == 74);  // no answer, because it ended
    }
    return told;
}

void check_told_is_kept(Daemon& daemon, const std::vector<int>& told) {
    daemon.start();
    auto rpc = daemon.connect();
    for (std::size_t i = 0; i < told.size(); ++i) {
        const auto sale = rpc.result("purchase", {{"key", "k" + std::to_string(told[i])}});
        CHECK(sale["serials"] == Json{static_cast<int>(i) + 1});
        CHECK(sale["replayed"] == true);
    }
    for (int i = 0; i < kKeys; ++i)
        rpc.result("purchase", {{"key", "k" + std::to_string(i)}});
    CHECK(rpc.result("query")["sold"] == kKeys);
    CHECK(rpc.result("ledger.verify")["ok"] == true);
    CHECK(daemon.stop() == 0);
    CHECK(daemon.verify().exit == 0);
}

// From an empty directory to a stop. False if no call was met.
bool survives_failure(const std::string& call, const std::string& how) {
    CAPTURE(call);
    CAPTURE(how);
    DaemonOptions options;
    options.arguments = {"--event", "demo=1000"};
    Daemon daemon{options};
    daemon.options().wrapper = injecting(daemon, call, how);
    daemon.launch();
    std::vector<int> told;
    if (daemon.process().wait_for_error(" ready on ")) told = buy_what_can_be_had(daemon);
    if (daemon.is_running()) daemon.send_signal(SIGTERM);
    const int exit = daemon.wait();
    CHECK((exit == 0 || exit == 74));
    CHECK(!daemon.log().empty());
    daemon.options().wrapper.clear();
    check_told_is_kept(daemon, told);
    return read_file(daemon.scratch() / "trace").find("INJECTED") != std::string::npos;
}

TEST_SUITE_BEGIN("injection");

TEST_CASE("a batch on a full disk is answered as it was done, sale by sale") {
    if (!can_trace()) return;
    DaemonOptions options;
    options.arguments = {"--event", "demo=1000"};
    Daemon daemon{options};
    daemon.options().wrapper =
        tracing("/dev/null", {"-P", daemon.data_dir() + "/journal-0000000001", "-e",
                              "trace=pwrite64", "-e", "inject=pwrite64:error=ENOSPC:when=3..4"});
    daemon.start();
    auto rpc = daemon.connect();
    const auto batch = Json(4, {{"jsonrpc", "2.0"}, {"id", 1}, {"method", "purchase"}});
    int sold = 0, refused = 0;
    for (int i = 0; i < 8; ++i) {
        rpc.send(batch.dump() + "\n");
        const auto replies = rpc.receive();
        REQUIRE(replies.size() == 4);
        for (const auto& reply : replies) {
            if (reply.contains("result")) {
                CHECK(reply["result"]["serials"] == Json{++sold});
            } else {
                CHECK(reply["error"]["data"]["kind"] == "storage_full");
                ++refused;
            }
        }
    }
    CHECK(refused >= 4);
    CHECK(rpc.result("query")["sold"] == sold);
    CHECK(rpc.result("ledger.verify")["ok"] == true);
}

TEST_CASE("whichever call on the store fails, nobody is told what does not hold") {
    if (!can_trace()) return;
    std::mt19937_64 random{test_seed()};
    const std::vector<std::string> errors{"EIO", "ENOSPC", "EDQUOT", "EMFILE"};
    unsigned failed = 0;
    for (const std::string call : {"openat", "pread64", "pwrite64", "fdatasync", "fsync",
                                   "ftruncate", "fallocate", "renameat", "unlinkat"}) {
        unsigned met = 1;
        for (int nth = 1; met > 0; ++nth) {
            REQUIRE(nth < 100);
            met = 0;
            for (unsigned i = 0; i < scaled(1); ++i) {
                const auto once_or_for_ever = random() % 3 == 0 ? "+" : "";
                const auto& error = errors[random() % errors.size()];
                met += survives_failure(call, "error=" + error + ":when=" + std::to_string(nth) +
                                                  once_or_for_ever)
                           ? 1U
                           : 0U;
            }
            failed += met;
        }
    }
    MESSAGE("calls that failed, each in turn: " << failed);
    CHECK(failed > 30);
}

TEST_CASE("kills at any changing call of a start, twice in a row, leave a store that starts") {
    if (!can_trace()) return;
    auto daemon = Daemon::with_events({"demo=10"});
    for (int i = 0; i < 3; ++i)
        daemon.connect().result("purchase");
    daemon.kill_hard();
    const auto saved = daemon.scratch() / "saved";
    std::filesystem::copy(daemon.data_dir(), saved);
    int kills = 0;
    for (const std::string call : {"openat", "pwrite64", "fdatasync", "fsync", "ftruncate",
                                   "fallocate", "renameat", "unlinkat", "bind"}) {
        bool was_killed = true;
        for (int nth = 1; was_killed; ++nth) {
            CAPTURE(call);
            CAPTURE(nth);
            REQUIRE(nth < 100);
            std::filesystem::remove_all(daemon.data_dir());
            std::filesystem::copy(saved, daemon.data_dir());
            was_killed = is_killed_at(daemon, call, nth);
            check_three_sold(daemon);
            if (!was_killed) continue;
            ++kills;
            is_killed_at(daemon, call, nth);
            check_three_sold(daemon);
        }
    }
    MESSAGE("calls at which it was killed, each in turn: " << kills);
    CHECK(kills > 20);
    daemon.options().wrapper.clear();
    daemon.start();
    CHECK(daemon.connect().result("purchase")["serials"] == Json{4});
}

TEST_SUITE_END();

}  // namespace
}  // namespace ticketd::testing
