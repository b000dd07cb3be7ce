// What happens when a system call fails while the runs and the checkpoint of a segment that was
// left are written, or those of a clean stop: tables.
#include <doctest/doctest.h>

#include <array>

#include "tests/fault/injector.h"
#include "tests/fault/segment_faults.h"
#include "tests/fault/wait_until.h"
#include "tests/support/raw_bytes.h"

namespace ticketd::testing {
namespace {

using enum Outcome;

constexpr const char* kFirst = "journal-0000000001";

// Behind that sale, which may have been answered: the segment that was left is read, its order run
// and key run are written, then a checkpoint.
const std::array kCheckpointFaults{
    Fault{kFirst, "openat", "error=EMFILE:when=1", kStops, "journal-0000000001: Too many open"},
    Fault{kFirst, "pread64", "error=EIO:when=2", kStops, "journal-0000000001: Input/output error"},
    Fault{kFirst, "pread64", "error=EINTR:when=1..5", kGoesOn, ""},
    Fault{kFirst, "pread64", "retval=0:when=5+", kStops, "journal-0000000001: reading stopped at "},
    Fault{"orders.new", "openat", "error=EMFILE:when=1", kStops, "orders-0000000001: Too many"},
    Fault{"orders.new", "pwrite64", "error=EIO:when=1", kStops, "orders-0000000001: "},
    Fault{"orders.new", "pwrite64", "error=ENOSPC:when=1", kGoesOn, ""},
    Fault{"orders.new", "fdatasync", "error=ENOSPC:when=1", kStops, "orders-0000000001: Input"},
    Fault{"orders.new", "renameat", "error=EIO:when=1", kStops, "orders-0000000001: "},
    Fault{"orders-0000000001", "openat", "error=EMFILE:when=1", kStops, "orders-0000000001: "},
    Fault{"keys.new", "openat", "error=EMFILE:when=1", kStops, "keys-0000000001: Too many open"},
    Fault{"keys.new", "pwrite64", "error=EIO:when=1", kStops, "keys-0000000001: "},
    Fault{"keys.new", "pwrite64", "error=ENOSPC:when=1", kGoesOn, ""},
    Fault{"keys.new", "fdatasync", "error=ENOSPC:when=1", kStops, "keys-0000000001: Input/output"},
    Fault{"keys.new", "renameat", "error=EIO:when=1", kStops, "keys-0000000001: "},
    Fault{"checkpoint.new", "openat", "error=ENOSPC:when=1", kGoesOn, ""},
    Fault{"checkpoint.new", "pwrite64", "error=EIO:when=1", kStops, "checkpoint: Input/output"},
    Fault{"checkpoint.new", "pwrite64", "error=EDQUOT:when=1", kGoesOn, ""},
    Fault{"checkpoint.new", "fdatasync", "error=EIO:when=1", kStops, "checkpoint: Input/output"},
    Fault{"checkpoint.new", "renameat", "error=ENOSPC:when=1", kGoesOn, ""},
    // The names of the order run, the key run and the checkpoint; the sync thread does but one of
    // these.
    Fault{".", "fsync", "error=EIO:when=2", kStops, "keys-0000000001: Input/output error"},
    Fault{".", "fsync", "error=EIO:when=3", kStops, "checkpoint: Input/output error"},
};

// From before the stop on.
const std::array kStopFaults{
    Fault{kFirst, "ftruncate", "error=EIO:when=1", kGoesOn, ""},
    Fault{kFirst, "pread64", "error=EIO:when=2", kStops, "journal-0000000001: Input/output error"},
    Fault{kFirst, "pread64", "retval=0:when=2+", kStops, "journal-0000000001: reading stopped at "},
    Fault{"orders.new", "pwrite64", "error=ENOSPC:when=1", kGoesOn, ""},
    Fault{"orders.new", "fdatasync", "error=EIO:when=1", kStops, "orders-0000000001: "},
    Fault{"keys.new", "pwrite64", "error=ENOSPC:when=1", kGoesOn, ""},
    Fault{"keys.new", "fdatasync", "error=EIO:when=1", kStops, "keys-0000000001: "},
    Fault{"checkpoint.new", "openat", "error=EMFILE:when=1", kStops, "Too many open files"},
    Fault{"checkpoint.new", "pwrite64", "error=ENOSPC:when=1", kGoesOn, ""},
    Fault{"checkpoint.new", "pwrite64", "error=EIO:when=1", kStops, kEio},
    Fault{"checkpoint.new", "fdatasync", "error=EIO:when=1", kStops, kEio},
    Fault{"checkpoint.new", "renameat", "error=EIO:when=1", kStops, kEio},
    Fault{".", "fsync", "error=EIO:when=1", kStops, kEio},
    Fault{".", "fsync", "error=EIO:when=2", kStops, kEio},
    Fault{".", "fsync", "error=EIO:when=3", kStops, kEio},
};

void check_checkpoint(const Fault& fault) {
    CAPTURE(name_of(fault));
    std::uint64_t sold = 0;
    auto daemon = daemon_with_room(raw::kBlock, sold);
    auto rpc = daemon.connect();
    {
        const Injector injector{daemon, options_of(daemon, fault)};
        const auto bought = buy(rpc, 1);
        CHECK(bought.refused == 0);
        if (fault.outcome == kStops) check_stopped(daemon, fault);
        if (fault.outcome == kGoesOn) CHECK(bought.is_sold);
        if (bought.is_sold) ++sold;
        if (fault.outcome == kGoesOn) {
            wait_until([&] { return Injector::injected(daemon) == failures_of(fault); });
        }
    }
    if (fault.outcome == kStops) return check_next_daemon(daemon, sold, sold + 1);
    check_goes_on(daemon, sold);
}

TEST_SUITE_BEGIN("checkpoint_faults");

TEST_CASE("a checkpoint that cannot be written stops the daemon, or is put off without space") {
    if (!can_trace() || !can_attach()) return;
    for (const auto& fault : kCheckpointFaults)
        check_checkpoint(fault);
}

TEST_CASE("a system call that fails at the stop costs nothing but the stop being clean") {
    if (!can_trace() || !can_attach()) return;
    for (const auto& fault : kStopFaults) {
        CAPTURE(name_of(fault));
        auto daemon = Daemon::with_events({"demo=1000"});
        for (int i = 0; i < 3; ++i)
            daemon.connect().result("purchase");
        {
            const Injector injector{daemon, options_of(daemon, fault)};
            daemon.send_signal(SIGTERM);
            if (fault.outcome == kStops) check_stopped(daemon, fault);
            if (fault.outcome == kGoesOn) CHECK(daemon.wait() == 0);
        }
        check_next_daemon(daemon, 3, 3);
    }
}

TEST_SUITE_END();

}  // namespace
}  // namespace ticketd::testing
