#include "server/store/entry.h"

#include <doctest/doctest.h>

#include <cstdint>
#include <string>

#include "common/limits.h"
#include "server/store/bytes.h"

using namespace ticketd;
using namespace ticketd::store;

namespace {

Entry sale() {
    Entry entry;
    entry.type = EntryType::kPurchased;
    entry.lsn = 12;
    entry.time_ms = 1'700'000'000'123;
    entry.uid = 1000;
    entry.event = 3;
    entry.after = {10, 1, 4, 5, 12};
    entry.requested = 3;
    entry.min_quantity = 1;
    entry.granted = 2;
    entry.first_serial = 3;
    entry.key = "key-1";
    entry.memo = "für dich";
    return entry;
}

std::string encoded(const Entry& entry) {
    std::string bytes;
    append_entry(bytes, entry);
    return bytes;
}

}  // namespace

TEST_CASE("entries come back as they were written") {
    Entry created;
    created.lsn = 1;
    created.event_name = "demo";
    created.after = {5, 0, 0, 1, 1};
    auto resized = created;
    resized.type = EntryType::kEventResized;
    resized.event_name = "";

    const auto bytes = encoded(created) + encoded(sale()) + encoded(resized);
    std::string_view rest{bytes};
    CHECK(take_entry(rest) == created);
    CHECK(take_entry(rest) == sale());
    CHECK(take_entry(rest) == resized);
    CHECK(rest.empty());
}

TEST_CASE("an entry whose time no clock can have shown is no entry") {
    const auto is_taken = [](std::int64_t time_ms) {
        auto bytes = encoded(sale());
        put_number<std::int64_t>(bytes, 16, time_ms);
        std::string_view rest{bytes};
        return take_entry(rest).has_value();
    };
    constexpr auto kLast = static_cast<std::int64_t>(limits::kCounterAtStart);
    CHECK(is_taken(0));
    CHECK(is_taken(kLast));
    for (const auto time_ms : {kLast + 1, INT64_MAX, std::int64_t{-1}, INT64_MIN})
        CHECK_FALSE(is_taken(time_ms));
}

TEST_CASE("an entry cut anywhere is no entry") {
    const auto bytes = encoded(sale());
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        std::string_view cut{bytes.data(), size};
        CHECK_FALSE(take_entry(cut).has_value());
        CHECK(cut.size() == size);
    }
}

TEST_CASE("a flipped bit gives another entry or none, and reads nothing outside") {
    const auto bytes = encoded(sale());
    for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
        auto flipped = bytes;
        flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
        std::string_view rest{flipped};
        const auto entry = take_entry(rest);
        CHECK((!entry || *entry != sale()));
    }
}
