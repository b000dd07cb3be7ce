// A second opinion on requests: reads them into nlohmann's DOM, the way a careful programmer
// without our readers would, and says what docs/protocol.md makes of them. Shares no code with
// common/message_scanner, common/json_slice, net/request and net/params, which it is held against.
#pragma once

#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace ticketd::fuzz {

using nlohmann::json;

enum class Verdict : std::uint8_t {
    kJson,
    kNumberOutOfRange,  ///< JSON up to a number that no double holds
    kNotJson,
};

struct Judged {
    Verdict verdict = Verdict::kNotJson;
    json value;  ///< if kJson
};
Judged judge(std::string_view text);

/// What the protocol makes of one request, alone or within a batch.
struct OracleRequest {
    std::string text;
    Verdict verdict = Verdict::kNotJson;
    json value;
    bool is_request = false;  ///< false: it is to be refused as a whole
    bool is_version_2 = true;
    bool wants_reply = true;
    bool has_repeated_params = false;

    /// The id to be repeated; null if there is none that can be.
    json id() const;
    std::string method() const { return value.at("method").get<std::string>(); }
    json params() const { return value.value("params", json()); }
};

/// `depth` is how many levels already surround it.
OracleRequest judge_request(std::string_view text, std::size_t depth);

/// Whether the parameters are right for the method; nothing if the oracle does not know it.
std::optional<bool> has_right_params(const OracleRequest& request);

/// The value of a parameter, by name or by position; null if left out. Precondition: right params.
json param(const OracleRequest& request, std::string_view name);

}  // namespace ticketd::fuzz
