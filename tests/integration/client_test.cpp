// ticket-client from outside: exit codes and streams as the contract says (design section 4).
#include <doctest/doctest.h>

#include <algorithm>

#include "tests/support/daemon.h"

namespace ticketd::testing {
namespace {

bool is_one_line(const std::string& text) {
    return !text.empty() && text.find('\n') == text.size() - 1;
}

// A refusal: this exit code, nothing on stdout, one line on stderr that begins with `kind`.
void check_refused(const Finished& client, int exit, const std::string& kind) {
    CAPTURE(client.error);
    CHECK(client.exit == exit);
    CHECK(client.output.empty());
    CHECK(client.error.starts_with(kind));
    CHECK(is_one_line(client.error));
}

TEST_SUITE_BEGIN("client");

TEST_CASE("results go to stdout, and stderr stays empty") {
    auto daemon = Daemon::with_events({"demo=50"});
    for (const std::vector<std::string>& words : std::initializer_list<std::vector<std::string>>{
             {"query"},
             {"query", "demo"},
             {"purchase"},
             {"buy", "2", "--memo", "m"},
             {"order", "2"},
             {"orders"},
             {"events"},
             {"event", "create", "x", "5"},
             {"event", "resize", "x", "6"},
             {"ping"},
             {"ping", "--wait-ready", "5s"},
             {"stats"},
             {"ledger", "read"},
             {"ledger", "verify"},
             {"call", "ping"},
             {"call", "query", R"({"event":"demo"})"}}) {
        CAPTURE(words.front());
        const auto text = run_client(daemon.socket(), words);
        CHECK(text.exit == 0);
        CHECK_FALSE(text.output.empty());
        CHECK(text.error.empty());
    }
    const auto json = run_client(daemon.socket(), {"--json", "purchase", "3", "--event", "demo"});
    CHECK(is_one_line(json.output));
    CHECK(Json::parse(json.output)["granted"] == 3);
    const auto quiet = run_client(daemon.socket(), {"-q", "purchase", "--event", "demo"});
    CHECK(quiet.exit == 0);
    CHECK(quiet.output.empty());
}

TEST_CASE("a shell evals an order as it is, and cuts a list at its tabs") {
    auto daemon = Daemon::with_events({"demo=5"});
    ProcessOptions options;
    options.environment = {"TICKETD_SOCKET=" + daemon.socket(),
                           std::string{"CLIENT="} + TICKET_CLIENT_BINARY, "MEMO=it's $(id) \"x\""};
    const auto in_shell = [&](const std::string& script) {
        const auto finished = run({"sh", "-euc", script}, options);
        CHECK(finished.exit == 0);
        CHECK(finished.error.empty());
        return finished.output;
    };
    CHECK(in_shell(R"(set=$("$CLIENT" buy 2 --memo "$MEMO" --output env) && eval "$set"
                      echo "$TICKET_ORDER $TICKET_SERIALS"
                      set=$("$CLIENT" order "$TICKET_ORDER" --output env) && eval "$set"
                      test "$TICKET_MEMO" = "$MEMO")") == "2 1 2\n");
    CHECK(in_shell(R"("$CLIENT" orders --output tsv | cut -f 1,2,6)") ==
          "order\tevent\tserials\n2\tdemo\t1 2\n");
    CHECK(in_shell(R"("$CLIENT" -q query --exit-code; "$CLIENT" -q buy 3
                      "$CLIENT" -q query --exit-code || echo "exit $?")") == "exit 10\n");
}

TEST_CASE("rows in tsv have the same columns on each page, and stderr tells of the next one") {
    auto daemon = Daemon::with_events({"demo=5"});
    const auto page = [&](const std::vector<std::string>& words) {
        return run_client(daemon.socket(), words);
    };
    const auto empty = page({"orders", "--output", "tsv"});
    CHECK(is_one_line(empty.output));
    for (int i = 0; i < 3; ++i)
        page({"buy", "--quiet"});
    const auto first = page({"orders", "--output", "tsv", "--limit", "2"});
    CHECK(first.exit == 0);
    CHECK(first.output.starts_with(empty.output));
    CHECK(first.error == "next: more with --after 3\n");
    const auto rest = page({"orders", "--output", "tsv", "--limit", "2", "--after", "3"});
    CHECK(rest.output.starts_with(empty.output));
    CHECK(rest.error.empty());
    CHECK(page({"ledger", "read", "--output", "tsv", "--limit", "1"}).error ==
          "next: more with --from 2\n");
    CHECK(page({"orders", "--output", "tsv", "--limit", "2", "--quiet"}).error.empty());

    const auto before = page({"query", "--output", "tsv"}).output;
    CHECK(page({"event", "update", "demo", "--opens", "now"}).exit == 0);
    const auto after = page({"query", "--output", "tsv"}).output;
    CHECK(after.substr(0, after.find('\n')) == before.substr(0, before.find('\n')));
    CHECK(after.find("\ndemo\topen\t5\t2\t") != std::string::npos);
}

TEST_CASE("refusals have the exit code of their kind") {
    auto daemon = Daemon::with_events({"demo=3"});
    const auto client = [&](const std::vector<std::string>& words) {
        return run_client(daemon.socket(), words);
    };
    CHECK(client({"purchase", "2", "--key", "k"}).exit == 0);
    check_refused(client({"purchase", "2"}), 10, "insufficient");
    check_refused(client({"purchase", "4"}), 10, "never_satisfiable");
    CHECK(client({"purchase", "5", "--min", "1"}).exit == 0);
    check_refused(client({"purchase"}), 10, "sold_out");
    check_refused(client({"purchase", "1", "--key", "k"}), 15, "key_mismatch");
    check_refused(client({"query", "other"}), 16, "not_found");
    check_refused(client({"order", "99"}), 16, "not_found");
    check_refused(client({"event", "create", "demo", "1"}), 17, "exists");
    check_refused(client({"event", "resize", "demo", "1"}), 17, "capacity_below_committed");
    check_refused(client({"call", "nothing"}), 76, "method_not_found");
    check_refused(client({"call", "query", R"({"colour":1})"}), 65, "invalid_params");
}

TEST_CASE("wrong usage and wrong input are told before anything is sent") {
    auto daemon = Daemon::with_events({"demo=3"});
    for (const std::vector<std::string>& words : std::initializer_list<std::vector<std::string>>{
             {}, {"nothing"}, {"--colour", "query"}, {"purchase", "1", "2"}, {"event", "create"}}) {
        CHECK(run_client(daemon.socket(), words).exit == 64);
    }
    CHECK(run_client(daemon.socket(), {"purchase", "0"}).exit != 0);
    CHECK(run_client(daemon.socket(), {"purchase", "-1"}).exit != 0);
    CHECK(run_client(daemon.socket(), {"call", "query", "{"}).exit == 65);
    auto rpc = daemon.connect();
    CHECK(rpc.result("server.info")["lsn"] == 1);
}

TEST_CASE("a daemon that is not there is exit 69") {
    const ScratchDirectory scratch;
    check_refused(run_client(scratch / "s", {"--timeout", "100ms", "purchase"}), 69, "unreachable");
    auto daemon = Daemon::with_events({"demo=3"});
    daemon.kill_hard();
    check_refused(run_client(daemon.socket(), {"--timeout", "100ms", "purchase"}), 69,
                  "unreachable");
}

TEST_CASE("a result that cannot be written is exit 74, and says that the purchase was done") {
    auto daemon = Daemon::with_events({"demo=3"});
    ProcessOptions full;
    full.stdout_path = "/dev/full";
    const auto client = run_client(daemon.socket(), {"purchase", "--key", "k"}, full);
    CHECK(client.exit == 74);
    CHECK(client.error.find("the request was done") != std::string::npos);
    CHECK(run_client(daemon.socket(), {"query"}, full).exit == 74);
    const auto order = run_client(daemon.socket(), {"--json", "order", "--key", "k"});
    CHECK(Json::parse(order.output)["order"] == 2);
}

TEST_CASE("what was done and cannot be shown is told in whole sentences") {
    auto daemon = Daemon::with_events({"demo=3"});
    ProcessOptions full;
    full.stdout_path = "/dev/full";
    CHECK(run_client(daemon.socket(), {"event", "create", "x", "3"}, full).error ==
          "output: cannot write to stdout: No space left on device; the request was done; to see "
          "it, ask `ticket-client events` what is so now\n");
    full.stdin_path = daemon.scratch() / "batch";
    write_file(full.stdin_path, R"({"method":"purchase","params":{"event":"demo"}})");
    CHECK(run_client(daemon.socket(), {"batch", "-"}, full)
              .error.ends_with("; to see it, ask `ticket-client orders` and `ticket-client events` "
                               "what was done\n"));
}

TEST_CASE("a closed pipe is silent, unless something was done that its reader should know of") {
    auto daemon = Daemon::with_events({"demo=3"});
    const auto unread = [&](const std::vector<std::string>& words) {
        std::vector<std::string> all{"/usr/bin/python3",
                                     "-c",
                                     "import os, subprocess, sys\n"
                                     "reader, writer = os.pipe()\n"
                                     "os.close(reader)\n"
                                     "sys.exit(subprocess.run(sys.argv[1:], stdout=writer)."
                                     "returncode)",
                                     TICKET_CLIENT_BINARY,
                                     "--socket",
                                     daemon.socket()};
        all.insert(all.end(), words.begin(), words.end());
        return run(all);
    };
    for (const std::vector<std::string>& words :
         std::initializer_list<std::vector<std::string>>{{"query"},
                                                         {"orders"},
                                                         {"ledger", "read", "--output", "tsv"},
                                                         {"ledger", "export", "--csv"},
                                                         {"ledger", "export"},
                                                         {"watch", "--since", "0"},
                                                         {"buy", "--dry-run"},
                                                         {"--help"}}) {
        CAPTURE(words.front());
        const auto silent = unread(words);
        CHECK(silent.exit == 74);
        CHECK(silent.error.empty());
    }
    const auto told = unread({"buy", "--key", "k"});
    CHECK(told.exit == 74);
    CHECK(told.error ==
          "output: cannot write to stdout: nobody reads it; the request was done; to see it, "
          "repeat with --key k\n");
}

TEST_CASE("a key that is used again replays the same order") {
    auto daemon = Daemon::with_events({"demo=3"});
    const std::vector<std::string> words{"--json", "purchase", "2", "--key", "k"};
    const auto first = Json::parse(run_client(daemon.socket(), words).output);
    const auto second = Json::parse(run_client(daemon.socket(), words).output);
    CHECK(second["replayed"] == true);
    CHECK(second["order"] == first["order"]);
    CHECK(second["serials"] == first["serials"]);
}

TEST_CASE("call reads params from stdin") {
    auto daemon = Daemon::with_events({"demo=3"});
    const auto file = daemon.scratch() / "params";
    write_file(file, R"({"quantity": 2})");
    ProcessOptions options;
    options.stdin_path = file;
    const auto client = run_client(daemon.socket(), {"--json", "call", "purchase", "-"}, options);
    CHECK(client.exit == 0);
    CHECK(Json::parse(client.output)["granted"] == 2);
}

TEST_CASE("the socket is found through the environment") {
    auto daemon = Daemon::with_events({"demo=3"});
    ProcessOptions options;
    options.environment = {"TICKETD_SOCKET=" + daemon.socket()};
    CHECK(run({TICKET_CLIENT_BINARY, "ping"}, options).exit == 0);
}

TEST_SUITE_END();

}  // namespace
}  // namespace ticketd::testing
