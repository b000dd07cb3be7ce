#include "tests/fault/fill.h"

#include <stdexcept>
#include <vector>

#include "common/limits.h"
#include "tests/support/rpc.h"

namespace ticketd::testing {

std::uint64_t fill_journal(const std::string& socket, const std::string& event, std::size_t bytes) {
    constexpr std::size_t kBatch = 128;
    constexpr std::size_t kEntryBytes = 100 + limits::kMemoBytes;
    const Json params{{"event", event}, {"memo", std::string(limits::kMemoBytes, 'm')}};
    const Json one{{"jsonrpc", "2.0"}, {"id", 1}, {"method", "purchase"}, {"params", params}};
    const auto batch = Json(kBatch, one).dump() + "\n";
    std::vector<Rpc> connections;
    for (int i = 0; i < 6; ++i)
        connections.emplace_back(socket);
    std::uint64_t sold = 0;
    while (sold * kEntryBytes < bytes) {
        for (auto& rpc : connections)
            rpc.send(batch);
        for (auto& rpc : connections) {
            const auto replies = rpc.line();
            if (replies.find("\"error\"") != std::string::npos) throw std::runtime_error(replies);
            sold += kBatch;
        }
    }
    return sold;
}

}  // namespace ticketd::testing
