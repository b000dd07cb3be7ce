// What happens when a system call fails while the daemon goes on to its next segment, or stops: two
// tables. Sales are made in large batches until the change is met.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>

#include "client/wait.h"
#include "common/limits.h"
#include "tests/fault/fill.h"
#include "tests/fault/injector.h"
#include "tests/support/daemon.h"

namespace ticketd::testing {
namespace {

enum class Outcome : std::uint8_t {
    kGoesOn,  ///< nobody notices
    kWaits,   ///< `storage_full` while it lasts, then sales resume by themselves
    kStops,   ///< exit 74 with one line, and nobody is answered
};

struct Fault {
    const char* file;  ///< of the store; "." the directory
    const char* call;
    const char* inject;
    Outcome outcome;
    const char* says;
};

constexpr auto kGoesOn = Outcome::kGoesOn;
constexpr auto kWaits = Outcome::kWaits;
constexpr auto kStops = Outcome::kStops;
constexpr const char* kFirst = "journal-0000000001";
constexpr const char* kSecond = "journal-0000000002";

// From shortly before the end of the first segment.
const std::array kSwitchFaults{
    Fault{kFirst, "ftruncate", "error=EIO:when=1", kStops, "journal-0000000002: "},
    Fault{kFirst, "fdatasync", "error=EIO:when=1+", kStops, "Input/output error"},
    Fault{"next-segment", "pwrite64", "error=EIO:when=1", kStops, "Input/output error"},
    Fault{"next-segment", "pwrite64", "error=ENOSPC:when=1..2", kWaits, ""},
    Fault{"next-segment", "fdatasync", "error=EIO:when=1", kStops, "Input/output error"},
    Fault{"next-segment", "fdatasync", "error=ENOSPC:when=1", kStops, "Input/output error"},
    Fault{"next-segment", "renameat", "error=EIO:when=1", kStops, "Input/output error"},
    Fault{"next-segment", "renameat", "error=ENOSPC:when=1..2", kWaits, ""},
    Fault{".", "fsync", "error=EIO:when=1", kStops, "Input/output error"},
    Fault{".", "fsync", "error=ENOSPC:when=1", kStops, "Input/output error"},
    Fault{kSecond, "pwrite64", "error=ENOSPC:when=1..2", kWaits, ""},
    Fault{kSecond, "fdatasync", "error=EIO:when=1", kStops, "sync failed: Input/output error"},
};

// From shortly before its half, where the next one is prepared, to its end.
const std::array kPreparationFaults{
    Fault{"next-segment", "openat", "error=EMFILE:when=1..2", kGoesOn, ""},
    Fault{"next-segment", "fallocate", "error=EIO:when=1", kGoesOn, ""},
    Fault{"next-segment", "fallocate", "error=ENOSPC:when=1+", kWaits, ""},
};

// From before the stop on.
const std::array kStopFaults{
    Fault{kFirst, "ftruncate", "error=EIO:when=1", kGoesOn, ""},
    Fault{"checkpoint.new", "openat", "error=EMFILE:when=1", kStops, "Too many open files"},
    Fault{"checkpoint.new", "pwrite64", "error=ENOSPC:when=1", kStops, "No space left on device"},
    Fault{"checkpoint.new", "pwrite64", "error=EIO:when=1", kStops, "Input/output error"},
    Fault{"checkpoint.new", "fdatasync", "error=EIO:when=1", kStops, "Input/output error"},
    Fault{"checkpoint.new", "renameat", "error=EIO:when=1", kStops, "Input/output error"},
    Fault{".", "fsync", "error=EIO:when=1", kStops, "Input/output error"},
};

std::vector<std::string> options_of(const Daemon& daemon, const Fault& fault) {
    const std::string file{fault.file}, call{fault.call};
    std::vector<std::string> options{"-P", daemon.data_dir() + (file == "." ? "" : "/" + file)};
    if (file != ".") options.insert(options.end(), {"-P", file});
    options.insert(options.end(),
                   {"-e", "trace=" + call, "-e", "inject=" + call + ":" + fault.inject});
    return options;
}

struct Bought {
    std::uint64_t sold = 0;  ///< that were answered with a sale
    bool was_full = false;
    bool is_closed = false;
};

// Sells in batches of long entries until a megabyte is sold, the connection ends, or space is
// missing for a while.
Bought buy_a_megabyte(Rpc& rpc) {
    constexpr std::size_t kBatch = 100;
    constexpr std::size_t kEntryBytes = 100 + limits::kMemoBytes;
    const Json params{{"event", "demo"}, {"memo", std::string(limits::kMemoBytes, 'm')}};
    const auto batch =
        Json(kBatch, {{"jsonrpc", "2.0"}, {"id", 1}, {"method", "purchase"}, {"params", params}})
            .dump() +
        "\n";
    Bought bought;
    for (int refused = 0; bought.sold * kEntryBytes < 1024 * 1024 && refused < 20;) {
        rpc.send(batch);
        if (rpc.is_closed_by_peer()) {
            bought.is_closed = true;
            break;
        }
        for (const auto& reply : rpc.receive()) {
            if (reply.contains("result")) {
                ++bought.sold;
            } else {
                CHECK(reply["error"]["data"]["kind"] == "storage_full");
                bought.was_full = true;
            }
        }
        if (!bought.was_full) continue;
        ++refused;
        CHECK(rpc.result("query").contains("sold"));
        client::pause_for(std::chrono::milliseconds{10}, client::Clock::now() + kPatience);
    }
    return bought;
}

void check_next_daemon(Daemon& daemon, std::uint64_t sold_at_least, std::uint64_t sold_at_most) {
    CHECK(daemon.verify().exit == 0);
    daemon.start();
    auto rpc = daemon.connect();
    const auto sold = rpc.result("query")["sold"].get<std::uint64_t>();
    CHECK(sold >= sold_at_least);
    CHECK(sold <= sold_at_most);
    CHECK(rpc.result("purchase")["serials"] == Json{sold + 1});
    CHECK(rpc.result("ledger.verify")["ok"] == true);
    CHECK(daemon.stop() == 0);
}

void check_stopped(Daemon& daemon, const Fault& fault) {
    CHECK(daemon.wait() == 74);
    CHECK(daemon.log().find(fault.says) != std::string::npos);
}

void check_change(const Fault& fault, std::size_t filled_before) {
    const auto row = std::string{fault.file} + " " + fault.call + " " + fault.inject;
    CAPTURE(row);
    auto daemon = Daemon::with_events({"demo=1000000000"});
    const auto before = fill_journal(daemon.socket(), "demo", filled_before);
    Bought bought;
    std::uint64_t more = 0;
    {
        auto rpc = daemon.connect();
        const Injector injector{daemon, options_of(daemon, fault)};
        if (filled_before < limits::kSegmentBytes / 2) {
            more = fill_journal(daemon.socket(), "demo", limits::kSegmentBytes / 2 - 512 * 1024);
        }
        bought = buy_a_megabyte(rpc);
        CHECK(bought.is_closed == (fault.outcome == kStops));
        CHECK(bought.was_full == (fault.outcome == kWaits));
        if (fault.outcome == kStops) check_stopped(daemon, fault);
    }
    auto sold = before + more + bought.sold;
    if (fault.outcome != kStops) {
        CHECK(Injector::has_injected(daemon));
        auto rpc = daemon.connect();
        while (buy_a_megabyte(rpc).was_full) {
        }
        sold = rpc.result("query")["sold"].get<std::uint64_t>();
        CHECK(daemon.stop() == 0);
    }
    check_next_daemon(daemon, sold, fault.outcome == kStops ? sold + 100 : sold);
}

TEST_SUITE_BEGIN("switch_faults");

TEST_CASE("a system call that fails at a change of segment does what the table says") {
    if (!can_trace() || !can_attach()) return;
    for (const auto& fault : kSwitchFaults)
        check_change(fault, limits::kSegmentBytes - 768 * 1024);
    for (const auto& fault : kPreparationFaults)
        check_change(fault, limits::kSegmentBytes / 2 - 512 * 1024);
}

TEST_CASE("a system call that fails at the stop costs nothing but the stop being clean") {
    if (!can_trace() || !can_attach()) return;
    for (const auto& fault : kStopFaults) {
        const auto row = std::string{fault.file} + " " + fault.call + " " + fault.inject;
        CAPTURE(row);
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
