// What a reply claims of the ledger, held against it.
#pragma once

#include <string>
#include <vector>

#include "server/net/session.h"
#include "server/platform/file.h"
#include "server/store/entry.h"
#include "tests/fuzz/json_oracle.h"

namespace ticketd::fuzz {

/// The ledger of a store at rest.
struct Ledger {
    std::vector<store::Entry> entries;     ///< that with LSN n at n - 1
    std::vector<std::string> event_names;  ///< by number

    /// The entry with this LSN; a finding if there is none.
    const store::Entry& at(const json& lsn) const;
    /// The name of the event that it is about, or "".
    std::string event_of(const store::Entry& entry) const;
};

/// Reads it all; a finding if it does not pass the audit.
Ledger read_ledger(platform::Directory& directory);

/// Every number in a result is the ledger's at the LSN it names, and shows `caller` no order but
/// its own.
void check_result(const json& result, const net::Caller& caller, const Ledger& ledger);

/// An error is one of the contract, and a refusal for stock has its reason in the ledger.
void check_error(const json& error, const Ledger& ledger);

}  // namespace ticketd::fuzz
