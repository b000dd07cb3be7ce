// Answers with rows of the ledger. Rows are collected on a ledger thread, at most so many per
// request, and written as JSON on the event loop, which knows the events' names.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/json_writer.h"
#include "common/limits.h"
#include "server/store/ledger_reader.h"

namespace ticketd::net {

/// Entries that one request looks at before it returns what it has and where to go on.
inline constexpr std::uint64_t kScannedMax = 50'000;

struct Rows {
    std::vector<store::Entry> entries;
    Lsn seen = 0;  ///< the last LSN looked at
};

/// About how long the row of an entry will be.
inline std::size_t row_bytes(const store::Entry& entry) {
    constexpr std::size_t kFixed = 256;
    constexpr std::size_t kSerial = 8;
    return kFixed + entry.key.size() + entry.memo.size() + entry.buyer.size() +
           (entry.granted + entry.tickets.size() + entry.returned.size()) * kSerial;
}

/// Up to `limit` of the entries from `from` to `last` that `admits` admits.
template <typename Admits>
Rows read_rows(store::LedgerReader& reader, Lsn from, Lsn last, std::uint64_t limit,
               Admits admits) {
    Rows rows;
    rows.seen = from - 1;
    std::uint64_t scanned = 0;
    std::size_t bytes = 0;
    reader.visit(from, last, [&](const store::Entry& entry) {
        rows.seen = entry.lsn;
        if (admits(entry)) {
            rows.entries.push_back(entry);
            bytes += row_bytes(entry);
        }
        return rows.entries.size() < limit && bytes < limits::kRowsBytes && ++scanned < kScannedMax;
    });
    return rows;
}

/// `{"NAME":[…],"next":…}`; `next` is where to go on, 0 if nothing is left.
template <typename Row, typename Append>
std::string rows_json(std::string_view name, const std::vector<Row>& rows, Append append,
                      Lsn next) {
    std::string body;
    JsonWriter json{body};
    json.begin_object().name(name).begin_array();
    for (const auto& row : rows)
        append(json, row);
    json.end_array().name("next");
    if (next == 0) {
        json.null();
    } else {
        json.value(next);
    }
    json.end_object();
    return body;
}

}  // namespace ticketd::net
