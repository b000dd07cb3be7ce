// What takes long says how far it has come: in one line on a terminal, in a line now and then
// elsewhere. The disk is made slow with strace, so that small stores take long.
#include <doctest/doctest.h>

#include <algorithm>
#include <sstream>

#include "tests/fault/flood.h"
#include "tests/fault/strace.h"
#include "tests/fault/wait_until.h"
#include "tests/support/daemon.h"
#include "tests/support/terminal.h"

namespace ticketd::testing {
namespace {

constexpr int kSegments = 12;

// What strace has to be told to have each of these system calls take so much longer.
std::vector<std::string> slowing(const std::string& call, int ms) {
    return injection(call, "delay_enter=" + std::to_string(ms * 1000));
}

// The words before a program's own, for the same.
std::vector<std::string> slowed(const std::string& call, int ms) {
    return tracing("/dev/null", slowing(call, ms));
}

Finished run_slowed(std::vector<std::string> words, const std::vector<std::string>& program,
                    const ProcessOptions& options = {}) {
    words.insert(words.end(), program.begin(), program.end());
    return run(words, options);
}

ProcessOptions on(const Terminal& terminal) {
    ProcessOptions options;
    options.stderr_path = terminal.path();
    return options;
}

// A store whose journal has many segments with keys in them: each start begins one.
Daemon with_many_segments() {
    auto daemon = Daemon::with_events({"demo=1000"});
    for (int i = 1; i < kSegments; ++i) {
        daemon.connect().result("purchase", {{"key", "k" + std::to_string(i)}});
        daemon.stop();
        daemon.start();
    }
    return daemon;
}

// A terminal has seen lines that begin with `title` and say `what`, and the last was erased.
void check_rewritten(const std::string& text, const std::string& title, const std::string& what) {
    CAPTURE(text);
    REQUIRE(text.size() > 2);
    CHECK(text.find('\n') == std::string::npos);
    CHECK(text.starts_with("\r" + title + ": "));
    CHECK(text.find(what) != std::string::npos);
    CHECK(text.find(" %)") != std::string::npos);
    CHECK(text.ends_with(" \r"));
    const auto erased = text.substr(text.rfind('\r', text.size() - 2));
    CHECK(erased.find_first_not_of(" \r") == std::string::npos);
}

TEST_SUITE_BEGIN("progress");

TEST_CASE("a long offline check rewrites one line on a terminal and erases it") {
    if (!can_trace()) return;
    auto daemon = with_many_segments();
    daemon.stop();
    const Terminal terminal;
    const auto verdict = run_slowed(slowed("pread64", 30),
                                    {TICKETD_BINARY, "--verify", daemon.data_dir()}, on(terminal));
    CHECK(verdict.exit == 0);
    CHECK(verdict.output.find("all guarantees hold") != std::string::npos);
    check_rewritten(terminal.text(), "verify", " segments of the journal (");
}

TEST_CASE("a short offline check is silent on a terminal") {
    auto daemon = Daemon::with_events({"demo=1000"});
    daemon.stop();
    const Terminal terminal;
    const auto verdict = run_ticketd({"--verify", daemon.data_dir()}, on(terminal));
    CHECK(verdict.exit == 0);
    CHECK(terminal.text().empty());
}

TEST_CASE("a terminal that was stopped does not hold up an offline check") {
    if (!can_trace()) return;
    auto daemon = with_many_segments();
    daemon.stop();
    const Terminal terminal;
    terminal.stop_output();
    const auto verdict = run_slowed(slowed("pread64", 30),
                                    {TICKETD_BINARY, "--verify", daemon.data_dir()}, on(terminal));
    CHECK(verdict.exit == 0);
}

TEST_CASE("a long offline check writes a line now and then into a pipe") {
    if (!can_trace()) return;
    auto daemon = with_many_segments();
    daemon.stop();
    const auto verdict =
        run_slowed(slowed("pread64", 80), {TICKETD_BINARY, "--verify", daemon.data_dir()});
    CHECK(verdict.exit == 0);
    std::istringstream lines{verdict.error};
    int count = 0;
    for (std::string line; std::getline(lines, line); ++count) {
        CAPTURE(line);
        CHECK(line.starts_with("verify: "));
        CHECK(line.find(" of ") != std::string::npos);
        CHECK(line.ends_with(" %)"));
    }
    CHECK(count >= 1);
    CHECK(count <= 6);
}

TEST_CASE("a long recovery logs how far it is") {
    if (!can_trace()) return;
    auto daemon = with_many_segments();
    daemon.kill_hard();
    daemon.options().wrapper = slowed("pread64", 75);
    daemon.start();
    const auto log = daemon.log();
    CAPTURE(log);
    const auto line = log.find(" info recovery: ");
    REQUIRE(line != std::string::npos);
    CHECK(line < log.find(" ready on "));
    CHECK(log.find('\r') == std::string::npos);
    daemon.kill_hard();
}

TEST_CASE("a long recovery rewrites one line on a terminal before the log goes on") {
    if (!can_trace()) return;
    auto daemon = with_many_segments();
    daemon.kill_hard();
    const Terminal terminal;
    daemon.options().wrapper = slowed("pread64", 30);
    daemon.options().process = on(terminal);
    daemon.launch();
    CHECK(run_client(daemon.socket(), {"ping", "--wait-ready", "30s"}).exit == 0);
    std::string text;
    wait_until([&] { return (text += terminal.text()).find(" ready on ") != std::string::npos; });
    CAPTURE(text);
    const auto end = text.rfind(" \r");
    REQUIRE(end != std::string::npos);
    check_rewritten(text.substr(0, end + 2), "recovery", " of 1");
    CHECK(text.find(" ready on ", end) != std::string::npos);
    daemon.kill_hard();
}

TEST_CASE("a long check by the daemon shows its client how far it is, and may take its time") {
    if (!can_trace()) return;
    auto daemon = with_many_segments();
    const auto slow_disk = attach_strace(daemon.pid(), slowing("pread64", 30));
    REQUIRE(slow_disk);
    const Terminal terminal;
    const auto verdict = run_client(daemon.socket(), {"ledger", "verify"}, on(terminal));
    CHECK(verdict.exit == 0);
    CHECK(verdict.output.starts_with("ok          true\n"));
    check_rewritten(terminal.text(), "verify", " entries of the ledger (");
    CHECK(daemon.connect().result("ledger.position")["verified_lsn"] == 0);

    const auto quiet = run_client(daemon.socket(), {"-q", "ledger", "verify"}, on(terminal));
    CHECK(quiet.exit == 0);
    CHECK(terminal.text().empty());
    const auto hasty = run_client(daemon.socket(), {"--timeout", "100ms", "ledger", "verify"});
    CHECK(hasty.exit == 75);
    CHECK(hasty.error.starts_with("no_answer: no answer from "));
}

TEST_CASE("a long check ends when the daemon does, or at Ctrl-C") {
    if (!can_trace()) return;
    auto daemon = with_many_segments();
    const auto slow_disk = attach_strace(daemon.pid(), slowing("pread64", 200));
    REQUIRE(slow_disk);
    const auto wait_until_it_runs = [&] {
        auto rpc = daemon.connect();
        while (rpc.result("ledger.position")["verified_lsn"] == 0) {
        }
    };
    auto interrupted = start_client(daemon.socket(), {"ledger", "verify"});
    wait_until_it_runs();
    interrupted.kill(SIGINT);
    CHECK(interrupted.wait() == 130);
    CHECK(interrupted.error() == "interrupted: nothing was changed\n");
    auto orphan = start_client(daemon.socket(), {"ledger", "verify"});
    daemon.connect().result("ping");
    daemon.kill_hard();
    const int exit = orphan.wait();
    CHECK((exit == 75 || exit == 69));
}

TEST_CASE("a long backup rewrites one line on a terminal and erases it") {
    if (!can_trace()) return;
    auto daemon = Daemon::with_events({"demo=1000000000"});
    auto rpc = daemon.connect();
    for (int i = 0; i < 240; ++i) {
        std::vector<std::string> keys;
        for (int j = 0; j < 128; ++j)
            keys.push_back("p" + std::to_string(i) + "-" + std::to_string(j));
        buy_all(rpc, keys);
    }
    const Terminal terminal;
    const auto backup = [&](const std::string& name, std::vector<std::string> more) {
        more.insert(more.begin(), {TICKET_CLIENT_BINARY, "--socket", daemon.socket()});
        more.insert(more.end(), {"ledger", "backup", daemon.scratch() / name});
        return run_slowed(slowed("copy_file_range", 400), more, on(terminal));
    };
    CHECK(backup("a", {}).exit == 0);
    check_rewritten(terminal.text(), "backup", " MiB (");
    CHECK(backup("b", {"-q"}).exit == 0);
    CHECK(terminal.text().empty());
}

TEST_SUITE_END();

}  // namespace
}  // namespace ticketd::testing
