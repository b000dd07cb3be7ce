// Appends JSON to a string, for replies built by hand from known fields: no DOM, no allocation but
// the string's own. It does not check that members are balanced or unique; its callers are the
// functions that write one known object each, and their tests parse what they wrote.
// Not thread-safe; the string must outlive the writer.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace ticketd {

class JsonWriter {
  public:
    explicit JsonWriter(std::string& out) : out_(out) {}

    JsonWriter& begin_object();
    JsonWriter& end_object();
    JsonWriter& begin_array();
    JsonWriter& end_array();

    /// Writes the name of the next value. Names are ours and need no escaping.
    JsonWriter& name(std::string_view member);

    JsonWriter& value(std::uint64_t number);
    JsonWriter& value(std::int64_t number);
    JsonWriter& value(bool flag);
    /// Quotes and escapes; `text` must be valid UTF-8 for the result to be JSON.
    JsonWriter& value(std::string_view text);
    JsonWriter& null();
    /// Appends text that already is a JSON value.
    JsonWriter& raw(std::string_view json);

    template <typename T>
    JsonWriter& member(std::string_view member_name, T member_value) {
        return name(member_name).value(member_value);
    }
    JsonWriter& member(std::string_view member_name, const char* text) {
        return name(member_name).value(std::string_view{text});
    }
    JsonWriter& member(std::string_view member_name, int number) {
        return name(member_name).value(std::int64_t{number});
    }

  private:
    void separate();

    std::string& out_;
    bool first_ = true;  // no comma before the next value or name
};

}  // namespace ticketd
