// The recipes of the manual, run as they are printed.
#include <doctest/doctest.h>

#include <filesystem>
#include <sstream>

#include "tests/support/daemon.h"

namespace ticketd::testing {
namespace {

struct Recipe {
    std::string language;
    std::string text;
    int line = 0;
};

// In a plain shell, which goes on after what fails.
Finished run_in_shell(const std::string& socket, const std::string& text) {
    ProcessOptions options;
    const auto programs = std::filesystem::path{TICKET_CLIENT_BINARY}.parent_path().string();
    options.environment = {"TICKETD_SOCKET=" + socket, "PATH=" + programs + ":/usr/bin:/bin"};
    return run({"/bin/sh", "-c", text}, options);
}

std::vector<Recipe> recipes() {
    std::istringstream lines{read_file(TICKETD_SOURCE_DIR "/docs/recipes.md")};
    std::vector<Recipe> all;
    bool is_inside = false;
    int number = 0;
    for (std::string line; std::getline(lines, line);) {
        ++number;
        if (line.starts_with("```")) {
            is_inside = !is_inside;
            if (is_inside) all.push_back({line.substr(3), "", number});
        } else if (is_inside) {
            all.back().text += line + '\n';
        }
    }
    return all;
}

TEST_SUITE_BEGIN("recipes");

TEST_CASE("every recipe works as it is printed") {
    auto daemon = Daemon::with_events({"demo=5", "ci=2"});
    const auto programs = std::filesystem::path{TICKET_CLIENT_BINARY}.parent_path().string();
    ProcessOptions options;
    options.environment = {"TICKETD_SOCKET=" + daemon.socket(),
                           "PATH=" + programs + ":/usr/bin:/bin"};
    std::size_t ran = 0;
    for (const auto& [language, text, line] : recipes()) {
        CAPTURE(line);
        CAPTURE(text);
        REQUIRE((language == "sh" || language == "python"));
        const auto words =
            language == "sh" ? std::vector<std::string>{"/bin/bash", "-euo", "pipefail", "-c", text}
                             : std::vector<std::string>{"/usr/bin/python3", "-c", text};
        const auto done = run(words, options);
        CAPTURE(done.output);
        CAPTURE(done.error);
        CHECK(done.exit == 0);
        CHECK(done.error.empty());
        ++ran;
    }
    CHECK(ran >= 10);
    auto rpc = daemon.connect();
    CHECK(rpc.result("query", {{"event", "ci"}})["available"] == 2);
    CHECK(rpc.result("query", {{"event", "demo"}})["sold"] == 5);
    CHECK(rpc.result("ledger.verify")["ok"] == true);
}

TEST_CASE("a recipe that evaluates an order ends where there is none") {
    auto daemon = Daemon::with_events({"demo=0", "ci=0", "fair=0"});
    client(daemon, {"event", "close", "ci"});  // so that nobody waits
    std::size_t found = 0;
    for (const auto& [language, text, line] : recipes()) {
        if (text.find("&& eval") == std::string::npos) {
            CHECK(text.find("eval \"$(") == std::string::npos);
            continue;
        }
        CAPTURE(text);
        ++found;
        const auto ended = run_in_shell(daemon.socket(), text);
        CAPTURE(ended.error);
        CHECK((ended.exit == 10 || ended.exit == 13));
        CHECK(ended.output.empty());
        CHECK(ended.error.find("usage") == std::string::npos);
    }
    CHECK(found == 3);
}

TEST_CASE("a web page tells a refusal from a daemon that is not there") {
    auto daemon = Daemon::with_events({"demo=1"});
    std::string page;
    for (const auto& [language, text, line] : recipes()) {
        if (text.find("Status: ") != std::string::npos) page = text;
    }
    REQUIRE_FALSE(page.empty());
    CHECK(run_in_shell(daemon.socket(), page).output.starts_with("Status: 200 OK\r\n"));
    CHECK(run_in_shell(daemon.socket(), page).output.starts_with("Status: 409 Conflict\r\n"));
    daemon.stop();
    CHECK(run_in_shell(daemon.socket(), page)
              .output.starts_with("Status: 503 Service Unavailable\r\n"));
}

TEST_SUITE_END();

}  // namespace
}  // namespace ticketd::testing
