// What a start does when one of its system calls fails, as a table: the store is as a kill left it,
// with three sales, the first of them behind a clean stop, and a torn tail. Whatever happens, the
// next start finds all of it.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>

#include "client/wait.h"
#include "tests/fault/fault_row.h"
#include "tests/fault/strace.h"
#include "tests/support/daemon.h"

namespace ticketd::testing {
namespace {

enum class StartOutcome : std::uint8_t {
    kServes,      ///< as if nothing had happened, or once there is space
    kUntouched,   ///< exit 74 with one line that says why; not a byte is changed
    kEnds,        ///< the same, but the recovery had begun to write
    kStopsLater,  ///< what it does behind the recovery failed: exit 74, maybe after it served
};

using StartFault = FaultRow<StartOutcome>;

constexpr auto kServes = StartOutcome::kServes;
constexpr auto kUntouched = StartOutcome::kUntouched;
constexpr auto kEnds = StartOutcome::kEnds;
constexpr auto kStopsLater = StartOutcome::kStopsLater;
constexpr const char* kLeft = "journal-0000000001";
constexpr const char* kLast = "journal-0000000002";
constexpr const char* kKeys = "keys-0000000001";

const std::array kReadingFaults{
    StartFault{"owner.lock", "openat", "error=EIO", kUntouched, "owner.lock: Input/output error"},
    StartFault{"owner.lock", "openat", "error=EMFILE", kUntouched,
               "owner.lock: Too many open files"},
    StartFault{"owner.lock", "fcntl", "error=ENOLCK", kUntouched, "owner.lock: "},
    StartFault{"owner.lock", "fcntl", "error=EINVAL", kUntouched, "owner.lock: "},
    StartFault{"owner.lock", "fcntl", "error=EBADF", kUntouched, "owner.lock: "},
    StartFault{"owner.lock", "fcntl", "error=EINTR:when=1..5", kServes, ""},
    StartFault{".", "getdents64", "error=EIO", kUntouched, "data directory: Input/output error"},

    StartFault{"checkpoint", "openat", "error=EACCES", kUntouched, "checkpoint: Permission denied"},
    StartFault{"checkpoint", "openat", "error=ENFILE", kUntouched,
               "checkpoint: Too many open files"},
    StartFault{"checkpoint", "pread64", "error=EIO", kUntouched, "checkpoint: Input/output error"},
    StartFault{"checkpoint", "pread64", "error=EINTR:when=1..5", kServes, ""},
    StartFault{"checkpoint", "pread64", "retval=0:when=1", kServes, ""},
    StartFault{"checkpoint", "pread64", "retval=0:when=1+", kUntouched,
               "checkpoint: reading stopped at offset 0 of "},
    StartFault{kKeys, "openat", "error=EMFILE", kUntouched, "keys-0000000001: Too many open files"},
    StartFault{kKeys, "pread64", "error=EIO", kUntouched, "keys-0000000001: Input/output error"},
    StartFault{kKeys, "pread64", "retval=0:when=1+", kUntouched,
               "keys-0000000001: reading stopped"},

    // The segment that the clean stop ended, and the one that the kill did. What is asked for twice
    // is read at the second time; what never comes is not the end.
    StartFault{kLeft, "openat", "error=EIO", kUntouched, kEio},
    StartFault{kLeft, "pread64", "error=EIO:when=1", kUntouched, kEio},
    StartFault{kLeft, "pread64", "error=EIO:when=2", kUntouched, kEio},
    StartFault{kLeft, "pread64", "retval=0:when=2+", kUntouched, kLeft},
    StartFault{kLast, "openat", "error=EIO", kUntouched, kEio},
    StartFault{kLast, "pread64", "error=EIO:when=1", kUntouched, kEio},
    StartFault{kLast, "pread64", "error=EIO:when=2", kUntouched, kEio},
    StartFault{kLast, "pread64", "error=EIO:when=3", kUntouched, kEio},
    StartFault{kLast, "pread64", "error=EINTR:when=1..9", kServes, ""},
    StartFault{kLast, "pread64", "retval=0:when=2", kServes, ""},
    StartFault{kLast, "pread64", "retval=0:when=1+", kUntouched, "reading stopped at offset 0 of "},
    StartFault{kLast, "pread64", "retval=0:when=2+", kUntouched,
               "reading stopped at offset 4096 of "},
    StartFault{kLast, "pread64", "retval=0:when=3+", kUntouched, kLast},
};

const std::array kJournalFaults{
    // Setting the torn tail aside.
    StartFault{"torn-", "openat", "error=EMFILE", kEnds, "torn-"},
    StartFault{"torn-", "pwrite64", "error=ENOSPC", kEnds, "torn-"},
    StartFault{"torn-", "pwrite64", "error=EIO", kEnds, "torn-"},
    StartFault{"torn-", "pwrite64", "error=EINTR:when=1..5", kServes, ""},
    StartFault{"torn-", "fdatasync", "error=EIO", kEnds, "torn-"},

    // Writing the last group again and cutting the tail off; then, behind the fresh segment, the
    // footer.
    StartFault{kLast, "pwrite64", "error=EIO:when=1", kEnds, kEio},
    StartFault{kLast, "pwrite64", "error=EINTR:when=1..5", kServes, ""},
    StartFault{kLast, "ftruncate", "error=EIO:when=1", kEnds, kEio},
    StartFault{kLast, "fallocate", "error=EIO", kEnds, kEio},
    StartFault{kLast, "fallocate", "error=ENOSPC", kServes, ""},
    StartFault{kLast, "fdatasync", "error=EIO:when=1", kEnds, kEio},
    StartFault{kLast, "fdatasync", "error=ENOSPC:when=1", kEnds, "No space left on device"},
    StartFault{kLast, "pwrite64", "error=EIO:when=2", kEnds, kEio},
    StartFault{kLast, "pwrite64", "error=ENOSPC:when=2", kEnds, "No space left on device"},
    StartFault{kLast, "ftruncate", "error=EIO:when=2", kEnds, kEio},
    StartFault{kLast, "fdatasync", "error=EIO:when=2", kEnds, kEio},

    // The fresh segment.
    StartFault{"next-segment", "openat", "error=EMFILE", kEnds, "Too many open files"},
    StartFault{"next-segment", "openat", "error=ENOSPC", kEnds, "No space left on device"},
    StartFault{"next-segment", "fallocate", "error=EIO", kEnds, kEio},
    StartFault{"next-segment", "fallocate", "error=ENOSPC:when=1", kServes, ""},
    StartFault{"next-segment", "fallocate", "error=EDQUOT:when=1", kServes, ""},
    StartFault{"next-segment", "pwrite64", "error=EIO", kEnds, kEio},
    StartFault{"next-segment", "pwrite64", "error=EINTR:when=1..5", kServes, ""},
    StartFault{"next-segment", "fdatasync", "error=EIO", kEnds, kEio},
    StartFault{"next-segment", "fdatasync", "error=ENOSPC", kEnds, kEio},
    StartFault{"next-segment", "renameat", "error=EIO", kEnds, kEio},
    StartFault{"next-segment", "renameat", "error=ENOSPC", kEnds, "No space left on device"},

    // The directory: for the torn tail's copy, the fresh segment and the stock file.
    StartFault{".", "fsync", "error=EIO:when=1", kEnds, kEio},
    StartFault{".", "fsync", "error=EIO:when=2", kEnds, kEio},
    StartFault{".", "fsync", "error=EIO:when=3", kEnds, kEio},
    StartFault{".", "fsync", "error=ENOSPC:when=1+", kEnds, ""},
};

const std::array kViewFaults{
    // The stock file.
    StartFault{"stock", "openat", "error=EIO", kEnds, "stock: Input/output error"},
    StartFault{"stock", "pread64", "error=EIO", kEnds, "stock: Input/output error"},
    StartFault{"stock", "pread64", "retval=0:when=1..9", kServes, ""},
    StartFault{"stock", "ftruncate", "error=EIO", kEnds, "stock: Input/output error"},
    StartFault{"stock", "fallocate", "error=EIO", kEnds, "stock: Input/output error"},
    StartFault{"stock", "fcntl", "error=ENOLCK:when=1", kServes, ""},

    // The key run and the checkpoint, by a thread of their own. Without space they are put off.
    StartFault{"keys.new", "openat", "error=EMFILE", kStopsLater,
               "keys-0000000002: Too many open files"},
    StartFault{"keys.new", "openat", "error=ENOSPC", kServes, ""},
    StartFault{"keys.new", "pwrite64", "error=EIO", kStopsLater,
               "keys-0000000002: Input/output error"},
    StartFault{"keys.new", "pwrite64", "error=ENOSPC", kServes, ""},
    StartFault{"keys.new", "pwrite64", "error=EINTR:when=1..5", kServes, ""},
    StartFault{"keys.new", "fdatasync", "error=EIO", kStopsLater,
               "keys-0000000002: Input/output error"},
    StartFault{"keys.new", "fdatasync", "error=ENOSPC", kStopsLater,
               "keys-0000000002: Input/output error"},
    StartFault{"keys.new", "renameat", "error=EIO", kStopsLater,
               "keys-0000000002: Input/output error"},
    StartFault{"checkpoint.new", "openat", "error=EMFILE", kStopsLater,
               "checkpoint: Too many open files"},
    StartFault{"checkpoint.new", "pwrite64", "error=EIO", kStopsLater,
               "checkpoint: Input/output error"},
    StartFault{"checkpoint.new", "pwrite64", "error=ENOSPC", kServes, ""},
    StartFault{"checkpoint.new", "pwrite64", "error=EFBIG:when=1", kServes, ""},
    StartFault{"checkpoint.new", "pwrite64", "error=EINTR:when=1..5", kServes, ""},
    StartFault{"checkpoint.new", "fdatasync", "error=EIO", kStopsLater,
               "checkpoint: Input/output error"},
    StartFault{"checkpoint.new", "fdatasync", "error=EDQUOT", kStopsLater,
               "checkpoint: Input/output error"},
    StartFault{"checkpoint.new", "renameat", "error=EIO", kStopsLater,
               "checkpoint: Input/output error"},
    StartFault{"checkpoint.new", "renameat", "error=ENOSPC", kServes, ""},
};

// Made once, copied for each row.
class KilledStore {
  public:
    static constexpr int kSales = 3;

    KilledStore() {
        auto daemon = Daemon::with_events({"demo=1000"});
        daemon.connect().result("purchase", {{"key", "k0"}});
        REQUIRE(daemon.stop() == 0);
        daemon.start();
        for (int i = 1; i < kSales; ++i)
            daemon.connect().result("purchase", {{"key", "k" + std::to_string(i)}});
        daemon.kill_hard();
        const auto journal = daemon.data_dir() + "/" + kLast;
        auto bytes = read_file(journal);
        // In the block behind the last group.
        constexpr std::size_t kBlock = 4096;
        bytes.resize((bytes.find_last_not_of('\0') / kBlock + 1) * kBlock);
        tail_offset_ = bytes.size();
        write_file(journal, bytes + std::string(1000, 't') + std::string(20'000, '\0'));
        REQUIRE(run({"cp", "-a", daemon.data_dir(), scratch_ / "store"}).exit == 0);
    }
    void copy_to(const std::string& directory) const {
        REQUIRE(run({"cp", "-a", scratch_ / "store", directory}).exit == 0);
    }

    /// The name that its torn tail will get.
    std::string torn_name() const {
        return std::string{"torn-"} + kLast + "-" + std::to_string(tail_offset_);
    }

  private:
    ScratchDirectory scratch_;
    std::size_t tail_offset_ = 0;
};

std::vector<std::string> injecting(const Daemon& daemon, const KilledStore& store,
                                   const StartFault& fault) {
    std::string name{fault.file};
    if (name == "torn-") name = store.torn_name();
    auto options = injection(fault.call, fault.inject);
    if (name == ".") {
        options.insert(options.end(), {"-P", daemon.data_dir()});
    } else {
        options.insert(options.end(), {"-P", daemon.data_dir() + "/" + name, "-P", name});
    }
    return tracing(daemon.scratch() / "trace", options);
}

// Where space could not be had at first, the daemon asks for it again.
Json buy_when_possible(Rpc& rpc) {
    const client::Deadline deadline = client::Clock::now() + kPatience;
    for (;;) {
        const auto reply = rpc.call("purchase");
        if (reply.contains("result")) return reply["result"];
        CHECK(reply["error"]["data"]["kind"] == "storage_full");
        REQUIRE(client::Clock::now() < deadline);
        client::pause_for(std::chrono::milliseconds{20}, deadline);
    }
}

void check_all_there(Daemon& daemon) {
    auto rpc = daemon.connect();
    for (int i = 0; i < KilledStore::kSales; ++i) {
        const auto sale = rpc.result("purchase", {{"key", "k" + std::to_string(i)}});
        CHECK(sale["serials"] == Json{i + 1});
        CHECK(sale["replayed"] == true);
    }
    CHECK(rpc.result("query")["sold"] == KilledStore::kSales);
    CHECK(buy_when_possible(rpc)["serials"] == Json{KilledStore::kSales + 1});
    CHECK(rpc.result("ledger.verify")["ok"] == true);
}

// Exit 74, and one line that says why; of one that came to serve, behind what it said before.
void check_end(Daemon& daemon, const StartFault& fault) {
    CHECK(daemon.wait() == 74);
    const auto& log = daemon.log();
    CAPTURE(log);
    if (fault.outcome == kStopsLater) {
        const std::string stopped = "ticketd: stopped at once: ";
        const auto at = log.find(stopped);
        REQUIRE(at != std::string::npos);
        const auto line = log.substr(at, log.find('\n', at) - at);
        CHECK(line.find(fault.says) != std::string::npos);
        CHECK(log.find(stopped, at + 1) == std::string::npos);
    } else {
        CHECK(log.find(fault.says) != std::string::npos);
        CHECK(std::count(log.begin(), log.end(), '\n') == 1);
    }
}

void check_row(const KilledStore& store, const StartFault& fault) {
    const auto row = name_of(fault);
    CAPTURE(row);
    Daemon daemon;
    store.copy_to(daemon.data_dir());
    const auto before = directory_bytes(daemon.data_dir());
    daemon.options().wrapper = injecting(daemon, store, fault);
    if (fault.outcome == kServes) {
        daemon.start();
    } else {
        daemon.launch();
        check_end(daemon, fault);
        const bool is_untouched = directory_bytes(daemon.data_dir()) == before;
        if (fault.outcome == kUntouched) CHECK(is_untouched);
        daemon.options().wrapper.clear();
        daemon.start();
    }
    check_all_there(daemon);
    CHECK(daemon.stop() == 0);
    CHECK(daemon.verify().exit == 0);
    CHECK(read_file(daemon.scratch() / "trace").find("INJECTED") != std::string::npos);
}

TEST_SUITE_BEGIN("start_faults");

TEST_CASE("a start that cannot read its store says why and changes nothing") {
    if (!can_trace()) return;
    const KilledStore store;
    for (const auto& fault : kReadingFaults)
        check_row(store, fault);
}

TEST_CASE("a lock file of the address that cannot be locked is not taken for another daemon") {
    if (!can_trace()) return;
    Daemon daemon;
    daemon.options().wrapper =
        tracing(daemon.scratch() / "trace",
                {"-P", daemon.socket() + ".lock", "-e", "inject=fcntl:error=ENOLCK"});
    daemon.launch();
    CHECK(daemon.wait() == 69);
    CHECK(daemon.log().find("s.lock: No locks available") != std::string::npos);
    CHECK_FALSE(std::filesystem::exists(daemon.data_dir()));
}

TEST_CASE("a recovery that cannot write says why and is done by the next start") {
    if (!can_trace()) return;
    const KilledStore store;
    for (const auto& fault : kJournalFaults)
        check_row(store, fault);
}

TEST_CASE("a start that cannot write what follows from the journal says why or puts it off") {
    if (!can_trace()) return;
    const KilledStore store;
    for (const auto& fault : kViewFaults)
        check_row(store, fault);
}

TEST_SUITE_END();

}  // namespace
}  // namespace ticketd::testing
