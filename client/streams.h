// The standard streams, through system calls: no buffering, so that every failure to write is seen.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "client/failure.h"

namespace ticketd::client {

/// Writes all of `text`. Returns 0 or the error number.
int write_all(int fd, std::string_view text);

/// Writes all of `text` to stdout. The failure is `output`, exit 74.
std::optional<Failure> write_result(std::string_view text);

/// `kind: message` as one line, in the language of whoever reads it but for the kind.
std::string line_of(const Failure& failure);

/// Writes that line to stderr and returns the exit code. Nothing can be done about a stderr that
/// does not take it. That nobody reads stdout any more (`| head -1`) is not said, unless what was
/// done meanwhile was added to the message.
int report(const Failure& failure);

/// All of stdin; a failure (exit 65) if it cannot be read or is longer than `bytes_max`.
Outcome<std::string> read_input(std::size_t bytes_max);

/// All of a file, or of stdin if its name is "-"; a failure (exit 65) likewise.
Outcome<std::string> read_file(const std::string& name, std::size_t bytes_max);

/// `text` with control characters made harmless, so that words chosen by others (a memo, a server's
/// message) cannot steer the terminal or break a line.
std::string printable(std::string_view text);

}  // namespace ticketd::client
