// The named places in the daemon's order of work at which it is killed, and how strace finds them:
// by the system call that is about to be made there, narrowed by file, at its nth time. The kill
// comes before the call is carried out, so "a, not b" is hit by killing at b.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace ticketd::testing {

/// When in the life of the daemon a point is.
enum class Phase : std::uint8_t {
    kCreation,  ///< the first start, which makes the store
    kRecovery,  ///< a start after a kill, with a torn tail
    kSale,      ///< while it sells
    kHalfFull,  ///< when half of a segment is full, and the next is prepared
    kSwitch,    ///< when a segment is full, the next is begun and a checkpoint written
    kStop,      ///< after SIGTERM
};

struct KillPoint {
    std::string name;
    Phase phase;
    std::string call;
    /// The file that the call is about, by its name in the store; "." is the store itself, names
    /// with "@" are explained at file_at(). Empty: any.
    std::string file;
    std::vector<int> times{1};  ///< the nth call is hit, for each of these
};

std::vector<KillPoint> kill_points(Phase phase);

/// The store at which a daemon is aimed at, or which a running one has.
struct KillTarget {
    std::string directory;
    std::string socket;
    std::uint64_t segment = 0;      ///< that this daemon writes to, or will begin
    std::uint64_t last_offset = 0;  ///< where the segment before that one ends
};

/// What strace has to be told to have the daemon killed at `point`, the nth time.
std::vector<std::string> strace_options(const KillPoint& point, int nth, const KillTarget& target);

}  // namespace ticketd::testing
