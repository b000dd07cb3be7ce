// Finds parts of a JSON value as the bytes that were sent, so that an id is echoed and a result
// handed on untouched. Works on text that is known to be valid JSON and does not check it.
// Thread-safe, no state.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace ticketd {

/// Walks the members of an object or the elements of an array.
class JsonSlice {
  public:
    /// `text` must outlive the walk. Anything but an object or array has no items.
    explicit JsonSlice(std::string_view text);

    struct Item {
        std::string_view name;  ///< between its quotes, escapes and all; empty in an array
        std::string_view value;
    };
    std::optional<Item> next();

  private:
    std::string_view rest_;
    bool is_object_ = false;
};

/// The value of the member called `name`, the first if there are more. Names written with escapes
/// are not found.
std::optional<std::string_view> member_text(std::string_view object, std::string_view name);

}  // namespace ticketd
