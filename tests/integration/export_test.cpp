// The ledger as lines, and what it adds up to.
#include <doctest/doctest.h>
#include <unistd.h>

#include <algorithm>
#include <sstream>

#include "tests/support/daemon.h"
#include "tests/support/hostile.h"

namespace ticketd::testing {
namespace {

std::vector<std::string> lines_in(const std::string& text) {
    std::vector<std::string> lines;
    std::istringstream stream{text};
    for (std::string line; std::getline(stream, line);)
        lines.push_back(line);
    return lines;
}

// A bit of everything, in two events.
void live_a_little(Daemon& daemon) {
    auto rpc = daemon.connect();
    rpc.result("event.create", {{"name", "fair"}, {"capacity", 50}, {"buyers", "claimed"}});
    const auto bought = rpc.result("purchase", {{"event", "fair"},
                                                {"quantity", 4},
                                                {"buyer", "Zoe \"Z\", Inc."},
                                                {"memo", "row 1"}})["order"];
    rpc.result("cancel", {{"order", bought}, {"serials", {2, 4}}});
    const auto held = rpc.result("hold", {{"event", "fair"}, {"quantity", 3}, {"buyer", "Ann"}});
    rpc.result("confirm", {{"order", held["order"]}, {"quantity", 1}});
    rpc.result("hold", {{"event", "fair"}, {"quantity", 2}, {"buyer", "Ann"}});
    rpc.result("event.close", {{"name", "fair"}, {"void_holds", true}});
    rpc.result("purchase", {{"event", "demo"}});
}

TEST_SUITE_BEGIN("export");

TEST_CASE("every entry is exported, in JSON as it is told, over more than a page") {
    auto daemon = Daemon::with_events({"demo=5000"});
    auto rpc = daemon.connect();
    for (int i = 0; i < 1500; ++i)
        rpc.result("purchase");
    const auto exported = client(daemon, {"ledger", "export"});
    CHECK(exported.exit == 0);
    const auto lines = lines_in(exported.output);
    REQUIRE(lines.size() == 1501);
    for (std::size_t i = 0; i < lines.size(); ++i)
        REQUIRE(Json::parse(lines[i])["lsn"] == i + 1);
    CHECK(lines_in(client(daemon, {"ledger", "export", "--from", "1500"}).output).size() == 2);
}

TEST_CASE("CSV has the same columns in each line, and quotes what needs it") {
    auto daemon = Daemon::with_events({"demo=5"});
    live_a_little(daemon);
    const auto exported = client(daemon, {"ledger", "export", "--csv"});
    const auto lines = lines_in(exported.output);
    REQUIRE(lines.size() == 10);
    CHECK(lines[0].starts_with("lsn,type,time_ms,uid,event,order,"));
    CHECK(lines[3].find("\"Zoe \"\"Z\"\", Inc.\"") != std::string::npos);
    CHECK(lines[4].find(",2 4,") != std::string::npos);
    const auto commas = std::count(lines[0].begin(), lines[0].end(), ',');
    CHECK(std::count(lines[1].begin(), lines[1].end(), ',') == commas);
    CHECK(lines[9].ends_with("\r"));
}

TEST_CASE("who may not read the ledger gets none of it, not even its columns") {
    if (!can_be_others()) return;
    auto daemon = open_daemon({"demo=5"});
    ProcessOptions stranger;
    stranger.uid = kStranger;
    const auto denied = run_client(daemon.socket(), {"ledger", "export", "--csv"}, stranger);
    CHECK(denied.exit == 77);
    CHECK(denied.output.empty());
    CHECK(denied.error.starts_with("denied: "));
    CHECK(client(daemon, {"ledger", "export", "--csv", "--from", "2"}).output.starts_with("lsn,"));
}

TEST_CASE("a report adds up to what the ledger says") {
    auto daemon = Daemon::with_events({"demo=5"});
    live_a_little(daemon);
    const auto by_event = client(daemon, {"report", "--json"});
    CHECK(Json::parse(by_event.output)["report"] == Json{{{"event", "demo"},
                                                          {"orders", 1},
                                                          {"sold", 1},
                                                          {"cancelled", 0},
                                                          {"held", 0},
                                                          {"released", 0}},
                                                         {{"event", "fair"},
                                                          {"orders", 3},
                                                          {"sold", 5},
                                                          {"cancelled", 2},
                                                          {"held", 5},
                                                          {"released", 4}}});
    const auto by_buyer =
        Json::parse(client(daemon, {"report", "--per", "buyer", "--json"}).output);
    REQUIRE(by_buyer["report"].size() == 3);
    CHECK(by_buyer["report"][1]["buyer"] == "Ann");
    CHECK(by_buyer["report"][1]["released"] == 4);
    CHECK(by_buyer["report"][2]["cancelled"] == 2);
    const auto by_hour = client(daemon, {"report", "--per", "hour", "--output", "tsv"});
    CHECK(by_hour.output.starts_with("hour\torders\tsold\tcancelled\theld\treleased\n20"));
    CHECK(client(daemon, {"report", "--per", "moon"}).exit == 64);
}

TEST_CASE("in a report a user and a name of the same digits are two buyers") {
    auto daemon = Daemon::with_events({});
    auto rpc = daemon.connect();
    rpc.result("event.create", {{"name", "fair"}, {"capacity", 50}, {"buyers", "claimed"}});
    const auto uid = ::getuid();
    const auto digits = std::to_string(uid);
    rpc.result("purchase", {{"quantity", 3}, {"buyer", digits}});
    const auto held = rpc.result("hold", {{"quantity", 2}, {"buyer", digits}})["order"];
    rpc.result("purchase", {{"quantity", 4}});
    rpc.result("release", {{"order", held}});
    const auto rows =
        Json::parse(client(daemon, {"report", "--per", "buyer", "--json"}).output)["report"];
    REQUIRE(rows.size() == 2);
    CHECK(rows[0]["buyer"] == uid);
    CHECK(rows[0]["sold"] == 4);
    CHECK(rows[1]["buyer"] == digits);
    CHECK(rows[1]["sold"] == 3);
    CHECK(rows[1]["released"] == 2);
    const auto tsv =
        lines_in(client(daemon, {"report", "--per", "buyer", "--output", "tsv"}).output);
    REQUIRE(tsv.size() == 3);
    CHECK(tsv[1].starts_with(digits + '\t'));
    CHECK(tsv[2].starts_with('"' + digits + "\"\t"));
    const auto text = client(daemon, {"report", "--per", "buyer"}).output;
    CHECK(text.find('"' + digits + '"') != std::string::npos);
}

TEST_SUITE_END();

}  // namespace
}  // namespace ticketd::testing
