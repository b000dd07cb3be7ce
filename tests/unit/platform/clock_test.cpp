#include "server/platform/clock.h"

#include <doctest/doctest.h>

using namespace ticketd::platform;
using std::chrono::floor;
using std::chrono::milliseconds;
using std::chrono::system_clock;

TEST_CASE("both clocks go on together, and the time of day is told as it is or a moment ago") {
    const SystemClock clock;
    const auto first = clock.read();
    auto last = first;
    while (last.elapsed - first.elapsed < milliseconds{50}) {
        const auto before = floor<milliseconds>(system_clock::now());
        const auto now = clock.read();
        const auto after = floor<milliseconds>(system_clock::now());
        CHECK(now.wall - first.wall == now.elapsed - first.elapsed);
        CHECK(now.wall >= before - milliseconds{1});
        CHECK(now.wall <= after);
        CHECK(now.elapsed >= last.elapsed);
        last = now;
    }
}
