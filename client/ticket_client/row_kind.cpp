#include "client/ticket_client/row_kind.h"

#include <array>

namespace ticketd::client {
namespace {

template <std::size_t N>
using Names = std::array<std::string_view, N>;

constexpr Names<16> kEvent{"event",      "state",       "capacity",    "available",
                           "held",       "sold",        "lsn",         "opens_ms",
                           "closes_ms",  "deficit",     "order_limit", "line",
                           "auto_close", "buyer_limit", "buyers",      "slots"};

// What a verb that changes an order is answered.
constexpr Names<12> kAnswer{"order",    "event",         "state",     "requested",
                            "granted",  "serials",       "available", "lsn",
                            "replayed", "expires_in_ms", "cancelled", "returned"};

constexpr Names<13> kAbandoned{"key",           "order",     "event",     "state", "requested",
                               "granted",       "serials",   "available", "lsn",   "replayed",
                               "expires_in_ms", "cancelled", "returned"};

constexpr Names<16> kOrder{"order", "event",         "state", "requested", "granted", "serials",
                           "buyer", "uid",           "key",   "memo",      "time_ms", "changed_ms",
                           "lsn",   "expires_in_ms", "bind",  "pid"};

constexpr Names<34> kEntry{
    "lsn",     "type",         "time_ms",     "uid",      "event",    "order",     "requested",
    "granted", "first_serial", "serials",     "returned", "restock",  "owner",     "buyer",
    "key",     "memo",         "expires_ms",  "bind",     "pid",      "capacity",  "available",
    "held",    "sold",         "deficit",     "state",    "opens_ms", "closes_ms", "order_limit",
    "line",    "auto_close",   "buyer_limit", "buyers",   "slots",    "void_holds"};

constexpr Names<9> kChange{"lsn",      "type",      "time_ms", "event", "state",
                           "capacity", "available", "held",    "sold"};

constexpr Names<2> kDone{"result", "error"};

// The first of them is called by what --per says.
constexpr Names<6> kTotals{"event", "orders", "sold", "cancelled", "held", "released"};

constexpr Names<11> kVerified{"ok",        "lsn",  "events", "orders",     "keys",    "capacity",
                              "available", "held", "sold",   "overcommit", "problems"};

constexpr Names<4> kBackup{"directory", "lsn", "files", "bytes"};

}  // namespace

std::optional<RowKind> row_kind(Verb verb) {
    switch (verb) {
        case Verb::kQuery:
        case Verb::kEventCreate:
        case Verb::kEventResize:
        case Verb::kEventUpdate:
        case Verb::kEventPause:
        case Verb::kEventResume:
        case Verb::kEventClose: return RowKind{"", kEvent};
        case Verb::kEvents: return RowKind{"events", kEvent};
        case Verb::kPurchase:
        case Verb::kHold:
        case Verb::kConfirm:
        case Verb::kRelease:
        case Verb::kExtend:
        case Verb::kCancel: return RowKind{"", kAnswer};
        case Verb::kAbandon: return RowKind{"", kAbandoned};
        case Verb::kOrder: return RowKind{"", kOrder};
        case Verb::kOrders: return RowKind{"orders", kOrder};
        case Verb::kWatch: return RowKind{"", kChange};
        case Verb::kBatch: return RowKind{"results", kDone};
        case Verb::kLedgerRead: return RowKind{"entries", kEntry};
        case Verb::kReport: return RowKind{"report", kTotals};
        case Verb::kLedgerVerify: return RowKind{"", kVerified};
        case Verb::kLedgerBackup: return RowKind{"", kBackup};
        case Verb::kRun:
        case Verb::kPing:
        case Verb::kStats:
        case Verb::kInfo:
        case Verb::kLedgerExport:
        case Verb::kCall: break;
    }
    return std::nullopt;
}

std::span<const std::string_view> entry_columns() {
    return kEntry;
}

}  // namespace ticketd::client
