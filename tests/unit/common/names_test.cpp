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

TEST_CASE("a UUID of version 7 says when it was made, and no other key does") {
    // The example of RFC 9562, appendix A.6: 2022-02-22 19:22:22 UTC.
    CHECK(ticketd::key_time_ms("017F22E2-79B0-7CC3-98C4-DC0C0C07398F") == 1'645'557'742'000);
    CHECK(ticketd::key_time_ms("017f22e2-79b0-7cc3-b8c4-dc0c0c07398f") == 1'645'557'742'000);
    for (const auto* key : {"017f22e2-79b0-4cc3-98c4-dc0c0c07398f",  // version 4
                            "017f22e2-79b0-7cc3-58c4-dc0c0c07398f",  // another variant
                            "017f22e2079b0-7cc3-98c4-dc0c0c07398f",  // no dash
                            "017f22e2-79b0-7cc3-98c4-dc0c0c07398",   // too short
                            "g17f22e2-79b0-7cc3-98c4-dc0c0c07398f",  // no hex digit
                            "order-17"}) {
        CAPTURE(key);
        CHECK_FALSE(ticketd::key_time_ms(key).has_value());
    }
}
