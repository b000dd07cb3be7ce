#include "common/names.h"

#include <doctest/doctest.h>

#include <string>

TEST_CASE("event names are short words that need no quoting") {
    CHECK(ticketd::is_event_name("demo"));
    CHECK(ticketd::is_event_name("A.b_c:d-9"));
    CHECK(ticketd::is_event_name(std::string(64, 'x')));
    CHECK_FALSE(ticketd::is_event_name(std::string(65, 'x')));
    for (const std::string name : {"", "a b", "a/b", "ä", "a\n"}) {
        CAPTURE(name);
        CHECK_FALSE(ticketd::is_event_name(name));
    }
    CHECK_FALSE(ticketd::is_event_name(std::string{"a\0", 2}));
}

TEST_CASE("keys are printable and have no blanks") {
    CHECK(ticketd::is_key("018f-x!~"));
    CHECK(ticketd::is_key(std::string(128, 'k')));
    CHECK_FALSE(ticketd::is_key(std::string(129, 'k')));
    CHECK_FALSE(ticketd::is_key(""));
    CHECK_FALSE(ticketd::is_key("a b"));
    CHECK_FALSE(ticketd::is_key("a\x7f"));
}

TEST_CASE("memos hold text without control characters") {
    CHECK(ticketd::is_memo(""));
    CHECK(ticketd::is_memo("für 剩余 you"));
    CHECK(ticketd::is_memo(std::string(256, 'm')));
    CHECK_FALSE(ticketd::is_memo(std::string(257, 'm')));
    CHECK_FALSE(ticketd::is_memo("a\nb"));
    CHECK_FALSE(ticketd::is_memo("a\x1b[31m"));
}

TEST_CASE("well-formed UTF-8 is told from other bytes") {
    for (const std::string text : {"", "plain", "\xc3\xa4", "\xe5\x89\xa9", "\xf0\x9f\x8e\xab",
                                   "\xed\x9f\xbf", "\xee\x80\x80", "\xf4\x8f\xbf\xbf"}) {
        CAPTURE(text);
        CHECK(ticketd::is_utf8(text));
    }
    CHECK(ticketd::is_utf8(std::string{"a\0b", 3}));
    for (const std::string text :
         {"\x80", "\xc3", "\xc3(", "\xe5\x89", "\xe5\x89(", "\xc0\x80", "\xc1\xbf", "\xe0\x9f\xbf",
          "\xf0\x8f\xbf\xbf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xf8\x88\x80\x80\x80", "\xff"}) {
        CAPTURE(text);
        CHECK_FALSE(ticketd::is_utf8(text));
    }
}
