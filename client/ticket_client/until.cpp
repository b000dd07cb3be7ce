#include "client/ticket_client/until.h"

#include "client/numbers.h"
#include "client/ticket_client/cells.h"

namespace ticketd::client {
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
    switch (until.what) {
        case Until::What::kForever: return false;
        case Until::What::kSoldOut:
            return number_in(counts, "available") == 0U && number_in(counts, "held") == 0U;
        case Until::What::kOpen: return has_word(counts, "state", "open");
        case Until::What::kLsn: return number_in(counts, "lsn") >= until.lsn;
    }
    return false;
}

}  // namespace ticketd::client
