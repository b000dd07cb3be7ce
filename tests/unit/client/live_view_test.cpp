#include "client/ticket_client/live_view.h"

#include <doctest/doctest.h>

namespace ticketd::client {
namespace {

using namespace std::chrono_literals;

Json counts(std::uint64_t sold, const char* name = "demo") {
    return {{"event", name},           {"state", "open"}, {"capacity", 100U},
            {"available", 100 - sold}, {"held", 0U},      {"sold", sold}};
}

}  // namespace

TEST_CASE("the live view shows counts, and the rate of the last ten seconds") {
    LiveView view;
    const Clock::time_point start{};
    view.take(counts(5), start);
    view.take(counts(25), start + 1s);
    view.note_daemon(3, 1500us);
    const auto text = view.frame(200, 24, false, start + 2s);
    CHECK(text ==
          "EVENT                 STATE     AVAILABLE      HELD      SOLD  CAPACITY   SOLD/S\n"
          "demo                  open             75         0        25       100      2.0\n"
          "waiting 3   latency 1.5 ms   Ctrl-C ends\n");
    CHECK(view.frame(200, 24, false, start + 12s).find("      0.0\n") != std::string::npos);
    view.note_absence();
    CHECK(view.frame(200, 24, false, start).find("no daemon answers") != std::string::npos);
}

TEST_CASE("no line is longer and no frame is higher than the terminal, and colour is declined") {
    LiveView view;
    for (int i = 0; i < 50; ++i)
        view.take(counts(100, ("event" + std::to_string(i)).c_str()), {});
    for (const std::size_t columns : {1U, 10U, 40U, 80U}) {
        const auto text = view.frame(columns, 10, false, {});
        std::size_t lines = 0, width = 0;
        for (const char c : text) {
            CHECK(c != '\x1b');
            lines += c == '\n' ? 1 : 0;
            width = c == '\n' ? 0 : width + 1;
            CHECK(width <= columns);
        }
        CHECK(lines <= 10);
    }
    CHECK(view.frame(80, 10, true, {}).find("\x1b[31m") != std::string::npos);
}

TEST_CASE("the rate fits on a terminal of 80 columns") {
    LiveView view;
    view.take(counts(0), {});
    view.take(counts(25), {});
    const auto text = view.frame(80, 24, false, {});
    CHECK(text.find("SOLD/S\n") != std::string::npos);
    CHECK(text.find(" 2.5\n") != std::string::npos);
}

TEST_CASE("events for which there is no row are counted") {
    LiveView view;
    for (int i = 10; i < 20; ++i)
        view.take(counts(1, ("event" + std::to_string(i)).c_str()), {});
    const auto all = view.frame(80, 13, false, {});
    CHECK(all.find("event19") != std::string::npos);
    CHECK(all.find("more") == std::string::npos);
    const auto some = view.frame(80, 12, false, {});
    CHECK(some.find("event17") != std::string::npos);
    CHECK(some.find("event18") == std::string::npos);
    CHECK(some.find("\n... and 2 more\n") != std::string::npos);
    CHECK(view.frame(80, 4, false, {}).find("\n... and 10 more\n") != std::string::npos);
    CHECK(view.frame(80, 3, false, {}).find("more") == std::string::npos);
}

TEST_CASE("a name cannot steer the terminal") {
    LiveView view;
    view.take(counts(0, "a\x1b[2Jb"), {});
    CHECK(view.frame(80, 10, false, {}).find('\x1b') == std::string::npos);
}

}  // namespace ticketd::client
