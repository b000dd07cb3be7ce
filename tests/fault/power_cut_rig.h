// A ticketd whose store lives on a file system that loses its power again and again, and the audit
// of what is there afterwards. One rig is one disk and one store through many cuts. A cut that is
// not survived fails the test and leaves its evidence behind: the store as it was found after the
// cut, what buyers had been told, the daemon's log.
#pragma once

#include <functional>
#include <random>
#include <string>

#include "tests/fault/power_cut_audit.h"
#include "tests/support/daemon.h"
#include "tests/support/loop_file_system.h"

namespace ticketd::testing {

class PowerCutRig {
  public:
    /// A new disk. The daemon is not started yet.
    explicit PowerCutRig(std::uint64_t seed, LoopOptions disk = {});

    /// A random number below `bound`.
    unsigned any_below(unsigned bound) { return static_cast<unsigned>(random_() % bound); }
    Daemon& daemon() { return daemon_; }
    LoopFileSystem& disk() { return disk_; }
    std::string data_dir() const { return daemon_.data_dir(); }
    AuditedLedger& ledger() { return ledger_; }

    /// Buyers with keys that were never used on this store.
    Buyers::Plan plan();

    /// Sells until about so much was written to the journal.
    void write_journal(std::size_t bytes);

    /// Kills the daemon, even one that strace holds up. It may have ended by itself: after a cut
    /// the syncs that are under way fail. The next one runs without a wrapper.
    void end_daemon();

    /// Cuts the power, ends the daemon, and mounts what is left. Nothing is started.
    void cut_power(PowerCut cut = PowerCut::kLosesAll);
    /// Starts the daemon on what is there and holds all of it against what was told. False, and
    /// reported, if anything is wrong.
    bool survives(const ToldHistory& history);
    /// Fails the test with what is wrong, and keeps the evidence.
    void report(const Problems& problems, const ToldHistory& history);

    /// True once a daemon that was launched serves.
    bool is_ready() { return daemon_.process().wait_for_error(" ready on ", {}); }
    /// Waits for so many changes of the store's directory (names and what they stand for) while
    /// `goes_on`; false if it did not go on so long.
    bool wait_for_changes(unsigned count, const std::function<bool()>& goes_on) const;
    /// A random moment, which is the point: nothing is waited for.
    void let_pass_up_to(std::chrono::microseconds time);

  private:
    Problems audit(const ToldHistory& history);
    Problems check_replays(Rpc& rpc, const ToldHistory& history);
    Problems check_slots(Rpc& rpc) const;
    std::string found() const { return daemon_.scratch() / "found"; }

    std::uint64_t seed_;
    std::mt19937_64 random_;
    LoopFileSystem disk_;
    Daemon daemon_;
    AuditedLedger ledger_;
    unsigned plans_ = 0;
    std::shared_ptr<std::atomic<bool>> is_power_off_;  ///< of the latest plan
};

}  // namespace ticketd::testing
