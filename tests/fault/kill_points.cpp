#include "tests/fault/kill_points.h"

#include <algorithm>
#include <array>
#include <iterator>

#include "tests/fault/strace.h"
#include "tests/support/raw_ledger.h"

namespace ticketd::testing {
namespace {

using enum Phase;

// Each says what is done and what is not when the kill comes, in the order of the daemon's work.
const std::array kPoints{
    KillPoint{"nothing but the socket's lock file", kCreation, "fcntl", "@socket.lock"},
    KillPoint{"the socket's lock, not its address", kCreation, "bind", ""},
    KillPoint{"the address, not the directory", kCreation, "mkdir", ""},
    KillPoint{"the directory, not in its parent durably", kCreation, "fsync", "@parent"},
    KillPoint{"the directory, not the owner's lock file", kCreation, "openat", "owner.lock"},
    KillPoint{"the owner's lock file, not the lock", kCreation, "fcntl", "owner.lock"},
    KillPoint{"the lock, not a segment", kCreation, "openat", "next-segment"},
    KillPoint{"a segment, not its space", kCreation, "fallocate", "next-segment"},
    KillPoint{"its space, not its header", kCreation, "pwrite64", "next-segment"},
    KillPoint{"its header, not durably", kCreation, "fdatasync", "next-segment"},
    KillPoint{"the first segment, not its name", kCreation, "renameat", "next-segment"},
    KillPoint{"names, not durably", kCreation, "fsync", ".", {1, 2, 3}},
    KillPoint{"the journal, not a checkpoint", kCreation, "openat", "checkpoint.new"},
    KillPoint{"a checkpoint, empty", kCreation, "pwrite64", "checkpoint.new"},
    KillPoint{"a checkpoint, not durably", kCreation, "fdatasync", "checkpoint.new"},
    KillPoint{"a checkpoint, not its name", kCreation, "renameat", "checkpoint.new"},
    KillPoint{"a store without stock file", kCreation, "openat", "stock", {1, 2}},
    KillPoint{"a stock file without header, or slot", kCreation, "pwrite64", "stock", {1, 2}},
    KillPoint{"everything, and nobody listens", kCreation, "listen", ""},

    KillPoint{"the old socket is not taken away", kRecovery, "unlink", ""},
    KillPoint{"the old socket is away, no new one", kRecovery, "bind", ""},
    KillPoint{"the owner's lock is not taken", kRecovery, "fcntl", "owner.lock"},
    KillPoint{"the checkpoint is not read", kRecovery, "pread64", "checkpoint"},
    KillPoint{"the journal is read in part", kRecovery, "pread64", "@last", {1, 2, 3}},
    KillPoint{"the torn tail has no copy", kRecovery, "openat", "@torn"},
    KillPoint{"the copy of the tail is empty", kRecovery, "pwrite64", "@torn"},
    KillPoint{"the copy of the tail is not durable", kRecovery, "fdatasync", "@torn"},
    KillPoint{"names are not durable", kRecovery, "fsync", ".", {1, 2, 3}},
    KillPoint{"the last group is not written again", kRecovery, "pwrite64", "@last"},
    KillPoint{"the tail is copied, not cut", kRecovery, "ftruncate", "@last"},
    KillPoint{"the cut is not durable", kRecovery, "fdatasync", "@last"},
    KillPoint{"there is no fresh segment", kRecovery, "openat", "next-segment"},
    KillPoint{"the fresh segment has no space", kRecovery, "fallocate", "next-segment"},
    KillPoint{"the fresh segment has no header", kRecovery, "pwrite64", "next-segment"},
    KillPoint{"the fresh segment is not durable", kRecovery, "fdatasync", "next-segment"},
    KillPoint{"the fresh segment has no name", kRecovery, "renameat", "next-segment"},
    KillPoint{"the segment before it has no footer", kRecovery, "pwrite64", "@last", {2}},
    KillPoint{"its footer is not durable", kRecovery, "fdatasync", "@last", {2}},
    KillPoint{"the stock file is not rebuilt", kRecovery, "pwrite64", "stock"},
    KillPoint{"the stock file is not cut to its slots", kRecovery, "ftruncate", "stock"},
    KillPoint{"the start is done, and nobody listens", kRecovery, "listen", ""},

    KillPoint{"a connection is there, not taken", kSale, "accept4", "", {3}},
    KillPoint{"a request was read, its slot not locked", kSale, "fcntl", "stock", {21, 51}},
    KillPoint{"a slot is locked, not read", kSale, "pread64", "stock", {12, 40}},
    KillPoint{"it is decided, the slot not written", kSale, "pwrite64", "stock", {12, 40}},
    KillPoint{"the slot is written, not unlocked", kSale, "fcntl", "stock", {22, 52}},
    KillPoint{"a group is sealed, not written", kSale, "pwrite64", "@current", {1, 2, 9}},
    KillPoint{"a group is written, not durable", kSale, "fdatasync", "@current", {1, 2, 9}},
    KillPoint{"a group is durable, nobody knows", kSale, "epoll_ctl", "", {25, 41}},
    KillPoint{"an answer is ready, not sent", kSale, "sendto", "", {1, 2, 30}},
    KillPoint{"an old entry is not looked up", kSale, "pread64", "@current", {1, 2}},

    KillPoint{"a next segment is wanted", kHalfFull, "openat", "next-segment"},
    KillPoint{"a next segment, without space", kHalfFull, "fallocate", "next-segment"},

    KillPoint{"a full segment, and no next header", kSwitch, "pwrite64", "next-segment"},
    KillPoint{"a next header, not durably", kSwitch, "fdatasync", "next-segment"},
    KillPoint{"a next segment, without a name", kSwitch, "renameat", "next-segment"},
    KillPoint{"names, not durably", kSwitch, "fsync", ".", {1, 2}},
    KillPoint{"a footer, and the end not cut", kSwitch, "ftruncate", "@current"},
    KillPoint{"a next segment without a group", kSwitch, "pwrite64", "@next"},
    KillPoint{"its first group, not durably", kSwitch, "fdatasync", "@next"},
    KillPoint{"a checkpoint is due, nothing read", kSwitch, "pread64", "@current"},
    KillPoint{"keys are not written", kSwitch, "openat", "keys.new"},
    KillPoint{"keys, empty", kSwitch, "pwrite64", "keys.new"},
    KillPoint{"keys, not durably", kSwitch, "fdatasync", "keys.new"},
    KillPoint{"keys, without their name", kSwitch, "renameat", "keys.new"},
    KillPoint{"the checkpoint is not written", kSwitch, "openat", "checkpoint.new"},
    KillPoint{"the checkpoint, empty", kSwitch, "pwrite64", "checkpoint.new"},
    KillPoint{"the checkpoint, not durably", kSwitch, "fdatasync", "checkpoint.new"},
    KillPoint{"the checkpoint, not in place", kSwitch, "renameat", "checkpoint.new"},

    KillPoint{"the stop has begun, the segment is not cut", kStop, "ftruncate", "@current"},
    KillPoint{"keys of the end, without their name", kStop, "renameat", "keys.new"},
    KillPoint{"the last checkpoint is not written", kStop, "openat", "checkpoint.new"},
    KillPoint{"the last checkpoint, empty", kStop, "pwrite64", "checkpoint.new"},
    KillPoint{"the last checkpoint, not durably", kStop, "fdatasync", "checkpoint.new"},
    KillPoint{"the last checkpoint, not in place", kStop, "renameat", "checkpoint.new"},
    KillPoint{"names, not durably", kStop, "fsync", ".", {1, 2}},
    KillPoint{"all is done, the socket is left", kStop, "unlink", ""},
};

// "@current" is the segment that this daemon writes to, "@last" and "@next" those beside it;
// "@torn" the copy that a recovery makes of a torn tail.
std::string file_at(const std::string& name, const KillTarget& target) {
    const auto last = raw_segment_name(target.segment - 1);
    if (name == "@socket.lock") return target.socket + ".lock";
    if (name == "@parent") return target.directory.substr(0, target.directory.rfind('/'));
    if (name == ".") return target.directory;
    if (name == "@last") return target.directory + "/" + last;
    if (name == "@current") return target.directory + "/" + raw_segment_name(target.segment);
    if (name == "@next") return target.directory + "/" + raw_segment_name(target.segment + 1);
    if (name != "@torn") return target.directory + "/" + name;
    return target.directory + "/torn-" + last + "-" + std::to_string(target.last_offset);
}

}  // namespace

std::vector<KillPoint> kill_points(Phase phase) {
    std::vector<KillPoint> points;
    std::copy_if(kPoints.begin(), kPoints.end(), std::back_inserter(points),
                 [phase](const KillPoint& point) { return point.phase == phase; });
    return points;
}

// A file is given twice: as descriptors show it, and as calls that name it within the directory do.
std::vector<std::string> strace_options(const KillPoint& point, int nth, const KillTarget& target) {
    auto options = injection(point.call, "signal=SIGKILL:when=" + std::to_string(nth));
    if (point.file.empty()) return options;
    const auto path = file_at(point.file, target);
    options.insert(options.end(), {"-P", path});
    if (path.starts_with(target.directory + "/")) {
        options.insert(options.end(), {"-P", path.substr(target.directory.size() + 1)});
    }
    return options;
}

}  // namespace ticketd::testing
