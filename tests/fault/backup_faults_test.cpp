// What a backup does when one of its system calls fails, as a table: it says why and leaves nothing
// of the copy; the next one is whole, and the daemon sells on.
#include <array>
#include <filesystem>

#include "tests/fault/backup_check.h"
#include "tests/fault/fault_row.h"
#include "tests/fault/strace.h"

namespace ticketd::testing {
namespace {

namespace fs = std::filesystem;

enum class BackupOutcome : std::uint8_t { kNothingLeft, kWhole };

using BackupFault = FaultRow<BackupOutcome>;

constexpr auto kNothingLeft = BackupOutcome::kNothingLeft;
constexpr auto kWhole = BackupOutcome::kWhole;

// Files of the store are named "store/...", those of the copy "copy/...".
const std::array kBackupFaults{
    // A file that ends before its length is never taken for a whole one.
    BackupFault{"store/checkpoint", "openat", "error=EMFILE", kNothingLeft,
                "/checkpoint: Too many open files"},
    BackupFault{"store/checkpoint", "pread64", "error=EIO:when=1", kNothingLeft, kEio},
    BackupFault{"store/checkpoint", "pread64", "error=EIO:when=2", kNothingLeft, kEio},
    BackupFault{"store/checkpoint", "pread64", "error=EINTR:when=1..3", kWhole, ""},
    BackupFault{"store/checkpoint", "pread64", "retval=0:when=1", kNothingLeft, "/checkpoint: "},
    BackupFault{"store/checkpoint", "pread64", "retval=0:when=2", kNothingLeft,
                "/checkpoint: shorter than it has to be"},
    BackupFault{"store/keys-0000000001", "openat", "error=EIO", kNothingLeft, kEio},
    BackupFault{"store/keys-0000000001", "copy_file_range", "error=EIO", kNothingLeft, kEio},
    BackupFault{"store/journal-0000000001", "openat", "error=EACCES", kNothingLeft,
                "/journal-0000000001: Permission denied"},
    BackupFault{"store/journal-0000000001", "copy_file_range", "error=EIO", kNothingLeft, kEio},
    BackupFault{"store/journal-0000000002", "copy_file_range", "error=EIO", kNothingLeft, kEio},
    // Another way is found.
    BackupFault{"store/journal-0000000001", "copy_file_range", "error=EXDEV", kWhole, ""},
    BackupFault{"store/journal-0000000001", "copy_file_range", "error=EINTR", kWhole, ""},
    BackupFault{"store/journal-0000000001", "copy_file_range", "retval=0", kWhole, ""},

    BackupFault{"copy", "fsync", "error=EIO:when=1", kNothingLeft, "copy: Input/output error"},
    BackupFault{"copy", "fsync", "error=EIO:when=2", kNothingLeft, "copy: Input/output error"},
    BackupFault{"copy", "fsync", "error=EIO:when=3", kNothingLeft, "copy: Input/output error"},
    BackupFault{"copy/checkpoint.unfinished", "openat", "error=ENOSPC", kNothingLeft,
                "No space left on device"},
    BackupFault{"copy/checkpoint.unfinished", "write", "error=ENOSPC", kNothingLeft,
                "checkpoint.unfinished: No space left on device"},
    BackupFault{"copy/checkpoint.unfinished", "write", "error=EINTR:when=1..3", kWhole, ""},
    BackupFault{"copy/checkpoint.unfinished", "fdatasync", "error=EIO", kNothingLeft, kEio},
    BackupFault{"copy/checkpoint.unfinished", "renameat", "error=EIO:when=1", kNothingLeft,
                "checkpoint: Input/output error"},
    BackupFault{"copy/keys-0000000001", "fdatasync", "error=EIO", kNothingLeft, kEio},
    BackupFault{"copy/journal-0000000001", "openat", "error=EDQUOT", kNothingLeft,
                "journal-0000000001: Disk quota exceeded"},
    BackupFault{"copy/journal-0000000001", "fdatasync", "error=EIO", kNothingLeft,
                "journal-0000000001: Input/output error"},
};

// Two segments, one of them left with its key run.
Daemon restarted_daemon() {
    auto daemon = Daemon::with_events({"demo=9"});
    daemon.connect().result("purchase", {{"key", "k0"}});
    REQUIRE(daemon.stop() == 0);
    daemon.start();
    daemon.connect().result("purchase", {{"key", "k1"}});
    return daemon;
}

Finished back_up_under(const BackupFault& fault, const Daemon& daemon, const std::string& copy) {
    const std::string file{fault.file};
    const auto name = fs::path{file}.filename().string();
    const auto directory = file.starts_with("store/") ? daemon.data_dir() : copy;
    const auto path = file == "copy" ? copy : directory + "/" + name;
    auto options = injection(fault.call, fault.inject);
    options.insert(options.end(), {"-P", path, "-P", name});
    auto words = tracing(daemon.scratch() / "trace", options);
    words.insert(words.end(), {TICKET_CLIENT_BINARY, "--socket", daemon.socket(), "--json",
                               "ledger", "backup", copy});
    return run(words);
}

void check_row(const BackupFault& fault, Daemon& daemon) {
    const auto row = name_of(fault);
    CAPTURE(row);
    const auto copy = daemon.scratch() / "copy";
    const auto client = back_up_under(fault, daemon, copy);
    CHECK(read_file(daemon.scratch() / "trace").find("INJECTED") != std::string::npos);
    const auto lsn = daemon.connect().result("server.info")["lsn"];
    if (fault.outcome == kNothingLeft) {
        check_failed(client, 74, "storage");
        CHECK(client.error.find(fault.says) != std::string::npos);
        CHECK(client.error.ends_with("; nothing was left of the copy\n"));
        CHECK_FALSE(fs::exists(copy));
        CHECK(back_up(daemon, copy).exit == 0);
    } else {
        CHECK(client.exit == 0);
    }
    check_whole(copy, lsn);
    fs::remove_all(copy);
}

TEST_SUITE_BEGIN("backup_faults");

TEST_CASE("a backup that cannot read or write says why and leaves nothing") {
    if (!can_trace()) return;
    auto daemon = restarted_daemon();
    for (const auto& fault : kBackupFaults)
        check_row(fault, daemon);
    CHECK(daemon.connect().result("purchase")["serials"] == Json{3});
}

TEST_SUITE_END();

}  // namespace
}  // namespace ticketd::testing
