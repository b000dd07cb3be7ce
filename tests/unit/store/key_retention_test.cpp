#include <doctest/doctest.h>

#include <chrono>
#include <cstdio>
#include <string>
#include <variant>

#include "server/store/audit.h"
#include "tests/support/store_rig.h"

using namespace ticketd;
using namespace ticketd::store;
using namespace std::chrono_literals;
using tests::StoreRig;

namespace {

constexpr auto kRetention = 60s;

StoreSettings short_retention() {
    auto settings = StoreRig::settings();
    settings.key_retention = kRetention;
    return settings;
}

/// A UUID of version 7 made at the rig's time.
std::string dated_key(const StoreRig& rig, int number) {
    const auto ms = static_cast<unsigned long long>(rig.clock().now().time_since_epoch().count());
    char key[64];
    std::snprintf(key, sizeof key, "%08llx-%04llx-7000-8000-%012x", ms >> 16, ms & 0xffff,
                  static_cast<unsigned>(number));
    return key;
}

ErrorKind refusal(const ChangeResult& result) {
    REQUIRE(std::holds_alternative<Refused>(result));
    return std::get<Refused>(result).refusal.kind;
}

/// Lets keys grow old until the store has forgotten those of the first segment.
void outlive_first_segment(StoreRig& rig, EventId demo) {
    rig.wait_for_checkpoint(rig.fill_segment(demo) - 1);
    rig.clock().advance(kRetention * 3);
    rig.wait_for_checkpoint(rig.fill_segment(demo) - 1);
    rig.forget_expired_keys();
}

}  // namespace

TEST_CASE("a dated key is refused once it is older than keys are kept, and never buys again") {
    StoreRig rig{std::make_unique<tests::MemoryDirectory>(), short_retention()};
    const auto demo = rig.create("demo", 1'000'000);
    const auto key = dated_key(rig, 1), unused = dated_key(rig, 2);
    const auto lsn = std::get<Changed>(rig.buy(demo, 1, key)).entry.lsn;
    REQUIRE(rig.settle() == StoreRig::Settled::kDurable);
    rig.clock().advance(kRetention - 1s);
    CHECK(std::get<Replay>(rig.buy(demo, 1, key)).lsn == lsn);
    rig.clock().advance(2s);
    CHECK(refusal(rig.buy(demo, 1, unused)) == ErrorKind::kKeyTooOld);
    CHECK(refusal(rig.store().abandon(7, unused)) == ErrorKind::kKeyTooOld);
    // Kept longer than promised, it may still be answered, but never be carried out again.
    CHECK(std::get<Replay>(rig.buy(demo, 1, key)).lsn == lsn);
    outlive_first_segment(rig, demo);
    CHECK(refusal(rig.buy(demo, 1, key)) == ErrorKind::kKeyTooOld);

    // A clock that is set back brings no key back; nor does a restart.
    rig.clock().set(std::chrono::milliseconds{1'700'000'000'000});
    CHECK(refusal(rig.buy(demo, 1, key)) == ErrorKind::kKeyTooOld);
    StoreRig again{rig.crash(tests::Unsynced::kLost), short_retention()};
    CHECK(refusal(again.buy(demo, 1, key)) == ErrorKind::kKeyTooOld);
}

TEST_CASE("old keys leave memory, young ones stay, also over a restart") {
    StoreRig rig{std::make_unique<tests::MemoryDirectory>(), short_retention()};
    const auto demo = rig.create("demo", 1'000'000);
    rig.wait_for_checkpoint(rig.fill_segment(demo, "old-") - 1);
    const auto old_keys = rig.store().state().keys().size();
    REQUIRE(old_keys > 400);
    rig.clock().advance(kRetention * 3);
    rig.buy(demo, 1, "young");
    rig.wait_for_checkpoint(rig.fill_segment(demo) - 1);
    rig.forget_expired_keys();
    CHECK(rig.store().state().keys().size() <= 2);  // "young", and what began the second segment
    CHECK(std::holds_alternative<Replay>(rig.buy(demo, 1, "young")));
    CHECK(std::holds_alternative<Changed>(rig.buy(demo, 1, "old-1")));  // it carries no time
    REQUIRE(rig.settle() == StoreRig::Settled::kDurable);
    CHECK_FALSE(rig.disk().exists("keys-0000000001"));

    StoreRig again{rig.crash(tests::Unsynced::kLost), short_retention()};
    CHECK(std::holds_alternative<Replay>(again.buy(demo, 1, "young")));
    CHECK(std::holds_alternative<Replay>(again.buy(demo, 1, "old-1")));
    CHECK(audit_store(*again.close()).ok());
}

TEST_CASE("a clock set forward alone makes nobody forget") {
    StoreRig rig{std::make_unique<tests::MemoryDirectory>(), short_retention()};
    const auto demo = rig.create("demo", 1'000'000);
    rig.buy(demo, 1, "k");
    rig.wait_for_checkpoint(rig.fill_segment(demo) - 1);
    rig.clock().set(rig.clock().now().time_since_epoch() + kRetention * 100);
    // A stop and a start look at the keys once more; nothing was sold meanwhile.
    StoreRig again{rig.close(), short_retention()};
    CHECK(std::holds_alternative<Replay>(again.buy(demo, 1, "k")));
}

TEST_CASE("no more keys are kept than may be; known ones are answered all the same") {
    auto settings = StoreRig::settings();
    settings.keys = 2;
    StoreRig rig{std::make_unique<tests::MemoryDirectory>(), settings};
    const auto demo = rig.create("demo", 10);
    CHECK(std::holds_alternative<Changed>(rig.buy(demo, 1, "a")));
    CHECK(std::holds_alternative<Changed>(rig.buy(demo, 1, "b")));
    CHECK(refusal(rig.buy(demo, 1, "c")) == ErrorKind::kBusy);
    CHECK(refusal(rig.store().abandon(7, "d")) == ErrorKind::kBusy);
    CHECK(std::holds_alternative<Replay>(rig.buy(demo, 1, "a")));
    CHECK(std::holds_alternative<Changed>(rig.buy(demo, 1)));
}
