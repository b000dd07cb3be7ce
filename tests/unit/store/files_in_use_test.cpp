// Files of the store that somebody removes, replaces, cuts or scribbles on while it is in use.
#include <doctest/doctest.h>

#include <string>
#include <variant>

#include "server/store/store_error.h"
#include "tests/support/store_rig.h"

using namespace ticketd;
using namespace ticketd::store;
using tests::StoreRig;

namespace {

/// A store with one event and one sale, at rest.
struct Sold {
    StoreRig rig;
    EventId demo = rig.create("demo", 10);
    Sold() {
        rig.buy(demo);
        REQUIRE(rig.settle() == StoreRig::Settled::kDurable);
    }
    std::string slot() { return rig.disk().content("stock").substr(4096, 256); }
};

}  // namespace

TEST_CASE("a sale into a journal that was removed or replaced is never told") {
    for (const bool is_replaced : {false, true}) {
        Sold sold;
        const auto bytes = sold.rig.disk().content(StoreRig::kFirstSegment);
        sold.rig.disk().erase(StoreRig::kFirstSegment);
        if (is_replaced) sold.rig.disk().set_content(StoreRig::kFirstSegment, bytes);
        sold.rig.buy(sold.demo);
        CHECK(sold.rig.settle() == StoreRig::Settled::kDead);
        CHECK(sold.rig.fatal() ==
              std::string{StoreRig::kFirstSegment} + ": was removed or replaced while in use");
        CHECK(sold.rig.store().durable_lsn() == 2);
    }
}

TEST_CASE("a stock file or an owner lock that was removed or replaced stops the daemon") {
    for (const std::string name : {"stock", "owner.lock"}) {
        for (const bool is_replaced : {false, true}) {
            Sold sold;
            sold.rig.store().check_files();
            CHECK(sold.rig.fatal().empty());
            const auto bytes = sold.rig.disk().content(name);
            sold.rig.disk().erase(name);
            if (is_replaced) sold.rig.disk().set_content(name, bytes);
            sold.rig.store().check_files();
            CHECK(sold.rig.fatal() == name + ": was removed or replaced while in use");
        }
    }
}

TEST_CASE("a stock file that was cut or scribbled on is mended by the next request or soon") {
    for (const bool by_request : {true, false}) {
        for (const std::size_t kept : {std::size_t{0}, std::size_t{4095}, std::size_t{4100}}) {
            Sold sold;
            const auto slot = sold.slot();
            const auto header = sold.rig.disk().content("stock").substr(0, 4096);
            sold.rig.disk().overwrite("stock", sold.rig.disk().content("stock").substr(0, kept));
            if (by_request) {
                const auto counts = sold.rig.store().query(sold.demo);
                CHECK(std::get<Counts>(counts).stock.sold == 1);
            } else {
                sold.rig.store().scrub();
                CHECK(sold.rig.disk().content("stock").substr(0, 4096) == header);
            }
            CHECK(sold.slot() == slot);
            CHECK(sold.rig.store().restored_slots() == 1);
            CHECK(sold.rig.fatal().empty());
        }
    }
}

TEST_CASE("every slot is looked at in turn") {
    StoreRig rig;
    constexpr EventId kEvents = 200;
    for (EventId id = 0; id < kEvents; ++id)
        rig.create("event-" + std::to_string(id), 1);
    REQUIRE(rig.settle() == StoreRig::Settled::kDurable);
    auto bytes = rig.disk().content("stock");
    for (EventId id = 0; id < kEvents; ++id)
        bytes[4096 + std::size_t{id} * 256 + 20] ^= 1;
    rig.disk().overwrite("stock", bytes);
    for (int i = 0; i < 4; ++i)
        rig.store().scrub();
    CHECK(rig.store().restored_slots() == kEvents);
}
