// What happens when a system call fails while the daemon goes on to its next segment, or prepares
// it: tables. The segment is filled to its last block, so that the first sale after that meets the
// change at its first call.
#include <doctest/doctest.h>

#include <array>
#include <filesystem>

#include "common/limits.h"
#include "tests/fault/fill.h"
#include "tests/fault/injector.h"
#include "tests/fault/segment_faults.h"
#include "tests/fault/wait_until.h"
#include "tests/support/raw_bytes.h"

namespace ticketd::testing {
namespace {

using enum Outcome;

constexpr const char* kFirst = "journal-0000000001";
constexpr const char* kSecond = "journal-0000000002";

// The sale that calls for the next segment.
const std::array kSwitchFaults{
    Fault{kFirst, "fallocate", "error=EIO:when=1", kStops, "journal-0000000002: write failed: "},
    Fault{kFirst, "fallocate", "error=ENOSPC:when=1..2", kWaits, ""},
    Fault{"next-segment", "pwrite64", "error=EIO:when=1", kStops, kEio},
    Fault{"next-segment", "pwrite64", "error=EINTR:when=1..5", kGoesOn, ""},
    Fault{"next-segment", "pwrite64", "error=ENOSPC:when=1..2", kWaits, ""},
    Fault{"next-segment", "pwrite64", "error=EDQUOT:when=1+", kWaits, ""},
    Fault{"next-segment", "fdatasync", "error=EIO:when=1", kStops, kEio},
    Fault{"next-segment", "fdatasync", "error=ENOSPC:when=1", kStops, kEio},
    Fault{"next-segment", "renameat", "error=EIO:when=1", kStops, kEio},
    Fault{"next-segment", "renameat", "error=ENOSPC:when=1..2", kWaits, ""},
    Fault{".", "fsync", "error=EIO:when=1", kStops, kEio},
    Fault{".", "fsync", "error=ENOSPC:when=1+", kStops, kEio},
    // The footer, for which there is space, and the end of the segment that is left.
    Fault{kFirst, "pwrite64", "error=EIO:when=1", kStops, kEio},
    Fault{kFirst, "pwrite64", "error=ENOSPC:when=1", kStops, kEio},
    Fault{kFirst, "pwrite64", "error=EINTR:when=1..5", kGoesOn, ""},
    Fault{kFirst, "ftruncate", "error=EIO:when=1", kStops, "journal-0000000002: write failed: "},
    Fault{kFirst, "fdatasync", "error=EIO:when=1", kStops, kEio},
    Fault{kFirst, "fdatasync", "error=ENOSPC:when=1+", kStops, kEio},
    // The sale itself.
    Fault{kSecond, "pwrite64", "error=EIO:when=1", kStops, "journal-0000000002: write failed: "},
    Fault{kSecond, "pwrite64", "error=ENOSPC:when=1..2", kWaits, ""},
    Fault{kSecond, "fdatasync", "error=EIO:when=1", kStops, "journal-0000000002: sync failed: "},
};

// The sale that makes the segment more than half full: the next one is prepared.
const std::array kPreparationFaults{
    Fault{"next-segment", "openat", "error=EMFILE:when=1..2", kGoesOn, ""},
    Fault{"next-segment", "fallocate", "error=EIO:when=1", kGoesOn, ""},
    Fault{"next-segment", "fallocate", "error=ENOSPC:when=1+", kWaits, ""},
};

void check_switch(const Fault& fault) {
    CAPTURE(name_of(fault));
    std::uint64_t sold = 0;
    auto daemon = daemon_with_room(raw::kBlock, sold);
    auto rpc = daemon.connect();
    {
        const Injector injector{daemon, options_of(daemon, fault)};
        const auto bought = buy(rpc, 3);
        CHECK(bought.is_closed == (fault.outcome == kStops));
        CHECK((bought.refused > 0) == (fault.outcome == kWaits));
        if (fault.outcome == kStops) check_stopped(daemon, fault);
        if (bought.is_sold) ++sold;
    }
    // A group that nobody was told of may be there.
    if (fault.outcome == kStops) return check_next_daemon(daemon, sold, sold + 1);
    check_goes_on(daemon, sold);
}

void wait_until_prepared(const Daemon& daemon) {
    const auto next = daemon.data_dir() + "/next-segment";
    wait_until([&] {
        std::error_code ignored;
        return std::filesystem::exists(next, ignored) &&
               std::filesystem::file_size(next, ignored) == limits::kSegmentBytes;
    });
}

// Sells on until there is no room.
std::uint64_t sell_until_full(const Daemon& daemon) {
    std::uint64_t sold = 0;
    auto rpc = daemon.connect();
    const auto batch = Json(100, {{"jsonrpc", "2.0"},
                                  {"id", 1},
                                  {"method", "purchase"},
                                  {"params", {{"memo", std::string(limits::kMemoBytes, 'm')}}}})
                           .dump() +
                       "\n";
    for (bool is_full = false; !is_full;) {
        rpc.send(batch);
        for (const auto& reply : rpc.receive()) {
            if (reply.contains("result")) {
                ++sold;
            } else {
                CHECK(reply["error"]["data"]["kind"] == "storage_full");
                is_full = true;
            }
        }
    }
    CHECK(rpc.result("query").contains("sold"));
    return sold;
}

void check_preparation(const Fault& fault) {
    CAPTURE(name_of(fault));
    std::uint64_t sold = 0;
    auto daemon = daemon_with_room(limits::kSegmentBytes / 2, sold);
    auto rpc = daemon.connect();
    {
        const Injector injector{daemon, options_of(daemon, fault)};
        CHECK(buy(rpc, 1).is_sold);
        ++sold;
        if (fault.outcome == kWaits) {
            sold += fill_segment(daemon.socket(), "demo", 2 * limits::kGroupBytes);
            sold += sell_until_full(daemon);
        } else {
            wait_until_prepared(daemon);
            sold += fill_segment(daemon.socket(), "demo", raw::kBlock);
            CHECK(buy(rpc, 1).is_sold);
            ++sold;
        }
    }
    check_goes_on(daemon, sold);
}

TEST_SUITE_BEGIN("switch_faults");

TEST_CASE("a system call that fails at a change of segment does what the table says") {
    if (!can_trace() || !can_attach()) return;
    for (const auto& fault : kSwitchFaults)
        check_switch(fault);
}

TEST_SUITE_END();

TEST_SUITE_BEGIN("preparation_faults");

TEST_CASE("a system call that fails while a segment is prepared costs space at most") {
    if (!can_trace() || !can_attach()) return;
    for (const auto& fault : kPreparationFaults)
        check_preparation(fault);
}

TEST_SUITE_END();

}  // namespace
}  // namespace ticketd::testing
