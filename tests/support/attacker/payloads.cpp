#include "tests/support/attacker/payloads.h"

namespace ticketd::attacker {
namespace {

std::string request_with(const std::string& value) {
    return R"({"jsonrpc":"2.0","id":1,"method":"purchase","params":{"quantity":)" + value + "}}\n";
}

std::string times(const std::string& part, std::size_t bytes) {
    std::string all;
    all.reserve(bytes + part.size());
    while (all.size() < bytes)
        all += part;
    return all;
}

std::string members(std::size_t bytes) {
    std::string all = "{\"a\":0";
    for (int i = 1; all.size() < bytes; ++i)
        all += ",\"a" + std::to_string(i) + "\":1";
    return all + "}";
}

std::string deep(std::size_t bytes) {
    return std::string(bytes / 2, '[') + std::string(bytes / 2, ']');
}

}  // namespace

std::vector<Payload> bombs(std::size_t bytes) {
    const auto room = bytes - 128;  // for what is around the value
    return {
        {"depth", request_with(deep(room))},
        {"members", request_with(members(room))},
        {"digits", request_with(std::string(room, '9'))},
        {"fraction", request_with("0." + std::string(room, '1'))},
        {"exponent", request_with("1e" + std::string(room, '9'))},
        {"escapes", request_with('"' + times("\\u00e9", room) + '"')},
        {"id", R"({"jsonrpc":"2.0","method":"ping","id":")" + std::string(room, 'i') + "\"}\n"},
        {"batch", "[" + times("1,", room) + "1]\n"},
        {"lines", times("x\n", room)},
        {"pings", times(R"({"method":"ping","id":1})", room)},
        {"notifications", times(R"({"jsonrpc":"2.0","method":"ping"})", room)},
    };
}

}  // namespace ticketd::attacker
