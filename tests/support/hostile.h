// For tests of hostile clients: what the daemon uses, how long a well-behaved client waits, and
// attackers that run as other users. Not thread-safe.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

#include "tests/support/daemon.h"

namespace ticketd::testing {

/// Users that exist nowhere but in these tests.
inline constexpr uid_t kStranger = 64'201;
inline constexpr uid_t kOtherStranger = 64'202;

/// False, and said so, where the test may not become other users.
bool can_be_others();

/// A connection that another user opened. Only root can.
Rpc connect_as(uid_t uid, const std::string& socket, gid_t group = 0);

/// What a process has taken from the machine so far.
struct Usage {
    long resident_kib = 0;
    long peak_kib = 0;  ///< the most that was ever resident
    std::size_t descriptors = 0;
    std::chrono::milliseconds cpu{0};
};
Usage usage_of(pid_t pid);

/// Waits until the daemon has no more descriptors than that. Throws if it keeps more.
void wait_for_descriptors_at_most(pid_t pid, std::size_t count);

/// The daemon's CPU time while nothing is asked of it, as parts of the time that passes. A stretch
/// to measure over is waited for.
double cpu_share(pid_t pid, std::chrono::milliseconds stretch);

/// A daemon that every user may reach.
Daemon open_daemon(const std::vector<std::string>& events, Json config = Json::object());

/// Starts the attacker of tests/support/attacker with these words after the socket's path, as
/// `uid` where that is possible.
Process start_attacker(const Daemon& daemon, const std::vector<std::string>& words,
                       uid_t uid = kStranger);

/// How long single purchases took, one after another.
struct Latency {
    std::chrono::microseconds median{0}, p99{0}, longest{0};
};
Latency measure_purchases(Rpc& rpc, int count);

/// How often `text` stands in `log`.
std::size_t count_of(const std::string& log, std::string_view text);

}  // namespace ticketd::testing
