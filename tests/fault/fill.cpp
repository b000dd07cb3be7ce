#include "tests/fault/fill.h"

#include <stdexcept>
#include <vector>

#include "common/limits.h"
#include "tests/support/rpc.h"

namespace ticketd::testing {
namespace {

constexpr std::size_t kEntryBytes = 100 + limits::kMemoBytes;

std::string batch_of(std::size_t sales, const std::string& event) {
    const Json params{{"event", event}, {"memo", std::string(limits::kMemoBytes, 'm')}};
    const Json one{{"jsonrpc", "2.0"}, {"id", 1}, {"method", "purchase"}, {"params", params}};
    return Json(sales, one).dump() + "\n";
}

std::uint64_t room_in_segment(Rpc& rpc) {
    return limits::kSegmentBytes - rpc.result("ledger.position")["offset"].get<std::uint64_t>();
}

}  // namespace

std::uint64_t fill_journal(const std::string& socket, const std::string& event, std::size_t bytes) {
    constexpr std::size_t kBatch = 128;
    const auto batch = batch_of(kBatch, event);
    std::vector<Rpc> connections;
    for (int i = 0; i < 11; ++i)
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

std::uint64_t fill_segment(const std::string& socket, const std::string& event,
                           std::uint64_t room) {
    constexpr std::size_t kBatch = 100, kBatchBytesMax = 64 * 1024;
    constexpr std::size_t kFarAway = 2 * 1024 * 1024;
    Rpc rpc{socket};
    std::uint64_t sold = 0;
    for (;;) {
        const auto left = room_in_segment(rpc);
        if (left < room) throw std::runtime_error("the segment is fuller than it has to be");
        if (left == room) return sold;
        if (left - room > kFarAway) {
            sold += fill_journal(socket, event, (left - room) * 2 / 3);
            continue;
        }
        const auto sales = left - room > kBatchBytesMax ? kBatch : 1;
        rpc.send(batch_of(sales, event));
        const auto replies = rpc.line();
        if (replies.find("\"error\"") != std::string::npos) throw std::runtime_error(replies);
        sold += sales;
    }
}

}  // namespace ticketd::testing
