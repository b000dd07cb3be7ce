// A daemon that has filled its segment to a given block and meets a system call that fails: what
// the tables of switch_faults_test.cpp and checkpoint_faults_test.cpp share.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/fault/fault_row.h"
#include "tests/support/daemon.h"

namespace ticketd::testing {

enum class Outcome : std::uint8_t {
    kGoesOn,  ///< nobody notices
    kWaits,   ///< `storage_full` while it lasts, then sales resume by themselves
    kStops,   ///< exit 74 with one line, and nobody is answered
};

using Fault = FaultRow<Outcome>;

/// For an Injector.
std::vector<std::string> options_of(const Daemon& daemon, const Fault& fault);

struct Bought {
    bool is_sold = false;
    bool is_closed = false;  ///< no answer: the connection ended
    int refused = 0;         ///< how often it was `storage_full` before
};

/// Asks for one ticket until it is sold, or refused `patience` times; then queries are answered.
Bought buy(Rpc& rpc, int patience);

/// One that has sold `sold` tickets until exactly so many bytes of its first segment are left.
Daemon daemon_with_room(std::uint64_t room, std::uint64_t& sold);

/// It ends by itself with exit 74 and one line that says why.
void check_stopped(Daemon& daemon, const Fault& fault);
/// A call was made to fail, and whatever was refused meanwhile, the daemon still sells, stops, and
/// has what it told.
void check_goes_on(Daemon& daemon, std::uint64_t sold);
/// The store is whole, and the next daemon has sold so many tickets and sells on.
void check_next_daemon(Daemon& daemon, std::uint64_t sold_at_least, std::uint64_t sold_at_most);

}  // namespace ticketd::testing
