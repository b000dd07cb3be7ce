#include "server/net/request.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <optional>

#include "common/json_slice.h"
#include "common/limits.h"
#include "server/net/plain_request.h"

namespace ticketd::net {
namespace {

using Json = nlohmann::json;

// Receives the events of one value. Depth 1 is inside the envelope, depth 2 inside "params"; what
// lies deeper is only counted.
class RequestHandler final : public nlohmann::json_sax<Json> {
  public:
    explicit RequestHandler(std::size_t depth_max) : depth_max_(depth_max) {}

    bool null() override { return take({ValueKind::kNull, false, 0, {}}); }
    bool boolean(bool flag) override { return take({ValueKind::kBool, false, flag, {}}); }
    bool number_integer(std::int64_t number) override {
        // nlohmann reports negative literals here, -0 among them.
        const auto magnitude = std::uint64_t{0} - static_cast<std::uint64_t>(number);
        return take({ValueKind::kInteger, true, magnitude, {}});
    }
    bool number_unsigned(std::uint64_t number) override {
        return take({ValueKind::kInteger, false, number, {}});
    }
    bool number_float(double, const std::string&) override {
        return take({ValueKind::kNotInteger, false, 0, {}});
    }
    bool string(std::string& text) override {
        return take({ValueKind::kString, false, 0, std::move(text)});
    }
    bool binary(Json::binary_t&) override { return false; }

    bool start_object(std::size_t) override { return open(ValueKind::kObject); }
    bool start_array(std::size_t) override { return open(ValueKind::kArray); }
    bool end_object() override { return close(); }
    bool end_array() override { return close(); }

    bool key(std::string& name) override {
        if (depth_ == 1) begin_member(name);
        if (depth_ == 2 && in_params()) param_name_ = std::move(name);
        return true;
    }

    bool parse_error(std::size_t position, const std::string&,
                     const Json::exception& error) override {
        constexpr int kNumberOutOfRange = 406;
        if (error.id == kNumberOutOfRange) {
            number_out_of_range_ = true;
            return false;
        }
        // The library's own text quotes the input, which need not even be UTF-8.
        parse_problem_ = "not JSON at byte " + std::to_string(position);
        return false;
    }

    RequestResult finish(std::string_view text) &&;

  private:
    enum class Member : std::uint8_t { kNone, kVersion, kMethod, kParams, kId, kOther };

    bool in_params() const { return member_ == Member::kParams; }
    void begin_member(const std::string& name);
    bool take(Value value);
    bool open(ValueKind kind);
    bool close() {
        --depth_;
        return true;
    }
    void set_member(Value value);
    void add_param(Value value);
    void keep_nested(std::string_view text);
    void complain(const char* problem) {
        if (problem_.empty()) problem_ = problem;
    }

    const std::size_t depth_max_;
    std::size_t depth_ = 0;
    Member member_ = Member::kNone;
    unsigned seen_ = 0;  // bit by Member
    std::size_t members_ = 0;
    std::optional<std::size_t> id_at_, params_at_;  // which members they are
    std::optional<Value> id_, method_, version_;
    Request request_;
    std::string param_name_;
    std::string problem_;
    std::string parse_problem_;
    bool number_out_of_range_ = false;
};

// Whether `name` is a member of the envelope in wrong case. To ignore it like other unknown members
// would do something else than was asked for.
bool is_misspelt(std::string_view name) {
    constexpr std::array<std::string_view, 4> kMembers{"jsonrpc", "method", "params", "id"};
    const auto matches = [name](std::string_view member) {
        return std::equal(name.begin(), name.end(), member.begin(), member.end(),
                          [](char a, char b) { return (a | 0x20) == b; });
    };
    return std::any_of(kMembers.begin(), kMembers.end(), matches);
}

void RequestHandler::begin_member(const std::string& name) {
    member_ = name == "jsonrpc"  ? Member::kVersion
              : name == "method" ? Member::kMethod
              : name == "params" ? Member::kParams
              : name == "id"     ? Member::kId
                                 : Member::kOther;
    ++members_;
    if (member_ == Member::kOther) {
        if (is_misspelt(name)) complain("members of the request are written in lower case");
        return;
    }
    const auto bit = 1U << static_cast<unsigned>(member_);
    if ((seen_ & bit) != 0) complain("a member of the request appears twice");
    seen_ |= bit;
    if (member_ == Member::kId) id_at_ = members_ - 1;
    if (member_ == Member::kParams) params_at_ = members_ - 1;
}

bool RequestHandler::take(Value value) {
    if (depth_ == 0) complain("a request is an object");
    if (depth_ == 1) set_member(std::move(value));
    if (depth_ == 2 && in_params()) add_param(std::move(value));
    return true;
}

bool RequestHandler::open(ValueKind kind) {
    if (depth_ == 0 && kind == ValueKind::kArray) complain("a batch within a batch");
    if (depth_ == 1 && in_params()) {
        request_.by_position = kind == ValueKind::kArray;
        param_name_.clear();
    } else if (depth_ == 1) {
        set_member({kind, false, 0, {}});
    } else if (depth_ == 2 && in_params()) {
        add_param({kind, false, 0, {}});
    }
    if (++depth_ > depth_max_) complain("nested deeper than 16 levels");
    return true;
}

void RequestHandler::set_member(Value value) {
    switch (member_) {
        case Member::kVersion: version_ = std::move(value); break;
        case Member::kMethod: method_ = std::move(value); break;
        case Member::kId: id_ = std::move(value); break;
        case Member::kParams:
            // 1.0 clients send null for none.
            if (value.kind != ValueKind::kNull) complain("params must be an object or an array");
            break;
        default: break;
    }
}

void RequestHandler::add_param(Value value) {
    if (request_.params.size() >= limits::kParams) {
        complain("more params than any method takes");
        return;
    }
    request_.params.push_back({std::move(param_name_), std::move(value)});
    param_name_.clear();
}

std::string_view nth_member(std::string_view text, std::size_t index) {
    JsonSlice slice{text};
    for (; index > 0; --index)
        static_cast<void>(slice.next());
    const auto item = slice.next();
    return item ? item->value : "null";
}

// Arrays and objects among the parameters are kept as they stand.
void RequestHandler::keep_nested(std::string_view text) {
    const auto is_nested = [](const Param& param) {
        return param.value.kind == ValueKind::kArray || param.value.kind == ValueKind::kObject;
    };
    auto& params = request_.params;
    if (!params_at_ || std::none_of(params.begin(), params.end(), is_nested)) return;
    JsonSlice slice{nth_member(text, *params_at_)};
    for (auto& param : params) {
        const auto item = slice.next();
        if (item && is_nested(param)) param.value.text = item->value;
    }
}

RequestResult RequestHandler::finish(std::string_view text) && {
    if (!parse_problem_.empty()) {
        return RequestFault{ErrorKind::kParseError, std::move(parse_problem_), {}};
    }
    auto& envelope = request_.envelope;
    envelope.is_version_2 = version_.has_value() || (seen_ == 0 && members_ == 0);
    const bool scalar_id =
        id_ && (id_->kind == ValueKind::kString || id_->kind == ValueKind::kNull ||
                id_->kind == ValueKind::kInteger || id_->kind == ValueKind::kNotInteger);
    if (id_ && scalar_id) envelope.id = nth_member(text, *id_at_);
    if (number_out_of_range_) {
        return RequestFault{ErrorKind::kInvalidParams, "a number beyond any range", envelope};
    }
    if (id_ && !scalar_id) complain("id must be a string, a number or null");
    if (version_ && (version_->kind != ValueKind::kString || version_->text != "2.0")) {
        complain("jsonrpc must be \"2.0\"");
    }
    if (!method_ || method_->kind != ValueKind::kString) complain("method must be a string");
    if (!problem_.empty()) {
        return RequestFault{ErrorKind::kInvalidRequest, std::move(problem_), envelope};
    }
    // A 1.0 notification has the id null, a 2.0 notification none.
    envelope.wants_reply =
        id_.has_value() && (envelope.is_version_2 || id_->kind != ValueKind::kNull);
    request_.method = std::move(method_->text);
    keep_nested(text);
    return std::move(request_);
}

}  // namespace

RequestResult read_any_request(std::string_view text, std::size_t depth) {
    RequestHandler handler{limits::kDepth - depth};
    Json::sax_parse(text.begin(), text.end(), &handler);
    return std::move(handler).finish(text);
}

RequestResult read_request(std::string_view text, std::size_t depth) {
    if (auto plain = read_plain_request(text)) return *std::move(plain);
    return read_any_request(text, depth);
}

BatchResult split_batch(std::string_view text, std::size_t requests_max) {
    if (!Json::accept(text.begin(), text.end())) {
        return RequestFault{ErrorKind::kParseError, "the batch is not JSON", {}};
    }
    std::vector<std::string_view> requests;
    JsonSlice slice{text};
    while (const auto item = slice.next()) {
        if (requests.size() >= requests_max) {
            return RequestFault{
                ErrorKind::kInvalidRequest,
                "a batch holds at most " + std::to_string(requests_max) + " requests",
                {}};
        }
        requests.push_back(item->value);
    }
    if (requests.empty()) {
        return RequestFault{ErrorKind::kInvalidRequest, "an empty batch", {}};
    }
    return requests;
}

}  // namespace ticketd::net
