// A daemon, its clients, and everything that is done to them in one test: kills, restarts, kills
// under strace at a chosen call; and the history of it all.
#pragma once

#include <chrono>
#include <random>
#include <string>
#include <vector>

#include "tests/fault/history_audit.h"
#include "tests/fault/load.h"
#include "tests/support/process.h"

namespace ticketd::testing {

/// The system calls that a start makes on files and on its socket.
inline constexpr const char* kStartCalls =
    "openat,pread64,pwrite64,fdatasync,fsync,ftruncate,fallocate,renameat,unlinkat,unlink,mkdir,"
    "fcntl,bind,listen";

/// From here it is not far to the end of a segment.
inline constexpr std::uint64_t kAlmostASegment = 15 * 1024 * 1024;

/// A random moment, which is the point here: nothing is waited for.
void let_pass(std::chrono::microseconds time);

class Ordeal {
  public:
    /// Nothing is started yet.
    explicit Ordeal(const std::vector<std::string>& events = {"demo=1000000000"});

    Daemon& daemon() { return daemon_; }
    History& history() { return history_; }
    unsigned kills() const { return kills_; }

    /// A load on this daemon; its clients have numbers of their own.
    Load::Plan plan(Habit habit, int buyers, std::uint64_t seed);
    /// Ends a load, which must have had nothing to complain of, and keeps what it did.
    void collect(Load& load);

    void start() { daemon_.start(); }
    /// Sells until the segment that is written to is filled this far; with a daemon running.
    void fill_segment(std::uint64_t offset, std::uint64_t seed);
    void kill();
    /// A signal to stop, to which it must answer with exit code 0; sent again while it stops, it
    /// may end it at once.
    void stop(int signal = SIGTERM, bool again = false);
    /// SIGSTOP, and SIGCONT after that time.
    void freeze(std::chrono::microseconds time) const;
    /// Starts it and kills it after that time, wherever it then is.
    void kill_while_starting(std::chrono::microseconds after);
    /// Starts it and has it killed at its nth call of a start; where there are not so many, when it
    /// serves.
    void kill_at_start_call(int call);
    /// Starts it under strace with these options. True if it comes to serve.
    bool start_traced(const std::vector<std::string>& options);
    /// Lets strace trace the daemon that runs, with these options, until either ends.
    Process attach(const std::vector<std::string>& options);
    /// Waits until the daemon is gone, by whatever hand; its exit code, or 128 + signal.
    int note_death();

  private:
    Daemon daemon_;
    History history_;
    std::uint32_t clients_ = 0;
    unsigned kills_ = 0;
};

}  // namespace ticketd::testing
