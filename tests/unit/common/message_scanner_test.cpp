#include "common/message_scanner.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace {

using ticketd::MessageScanner;
using Status = MessageScanner::Status;

/// Feeds `parts` one after the other; what comes out, malformed input as "!", too large as "#".
std::vector<std::string> scan(const std::vector<std::string>& parts, std::size_t max = 1000) {
    MessageScanner scanner{max};
    std::vector<std::string> found;
    std::string pending;
    const auto drain = [&](auto step) {
        for (;;) {
            const auto result = step();
            if (result.status == Status::kMessage) found.emplace_back(result.message);
            if (result.status == Status::kMalformed) found.emplace_back("!");
            if (result.status == Status::kTooLarge) found.emplace_back("#");
            pending.erase(0, result.consumed);
            if (result.status == Status::kNeedMore || result.status == Status::kTooLarge) return;
        }
    };
    for (const auto& part : parts) {
        pending += part;
        drain([&] { return scanner.scan(pending); });
        if (!found.empty() && found.back() == "#") return found;
    }
    drain([&] { return scanner.finish(pending); });
    return found;
}

using Messages = std::vector<std::string>;

}  // namespace

TEST_CASE("every message is found however the stream is cut in two") {
    const std::string stream = std::string{"\0 {\"a\":[1,{\"b\":\"}\\\"]\"}]}\r\n", 27} +
                               "[1,2]{\"c\" : \n {} }\t\"s\\\\\" 12 true null -1.5e3\n{\"last\":0}";
    const Messages expected{R"({"a":[1,{"b":"}\"]"}]})",
                            "[1,2]",
                            "{\"c\" : \n {} }",
                            R"("s\\")",
                            "12",
                            "true",
                            "null",
                            "-1.5e3",
                            R"({"last":0})"};
    CHECK(scan({stream}) == expected);
    for (std::size_t cut = 0; cut <= stream.size(); ++cut) {
        CAPTURE(cut);
        CHECK(scan({stream.substr(0, cut), stream.substr(cut)}) == expected);
    }
}

TEST_CASE("every message is found when bytes come one at a time") {
    const std::string stream = R"({"a":"\u0022{["}[[]] 7 {"b":1})";
    std::vector<std::string> bytes;
    for (const char c : stream)
        bytes.emplace_back(1, c);
    CHECK(scan(bytes) == Messages{R"({"a":"\u0022{["})", "[[]]", "7", R"({"b":1})"});
}

TEST_CASE("a complete value is found at once, without a newline behind it") {
    MessageScanner scanner{1000};
    const auto result = scanner.scan("{}");
    CHECK(result.status == Status::kMessage);
    CHECK(result.message == "{}");
    CHECK_FALSE(scanner.in_message());
}

TEST_CASE("after something that is no JSON the rest of the line is skipped") {
    CHECK(scan({"hello {\"a\":1}\n{\"b\":2}\n"}) == Messages{"!", R"({"b":2})"});
    CHECK(scan({"}\n{\"b\":2}"}) == Messages{"!", R"({"b":2})"});
    CHECK(scan({"\xef\xbb\xbf{}\n{\"b\":2}"}) == Messages{"!", R"({"b":2})"});
}

TEST_CASE("a control character inside a string is malformed at once") {
    CHECK(scan({"{\"a\":\"never closed\n{\"b\":2}\n"}) == Messages{"!", R"({"b":2})"});
    CHECK(scan({std::string{"{\"a\":\"x\0y\"}\n7\n", 14}}) == Messages{"!", "7"});
}

TEST_CASE("a stream that ends inside a value is malformed") {
    CHECK(scan({"{\"a\":"}) == Messages{"!"});
    CHECK(scan({"\"abc"}) == Messages{"!"});
    CHECK(scan({" \n"}).empty());
}

TEST_CASE("a message of exactly the maximum passes and one more byte does not") {
    const auto of_size = [](std::size_t size) { return "\"" + std::string(size - 2, 'x') + "\""; };
    CHECK(scan({of_size(99)}, 100) == Messages{of_size(99)});
    CHECK(scan({of_size(100)}, 100) == Messages{of_size(100)});
    CHECK(scan({of_size(101)}, 100) == Messages{"#"});
    CHECK(scan({"[" + std::string(500, ' ')}, 100) == Messages{"#"});
    CHECK(scan({std::string(500, '1')}, 100) == Messages{"#"});
}

TEST_CASE("blanks between messages count towards none") {
    CHECK(scan({std::string(500, '\n') + "{}"}, 100) == Messages{"{}"});
}

TEST_CASE("a message that has begun is known to be in progress") {
    MessageScanner scanner{1000};
    CHECK(scanner.scan("  \n").consumed == 3);
    CHECK_FALSE(scanner.in_message());
    CHECK(scanner.scan("  [1").consumed == 2);
    CHECK(scanner.in_message());
}
