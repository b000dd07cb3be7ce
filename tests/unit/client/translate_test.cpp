#include "client/translate.h"

#include <doctest/doctest.h>

namespace ticketd::client {

TEST_CASE("the language is that of the locale, unless LANGUAGE names one that we speak") {
    struct Row {
        const char* locale;
        const char* list;
        const char* languages;
    };
    for (const auto& [locale, list, languages] : std::initializer_list<Row>{
             {"zh_CN.UTF-8", "", "zh_CN.UTF-8:zh_CN"},
             {"zh", "", "zh:zh_CN"},
             {"zh_SG", "", "zh_SG:zh_CN"},
             {"zh_Hans", "", "zh_Hans:zh_CN"},
             {"zh_CN@x", "", "zh_CN@x:zh_CN"},
             {"zhx_CN", "", ""},
             {"de_DE.UTF-8", "", ""},
             {"en_GB.UTF-8", "zh_CN", "zh_CN:zh_CN"},
             {"en_GB.UTF-8", "de:zh:en", "de:zh:zh_CN:en"},
             {"zh_CN.UTF-8", "en", ""},
             {"zh_CN.UTF-8", "en_US:zh_CN", ""},
             {"zh_CN.UTF-8", "C", ""},
             {"zh_CN.UTF-8", "de:fr", "zh_CN.UTF-8:zh_CN"},
             {"C.UTF-8", "zh_CN", "zh_CN:zh_CN"},
             {"C.UTF-8", "C:zh_CN", ""},
             {"C.UTF-8", "C.UTF-8:zh_CN", "C.UTF-8:zh_CN:zh_CN"},
             {"C.UTF-8", "", ""},
             {"zh_CN.UTF-8", ":", "zh_CN.UTF-8:zh_CN"},
         }) {
        CAPTURE(locale);
        CAPTURE(list);
        CHECK(languages_for(locale, list) == languages);
    }
}

TEST_CASE("in the C locale it is English, whatever LANGUAGE says") {
    for (const auto* locale : {"", "C", "POSIX"}) {
        CAPTURE(locale);
        CHECK(languages_for(locale, "zh_CN").empty());
    }
}

TEST_CASE("a sentence takes its values in its own order, and nothing from them") {
    CHECK(say("{2} {1}, {1}", {"{2}", "b"}) == "b {2}, {2}");
    CHECK(say("{3} {} {1", {"a"}) == "{3} {} {1");
    CHECK(say("", {}).empty());
}

}  // namespace ticketd::client
