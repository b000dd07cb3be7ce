// What tests of `ticket-client ledger backup` ask of it, and of what it leaves.
#pragma once

#include <doctest/doctest.h>

#include <cstdint>
#include <string>

#include "tests/support/daemon.h"

namespace ticketd::testing {

inline Finished back_up(const Daemon& daemon, const std::string& directory) {
    return run_client(daemon.socket(), {"--json", "ledger", "backup", directory});
}

/// The number behind `name` in what --verify prints.
inline std::uint64_t printed(const Finished& verdict, const std::string& name) {
    const auto at = verdict.output.find(name + " ");
    REQUIRE(at != std::string::npos);
    return std::stoull(verdict.output.substr(at + name.size()));
}

/// Verifies the copy offline; it must end at `lsn`.
inline void check_whole(const std::string& directory, std::uint64_t lsn) {
    const auto verdict = run_ticketd({"--verify", directory});
    CAPTURE(verdict.error);
    REQUIRE(verdict.exit == 0);
    CHECK(printed(verdict, "lsn") == lsn);
    CHECK(printed(verdict, "sold") == printed(verdict, "orders"));
    CHECK(verdict.output.find("notice") == std::string::npos);
}

/// Nothing on stdout, one line on stderr that begins with `kind`.
inline void check_failed(const Finished& client, int exit, const std::string& kind) {
    CAPTURE(client.error);
    CHECK(client.exit == exit);
    CHECK(client.output.empty());
    CHECK(client.error.starts_with(kind + ": "));
    CHECK(client.error.find('\n') == client.error.size() - 1);
}

}  // namespace ticketd::testing
