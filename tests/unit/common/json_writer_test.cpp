#include "common/json_writer.h"

#include <doctest/doctest.h>

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

using ticketd::JsonWriter;

TEST_CASE("objects and arrays get their commas") {
    std::string out;
    JsonWriter json{out};
    json.begin_object().member("a", std::uint64_t{1}).name("b").begin_array();
    json.value(std::uint64_t{2}).value(std::int64_t{-3}).begin_object().end_object().end_array();
    json.member("c", true).name("d").null().member("e", "x").end_object();
    CHECK(out == R"({"a":1,"b":[2,-3,{}],"c":true,"d":null,"e":"x"})");
}

TEST_CASE("every byte of a text survives a JSON reader") {
    std::string text;
    for (int c = 0; c < 128; ++c)
        text += static_cast<char>(c);
    text += "剩余";
    std::string out;
    JsonWriter{out}.value(std::string_view{text});
    CHECK(nlohmann::json::parse(out).get<std::string>() == text);
    CHECK(out.find('\n') == std::string::npos);
    CHECK(out.find('\x1b') == std::string::npos);
}

TEST_CASE("the largest numbers are written whole") {
    std::string out;
    JsonWriter{out}.begin_array().value(UINT64_MAX).value(INT64_MIN).end_array();
    CHECK(out == "[18446744073709551615,-9223372036854775808]");
}
