// ticket-client watch: from a shell, over restarts, until something is so.
#include <doctest/doctest.h>

#include <sstream>

#include "tests/support/daemon.h"
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
    const auto all = client(daemon, {"watch", "--since", "0", "--timeout", "300ms"});
    CHECK(all.exit == 0);
    const auto lines = lines_of(all.output);
    REQUIRE(lines.size() == 3);
    CHECK(lines[0]["type"] == "event_created");
    CHECK(lines[2]["available"] == 0);
    CHECK(client(daemon, {"watch", "--until", "sold-out"}).exit == 0);
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
    const auto told = client(daemon, {"watch", "--since", "0", "--timeout", "500ms", "--exec",
                                      "echo $TICKET_TYPE $TICKET_AVAILABLE"});
    CHECK(told.output == "event_created 2\npurchased 0\n");
    const auto failed = client(daemon, {"watch", "--since", "0", "--exec", "exit 3"});
    CHECK(failed.exit == 3);
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
    const auto wait_for = [&](const std::string& text) {
        const auto deadline = std::chrono::steady_clock::now() + kPatience;
        while (seen.find(text) == std::string::npos) {
            if (std::chrono::steady_clock::now() > deadline) FAIL("never showed " << text);
            seen += terminal.text();
        }
    };
    wait_for("latency");
    CHECK(seen.starts_with("\x1b[?1049h"));
    CHECK(seen.find("\x1b[1m") == std::string::npos);
    client(daemon, {"buy", "4"});
    wait_for("open              5         0         4");
    watch.kill(SIGINT);
    CHECK(watch.wait() == 130);
    seen += terminal.text();
    CHECK(seen.find("\x1b[?1049l", seen.rfind("\x1b[H")) != std::string::npos);
}

TEST_SUITE_END();

}  // namespace
}  // namespace ticketd::testing
