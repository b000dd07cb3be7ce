// What ticket-client can be asked to do: one table from which arguments are checked and help is
// written. Adding a verb means a line here, its request (requests.h), its columns (row_kind.h) and,
// if the general text does not suit it, its words (text.h). Pure data; thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace ticketd::client {

enum class Verb : std::uint8_t {
    kQuery,
    kPurchase,
    kHold,
    kConfirm,
    kRelease,
    kExtend,
    kCancel,
    kBatch,
    kRun,
    kAbandon,
    kOrder,
    kOrders,
    kWatch,
    kEvents,
    kEventCreate,
    kEventResize,
    kEventUpdate,
    kEventPause,
    kEventResume,
    kEventClose,
    kPing,
    kStats,
    kInfo,
    kLedgerRead,
    kLedgerExport,
    kReport,
    kLedgerVerify,
    kLedgerBackup,
    kCall,
};

struct VerbInfo {
    Verb verb;
    std::string_view name;  ///< one word, or two with a blank between
    std::string_view alias;
    std::string_view operands;  ///< as help shows them
    std::size_t operands_min;
    std::size_t operands_max;
    std::string_view options;  ///< letters of the options (below) that go with it
    std::string_view summary;
    std::string_view details;  ///< the rest of its help, with examples
};

/// An option is known by a letter inside the program; only -n, -q and -h may be typed so.
struct OptionInfo {
    char letter;
    const char* name;
    std::string_view argument;  ///< as help shows it; empty if it takes none
    std::string_view meaning;
};

std::span<const VerbInfo> all_verbs();
std::span<const OptionInfo> all_options();

/// The verb with this name or alias, or null.
const VerbInfo* find_verb(std::string_view name);

/// True if `word` is the first of two-worded verbs ("event", "ledger").
bool is_verb_prefix(std::string_view word);

/// What is said of all verbs that begin with this word, for their help, or null. Not a verb.
const VerbInfo* find_verb_group(std::string_view word);

/// True for options that go with every verb.
bool is_global_option(char letter);

}  // namespace ticketd::client
