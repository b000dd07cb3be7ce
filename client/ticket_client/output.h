// Results as programs read them: a shell that evals them, or one that cuts lines at tabs. The names
// are the daemon's own. People read text.h. Thread-safe, no state; never throws on what a daemon
// sends.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "client/ticket_client/verbs.h"

namespace ticketd::client {

enum class Output : std::uint8_t {
    kText,  ///< for people
    kJson,  ///< the daemon's result as it is, one line
    kEnv,   ///< TICKET_NAME='value' for each member, for a shell's eval
    kTsv,   ///< a line of names, then one of values, or one for each row of a list
};

/// Whether tsv begins with the line of names: those who write one result after another want it
/// once.
enum class Head : std::uint8_t { kWith, kWithout };

/// The format that is called `name`, if there is one.
std::optional<Output> output_called(std::string_view name);

/// The members of `result`, a JSON object, as TICKET_NAME=VALUE, for an environment.
std::vector<std::string> variables_of(std::string_view result);

/// `result` (the text of a JSON value) in this format, ended by LF. In kEnv and kTsv a list of
/// plain values is joined by blanks, null is empty and what is nested deeper stays JSON. The
/// columns of kTsv, and what kEnv sets at least, are those of row_kind.h; what a result has not got
/// is empty. Nothing if `result` is not what the verb is answered with, or larger than any of the
/// daemon's.
std::optional<std::string> formatted(Output output, Verb verb, std::string_view result,
                                     Head head = Head::kWith);

}  // namespace ticketd::client
