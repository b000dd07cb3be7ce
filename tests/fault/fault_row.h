// One row of a table of faults: which system call fails how, and what has to come of it. What may
// come of it differs from table to table.
#pragma once

#include <string>

namespace ticketd::testing {

template <typename Outcome>
struct FaultRow {
    const char* file;  ///< of the store, or as the table says; "." the directory
    const char* call;
    const char* inject;  ///< in strace's words; each thread counts for itself
    Outcome outcome;
    const char* says;  ///< part of the line that the daemon ends with
};

template <typename Outcome>
std::string name_of(const FaultRow<Outcome>& row) {
    return std::string{row.file} + " " + row.call + " " + row.inject;
}

/// How many calls fail by a row that says `when=1` or `when=1..N`, if one thread makes them.
template <typename Outcome>
std::size_t failures_of(const FaultRow<Outcome>& row) {
    const std::string inject{row.inject};
    const auto range = inject.find("..");
    return range == std::string::npos ? 1 : std::stoul(inject.substr(range + 2));
}

}  // namespace ticketd::testing
