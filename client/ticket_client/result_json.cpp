#include "client/ticket_client/result_json.h"

#include <algorithm>

#include "client/json_shape.h"
#include "common/limits.h"

namespace ticketd::client {
namespace {

// Each member is looked for among all, so an object without end would take time without end.
constexpr std::size_t kMembersMax = 1000;
constexpr std::size_t kColumnsMax = 64;

}  // namespace

std::optional<Json> read_result(std::string_view result) {
    const auto shape = shape_of(result);
    if (!shape || shape->depth > limits::kReplyDepth || shape->members_max > kMembersMax) {
        return std::nullopt;
    }
    return Json::parse(result);
}

bool is_table(const Json& value) {
    return value.is_array() && !value.empty() &&
           std::all_of(value.begin(), value.end(), [](const Json& row) { return row.is_object(); });
}

std::optional<std::vector<std::string>> columns(const Json& table) {
    std::vector<std::string> names;
    for (const auto& row : table) {
        for (const auto& [name, value] : row.items()) {
            if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
        }
        if (names.size() > kColumnsMax) return std::nullopt;
    }
    return names;
}

}  // namespace ticketd::client
