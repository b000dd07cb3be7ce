// ticket-client in Chinese: what people read is, whole; what programs read is not.
#include <doctest/doctest.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>

#include "tests/support/daemon.h"

namespace ticketd::testing {
namespace {

class Speaker {
  public:
    explicit Speaker(const Daemon& daemon, const std::string& locale = "zh_CN.UTF-8",
                     const std::string& list = "")
        : start_{"env",      "LC_ALL=",          "LC_MESSAGES=" + locale,
                 "LANG=",    "LANGUAGE=" + list, TICKET_CLIENT_BINARY,
                 "--socket", daemon.socket()} {}

    std::string operator()(const std::vector<std::string>& words) const {
        auto all = start_;
        all.insert(all.end(), words.begin(), words.end());
        return run(all).output;
    }

  private:
    std::vector<std::string> start_;  // with these variables, whatever they were before
};

// The event of these tests has a number as its name, and their keys have too.
bool has_english(std::string text) {
    // A time is no word.
    for (std::size_t at = 1; at + 1 < text.size(); ++at) {
        const bool is_of_time = std::isdigit(static_cast<unsigned char>(text[at - 1])) != 0;
        if ((text[at] == 'T' || text[at] == 'Z') && is_of_time) text[at] = ' ';
    }
    return std::any_of(text.begin(), text.end(),
                       [](unsigned char c) { return c < 0x80 && std::isalpha(c) != 0; });
}

TEST_SUITE_BEGIN("client");

TEST_CASE("in Chinese no sentence is half English") {
    auto daemon = Daemon::with_events({"1=20", "2=5"});
    const Speaker speak{daemon};
    for (const std::vector<std::string>& words : std::initializer_list<std::vector<std::string>>{
             {"buy", "3", "--event", "1", "--key", "1", "--memo", "1"},
             {"buy", "3", "--event", "1", "--key", "1", "--memo", "1"},
             {"buy", "99", "--min", "1", "--event", "2", "--key", "2"},
             {"buy", "--dry-run", "--event", "1"},
             {"hold", "2", "--event", "1", "--ttl", "90s", "--key", "3"},
             {"extend", "5", "--ttl", "1h", "--key", "4"},
             {"confirm", "5", "1", "--key", "5"},
             {"hold", "--event", "1", "--pid", std::to_string(::getpid()), "--key", "6"},
             {"release", "8", "--key", "7"},
             {"cancel", "3", "1", "--key", "8"},
             {"abandon", "9"},
             {"event", "update", "1", "--opens", "now", "--line", "fit", "--auto-close", "yes"},
             {"event", "resize", "1", "30"},
             {"event", "pause", "1"},
             {"event", "resume", "1"},
             {"event", "create", "3", "4", "--slots", "--closes", "+30d", "--buyer-limit", "3"},
             {"hold", "--event", "3", "--key", "10"},
             {"event", "create", "4", "4", "--buyers", "claimed", "--order-limit", "2"},
             {"event", "close", "3", "--void-holds"},
             {"query", "1"},
             {"events"},
             {"order", "3"},
             {"orders", "--limit", "2"},
             {"ledger", "read", "--limit", "1000"},
             {"ledger", "verify"},
             {"report", "--per", "event"},
             {"report", "--per", "buyer"},
             {"report", "--per", "hour"},
             {"stats"},
             {"ping"},
             {"watch", "--since", "0", "--output", "text", "--until", "lsn=9"}}) {
        std::string line;
        for (const auto& word : words)
            line += word + ' ';
        CAPTURE(line);
        const auto text = speak(words);
        CAPTURE(text);
        CHECK_FALSE(text.empty());
        CHECK_FALSE(has_english(text));
    }
}

TEST_CASE("what programs read is the same in every language") {
    auto daemon = Daemon::with_events({"demo=5"});
    const Speaker chinese{daemon}, english{daemon, "C"};
    english({"buy"});
    for (const auto* format : {"json", "env", "tsv"}) {
        for (const std::string verb : {"query", "events", "orders"}) {
            CHECK(chinese({verb, "--output", format}) == english({verb, "--output", format}));
        }
    }
}

TEST_CASE("LANGUAGE decides before the locale, but not in the C locale") {
    auto daemon = Daemon::with_events({"demo=5"});
    const auto is_chinese = [&](const std::string& locale, const std::string& list) {
        return Speaker{daemon, locale, list}({"query"}).find("\u5269\u4f59") != std::string::npos;
    };
    CHECK(is_chinese("zh_SG.UTF-8", ""));
    CHECK(is_chinese("zh_Hans", ""));
    CHECK(is_chinese("en_US.UTF-8", "zh_CN:en"));
    CHECK(is_chinese("de_DE.UTF-8", "de:zh"));
    CHECK_FALSE(is_chinese("zh_CN.UTF-8", "en:zh_CN"));
    CHECK_FALSE(is_chinese("C", "zh_CN"));
    CHECK(is_chinese("C.UTF-8", "zh_CN"));
    CHECK_FALSE(is_chinese("C.UTF-8", ""));
    CHECK_FALSE(is_chinese("POSIX", "zh_CN"));
    CHECK_FALSE(is_chinese("", "zh_CN"));
}

TEST_SUITE_END();

}  // namespace
}  // namespace ticketd::testing
