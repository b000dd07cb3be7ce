#include "client/json_shape.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <vector>

namespace ticketd::client {
namespace {

using nlohmann::json;

class ShapeHandler final : public nlohmann::json_sax<json> {
  public:
    bool null() override { return true; }
    bool boolean(bool) override { return true; }
    bool number_integer(std::int64_t) override { return true; }
    bool number_unsigned(std::uint64_t) override { return true; }
    bool number_float(double, const std::string&) override { return true; }
    bool string(std::string&) override { return true; }
    bool binary(json::binary_t&) override { return false; }

    bool start_object(std::size_t) override { return open(); }
    bool start_array(std::size_t) override { return open(); }
    bool end_object() override { return close(); }
    bool end_array() override { return close(); }
    bool key(std::string&) override {
        shape.members_max = std::max(shape.members_max, ++members_.back());
        return true;
    }
    bool parse_error(std::size_t, const std::string&, const json::exception&) override {
        return false;
    }

    JsonShape shape;

  private:
    bool open() {
        members_.push_back(0);
        shape.depth = std::max(shape.depth, members_.size());
        return true;
    }
    bool close() {
        members_.pop_back();
        return true;
    }

    std::vector<std::size_t> members_;  // so far, of each level that is open
};

}  // namespace

std::optional<JsonShape> shape_of(std::string_view text) {
    ShapeHandler handler;
    if (!json::sax_parse(text, &handler)) return std::nullopt;
    return handler.shape;
}

}  // namespace ticketd::client
