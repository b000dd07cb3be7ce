// The command line of ticket-client, read into values. Looks at words only: nothing is opened, and
// whether an event exists is the daemon's affair. Not thread-safe (getopt_long(3)).
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "client/failure.h"
#include "client/ticket_client/output.h"
#include "client/ticket_client/verbs.h"

namespace ticketd::client {

struct Arguments {
    enum class Show : std::uint8_t { kResult, kHelp, kVersion };

    Show show = Show::kResult;
    const VerbInfo* verb = nullptr;  ///< never null if show is kResult; a group only for kHelp
    std::vector<std::string> operands;
    std::optional<Output> output;  ///< nothing: text, or what suits the verb
    bool is_quiet = false;
    bool wants_exit_code = false;
    bool confirms = false;
    bool is_dry_run = false;
    bool retires = false;
    bool has_slots = false;
    bool is_forced = false;
    bool voids_holds = false;
    bool is_atomic = false;
    bool is_csv = false;
    std::optional<std::string> by_group;
    std::optional<std::uint64_t> number;
    std::optional<std::string> socket;
    std::optional<std::chrono::milliseconds> timeout;
    std::optional<std::chrono::milliseconds> wait_ready;
    std::optional<std::chrono::milliseconds> ttl;
    std::optional<std::chrono::milliseconds> wait;
    std::optional<std::string> line;
    std::optional<bool> auto_close;
    std::optional<std::uint64_t> order_limit;
    std::optional<std::uint64_t> buyer_limit;
    std::optional<std::string> buyers;
    std::optional<std::uint64_t> pid;
    std::optional<std::string> event;
    std::optional<std::string> key;
    std::optional<std::string> memo;
    std::optional<std::string> state;
    std::optional<std::int64_t> opens_ms;  ///< since 1970; 0: no such time
    std::optional<std::int64_t> closes_ms;
    std::optional<std::uint64_t> min;
    std::optional<std::string> buyer;
    std::optional<std::vector<std::uint64_t>> serials;
    std::optional<std::string> reason;
    std::optional<std::uint64_t> since;
    std::optional<std::string> until;
    std::optional<std::string> exec;
    std::optional<std::string> mirror;
    std::optional<std::uint64_t> after;
    std::optional<std::uint64_t> limit;
    std::optional<std::uint64_t> from;
    std::optional<std::uint64_t> if_lsn;
    std::optional<std::int64_t> by;
};

/// Reads main()'s arguments. Options may stand anywhere, but not behind the command of `run`. The
/// failure is `usage`, exit 64.
Outcome<Arguments> parse_arguments(int argc, char* const* argv);

}  // namespace ticketd::client
