// Which parameters a method takes, and the strict check of a request's parameters against that:
// unknown, duplicate, missing, of the wrong type or out of range is an error that names the
// parameter. Pure functions, thread-safe.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "server/net/request.h"

namespace ticketd::net {

enum class ParamType : std::uint8_t {
    kEventName,
    kKey,
    kMemo,
    kState,       ///< the state of an order
    kQuantity,    ///< integer, 1 to limits::kQuantity
    kCapacity,    ///< integer, 0 to limits::kCapacity
    kDelta,       ///< integer, -limits::kCapacity to limits::kCapacity
    kRows,        ///< integer, 1 to limits::kRows
    kLsn,         ///< integer, 0 to limits::kInteger
    kUserId,      ///< integer, 0 to 2^32 - 1
    kTime,        ///< integer, milliseconds since 1970, 0 to limits::kCounterAtStart
    kTtl,         ///< integer, milliseconds, 1 to limits::kHoldMsMax
    kWait,        ///< integer, milliseconds, 0 to limits::kWaitMsMax
    kOrderLimit,  ///< integer, 0 to limits::kQuantity
    kLine,        ///< "strict" or "fit"
    kFlag,        ///< true or false
    kBind,        ///< "connection", "pid" or "pid:NUMBER"
    kBuyerLimit,  ///< integer, 0 to limits::kBuyerLimit
    kBuyerName,   ///< 1 to limits::kBuyerNameBytes
    kUserOrName,  ///< a kUserId or a kBuyerName
    kBuyers,      ///< "uid" or "claimed"
    kNames,       ///< array of kEventName
    kRequests,    ///< array of 1 to limits::kBatchRequestsMax objects
    kSerials,     ///< array of 1 to limits::kQuantity integers, each once
};

struct ParamSpec {
    std::string_view name;
    ParamType type;
    bool required = false;
};

/// The states of an order, in words.
inline constexpr std::array<std::string_view, 5> kOrderStates{"held", "sold", "released", "expired",
                                                              "cancelled"};

/// Name of the JSON type, and the range of integers, for descriptions of methods.
struct ParamTypeInfo {
    std::string_view json_type;
    std::uint64_t min = 0;
    std::uint64_t max = 0;
    bool is_signed = false;  ///< the minimum is -max
};
ParamTypeInfo param_type_info(ParamType type);

/// Checked parameters, by the index of their spec. Views into the Request.
class Params {
  public:
    static constexpr std::size_t kMax = 10;

    const Value* at(std::size_t index) const { return values_[index]; }
    bool has(std::size_t index) const { return values_[index] != nullptr; }
    std::uint64_t integer(std::size_t index, std::uint64_t otherwise) const {
        return has(index) ? values_[index]->number : otherwise;
    }
    std::optional<bool> flag(std::size_t index) const {
        return has(index) ? std::optional{values_[index]->number != 0} : std::nullopt;
    }
    /// Of kDelta and what is measured in milliseconds.
    std::optional<std::int64_t> signed_integer(std::size_t index) const {
        if (!has(index)) return std::nullopt;
        const auto magnitude = static_cast<std::int64_t>(values_[index]->number);
        return values_[index]->is_negative ? -magnitude : magnitude;
    }
    /// Of kNames.
    std::vector<std::string> names(std::size_t index) const;
    /// Of kSerials, ascending; empty if it was left out.
    std::vector<std::uint64_t> serials(std::size_t index) const;
    std::string_view text(std::size_t index) const {
        return has(index) ? std::string_view{values_[index]->text} : std::string_view{};
    }

  private:
    friend std::optional<std::string> check_params(const Request&, std::span<const ParamSpec>,
                                                   Params&);
    const Value* values_[kMax] = {};
};

/// What a stranger called a parameter, fit to be repeated in a message.
std::string shown(std::string_view name);

/// Fills `params`; returns what is wrong, or nothing. An argument that is null by position counts
/// as left out, because later ones cannot be given otherwise; null by name is a wrong type.
std::optional<std::string> check_params(const Request& request, std::span<const ParamSpec> specs,
                                        Params& params);

}  // namespace ticketd::net
