#include "client/ticket_client/arguments.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "client/ticket_client/help.h"

namespace ticketd::client {
namespace {

Outcome<Arguments> parse(std::vector<std::string> words) {
    words.insert(words.begin(), "ticket-client");
    std::vector<char*> argv;
    for (auto& word : words)
        argv.push_back(word.data());
    argv.push_back(nullptr);
    return parse_arguments(static_cast<int>(words.size()), argv.data());
}

Arguments parsed(const std::vector<std::string>& words) {
    const auto outcome = parse(words);
    REQUIRE(std::holds_alternative<Arguments>(outcome));
    return std::get<Arguments>(outcome);
}

}  // namespace

TEST_CASE("every verb is found by its name") {
    for (const auto& verb : all_verbs()) {
        std::vector<std::string> words;
        const std::string name{verb.name};
        const auto blank = name.find(' ');
        words.push_back(name.substr(0, blank));
        if (blank != std::string::npos) words.push_back(name.substr(blank + 1));
        for (std::size_t i = 0; i < verb.operands_min; ++i)
            words.emplace_back("1");
        CAPTURE(name);
        const auto arguments = parsed(words);
        CHECK(arguments.verb->verb == verb.verb);
        CHECK(arguments.operands.size() == verb.operands_min);
    }
    CHECK(parsed({"buy"}).verb->verb == Verb::kPurchase);
}

TEST_CASE("every option that a verb names exists") {
    for (const auto& verb : all_verbs()) {
        for (const char letter : verb.options) {
            int found = 0;
            for (const auto& option : all_options())
                found += option.letter == letter ? 1 : 0;
            CHECK(found == 1);
        }
    }
}

TEST_CASE("a difference of the capacity is refused with its range") {
    const auto by = [](const std::string& number) {
        return parse({"event", "resize", "demo", "--by", number});
    };
    CHECK(std::get<Arguments>(by("-1000000000000")).by == -1'000'000'000'000);
    CHECK(std::get<Arguments>(by("+1000000000000")).by == 1'000'000'000'000);
    for (const std::string wrong : {"0", "-0", "1000000000001", "9223372036854775807", "1.5"}) {
        CAPTURE(wrong);
        const auto outcome = by(wrong);
        const auto* failure = failure_of(outcome);
        REQUIRE(failure != nullptr);
        CHECK(failure->exit_code == 64);
        CHECK(failure->message.find("from 1 to 1000000000000, or one with a minus") !=
              std::string::npos);
    }
}

TEST_CASE("global options are taken before and after the verb") {
    const std::vector<std::vector<std::string>> lines{
        {"--socket", "/s", "--json", "-q", "--timeout", "1.5s", "purchase", "3"},
        {"purchase", "3", "--socket=/s", "--json", "--quiet", "--timeout=1500ms"},
        {"--json", "purchase", "--socket", "/s", "3", "-q", "--timeout", "1.5s"},
    };
    for (const auto& line : lines) {
        const auto arguments = parsed(line);
        CHECK(arguments.verb->verb == Verb::kPurchase);
        CHECK(arguments.operands == std::vector<std::string>{"3"});
        CHECK(arguments.socket == "/s");
        CHECK(arguments.output == Output::kJson);
        CHECK(arguments.is_quiet);
        CHECK(arguments.timeout == std::chrono::milliseconds{1500});
    }
}

TEST_CASE("the last of several formats counts, and only known ones do") {
    CHECK_FALSE(parsed({"query"}).output);
    CHECK(parsed({"query", "--output", "env"}).output == Output::kEnv);
    CHECK(parsed({"query", "--json", "--output=tsv"}).output == Output::kTsv);
    CHECK(parsed({"query", "--output=text", "--json"}).output == Output::kJson);
    const auto unknown = parse({"query", "--output", "yaml"});
    REQUIRE(failure_of(unknown) != nullptr);
    CHECK(failure_of(unknown)->exit_code == client_exit::kUsage);
}

TEST_CASE("options of a verb reach their place") {
    const auto purchase = parsed(
        {"buy", "3", "--event", "e", "--min", "2", "--key", "k", "--memo", "for the children"});
    CHECK(purchase.event == "e");
    CHECK(purchase.min == 2);
    CHECK(purchase.key == "k");
    CHECK(purchase.memo == "for the children");

    const auto orders =
        parsed({"orders", "--buyer", "1000", "--state", "sold", "--after", "7", "--limit", "10"});
    CHECK(orders.buyer == "1000");
    CHECK(orders.state == "sold");
    CHECK(orders.after == 7);
    CHECK(orders.limit == 10);

    CHECK(parsed({"ledger", "read", "--from", "9"}).from == 9);
    CHECK(parsed({"ping", "--wait-ready", "5s"}).wait_ready == std::chrono::seconds{5});
}

TEST_CASE("words after -- and a lone - are operands") {
    CHECK(parsed({"call", "ping", "-"}).operands.back() == "-");
    CHECK(parsed({"call", "--", "ping", "--json"}).operands.back() == "--json");
}

TEST_CASE("help and version need nothing else") {
    CHECK(parsed({"--help"}).show == Arguments::Show::kHelp);
    CHECK(parsed({"--help"}).verb == nullptr);
    CHECK(parsed({"event", "create", "-h"}).verb->verb == Verb::kEventCreate);
    CHECK(parsed({"--version"}).show == Arguments::Show::kVersion);
}

TEST_CASE("half a verb is told what goes with it") {
    const auto outcome = parse({"event"});
    REQUIRE(failure_of(outcome) != nullptr);
    CHECK(failure_of(outcome)->message ==
          "event needs one of: create, resize, update, pause, resume, close; try --help");
}

TEST_CASE("help is a verb, and of half a verb it is that of its group") {
    CHECK(parsed({"help"}).show == Arguments::Show::kHelp);
    CHECK(parsed({"help"}).verb == nullptr);
    CHECK(parsed({"help", "buy"}).verb->verb == Verb::kPurchase);
    CHECK(parsed({"help", "event", "close"}).verb->verb == Verb::kEventClose);
    CHECK(failure_of(parse({"help", "frobnicate"}))->message.starts_with("there is no verb"));
    for (const std::vector<std::string>& words : std::initializer_list<std::vector<std::string>>{
             {"ledger", "--help"}, {"help", "ledger"}, {"--help", "ledger"}}) {
        const auto help = parsed(words);
        CHECK(help.show == Arguments::Show::kHelp);
        REQUIRE(help.verb != nullptr);
        const auto text = help_text(help.verb);
        CHECK(text.find("ledger export") != std::string::npos);
        CHECK(text.find("ledger backup DIR") != std::string::npos);
        CHECK(text.find("event create") == std::string::npos);
    }
    CHECK(help_text(parsed({"event", "-h"}).verb).find("event resize") != std::string::npos);
}

TEST_CASE("a time to wait may be none, and one out of range is told the range") {
    using namespace std::chrono_literals;
    CHECK(parsed({"buy", "--wait", "0"}).wait == 0ms);
    CHECK(parsed({"buy", "--wait", "0s"}).wait == 0ms);
    CHECK(parsed({"buy", "--wait", "1h30m"}).wait == 90min);
    CHECK(parsed({"hold", "--ttl", "31d"}).ttl == 31 * 24h);
    const auto message = [](const std::vector<std::string>& words) {
        const auto outcome = parse(words);
        return failure_of(outcome) == nullptr ? "" : failure_of(outcome)->message;
    };
    CHECK(message({"hold", "--ttl", "32d"}) == "--ttl is at most 31d, not '32d'");
    CHECK(message({"buy", "--wait", "25h"}) == "--wait is at most 1d, not '25h'");
    CHECK(message({"hold", "--ttl", "0s"}) == "--ttl is at least 1ms, not '0s'; try --help");
    CHECK(message({"query", "--timeout", "0"}) == "--timeout is at least 1ms, not '0'; try --help");
    CHECK(message({"query", "--timeout", "999999d"}) == "--timeout is at most 365d, not '999999d'");
    CHECK(failure_of(parse({"hold", "--ttl", "32d"}))->exit_code == client_exit::kBadInput);
    CHECK(message({"buy", "--wait", "5"}).starts_with("--wait needs a time with its unit"));
}

TEST_CASE("an option that there is not is called by its word, and a number by what it is") {
    const auto message = [](const std::vector<std::string>& words) {
        const auto outcome = parse(words);
        return failure_of(outcome) == nullptr ? "" : failure_of(outcome)->message;
    };
    for (const std::string word : {"-1", "-15"}) {
        CHECK(message({"buy", word}) ==
              "'" + word + "' is no quantity: a number here has no sign; try --help");
        CHECK(message({word, "buy"}) ==
              "'" + word + "' is no quantity: a number here has no sign; try --help");
    }
    CHECK(message({"buy", "-xyz"}) == "there is no option '-xyz'; try --help");
    CHECK(message({"buy", "--frob"}) == "there is no option '--frob'; try --help");
    CHECK(message({"query", "--socket", ""}) == "--socket needs a path, not ''; try --help");
}

TEST_CASE("what is not understood is a usage error of one line") {
    const std::vector<std::vector<std::string>> lines{
        {},
        {"frobnicate"},
        {"event"},
        {"event", "destroy"},
        {"query", "a", "b"},
        {"event", "create", "a"},
        {"event", "create", "a", "1", "2"},
        {"call"},
        {"--frob", "query"},
        {"-x", "query"},
        {"query", "-1"},
        {"query", "--event"},
        {"--quiet=yes", "query"},
        {"query", "--limit", "3"},
        {"purchase", "--wait-ready", "1s"},
        {"--timeout", "5", "query"},
        {"--timeout", "0s", "query"},
        {"--timeout", "-1s", "query"},
        {"purchase", "--min", "2x"},
        {"purchase", "--min", "-1"},
        {"purchase", "--min", "1e3"},
        {"purchase", "--min", ""},
        {"orders", "--limit", "9007199254740992"},
        {"orders", "--after", "99999999999999999999"},
    };
    for (const auto& line : lines) {
        const auto outcome = parse(line);
        CAPTURE(line.size());
        CAPTURE((line.empty() ? std::string{} : line.back()));
        REQUIRE(failure_of(outcome));
        CHECK(failure_of(outcome)->kind == "usage");
        CHECK(failure_of(outcome)->exit_code == 64);
        CHECK(failure_of(outcome)->message.find('\n') == std::string::npos);
    }
}

}  // namespace ticketd::client
