// Crashes a recorded workload at every operation, in every way that the disk has of losing what was
// not synced, and again at every operation of the recovery from that, and has the oracle judge what
// starts then. Disks that were judged before are not judged again. Not thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <unordered_set>
#include <vector>

#include "tests/support/store_workload.h"

namespace ticketd::tests {

struct Effort {
    /// Up to so many outcomes of a power cut all of them are tried; of more, each kind and so many
    /// by chance.
    std::size_t every = 16;
    std::size_t by_chance = 3;
    /// Crashes inside a recovery are tried for one in so many disks that a crash leaves.
    std::uint64_t nested_one_in = 1;
    /// And failing operations inside a recovery.
    std::uint64_t nested_faults_one_in = 1;
};

class CrashExplorer {
  public:
    explicit CrashExplorer(std::uint64_t seed) : seed_(seed) {}

    /// Kills the process and cuts the power at every operation of interest.
    void explore(const Recording& recording, const Effort& effort);
    /// Runs the same commands again with each operation of interest failing in each way, once and
    /// for ever, and kills and cuts after it.
    void explore_faults(const Recording& recording, std::uint64_t variant, const Effort& effort);

    std::uint64_t points() const { return points_; }      ///< starts that were judged
    std::uint64_t repeated() const { return repeated_; }  ///< crashes that led to the same disks
    std::uint64_t runs() const { return runs_; }          ///< workloads that were run
    /// The first that went wrong: how to get there, and what is wrong there.
    const std::vector<std::string>& problems() const { return problems_; }

  private:
    void crash_at(const Recording& recording, Told::Position position, const Effort& effort);
    void cut_power(const DiskImage& image, const Expected& expected, const Effort& effort);
    void kill(const DiskImage& image, const Expected& expected, const Effort& effort);
    bool is_new(std::uint64_t digest);
    void judge(const DiskImage& image, const Expected& expected, const Effort& effort,
               bool may_nest);
    void crash_in_recovery(const std::vector<MemoryDirectory::Step>& recovery,
                           const Expected& expected, const Effort& effort);
    void fail_in_recovery(const DiskImage& image, std::size_t operations, const Expected& expected);
    void report(const std::string& problem);

    std::uint64_t seed_;
    std::uint64_t points_ = 0;
    std::uint64_t repeated_ = 0;
    std::uint64_t runs_ = 0;
    std::unordered_set<std::uint64_t> seen_;
    std::vector<std::string> problems_;
    std::string where_;     // the workload, and the operation in it
    std::string recovery_;  // the operation in its recovery, or ""
};

}  // namespace ticketd::tests
