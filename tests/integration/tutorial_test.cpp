// The tutorial that this began with, replayed.
#include <doctest/doctest.h>

#include <chrono>
#include <filesystem>

#include "tests/support/daemon.h"

namespace ticketd::testing {
namespace {

TEST_SUITE_BEGIN("tutorial");

TEST_CASE("each of its three versions sells exactly 2 tickets to 15 clients at once") {
    const auto programs = std::filesystem::path{TICKET_CLIENT_BINARY}.parent_path().string();
    const auto played =
        run({TICKETD_SOURCE_DIR "/scripts/tutorial", "--think-time", "0.3", "--bin", programs});
    CAPTURE(played.output);
    CAPTURE(played.error);
    CHECK(played.exit == 0);
    std::size_t count = 0;
    for (auto at = played.output.find(": order "); at != std::string::npos;
         at = played.output.find(": order ", at + 1)) {
        ++count;
    }
    CHECK(count == 6);  // whoever has bought is not stopped before it says so
    CHECK(played.error.empty());
    CHECK(played.output.find("and was never half-written") != std::string::npos);
}

TEST_CASE(
    "in a Chinese locale it says what the tutorial said, and to programs what it always says") {
    auto daemon = Daemon::with_events({"demo=1"});
    const auto speak = [&](const std::vector<std::string>& words, const std::string& locale) {
        ProcessOptions options;
        options.environment = {"LC_ALL=" + locale, "LANGUAGE="};
        std::vector<std::string> all{TICKET_CLIENT_BINARY, "--socket", daemon.socket()};
        all.insert(all.end(), words.begin(), words.end());
        return run(all, options);
    };
    // One that the machine may have, one that no machine has, and the language alone.
    for (const std::string locale : {"zh_CN.UTF-8", "zh_CN.nowhere", "zh"}) {
        CAPTURE(locale);
        CHECK(speak({"query"}, locale).output.find("剩余") != std::string::npos);
        CHECK(Json::parse(speak({"query", "--json"}, locale).output).contains("available"));
        CHECK(speak({"query", "--output", "env"}, locale).output.find("TICKET_AVAILABLE=") !=
              std::string::npos);
    }
    CHECK(speak({"buy"}, "zh_CN.UTF-8").output.starts_with("抢票成功"));
    const auto sold_out = speak({"buy"}, "zh_CN.UTF-8");
    CHECK(sold_out.exit == 10);
    CHECK(sold_out.error == "sold_out: 票已经售空 (demo is sold out)\n");
    CHECK(speak({"buy"}, "C").error == "sold_out: demo is sold out\n");
    CHECK(speak({"query"}, "de_DE.UTF-8").output.find("available") != std::string::npos);
}

TEST_CASE("a mirror says what is available, whole at every moment, over a kill of the daemon") {
    auto daemon = Daemon::with_events({"demo=100"});
    const auto path = (daemon.scratch() / "db.txt");
    Process mirror{{TICKET_CLIENT_BINARY, "--socket", daemon.socket(), "watch", "demo", "--mirror",
                    path, "--until", "sold-out"}};
    const auto count = [&] { return Json::parse(read_file(path))["count"].get<int>(); };
    const auto wait_for = [&](int number) {
        const auto deadline = std::chrono::steady_clock::now() + kPatience;
        while (!std::filesystem::exists(path) || count() != number) {
            if (std::chrono::steady_clock::now() > deadline) FAIL("never was " << number);
        }
    };
    wait_for(100);
    client(daemon, {"buy", "30"});
    wait_for(70);
    daemon.kill_hard();
    daemon.start();
    client(daemon, {"buy", "70"});
    CHECK(mirror.wait() == 0);
    CHECK(count() == 0);
    CHECK(client(daemon, {"watch", "--mirror", path}).exit == 64);
    CHECK(client(daemon, {"watch", "demo", "--mirror", "/nonexistent/x", "--timeout", "1s"}).exit ==
          74);
}

TEST_SUITE_END();

}  // namespace
}  // namespace ticketd::testing
