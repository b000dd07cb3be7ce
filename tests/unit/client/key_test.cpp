#include "client/key.h"

#include <doctest/doctest.h>

#include <set>
#include <string>

namespace ticketd::client {
namespace {

using std::chrono::nanoseconds;

std::chrono::system_clock::time_point at(nanoseconds since_epoch) {
    return std::chrono::system_clock::time_point{since_epoch};
}

}  // namespace

TEST_CASE("a key is a UUID of version 7 that begins with its time") {
    // RFC 9562, A.6: 2022-02-22 19:22:22 UTC is 017F22E279B0 in milliseconds.
    const auto text = key_text(at(std::chrono::milliseconds{0x017F22E279B0}),
                               {0x18, 0xC4, 0xDC, 0x0C, 0x0C, 0x07, 0x39, 0x8F});
    CHECK(text == "017f22e2-79b0-7000-98c4-dc0c0c07398f");
}

TEST_CASE("version and variant stand whatever the random bytes are") {
    const auto text =
        key_text(at(nanoseconds{1'999'999}), {255, 255, 255, 255, 255, 255, 255, 255});
    CHECK(text == "00000000-0001-7fff-bfff-ffffffffffff");
}

TEST_CASE("keys sort by their time, within a millisecond too") {
    std::string before;
    for (int step = 0; step < 3000; ++step) {
        const auto text = key_text(at(nanoseconds{1'700'000'000'000'000'000 + step * 1'000}), {});
        CHECK(text > before);
        before = text;
    }
}

TEST_CASE("new keys differ") {
    std::set<std::string> keys;
    for (int i = 0; i < 1000; ++i)
        keys.insert(new_key());
    CHECK(keys.size() == 1000);
    CHECK(keys.begin()->size() == 36);
}

}  // namespace ticketd::client
