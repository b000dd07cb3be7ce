#include "tests/support/crash_explorer.h"

#include <array>

#include "server/store/store_error.h"
#include "tests/support/power_cut.h"
#include "tests/support/store_oracle.h"

namespace ticketd::tests {
namespace {

constexpr std::size_t kProblemsMax = 5;
// The audit finds little that the oracle does not, and costs as much.
constexpr std::uint64_t kAuditOneIn = 8;

std::error_code error(std::errc code) {
    return std::make_error_code(code);
}

struct NamedFailure {
    const char* name;
    MemoryDirectory::Failure failure;
    bool is_of_writes;
};

/// Every way an operation can fail; those that let some of a write land are for writes only.
const std::array<NamedFailure, 7>& failures() {
    static const std::array<NamedFailure, 7> all{{
        {"EIO", {error(std::errc::io_error), 0}, false},
        {"ENOSPC", {error(std::errc::no_space_on_device), 0}, false},
        {"short write, then ENOSPC", {error(std::errc::no_space_on_device), 0.03}, true},
        {"half a write, then ENOSPC", {error(std::errc::no_space_on_device), 0.5}, true},
        {"a whole write, then ENOSPC", {error(std::errc::no_space_on_device), 1}, true},
        {"short write, then EIO", {error(std::errc::io_error), 0.03}, true},
        {"a whole write, then EIO", {error(std::errc::io_error), 1}, true},
    }};
    return all;
}

// A full disk is survived, but no failed sync, and no other failed write. Which operation it was is
// looked up in the run itself: what two threads do has no fixed order.
bool has_to_stop(const Recording& run, Told::Position at, std::error_code error) {
    if (at >= run.steps.size()) return false;
    const auto operation = run.steps[at].operation;
    const bool is_sync = operation == Operation::kSync || operation == Operation::kSyncDirectory;
    return is_sync || (operation == Operation::kWrite && !store::is_out_of_space(error));
}

std::string text_of(Told::Position position, const MemoryDirectory::Step& step) {
    return std::to_string(position) + " (" + operation_name(step.operation) + " " + step.name + ")";
}

// What is never synced, and rebuilt by every start.
bool is_left_to_chance(const std::string& name) {
    return name == "stock" || name == "owner.lock";
}

}  // namespace

void CrashExplorer::explore(const Recording& recording, const Effort& effort) {
    ++runs_;
    where_ = text_of(recording.commands);
    if (!recording.problem.empty()) return report(recording.problem);
    if (recording.last_command == 0) crash_at(recording, 0, effort);
    for (Told::Position done = 1; done <= recording.steps.size(); ++done) {
        if (!recording.is_of_interest(done - 1)) continue;
        where_ = text_of(recording.commands) + "; crash after operation " +
                 text_of(done - 1, recording.steps[done - 1]);
        crash_at(recording, done, effort);
    }
}

void CrashExplorer::explore_faults(const Recording& recording, std::uint64_t variant,
                                   const Effort& effort) {
    for (Told::Position at = 0; at < recording.steps.size(); ++at) {
        if (!recording.is_of_interest(at)) continue;
        for (const auto& [name, failure, is_of_writes] : failures()) {
            if (is_of_writes && recording.steps[at].operation != Operation::kWrite) continue;
            for (const bool is_for_ever : {false, true}) {
                const auto failed = run(recording.start, recording.commands, variant,
                                        Fault{at, failure, is_for_ever});
                ++runs_;
                where_ = text_of(recording.commands) + "; " + name + " at operation " +
                         text_of(at, recording.steps[at]) + (is_for_ever ? " for ever" : "");
                if (!failed.problem.empty()) report(failed.problem);
                if (failed.is_alive && has_to_stop(failed, at, failure.error)) {
                    report("went on after a failure that is final");
                }
                for (auto done = at + 1; done <= failed.steps.size(); ++done)
                    crash_at(failed, done, effort);
                // Nothing follows that could fail again.
                if (failed.steps.size() <= at + 1) break;
            }
        }
    }
}

void CrashExplorer::crash_at(const Recording& recording, Told::Position position,
                             const Effort& effort) {
    const auto expected = recording.told.at(position);
    cut_power(recording.disk_at(position), expected, effort);
    kill(recording.disk_at(position), expected, effort);
}

void CrashExplorer::cut_power(const DiskImage& image, const Expected& expected,
                              const Effort& effort) {
    visit_power_cuts(image, effort.every, effort.by_chance, ++seed_, is_left_to_chance,
                     [&](const DiskImage& found) {
                         if (!is_new(digest_of(found) ^ expected.digest)) return;
                         judge(found, expected, effort, true);
                     });
}

// The kernel still has what was not synced; the power may go later.
void CrashExplorer::kill(const DiskImage& image, const Expected& expected, const Effort& effort) {
    const auto on_disk = digest_of(image.after_power_cut(all_lost()));
    if (!is_new(digest_of(image) * 31 + on_disk * 7 + expected.digest)) return;
    judge(image, expected, effort, true);
}

bool CrashExplorer::is_new(std::uint64_t digest) {
    const bool is_new = seen_.insert(digest).second;
    if (!is_new) ++repeated_;
    return is_new;
}

void CrashExplorer::judge(const DiskImage& image, const Expected& expected, const Effort& effort,
                          bool may_nest) {
    ++points_;
    MemoryDirectory disk{image};
    if (may_nest) disk.record();
    try {
        const auto started = start_store(disk);
        if (auto problem = problem_with(disk, started, expected); !problem.empty()) {
            return report(problem);
        }
        if (points_ % kAuditOneIn == 0) {
            if (auto problem = problem_of_audit(disk); !problem.empty()) return report(problem);
        }
        // What it says now may be told: it has to survive the next power cut.
        ++points_;
        MemoryDirectory again{
            disk.image().after_power_cut(points_ % 4 == 0 ? torn(++seed_) : all_lost())};
        const auto second = start_store(again);
        if (auto problem = difference(started, second); !problem.empty()) {
            return report("power cut after the recovery: " + problem);
        }
    } catch (const std::exception& refused) {
        return report(std::string{"does not start: "} + refused.what());
    }
    if (!may_nest) return;
    if (points_ % effort.nested_one_in == 0) crash_in_recovery(disk.steps(), expected, effort);
    if (points_ % effort.nested_faults_one_in == 0) {
        fail_in_recovery(image, disk.steps().size(), expected);
    }
}

void CrashExplorer::crash_in_recovery(const std::vector<MemoryDirectory::Step>& recovery,
                                      const Expected& expected, const Effort& effort) {
    const Effort less{4, 1, effort.nested_one_in, effort.nested_faults_one_in};
    for (std::size_t done = 1; done < recovery.size(); ++done) {
        recovery_ =
            "; crash after operation " + text_of(done - 1, recovery[done - 1]) + " of the recovery";
        visit_power_cuts(recovery[done - 1].after, less.every, less.by_chance, ++seed_,
                         is_left_to_chance, [&](const DiskImage& found) {
                             if (!is_new(digest_of(found) ^ expected.digest)) return;
                             judge(found, expected, less, false);
                         });
    }
    recovery_.clear();
}

void CrashExplorer::fail_in_recovery(const DiskImage& image, std::size_t operations,
                                     const Expected& expected) {
    for (std::size_t at = 0; at < operations; ++at) {
        for (const auto& [name, failure, is_of_writes] : failures()) {
            MemoryDirectory disk{image};
            bool is_useless = false;
            disk.set_fault([&, next = std::size_t{0}](Operation operation, const auto&) mutable {
                if (next++ != at) return MemoryDirectory::Failure{};
                is_useless = is_of_writes && operation != Operation::kWrite;
                return is_useless ? MemoryDirectory::Failure{} : failure;
            });
            recovery_ = "; " + std::string{name} + " at operation " + std::to_string(at) +
                        " of the recovery";
            try {
                start_store(disk);
            } catch (const store::StoreUnavailable&) {
            } catch (const std::exception& refused) {
                report(std::string{"does not start: "} + refused.what());
            }
            if (is_useless) continue;
            judge(disk.image(), expected, {}, false);
            judge(disk.image().after_power_cut(torn(++seed_)), expected, {}, false);
        }
    }
    recovery_.clear();
}

void CrashExplorer::report(const std::string& problem) {
    if (problems_.size() < kProblemsMax) {
        problems_.push_back(where_ + recovery_ + ": " + problem + " (start " +
                            std::to_string(points_) + ")");
    }
}

}  // namespace ticketd::tests
