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

TEST_SUITE_END();

}  // namespace
}  // namespace ticketd::testing
