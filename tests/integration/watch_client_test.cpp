// ticket-client watch: from a shell, over restarts, until something is so.
#include <doctest/doctest.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <csignal>
#include <filesystem>
#include <sstream>

#include "tests/support/daemon.h"
#include "tests/support/sanitized.h"
#include "tests/support/terminal.h"

namespace ticketd::testing {
namespace {

std::vector<Json> lines_of(const std::string& output) {
    std::vector<Json> lines;
    std::istringstream stream{output};
    for (std::string line; std::getline(stream, line);)
        lines.push_back(Json::parse(line));
    return lines;
}

// What a terminal has shown so far, until it holds `text`.
void wait_for_shown(const Terminal& terminal, std::string& seen, const std::string& text) {
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    while (seen.find(text) == std::string::npos) {
        if (std::chrono::steady_clock::now() > deadline) FAIL("never showed " << text);
        seen += terminal.text();
    }
}

// `watch` with its output there, on a terminal of this kind.
Process start_live(const Daemon& daemon, const Terminal& terminal, const std::string& kind,
                   std::vector<std::string> words) {
    terminal.set_columns(70);
    ProcessOptions options;
    options.stdout_path = terminal.path();
    options.has_group = true;
    const std::vector<std::string> start{
        "env",      "TERM=" + kind,  "NO_COLOR=1", TICKET_CLIENT_BINARY,
        "--socket", daemon.socket(), "watch"};
    words.insert(words.begin(), start.begin(), start.end());
    return Process{words, options};
}

void wait_for_file(const std::string& path, const std::string& text) {
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    while (!std::filesystem::exists(path) || read_file(path) != text) {
        if (std::chrono::steady_clock::now() > deadline) FAIL(path << " never was " << text);
    }
}

TEST_SUITE_BEGIN("watch_client");

TEST_CASE("what is past is told, and it ends when what was waited for is so") {
    auto daemon = Daemon::with_events({"demo=3"});
    client(daemon, {"buy"});
    client(daemon, {"buy", "2"});
    const auto past =
        client(daemon, {"watch", "demo", "--since", "0", "--until", "lsn=3", "--output", "text"});
    CHECK(past.exit == 0);
    CHECK(past.output ==
          "1 demo event_created: 3 of 3 available, 0 held, 0 sold\n"
          "2 demo purchased: 2 of 3 available, 0 held, 1 sold\n"
          "3 demo purchased: 0 of 3 available, 0 held, 3 sold\n");
    const auto now = client(daemon, {"watch", "demo", "--until", "lsn=3"});
    CHECK(now.exit == 0);
    CHECK(now.output.empty());
    const auto all = client(daemon, {"watch", "--since", "0", "--until", "lsn=3"});
    CHECK(all.exit == 0);
    const auto lines = lines_of(all.output);
    REQUIRE(lines.size() == 3);
    CHECK(lines[0]["type"] == "event_created");
    CHECK(lines[2]["available"] == 0);
    CHECK(client(daemon, {"watch", "--until", "sold-out"}).exit == 0);
    CHECK(client(daemon, {"watch", "--timeout", "100ms"}).exit == 0);
}

TEST_CASE("an LSN that comes to another event, or to none, is waited for no longer") {
    auto daemon = Daemon::with_events({"demo=3", "other=9"});
    client(daemon, {"buy", "--event", "demo"});
    client(daemon, {"buy", "--event", "other"});
    const auto past = client(daemon, {"watch", "demo", "--since", "0", "--until", "lsn=4"});
    CHECK(past.exit == 0);
    const auto lines = lines_of(past.output);
    REQUIRE(lines.size() == 2);
    CHECK(lines[1]["lsn"] == 3);
    CHECK(client(daemon, {"watch", "demo", "--until", "lsn=4"}).exit == 0);

    auto waiting = start_client(daemon.socket(),
                                {"watch", "demo", "--since", "0", "--json", "--until", "lsn=6"});
    REQUIRE(waiting.wait_for_output("\"lsn\":3,"));
    client(daemon, {"buy", "--event", "demo"});
    REQUIRE(waiting.wait_for_output("\"lsn\":5,"));
    CHECK(waiting.is_running());
    client(daemon, {"abandon", "never-used"});
    CHECK(waiting.wait() == 0);
    CHECK(lines_of(waiting.output()).size() == 3);
}

TEST_CASE("it goes on over a kill of the daemon, without a gap") {
    auto daemon = Daemon::with_events({"demo=4"});
    Process watch{{TICKET_CLIENT_BINARY, "--socket", daemon.socket(), "watch", "demo", "--json",
                   "--since", "0", "--until", "sold-out"}};
    REQUIRE(watch.wait_for_output("event_created"));
    client(daemon, {"buy"});
    REQUIRE(watch.wait_for_output("\"lsn\":2,"));
    daemon.kill_hard();
    daemon.start();
    client(daemon, {"buy", "2"});
    client(daemon, {"buy"});
    CHECK(watch.wait() == 0);
    const auto lines = lines_of(watch.output());
    REQUIRE(lines.size() == 4);
    for (std::size_t i = 0; i < lines.size(); ++i)
        CHECK(lines[i]["lsn"] == i + 1);
}

TEST_CASE("a command runs for each change, and ends the watch if it fails") {
    auto daemon = Daemon::with_events({"demo=2"});
    client(daemon, {"buy", "2"});
    const auto told = client(daemon, {"watch", "--since", "0", "--until", "lsn=2", "--exec",
                                      "echo $TICKET_TYPE $TICKET_AVAILABLE"});
    CHECK(told.output == "event_created 2\npurchased 0\n");
    const auto failed = client(daemon, {"watch", "--since", "0", "--exec", "exit 3"});
    CHECK(failed.exit == 3);
}

TEST_CASE("--timeout is over between two commands too") {
    auto daemon = Daemon::with_events({"demo=50"});
    for (int i = 0; i < 5; ++i)
        client(daemon, {"buy"});
    // The first command takes all of the time; none behind it is started.
    const auto over = client(daemon, {"watch", "--since", "0", "--timeout", "500ms", "--exec",
                                      "echo $TICKET_LSN; exec sleep 0.5"});
    CHECK(over.exit == 0);
    CHECK(over.output == "1\n");
}

TEST_CASE("an event that opens by the clock is waited for") {
    auto daemon = Daemon::with_events({"demo=2"});
    client(daemon, {"event", "update", "demo", "--opens", "+400ms"});
    CHECK(client(daemon, {"watch", "demo", "--until", "open", "--timeout", "10s"}).exit == 0);
    CHECK(client(daemon, {"buy"}).exit == 0);
    client(daemon, {"event", "pause", "demo"});
    const auto late = client(daemon, {"watch", "demo", "--until", "open", "--timeout", "100ms"});
    CHECK(late.exit == 124);
    CHECK(late.error.starts_with("wait_timeout: "));
}

TEST_CASE("what cannot be watched is refused") {
    auto daemon = Daemon::with_events({"demo=2"});
    CHECK(client(daemon, {"watch", "nothing"}).exit == 16);
    CHECK(client(daemon, {"watch", "nothing", "--until", "lsn=1"}).exit == 16);
    CHECK(client(daemon, {"watch", "--since", "99"}).exit == 65);
    CHECK(client(daemon, {"watch", "--until", "tomorrow"}).exit == 64);
    CHECK(run_client("/nonexistent/socket", {"watch", "--timeout", "50ms"}).exit == 69);
}

TEST_CASE("on a terminal it is a live view, which Ctrl-C ends and leaves as it was") {
    auto daemon = Daemon::with_events({"demo=9"});
    const Terminal terminal;
    terminal.set_columns(70);
    ProcessOptions options;
    options.stdout_path = terminal.path();
    options.environment = {"TERM=xterm", "NO_COLOR=1"};
    Process watch{{TICKET_CLIENT_BINARY, "--socket", daemon.socket(), "watch"}, options};
    std::string seen;
    wait_for_shown(terminal, seen, "latency");
    CHECK(seen.starts_with("\x1b[?1049h"));
    CHECK(seen.find("\x1b[1m") == std::string::npos);
    client(daemon, {"buy", "4"});
    wait_for_shown(terminal, seen, "open              5         0         4");
    watch.kill(SIGINT);
    CHECK(watch.wait() == 130);
    seen += terminal.text();
    CHECK(seen.find("\x1b[?1049l", seen.rfind("\x1b[H")) != std::string::npos);
}

TEST_CASE("once it was served it waits for the daemon longer than for one that never was there") {
    auto daemon = Daemon::with_events({"demo=3"});
    const auto path = daemon.scratch() / "db.txt";
    Process until{{TICKET_CLIENT_BINARY, "--socket", daemon.socket(), "watch", "demo", "--mirror",
                   path, "--until", "sold-out", "--since", "0", "--json"}};
    REQUIRE(until.wait_for_output("event_created"));
    daemon.kill_hard();
    // Each of these gives up after the second that a daemon is waited for which never was there.
    const auto began = std::chrono::steady_clock::now();
    CHECK(run_client(daemon.socket(), {"watch", "--until", "sold-out"}).exit == 69);
    CHECK(run_client(daemon.socket(), {"watch"}).exit == 69);
    CHECK(std::chrono::steady_clock::now() - began < std::chrono::seconds{9});
    CHECK(until.is_running());
    daemon.start();
    client(daemon, {"buy", "3"});
    CHECK(until.wait() == 0);
    CHECK(until.error().empty());
    CHECK(read_file(path) == "{\"count\": 0}\n");
}

TEST_CASE(
    "a daemon that does not answer is told apart from one that is not there, as a query does") {
    auto daemon = Daemon::with_events({"demo=3"});
    daemon.send_signal(SIGSTOP);
    for (const std::string verb : {"watch", "query"}) {
        CAPTURE(verb);
        const auto silent = client(daemon, {verb, "--timeout", "100ms"});
        CHECK(silent.exit == 75);
        CHECK(silent.error.starts_with("no_answer: no answer from "));
    }
    daemon.send_signal(SIGCONT);
}

TEST_CASE("without a daemon it ends when --timeout is over") {
    auto daemon = Daemon::with_events({"demo=3"});
    const auto start = [&](std::vector<std::string> words) {
        words.insert(words.begin(), {"watch", "demo", "--since", "0", "--json", "--timeout", "3s"});
        return start_client(daemon.socket(), words);
    };
    auto forever = start({}), until = start({"--until", "sold-out"});
    REQUIRE(forever.wait_for_output("event_created"));
    REQUIRE(until.wait_for_output("event_created"));
    daemon.kill_hard();
    CHECK(forever.wait() == 69);
    CHECK(forever.error().starts_with("unreachable: "));
    CHECK(until.wait() == 124);
    CHECK(until.error().starts_with("wait_timeout: "));
}

TEST_CASE("the live view says that no daemon answers, and goes on when one does") {
    auto daemon = Daemon::with_events({"demo=9"});
    const Terminal terminal;
    terminal.set_columns(70);
    ProcessOptions options;
    options.stdout_path = terminal.path();
    options.environment = {"TERM=xterm", "NO_COLOR=1"};
    Process watch{
        {TICKET_CLIENT_BINARY, "--socket", daemon.socket(), "watch", "--until", "sold-out"},
        options};
    std::string seen;
    wait_for_shown(terminal, seen, "latency");
    daemon.kill_hard();
    seen.clear();
    wait_for_shown(terminal, seen, "no daemon answers");
    daemon.start();
    seen.clear();
    wait_for_shown(terminal, seen, "latency");
    client(daemon, {"buy", "9"});
    CHECK(watch.wait() == 0);
}

TEST_CASE("the live view leaves the terminal to the shell while Ctrl-Z has stopped it") {
    if (kIsSanitized) {
        MESSAGE("SKIPPED: a sanitizer may run signal handlers late, with all signals blocked");
        return;
    }
    auto daemon = Daemon::with_events({"demo=9"});
    const Terminal terminal;
    auto watch = start_live(daemon, terminal, "xterm", {});
    std::string seen;
    wait_for_shown(terminal, seen, "latency");
    for (int round = 0; round < 2; ++round) {
        seen.clear();
        watch.kill(SIGTSTP);
        wait_for_shown(terminal, seen, "\x1b[?25h\x1b[?1049l");
        // Sent before it has stopped, a SIGCONT would be lost.
        siginfo_t stopped{};
        REQUIRE(::waitid(P_PID, static_cast<id_t>(watch.pid()), &stopped, WSTOPPED) == 0);
        watch.kill(SIGCONT);
        seen.clear();
        wait_for_shown(terminal, seen, "latency");
    }
    watch.kill(SIGINT);
    CHECK(watch.wait() == 130);
}

TEST_CASE("the live view leaves behind what ended it") {
    auto daemon = Daemon::with_events({"demo=9"});
    const Terminal terminal;
    auto watch = start_live(daemon, terminal, "xterm", {"--until", "sold-out"});
    std::string seen;
    wait_for_shown(terminal, seen, "latency");
    client(daemon, {"buy", "9"});
    CHECK(watch.wait() == 0);
    seen += terminal.text();
    const auto last = seen.substr(seen.rfind("\x1b[?1049l"));
    CHECK(last.find("open              0         0         9") != std::string::npos);
}

TEST_CASE("a terminal that cannot move its cursor gets lines") {
    auto daemon = Daemon::with_events({"demo=9"});
    for (const std::string kind : {"dumb", ""}) {
        const Terminal terminal;
        auto watch = start_live(daemon, terminal, kind, {"--since", "0", "--until", "lsn=1"});
        CHECK(watch.wait() == 0);
        CHECK(terminal.text() == "1 demo event_created: 9 of 9 available, 0 held, 0 sold\r\n");
    }
}

TEST_CASE("what ends the live view is said behind it, where it stays") {
    const Terminal terminal;
    ProcessOptions options;
    options.stdout_path = options.stderr_path = terminal.path();
    options.environment = {"TERM=xterm", "NO_COLOR=1"};
    CHECK(run_client("/nonexistent/socket", {"watch", "--timeout", "50ms"}, options).exit == 69);
    const auto seen = terminal.text();
    CHECK(seen.rfind("unreachable: ") > seen.rfind("\x1b[?1049l"));
    CHECK(seen.find("unreachable: ") != std::string::npos);
}

TEST_CASE("a mirror never goes back to an older count") {
    auto daemon = Daemon::with_events({"demo=2"});
    client(daemon, {"buy", "2"});
    const auto path = daemon.scratch() / "db.txt";
    // It begins with what is so now; what is past is told behind that.
    const auto copy = "cat '" + std::string{path} + "'";
    const auto told = client(daemon, {"watch", "demo", "--since", "0", "--mirror", path, "--exec",
                                      copy, "--until", "lsn=2"});
    CHECK(told.exit == 0);
    CHECK(told.output == "{\"count\": 0}\n{\"count\": 0}\n");
}

TEST_CASE("a mirror replaces nothing but a regular file, and leaves its mode") {
    namespace fs = std::filesystem;
    auto daemon = Daemon::with_events({"demo=2"});
    const std::string directory = daemon.scratch() / "mirrors";
    fs::create_directory(directory);
    const auto watch = [&](const std::string& name) {
        return client(daemon, {"watch", "demo", "--until", "open", "--mirror", directory + name});
    };
    write_file(directory + "/target", "mine");
    fs::create_symlink("target", directory + "/link");
    fs::create_symlink("nothing", directory + "/dangling");
    REQUIRE(::mkfifo((directory + "/fifo").c_str(), 0600) == 0);
    for (const std::string name : {"/link", "/dangling", "/fifo", "/."}) {
        CAPTURE(name);
        const auto before = fs::symlink_status(directory + name).type();
        const auto refused = watch(name);
        CHECK(refused.exit == 74);
        CHECK(refused.error.starts_with("output: " + directory + name + ": is "));
        CHECK(fs::symlink_status(directory + name).type() == before);
    }
    CHECK(read_file(directory + "/target") == "mine");

    const auto secret = fs::perms::owner_read | fs::perms::owner_write;
    fs::permissions(directory + "/target", secret);
    CHECK(watch("/target").exit == 0);
    CHECK(fs::status(directory + "/target").permissions() == secret);
    CHECK(watch("/new").exit == 0);
    CHECK(read_file(directory + "/new") == "{\"count\": 2}\n");
    CHECK(std::distance(fs::directory_iterator{directory}, {}) == 5);
}

TEST_CASE("two mirrors of one file do not get in each other's way") {
    auto daemon = Daemon::with_events({"demo=50"});
    const std::string path = daemon.scratch() / "db.txt";
    const std::vector<std::string> words{"watch",   "demo",     "--mirror", path,
                                         "--until", "sold-out", "--quiet"};
    auto first = start_client(daemon.socket(), words),
         second = start_client(daemon.socket(), words);
    wait_for_file(path, "{\"count\": 50}\n");
    auto rpc = daemon.connect();
    for (int i = 0; i < 50; ++i)
        rpc.result("purchase");
    CHECK(first.wait() == 0);
    CHECK(second.wait() == 0);
    CHECK(first.error().empty());
    CHECK(second.error().empty());
    CHECK(read_file(path) == "{\"count\": 0}\n");
}

TEST_CASE("a signal ends it and the command that it runs, and the exit code says which") {
    auto daemon = Daemon::with_events({"demo=1"});
    for (const int signal : {SIGINT, SIGTERM}) {
        auto idle = start_client(daemon.socket(), {"watch", "--since", "0", "--json"});
        REQUIRE(idle.wait_for_output("event_created"));
        idle.kill(signal);
        CHECK(idle.wait() == 128 + signal);
        auto busy = start_client(
            daemon.socket(), {"watch", "--since", "0", "--exec", "echo begun; exec sleep 1000"});
        REQUIRE(busy.wait_for_output("begun"));
        busy.kill(signal);
        CHECK(busy.wait() == 128 + signal);
        // Also if the command takes it for a good end.
        const std::string script =
            "exec python3 -c 'import signal as s; wanted = {s.SIGINT, s.SIGTERM}; "
            "s.pthread_sigmask(s.SIG_BLOCK, wanted); print(\"begun\", flush=True); "
            "s.sigwait(wanted)'";
        auto stubborn = start_client(daemon.socket(), {"watch", "--since", "0", "--exec", script});
        REQUIRE(stubborn.wait_for_output("begun"));
        stubborn.kill(signal);
        CHECK(stubborn.wait() == 128 + signal);
    }
}

TEST_CASE("a reader that has read enough ends it without a word") {
    auto daemon = Daemon::with_events({"demo=9"});
    client(daemon, {"buy"});
    client(daemon, {"buy"});
    const auto watch = std::string{TICKET_CLIENT_BINARY} + " --socket " + daemon.socket() +
                       " watch --since 0 --timeout 30s";
    const auto piped = run({"bash", "-c", "exec 3> >(:); wait $!; " + watch + " >&3; echo $? >&2"});
    CHECK(piped.error == "74\n");
}

TEST_CASE("a reader that goes away ends it, without another change") {
    auto daemon = Daemon::with_events({"demo=9"});
    const auto watch =
        std::string{TICKET_CLIENT_BINARY} + " --socket " + daemon.socket() + " watch --since 0";
    const auto piped = run({"bash", "-c", "{ " + watch + "; echo $? >&2; } | head -1"});
    CHECK(lines_of(piped.output).size() == 1);
    CHECK(piped.error == "74\n");
    // Who writes nothing there needs no reader.
    const auto quiet =
        run({"bash", "-c", "exec 3> >(:); wait $!; " + watch + " -q --timeout 200ms >&3"});
    CHECK(quiet.exit == 0);
}

TEST_CASE("a command run for a change finds nothing of an outer one") {
    auto daemon = Daemon::with_events({"demo=9"});
    ProcessOptions options;
    options.environment = {"TICKET_MEMO=outer"};
    const std::vector<std::string> words{"watch",
                                         "--since",
                                         "0",
                                         "--until",
                                         "lsn=1",
                                         "--exec",
                                         "echo $TICKET_LSN ${TICKET_MEMO-none}"};
    CHECK(run_client(daemon.socket(), words, options).output == "1 none\n");
}

TEST_SUITE_END();

}  // namespace
}  // namespace ticketd::testing
