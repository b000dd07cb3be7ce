#include "common/json_slice.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using ticketd::JsonSlice;
using ticketd::member_text;

TEST_CASE("a member is found as the bytes that were sent") {
    constexpr auto kObject = R"( { "id" : "\u0041,}" , "a":[1,{"id":2}],"n":-0.50e+1,"l":null } )";
    CHECK(member_text(kObject, "id") == R"("\u0041,}")");
    CHECK(member_text(kObject, "a") == R"([1,{"id":2}])");
    CHECK(member_text(kObject, "n") == "-0.50e+1");
    CHECK(member_text(kObject, "l") == "null");
    CHECK_FALSE(member_text(kObject, "x").has_value());
    CHECK_FALSE(member_text("[1]", "").has_value());
}

TEST_CASE("the elements of an array come in order") {
    JsonSlice slice{R"([ {"a":"]"} ,2 , "x\"," , [[]] ])"};
    std::vector<std::string> found;
    while (const auto item = slice.next())
        found.emplace_back(item->value);
    CHECK(found == std::vector<std::string>{R"({"a":"]"})", "2", R"("x\",")", "[[]]"});
}

TEST_CASE("text that is no JSON ends the walk and reads nothing beyond it") {
    for (const std::string text :
         {"", "{", "{\"", "{\"a", "{\"a\"", "{\"a\":", "[", "[,", "{1:2}", "[\"", "[{\"a\":\"\\"}) {
        CAPTURE(text);
        JsonSlice slice{text};
        for (int i = 0; i < 10 && slice.next(); ++i) {
        }
        CHECK_FALSE(member_text(text, "zz").has_value());
    }
}
