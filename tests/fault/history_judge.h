// One answer against the model: is it what the ledger says at the LSN that it names, and where in
// the order of the ledger does that put the op? Pure.
#pragma once

#include <cstdint>
#include <string>

#include "tests/fault/history.h"
#include "tests/fault/history_model.h"

namespace ticketd::testing {

/// Where an answer puts its op.
struct Place {
    enum class Kind : std::uint8_t {
        kNowhere,  ///< it says nothing: no answer, or one that has seen nothing
        kChange,   ///< it made the entry `first`
        kView,     ///< it saw what was so from `first` up to `last`, at some moment while it ran
        /// The same, of a refusal of a key: it may have been decided for an earlier copy of the
        /// request and be told once more.
        kRemembered,
    };
    Kind kind = Kind::kNowhere;
    std::uint64_t first = 0;
    std::uint64_t last = kForever;
};

struct Judgement {
    Place place;
    std::string problem;  ///< empty: none
};

Judgement judge(const Op& op, const Model& model);

inline Judgement bad(std::string problem) {
    return {{}, std::move(problem)};
}

inline Judgement seen_from(std::uint64_t lsn) {
    return {{Place::Kind::kView, lsn, kForever}, ""};
}

/// True if `entry` is what `op` asks for.
bool is_request_of(const Op& op, const RawEntry& entry, const Model& model);

/// Refusals that tell of the stock: the key stays refused.
bool is_refusal_for_stock(const Op& op);

std::string name_of(Deed deed);
/// For messages: "client 3 op 17, purchase of demo with key k".
std::string name_of(const Op& op);

}  // namespace ticketd::testing
