// What a row of a verb's result holds: one table of columns, from which tsv, env, CSV and the help
// are made, so that a script that counts columns finds the same ones whatever the data is. Columns
// are only ever added at the end. Pure data; thread-safe.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "client/ticket_client/verbs.h"

namespace ticketd::client {

struct RowKind {
    std::string_view list;  ///< the member that holds the rows; empty: the result is the only row
    std::span<const std::string_view> columns;
};

/// Nothing for verbs whose result is whatever the daemon tells: its counters, any method.
std::optional<RowKind> row_kind(Verb verb);

/// Every member that an entry of the ledger can have.
std::span<const std::string_view> entry_columns();

}  // namespace ticketd::client
