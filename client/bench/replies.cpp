#include "client/bench/replies.h"

#include "client/rpc.h"
#include "common/error_kind.h"

namespace ticketd::client {
namespace {

// Kinds are chosen by the daemon; a broken one must not fill the memory with them.
constexpr std::size_t kKindsMax = 64;

void count(std::map<std::string, std::uint64_t>& counts, const std::string& kind) {
    if (counts.size() >= kKindsMax && !counts.contains(kind)) return;
    ++counts[kind];
}

}  // namespace

bool ReplyCounts::add(std::string_view line) {
    // The first member that is neither version nor id says which it is.
    constexpr std::size_t kEnvelopeBytes = 64;
    const auto front = line.substr(0, kEnvelopeBytes);
    if (front.find("\"result\":") != std::string_view::npos) {
        ++results_;
        return true;
    }
    if (front.find("\"error\":") == std::string_view::npos) return false;
    add_error(line);
    return true;
}

void ReplyCounts::add_error(std::string_view line) {
    // Refusals are by far the most common answer once an event is sold out.
    if (line.find("\"kind\":\"sold_out\"") != std::string_view::npos) {
        static const std::string kSoldOut{"sold_out"};
        return count(refusals_, kSoldOut);
    }
    const auto reply = parse_reply(line);
    const auto* error = reply ? std::get_if<RpcError>(&reply->answer) : nullptr;
    if (error == nullptr) return count(errors_, "garbled");
    const auto first = error_kind_info(ErrorKind::kSoldOut).code;
    const auto last = error_kind_info(ErrorKind::kNotOpen).code;
    count(error->code >= first && error->code <= last ? refusals_ : errors_, error->kind);
}

}  // namespace ticketd::client
