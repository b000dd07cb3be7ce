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
    entry.buyer = "Zoë";
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

    auto paused = resized;
    paused.type = EntryType::kEventPaused;
    paused.rules = {box_office::SaleState::kPaused, {1'700'000'000'000, 1'700'000'000'001}};

    const auto bytes = encoded(created) + encoded(sale()) + encoded(resized) + encoded(paused);
    std::string_view rest{bytes};
    CHECK(take_entry(rest) == created);
    CHECK(take_entry(rest) == sale());
    CHECK(take_entry(rest) == resized);
    CHECK(take_entry(rest) == paused);
    CHECK(rest.empty());
}

TEST_CASE("entries of holds come back as they were written") {
    auto held = sale();
    held.type = EntryType::kHeld;
    held.first_serial = 0;
    held.expires_ms = held.time_ms + 1000;
    held.binding = {box_office::Bind::kProcess, 4711, 99};
    Entry confirmed;
    confirmed.type = EntryType::kConfirmed;
    confirmed.lsn = 15;
    confirmed.after = {10, 0, 6, 7, 15};
    confirmed.order = 12;
    confirmed.previous = 14;
    confirmed.granted = 2;
    confirmed.first_serial = 5;
    confirmed.key = "c";
    Entry extended;
    extended.type = EntryType::kExtended;
    extended.lsn = 15;
    extended.after = {10, 1, 6, 7, 15};
    extended.order = extended.previous = 12;
    extended.expires_ms = 500;
    auto released = extended;
    released.type = EntryType::kReleased;
    released.expires_ms = 0;
    auto expired = released;
    expired.type = EntryType::kExpired;
    const auto bytes = encoded(held) + encoded(confirmed) + encoded(extended) + encoded(released) +
                       encoded(expired);
    std::string_view rest{bytes};
    for (const auto& entry : {held, confirmed, extended, released, expired})
        CHECK(take_entry(rest) == entry);
    CHECK(rest.empty());
}

TEST_CASE("a change of an order that names none before it is no entry") {
    Entry released;
    released.type = EntryType::kReleased;
    released.lsn = 5;
    released.after = {5, 0, 0, 1, 5};
    released.order = 2;
    released.previous = 3;
    const auto good = encoded(released);
    const auto is_taken = [&](Lsn order, Lsn previous) {
        auto bytes = good;
        put_number<std::uint64_t>(bytes, 80, order);
        put_number<std::uint64_t>(bytes, 88, previous);
        std::string_view rest{bytes};
        return take_entry(rest).has_value();
    };
    CHECK(is_taken(2, 3));
    CHECK(is_taken(2, 2));
    CHECK_FALSE(is_taken(0, 3));
    CHECK_FALSE(is_taken(3, 2));
    CHECK_FALSE(is_taken(2, 5));
    CHECK_FALSE(is_taken(2, UINT64_MAX));
}

TEST_CASE("rules that no operator can have set are no entry") {
    Entry closed;
    closed.type = EntryType::kEventClosed;
    closed.lsn = 5;
    closed.after = {5, 0, 0, 1, 5};
    closed.rules = {box_office::SaleState::kClosed, {100, 200}};
    const auto good = encoded(closed);
    const auto is_taken = [&](std::size_t offset, std::uint64_t value) {
        auto bytes = good;
        put_number<std::uint64_t>(bytes, offset, value);
        std::string_view rest{bytes};
        return take_entry(rest).has_value();
    };
    CHECK(is_taken(80, 2));
    CHECK_FALSE(is_taken(80, 0));
    CHECK_FALSE(is_taken(80, 4));
    CHECK_FALSE(is_taken(80, (1ULL << 32U) + 1));
    CHECK(is_taken(96, 0));
    CHECK_FALSE(is_taken(96, 100));
    CHECK_FALSE(is_taken(88, UINT64_MAX));
    CHECK(is_taken(104, 1));
    CHECK(is_taken(104, limits::kQuantity));
    CHECK(is_taken(104, (15ULL << 32U) + 4));
    CHECK_FALSE(is_taken(104, limits::kQuantity + 1));
    CHECK_FALSE(is_taken(104, 1ULL << 16U));
    CHECK_FALSE(is_taken(104, 16ULL << 32U));
    CHECK(is_taken(112, limits::kBuyerLimit));
    CHECK_FALSE(is_taken(112, limits::kBuyerLimit + 1));
    CHECK(is_taken(120, 1));
    CHECK_FALSE(is_taken(120, 2));
}

namespace {

Entry cancellation() {
    Entry entry;
    entry.type = EntryType::kCancelled;
    entry.lsn = 20;
    entry.time_ms = 5;
    entry.uid = 7;
    entry.after = {10, 1, 4, 9, 20};
    entry.order = 12;
    entry.previous = 14;
    entry.requested = 2;
    entry.restocks = true;
    entry.owner = 1000;
    entry.tickets = {3, 5, 600};
    entry.returned = {4, 700};
    entry.key = "k";
    entry.buyer = "Zoë";
    entry.memo = "ill";
    return entry;
}

}  // namespace

TEST_CASE("entries with sets of numbers come back as they were written") {
    auto all = cancellation();
    all.requested = 0;
    all.tickets = {};
    auto named = cancellation();
    named.requested = 0;
    named.names_tickets = true;
    auto slots = sale();
    slots.first_serial = 0;
    slots.tickets = {1, limits::kSlots};
    auto held = slots;
    held.type = EntryType::kHeld;
    Entry closed;
    closed.type = EntryType::kEventClosed;
    closed.lsn = 3;
    closed.after = {5, 0, 3, 4, 3, 0};
    closed.rules.state = box_office::SaleState::kClosed;
    closed.voids_holds = true;
    auto overcommitted = sale();
    overcommitted.after = {2, 1, 4, 5, 12, 3};
    std::string bytes;
    const std::vector<Entry> entries{cancellation(), all,    named,        slots,
                                     held,           closed, overcommitted};
    for (const auto& entry : entries)
        append_entry(bytes, entry);
    std::string_view rest{bytes};
    for (const auto& entry : entries)
        CHECK(take_entry(rest) == entry);
    CHECK(rest.empty());
}

TEST_CASE("the longest entry is no longer than there is room for") {
    auto entry = cancellation();
    entry.requested = 0;
    entry.names_tickets = true;
    entry.tickets.clear();
    entry.returned.clear();
    for (std::uint64_t i = 0; i < limits::kQuantity; ++i)
        (i % 2 == 0 ? entry.tickets : entry.returned).push_back(1'000'000 + i);
    entry.key = std::string(limits::kKeyBytes, 'k');
    entry.memo = std::string(limits::kMemoBytes, 'm');
    entry.buyer = std::string(limits::kBuyerNameBytes, 'b');
    const auto bytes = encoded(entry);
    CHECK(bytes.size() <= limits::kEntryBytes);
    std::string_view rest{bytes};
    CHECK(take_entry(rest) == entry);
}

TEST_CASE("no flipped bit and no missing byte of a cancellation goes unnoticed") {
    const auto bytes = encoded(cancellation());
    for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
        auto flipped = bytes;
        flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
        std::string_view rest{flipped};
        const auto entry = take_entry(rest);
        CHECK((!entry || *entry != cancellation()));
    }
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        std::string_view cut{bytes.data(), size};
        CHECK_FALSE(take_entry(cut).has_value());
    }
}

TEST_CASE("a cancellation follows from what its order had") {
    auto before = cancellation();
    before.lsn = 14;
    before.previous = 12;
    before.tickets = {3, 4, 5, 600, 700};
    before.returned = {1};
    CHECK_FALSE(problem_with_cancellation(cancellation(), before));
    const auto is_refused = [&](auto change) {
        auto cancelled = cancellation();
        change(cancelled);
        return problem_with_cancellation(cancelled, before).has_value();
    };
    CHECK(is_refused([](Entry& entry) { entry.returned = {4, 701}; }));
    CHECK(is_refused([](Entry& entry) { entry.tickets = {3, 5}; }));
    CHECK(is_refused([](Entry& entry) { entry.previous = 13; }));
    CHECK(is_refused([](Entry& entry) { entry.order = 13; }));
    CHECK(is_refused([](Entry& entry) { entry.event = 1; }));
    CHECK(is_refused([](Entry& entry) { entry.owner = 1001; }));
    CHECK(is_refused([](Entry& entry) { entry.buyer = ""; }));
    before.type = EntryType::kReleased;
    CHECK(is_refused([](Entry&) {}));
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
