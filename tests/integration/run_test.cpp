// `ticket-client run`: tickets held for as long as a command runs, whoever is killed meanwhile.
#include <doctest/doctest.h>

#include "tests/support/daemon.h"

namespace ticketd::testing {
namespace {

// Of the shell that was started; it says so itself.
pid_t pid_said_by(Process& process) {
    REQUIRE(process.wait_for_output("\n"));
    return static_cast<pid_t>(std::stol(process.output()));
}

// Of the process that `parent` has started, before it is the command.
pid_t child_of(pid_t parent) {
    const auto number = std::to_string(parent);
    return static_cast<pid_t>(
        std::stol(read_file("/proc/" + number + "/task/" + number + "/children")));
}

// A command that tells its number and goes on until it is killed.
const std::vector<std::string> kSleeper{"run", "--", "sh", "-c", "echo $$; exec sleep 1000"};

void wait_for_available(Rpc& rpc, std::uint64_t count) {
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    while (rpc.result("query")["available"] != count) {
        if (std::chrono::steady_clock::now() > deadline) FAIL("never were " << count << " free");
        rpc.result("ping");
    }
}

TEST_SUITE_BEGIN("run");

TEST_CASE("a command finds its order, and its tickets return when it has ended") {
    auto daemon = Daemon::with_events({"ci=3"});
    const auto ran = client(daemon, {"run", "-n", "2", "--", "sh", "-c",
                                     "echo $TICKET_ORDER $TICKET_EVENT $TICKET_GRANTED; exit 7"});
    CHECK(ran.exit == 7);
    CHECK(ran.output == "2 ci 2\n");
    CHECK(ran.error.empty());
    auto rpc = daemon.connect();
    CHECK(rpc.result("query")["available"] == 3);
    CHECK(rpc.result("order", {{"order", 2}})["state"] == "released");
    CHECK(client(daemon, {"run", "sh", "-c", "exit $#", "-n", "-q"}).exit == 1);
    CHECK(client(daemon, {"run", "true"}).exit == 0);
    CHECK(client(daemon, {"run", "sh", "-c", "kill -9 $$"}).exit == 137);
}

TEST_CASE("what keeps the command from running has an exit code of its own") {
    auto daemon = Daemon::with_events({"ci=1"});
    const auto none = client(daemon, {"run", "no-such-command-anywhere"});
    CHECK(none.exit == 127);
    CHECK(none.error == "run: cannot run 'no-such-command-anywhere': No such file or directory\n");
    CHECK(client(daemon, {"run", "/dev/null"}).exit == 126);
    const std::vector<std::vector<std::string>> wrong{{"run"},
                                                      {"run", "-n", "0", "true"},
                                                      {"run", "-n"},
                                                      {"run", "--wait", "10", "true"},
                                                      {"run", "--event", "", "true"},
                                                      {"--output", "run", "run", "true"},
                                                      {"--outp=text", "run", "--min", "1"}};
    for (const auto& words : wrong) {
        CAPTURE(words.back());
        const auto refused = client(daemon, words);
        CHECK(refused.exit == 125);
        CHECK(refused.error.find(": ") < 8);
    }
    CHECK(client(daemon, {"order", "run"}).exit == 64);
    CHECK(client(daemon, {"--output", "run", "query"}).exit == 64);
    auto rpc = daemon.connect();
    CHECK(rpc.result("query")["available"] == 1);
    rpc.result("purchase");
    const auto sold_out = client(daemon, {"run", "echo", "hello"});
    CHECK(sold_out.exit == 125);
    CHECK(sold_out.output.empty());
    CHECK(sold_out.error.starts_with("sold_out: "));
    CHECK(client(daemon, {"run", "--wait", "50ms", "true"}).exit == 125);
    CHECK(run_client("/nonexistent/socket", {"run", "true"}).exit == 125);
}

TEST_CASE("with --confirm a command that succeeds has bought its ticket") {
    auto daemon = Daemon::with_events({"demo=2"});
    auto rpc = daemon.connect();
    CHECK(client(daemon, {"run", "--confirm", "true"}).exit == 0);
    CHECK(rpc.result("query")["sold"] == 1);
    CHECK(client(daemon, {"run", "--confirm", "false"}).exit == 1);
    CHECK(rpc.result("query")["sold"] == 1);
    CHECK(rpc.result("query")["available"] == 1);
}

TEST_CASE("with --confirm a command may have bought its ticket itself") {
    auto daemon = Daemon::with_events({"demo=2"});
    const auto own = std::string{TICKET_CLIENT_BINARY} + " --socket " + daemon.socket() + " -q ";
    const auto bought =
        client(daemon, {"run", "--confirm", "sh", "-c", own + "confirm $TICKET_ORDER"});
    CHECK(bought.exit == 0);
    CHECK(bought.error.empty());
    CHECK(daemon.connect().result("query")["sold"] == 1);
    const auto released =
        client(daemon, {"run", "--confirm", "sh", "-c", own + "release $TICKET_ORDER"});
    CHECK(released.exit == 125);
    CHECK(released.error.starts_with("wrong_state: "));
}

TEST_CASE("where SIGCHLD was ignored it still counts how the command ended") {
    auto daemon = Daemon::with_events({"demo=2"});
    const auto run_under = [&](const std::string& words) {
        return run({"bash", "-c",
                    "trap '' CHLD; exec " + std::string{TICKET_CLIENT_BINARY} + " --socket " +
                        daemon.socket() + ' ' + words});
    };
    CHECK(run_under("run sh -c 'exit 7'").exit == 7);
    CHECK(run_under("run --confirm sh -c 'exit 7'").exit == 7);
    CHECK(run_under("watch --since 0 --exec 'exit 7'").exit == 7);
    CHECK(run_under("run true").exit == 0);
    CHECK(daemon.connect().result("query")["sold"] == 0);
}

TEST_CASE("a command finds signals blocked and ignored as ticket-client found them") {
    auto daemon = Daemon::with_events({"ci=1"});
    const std::string start = std::string{TICKET_CLIENT_BINARY} + " --socket " + daemon.socket() +
                              " run grep -E ^Sig(Blk|Ign): /proc/self/status";
    const auto found_under = [&start](const std::string& ways) {
        const auto script =
            "import os, signal as s\nfor n in range(1, 32):\n"
            "    if n not in (9, 19): s.signal(n, s.SIG_DFL)\n" +
            ways + "\nwords = '" + start + "'.split()\nos.execv(words[0], words)";
        return run({"python3", "-c", script}).output;
    };
    CHECK(found_under("") == "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
    const auto* const some =
        "s.signal(s.SIGPIPE, s.SIG_IGN); s.signal(s.SIGINT, s.SIG_IGN); "
        "s.pthread_sigmask(s.SIG_BLOCK, {s.SIGUSR1, s.SIGTERM})";
    CHECK(found_under(some) == "SigBlk:\t0000000000004200\nSigIgn:\t0000000000001002\n");
}

TEST_CASE("commands take turns, first come first served") {
    auto daemon = Daemon::with_events({"ci=1"});
    auto rpc = daemon.connect();
    auto first = start_client(daemon.socket(), kSleeper);
    const auto sleeper = pid_said_by(first);
    auto second = start_client(daemon.socket(), {"run", "--wait", "1m", "echo", "mine"});
    rpc.wait_for_stat("waiting", 1);
    ::kill(sleeper, SIGTERM);
    CHECK(first.wait() == 143);
    CHECK(second.wait() == 0);
    CHECK(second.output() == "mine\n");
}

TEST_CASE("a command that outlives its ticket-client keeps its ticket") {
    auto daemon = Daemon::with_events({"ci=1"});
    auto rpc = daemon.connect();
    auto running = start_client(daemon.socket(), kSleeper);
    const auto sleeper = pid_said_by(running);
    running.kill(SIGKILL);
    CHECK(running.wait() == 137);
    CHECK(rpc.kind("purchase") == "held_out");
    ::kill(sleeper, SIGKILL);
    wait_for_available(rpc, 1);
}

TEST_CASE("a command keeps its ticket over a daemon that is killed, and it returns with it") {
    auto daemon = Daemon::with_events({"ci=2"});
    auto first = start_client(daemon.socket(), kSleeper);
    auto second = start_client(daemon.socket(), kSleeper);
    const auto survivor = pid_said_by(first), other = pid_said_by(second);
    daemon.kill_hard();
    ::kill(other, SIGKILL);
    CHECK(second.wait() == 137);
    daemon.start();
    auto rpc = daemon.connect();
    wait_for_available(rpc, 1);
    CHECK(rpc.result("query")["held"] == 1);
    ::kill(survivor, SIGKILL);
    CHECK(first.wait() == 137);
    CHECK(rpc.result("query")["available"] == 2);
}

TEST_CASE("a signal to ticket-client reaches the command, and one in line ends the wait") {
    for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
        auto daemon = Daemon::with_events({"ci=1"});
        auto rpc = daemon.connect();
        auto running = start_client(daemon.socket(), kSleeper);
        pid_said_by(running);
        auto waiting = start_client(daemon.socket(), {"run", "--wait", "1m", "echo", "mine"});
        rpc.wait_for_stat("waiting", 1);
        waiting.kill(signal);
        CHECK(waiting.wait() == 128 + signal);
        CHECK(waiting.output().empty());
        CHECK(waiting.error().empty());
        running.kill(SIGTERM);
        CHECK(running.wait() == 143);
        CHECK(rpc.result("query")["available"] == 1);
    }
}

TEST_CASE("a command whose process is killed in line never runs, and ends its ticket-client") {
    for (const auto* const option : {"--event=ci", "--confirm"}) {
        auto daemon = Daemon::with_events({"ci=1"});
        auto rpc = daemon.connect();
        auto running = start_client(daemon.socket(), kSleeper);
        pid_said_by(running);
        auto waiting =
            start_client(daemon.socket(), {"run", option, "--wait", "1m", "echo", "mine"});
        rpc.wait_for_stat("waiting", 1);
        ::kill(child_of(waiting.pid()), SIGKILL);
        CHECK(waiting.wait() == 137);
        CHECK(waiting.output().empty());
        CHECK(waiting.error().empty());
        running.kill(SIGTERM);
        CHECK(running.wait() == 143);
        CHECK(rpc.result("query")["available"] == 1);
    }
}

TEST_CASE("signals beside those that end things reach the command too") {
    auto daemon = Daemon::with_events({"ci=1"});
    const std::string script =
        "import signal as s\n"
        "wanted = {s.SIGHUP, s.SIGQUIT, s.SIGUSR1, s.SIGUSR2, s.SIGTERM}\n"
        "s.pthread_sigmask(s.SIG_BLOCK, wanted)\n"
        "print('ready', flush=True)\n"
        "while (came := s.Signals(s.sigwait(wanted))) != s.SIGTERM:\n"
        "    print(came.name, flush=True)\n"
        "raise SystemExit(3)\n";
    auto running = start_client(daemon.socket(), {"run", "--", "python3", "-c", script});
    REQUIRE(running.wait_for_output("ready"));
    for (const auto& [signal, name] :
         {std::pair{SIGHUP, "SIGHUP\n"}, std::pair{SIGQUIT, "SIGQUIT\n"},
          std::pair{SIGUSR1, "SIGUSR1\n"}, std::pair{SIGUSR2, "SIGUSR2\n"}}) {
        running.kill(signal);
        CHECK(running.wait_for_output(name));
    }
    running.kill(SIGTERM);
    CHECK(running.wait() == 3);
}

TEST_CASE("in a PID namespace of its own a command is who it is there") {
    std::vector<std::string> words{"unshare", "--pid", "--fork", "--kill-child", "--mount-proc"};
    auto probe = words;
    probe.emplace_back("true");
    if (run(probe).exit != 0) {
        MESSAGE("SKIPPED: not allowed to make a namespace");
        return;
    }
    auto daemon = Daemon::with_events({"ci=2"});
    auto rpc = daemon.connect();
    // The shell holds one for itself, and one runs below it.
    const std::string client = std::string{TICKET_CLIENT_BINARY} + " --socket " + daemon.socket();
    words.insert(words.end(), {"sh", "-c",
                               client + " hold --pid $$ --output json && " + client +
                                   " run -- sh -c 'echo up; sleep 1000; true'"});
    Process running{words};
    REQUIRE(running.wait_for_output("up\n"));
    const auto held = rpc.result("orders", {{"state", "held"}})["orders"];
    REQUIRE(held.size() == 2);
    for (const auto& order : held)
        CHECK(read_file("/proc/" + std::to_string(order["pid"].get<int>()) + "/comm") == "sh\n");
    CHECK(held[0]["pid"] != held[1]["pid"]);
    CHECK(rpc.result("query")["available"] == 0);
    running.kill(SIGKILL);
    wait_for_available(rpc, 2);
}

TEST_CASE("a command finds no variables of an outer one") {
    auto daemon = Daemon::with_events({"ci=1"});
    ProcessOptions options;
    options.environment = {"TICKET_SLOT=7", "TICKET_STATE=closed", "TICKETS=mine"};
    const std::vector<std::string> words{"run", "sh", "-c",
                                         "echo ${TICKET_SLOT-none} ${TICKET_STATE-none} $TICKETS"};
    CHECK(run_client(daemon.socket(), words, options).output == "none none mine\n");
}

TEST_CASE("if nobody says whether it is bought, the order is named") {
    auto daemon = Daemon::with_events({"demo=1"});
    const auto stop = "kill -STOP " + std::to_string(daemon.pid());
    const auto unknown =
        client(daemon, {"run", "--confirm", "--timeout", "2s", "--", "sh", "-c", stop});
    daemon.send_signal(SIGCONT);
    CHECK(unknown.exit == 75);
    CHECK(unknown.error.starts_with("unknown: "));
    CHECK(unknown.error.find("`ticket-client order 2`") != std::string::npos);
    const auto state = daemon.connect().result("order", {{"order", 2}})["state"];
    CHECK((state == "sold" || state == "released"));
}

TEST_SUITE_END();

}  // namespace
}  // namespace ticketd::testing
