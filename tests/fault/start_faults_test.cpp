// What a start does when one of its system calls fails, as a table: the store is as a kill left it,
// with three sales and a torn tail. Whatever happens, the next start finds all of it.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>

#include "client/wait.h"
#include "tests/fault/strace.h"
#include "tests/support/daemon.h"

namespace ticketd::testing {
namespace {

enum class Outcome : std::uint8_t {
    kServes,     ///< as if nothing had happened, or once there is space
    kUntouched,  ///< exit 74 with one line that says why; not a byte is changed
    kEnds,       ///< the same, but the recovery had begun to write
};

struct Fault {
    const char* file;  ///< which calls: those on this file, or with this name; "." the directory
    const char* call;
    const char* inject;  ///< in strace's words
    Outcome outcome;
    const char* says;  ///< part of the line
};

constexpr auto kServes = Outcome::kServes;
constexpr auto kUntouched = Outcome::kUntouched;
constexpr auto kEnds = Outcome::kEnds;

const std::array kFaults{
    // Reading what is there.
    Fault{"owner.lock", "openat", "error=EIO", kUntouched, "owner.lock: Input/output error"},
    Fault{"owner.lock", "openat", "error=EMFILE", kUntouched, "owner.lock: Too many open files"},
    Fault{"owner.lock", "fcntl", "error=ENOLCK", kUntouched, "owner.lock: "},
    Fault{"owner.lock", "fcntl", "error=EINVAL", kUntouched, "owner.lock: "},
    Fault{"owner.lock", "fcntl", "error=EBADF", kUntouched, "owner.lock: "},
    Fault{"owner.lock", "fcntl", "error=EINTR:when=1..5", kServes, ""},
    Fault{".", "getdents64", "error=EIO", kUntouched, "data directory: Input/output error"},
    Fault{"checkpoint", "openat", "error=EACCES", kUntouched, "checkpoint: Permission denied"},
    Fault{"checkpoint", "openat", "error=ENFILE", kUntouched, "checkpoint: Too many open files"},
    Fault{"checkpoint", "pread64", "error=EIO", kUntouched, "checkpoint: Input/output error"},
    Fault{"checkpoint", "pread64", "error=EINTR:when=1..5", kServes, ""},
    Fault{"checkpoint", "pread64", "retval=0:when=1+", kUntouched, "checkpoint at offset 0"},
    Fault{"journal-0000000001", "openat", "error=EIO", kUntouched, "Input/output error"},
    Fault{"journal-0000000001", "pread64", "error=EIO:when=1", kUntouched, "Input/output error"},
    Fault{"journal-0000000001", "pread64", "error=EIO:when=2", kUntouched, "Input/output error"},
    Fault{"journal-0000000001", "pread64", "error=EIO:when=3", kUntouched, "Input/output error"},
    Fault{"journal-0000000001", "pread64", "error=EINTR:when=1..9", kServes, ""},
    Fault{"journal-0000000001", "pread64", "retval=0:when=1", kUntouched, "at offset 0"},
    Fault{"journal-0000000001", "pread64", "retval=0:when=2", kUntouched, "journal-0000000001"},
    Fault{"torn-", "pwrite64", "error=ENOSPC", kEnds, "torn-"},

    // Setting the torn tail aside and cutting it off.
    Fault{"torn-", "pwrite64", "error=EIO", kEnds, "torn-"},
    Fault{"torn-", "fdatasync", "error=EIO", kEnds, "torn-"},
    Fault{"journal-0000000001", "ftruncate", "error=EIO", kEnds, "Input/output error"},
    Fault{"journal-0000000001", "fdatasync", "error=EIO", kEnds, "Input/output error"},

    // The fresh segment.
    Fault{"next-segment", "openat", "error=EMFILE", kEnds, "Too many open files"},
    Fault{"next-segment", "openat", "error=ENOSPC", kEnds, "No space left on device"},
    Fault{"next-segment", "fallocate", "error=EIO", kEnds, "Input/output error"},
    Fault{"next-segment", "fallocate", "error=ENOSPC:when=1", kServes, ""},
    Fault{"next-segment", "fallocate", "error=EDQUOT:when=1", kServes, ""},
    Fault{"next-segment", "pwrite64", "error=EIO", kEnds, "Input/output error"},
    Fault{"next-segment", "pwrite64", "error=EINTR:when=1..5", kServes, ""},
    Fault{"next-segment", "fdatasync", "error=EIO", kEnds, "Input/output error"},
    Fault{"next-segment", "fdatasync", "error=ENOSPC", kEnds, "Input/output error"},
    Fault{"next-segment", "renameat", "error=EIO", kEnds, "Input/output error"},
    Fault{"next-segment", "renameat", "error=ENOSPC", kEnds, "No space left on device"},

    // The fresh checkpoint.
    Fault{"checkpoint.new", "openat", "error=EMFILE", kEnds, "checkpoint.new: Too many open files"},
    Fault{"checkpoint.new", "pwrite64", "error=EIO", kEnds, "checkpoint.new: Input/output error"},
    Fault{"checkpoint.new", "pwrite64", "error=ENOSPC", kEnds, "checkpoint.new: No space left"},
    Fault{"checkpoint.new", "pwrite64", "error=EINTR:when=1..5", kServes, ""},
    Fault{"checkpoint.new", "fdatasync", "error=EIO", kEnds, "checkpoint.new: Input/output error"},
    Fault{"checkpoint.new", "fdatasync", "error=EDQUOT", kEnds, "checkpoint.new: "},
    Fault{"checkpoint.new", "renameat", "error=EIO", kEnds, "checkpoint: Input/output error"},

    // The directory: each of the syncs that a recovery does.
    Fault{".", "fsync", "error=EIO:when=1", kEnds, "Input/output error"},
    Fault{".", "fsync", "error=EIO:when=2", kEnds, "Input/output error"},
    Fault{".", "fsync", "error=EIO:when=3", kEnds, "Input/output error"},
    Fault{".", "fsync", "error=ENOSPC:when=1+", kEnds, ""},

    // The stock file.
    Fault{"stock", "openat", "error=EIO", kEnds, "stock: Input/output error"},
    Fault{"stock", "pread64", "error=EIO", kEnds, "stock: Input/output error"},
    Fault{"stock", "ftruncate", "error=EIO", kEnds, "stock: Input/output error"},
    Fault{"stock", "fallocate", "error=EIO", kEnds, "stock: Input/output error"},
    Fault{"stock", "fcntl", "error=ENOLCK:when=1", kServes, ""},
};

// Made once, copied for each row.
class KilledStore {
  public:
    static constexpr int kSales = 3;

    KilledStore() {
        auto daemon = Daemon::with_events({"demo=1000"});
        for (int i = 0; i < kSales; ++i)
            daemon.connect().result("purchase", {{"key", "k" + std::to_string(i)}});
        daemon.kill_hard();
        const auto journal = daemon.data_dir() + "/journal-0000000001";
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
        return "torn-journal-0000000001-" + std::to_string(tail_offset_);
    }

  private:
    ScratchDirectory scratch_;
    std::size_t tail_offset_ = 0;
};

std::vector<std::string> injecting(const Daemon& daemon, const KilledStore& store,
                                   const Fault& fault) {
    std::string name{fault.file};
    if (name == "torn-") name = store.torn_name();
    std::vector<std::string> options{"-P", daemon.data_dir() + "/" + name, "-P", name};
    if (name == ".") options = {"-P", daemon.data_dir()};
    const std::string call{fault.call};
    options.insert(options.end(),
                   {"-e", "trace=" + call, "-e", "inject=" + call + ":" + fault.inject});
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

void check_ends(Daemon& daemon, const Fault& fault) {
    const auto before = directory_bytes(daemon.data_dir());
    daemon.launch();
    CHECK(daemon.wait() == 74);
    const auto& log = daemon.log();
    CHECK(log.find(fault.says) != std::string::npos);
    CHECK(std::count(log.begin(), log.end(), '\n') == 1);
    if (fault.outcome != Outcome::kUntouched) return;
    const bool untouched = directory_bytes(daemon.data_dir()) == before;
    CHECK(untouched);
}

TEST_SUITE_BEGIN("start_faults");

TEST_CASE("a start whose system call fails says why and harms nothing") {
    if (!can_trace()) return;
    const KilledStore store;
    for (const auto& fault : kFaults) {
        const auto row = std::string{fault.file} + " " + fault.call + " " + fault.inject;
        CAPTURE(row);
        Daemon daemon;
        store.copy_to(daemon.data_dir());
        daemon.options().wrapper = injecting(daemon, store, fault);
        if (fault.outcome == Outcome::kServes) {
            daemon.start();
        } else {
            check_ends(daemon, fault);
            daemon.options().wrapper.clear();
            daemon.start();
        }
        const bool met =
            read_file(daemon.scratch() / "trace").find("INJECTED") != std::string::npos;
        CHECK(met);
        check_all_there(daemon);
        CHECK(daemon.stop() == 0);
        CHECK(daemon.verify().exit == 0);
    }
}

TEST_SUITE_END();

}  // namespace
}  // namespace ticketd::testing
