#include "client/ticket_client/ledger_pages.h"

#include <string>

namespace ticketd::client {
namespace {

constexpr std::uint64_t kPage = 1000;

Failure strange() {
    return {"protocol", client_exit::kProtocol, "ledger.read was answered with something else"};
}

}  // namespace

std::optional<Failure> for_each_entry(
    std::uint64_t from, const CallOptions& options,
    const std::function<std::optional<Failure>(const Json&)>& take) {
    for (;;) {
        const Request request{
            "ledger.read",
            R"({"from_lsn":)" + std::to_string(from) + R"(,"limit":)" + std::to_string(kPage) + '}',
            Nature::kQuery,
            {}};
        const auto answered = call(request, options);
        if (const auto* failure = failure_of(answered)) return *failure;
        const auto json = read_result(std::get<std::string>(answered));
        if (!json || !json->is_object() || !json->contains("entries") || !json->contains("next") ||
            !(*json)["entries"].is_array()) {
            return strange();
        }
        for (const auto& entry : (*json)["entries"]) {
            if (!entry.is_object()) return strange();
            if (auto failure = take(entry)) return failure;
        }
        const auto& next = (*json)["next"];
        if (next.is_null()) return std::nullopt;
        if (!next.is_number_unsigned() || next <= from) return strange();
        from = next.get<std::uint64_t>();
    }
}

}  // namespace ticketd::client
