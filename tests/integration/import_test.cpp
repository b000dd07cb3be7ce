// --import of the tutorial's db.txt, and events that the command line names.
#include <doctest/doctest.h>

#include "tests/support/daemon.h"

namespace ticketd::testing {
namespace {

TEST_SUITE_BEGIN("import");

TEST_CASE("the tutorial's file becomes the event default, once") {
    Daemon daemon;
    const auto file = daemon.scratch() / "db.txt";
    write_file(file, "{\"count\": 3}\n");
    daemon.options().arguments = {"--import", file};
    daemon.start();
    {
        auto rpc = daemon.connect();
        CHECK(rpc.result("query")["event"] == "default");
        CHECK(rpc.result("purchase")["available"] == 2);
    }
    CHECK(daemon.stop() == 0);
    write_file(file, "{\"count\": 99}\n");
    daemon.start();
    const auto counts = daemon.connect().result("query");
    CHECK(counts["capacity"] == 3);
    CHECK(counts["available"] == 2);
    CHECK(read_file(file) == "{\"count\": 99}\n");
}

TEST_CASE("a file that is not the tutorial's is refused") {
    for (const auto* text : {"", "{}", "{\"count\": -1}", "{\"count\": 1.5}", "{\"count\": \"3\"}",
                             "{\"count\": 3, \"more\": 1}", "[3]", "count"}) {
        CAPTURE(text);
        Daemon daemon;
        const auto file = daemon.scratch() / "db.txt";
        write_file(file, text);
        daemon.options().arguments = {"--import", file};
        daemon.launch();
        CHECK(daemon.wait() == 78);
        CHECK(daemon.log().find("configuration") != std::string::npos);
    }
}

TEST_CASE("events of the command line are created once and left as they are") {
    auto daemon = Daemon::with_events({"a=5", "b=0"});
    daemon.connect().result("purchase", {{"event", "a"}});
    CHECK(daemon.stop() == 0);
    daemon.options().arguments = {"--event", "a=50", "--event", "c=7"};
    daemon.start();
    CHECK(daemon.log().find("event a exists with capacity 5; left as it is") != std::string::npos);
    auto rpc = daemon.connect();
    CHECK(rpc.result("query", {{"event", "a"}})["available"] == 4);
    CHECK(rpc.result("query", {{"event", "c"}})["available"] == 7);
    CHECK(rpc.kind("purchase", {{"event", "b"}}) != "");
    CHECK(rpc.result("events")["events"].size() == 3);
}

TEST_SUITE_END();

}  // namespace
}  // namespace ticketd::testing
