// How client functions report that something did not work: as a value, never as an exception.
#pragma once

#include <string>
#include <utility>
#include <variant>

#include "common/error_kind.h"

namespace ticketd::client {

/// What a person and a script need to know. Printed as `kind: message` on one line.
struct Failure {
    std::string kind;     ///< one word, as in the wire contract where it has one
    int exit_code;        ///< of ticket-client, docs/protocol.md
    std::string message;  ///< the rest of the line
};

/// A command line that makes no sense: `message` says why, and where to read more is added.
inline Failure usage(std::string message) {
    return {"usage", client_exit::kUsage, std::move(message) + "; try --help"};
}

/// Words or a file that cannot be taken.
inline Failure bad_input(std::string message) {
    return {"input", client_exit::kBadInput, std::move(message)};
}

template <typename T>
using Outcome = std::variant<T, Failure>;

/// The failure in `outcome`, or null if there is a value.
template <typename T>
const Failure* failure_of(const Outcome<T>& outcome) {
    return std::get_if<Failure>(&outcome);
}

}  // namespace ticketd::client
