// How deep and how wide a JSON text is, found without building anything of it: readers and writers
// of JSON that call themselves for each level, or look through all members for each member, must
// not be handed whatever a server sends. Thread-safe, no state; never throws.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace ticketd::client {

struct JsonShape {
    std::size_t depth = 0;        ///< of nested arrays and objects
    std::size_t members_max = 0;  ///< of the widest object
};

/// Nothing if `text` is not valid JSON.
std::optional<JsonShape> shape_of(std::string_view text);

}  // namespace ticketd::client
