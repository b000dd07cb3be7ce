#include "client/ticket_client/until.h"

#include "client/numbers.h"

namespace ticketd::client {
namespace {

bool is_zero(const Json& counts, const char* name) {
    const auto found = counts.find(name);
    return found != counts.end() && found->is_number_unsigned() && *found == 0;
}

}  // namespace

Outcome<Until> read_until(const std::optional<std::string>& text) {
    constexpr std::string_view kLsn = "lsn=";
    if (!text) return Until{};
    if (*text == "sold-out") return Until{Until::What::kSoldOut};
    if (*text == "open") return Until{Until::What::kOpen};
    if (text->starts_with(kLsn)) {
        const auto lsn = parse_number(std::string_view{*text}.substr(kLsn.size()));
        if (lsn) return Until{Until::What::kLsn, *lsn};
    }
    return usage("--until is sold-out, open or lsn=N, not '" + *text + "'");
}

bool is_reached(const Until& until, const Json& counts) {
    if (!counts.is_object()) return false;
    const auto lsn = counts.find("lsn"), state = counts.find("state");
    switch (until.what) {
        case Until::What::kForever: return false;
        case Until::What::kSoldOut: return is_zero(counts, "available") && is_zero(counts, "held");
        case Until::What::kOpen: return state != counts.end() && *state == "open";
        case Until::What::kLsn:
            return lsn != counts.end() && lsn->is_number_unsigned() && *lsn >= until.lsn;
    }
    return false;
}

}  // namespace ticketd::client
