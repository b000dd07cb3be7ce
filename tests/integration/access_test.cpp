// Roles: what buyers, operators and auditors may, and that the others learn nothing.
#include <doctest/doctest.h>

#include "tests/support/daemon.h"
#include "tests/support/hostile.h"

namespace ticketd::testing {
namespace {

constexpr uid_t kBuyer = 64'211, kOperator = 64'212, kAuditor = 64'213;

const std::vector<const char*> kAllMethods{
    "query",        "purchase",     "hold",        "confirm",       "release",
    "extend",       "cancel",       "abandon",     "order",         "orders",
    "events",       "event.create", "event.pause", "event.resume",  "event.close",
    "event.resize", "event.update", "ledger.read", "ledger.verify", "ledger.position"};

Json members(uid_t uid) {
    return {{"uids", {uid}}, {"gids", Json::array()}};
}

Daemon daemon_with_roles() {
    const Json access{{"buyers", members(kBuyer)},
                      {"operators", members(kOperator)},
                      {"auditors", members(kAuditor)}};
    return open_daemon({"demo=5"}, {{"access", access}});
}

TEST_SUITE_BEGIN("access");

TEST_CASE("who has no role may see that the daemon is there, and nothing else") {
    if (!can_be_others()) return;
    auto daemon = daemon_with_roles();
    auto stranger = connect_as(kStranger, daemon.socket());
    for (const auto* method : {"ping", "server.info", "server.stats", "rpc.discover"})
        CHECK(stranger.call(method).contains("result"));
    const Json anything{
        {"event", "demo"}, {"name", "demo"}, {"order", 2}, {"key", "k"}, {"capacity", 1}};
    for (const auto* method : kAllMethods) {
        CAPTURE(method);
        auto params = Json::object();
        const auto document = stranger.result("rpc.discover");
        for (const auto& known : document["methods"]) {
            if (known["name"] != method) continue;
            for (const auto& param : known["params"]) {
                if (param["required"] == true)
                    params[param["name"].get<std::string>()] =
                        anything[param["name"].get<std::string>()];
            }
        }
        const auto error = stranger.error(method, params);
        CHECK(error["code"] == 1012);
        CHECK(error["data"] == Json{{"kind", "denied"}, {"retry", "never"}});
    }
    CHECK(daemon.connect().result("query")["lsn"] == 1);
}

TEST_CASE("a buyer buys, an auditor looks, an operator does everything") {
    if (!can_be_others()) return;
    auto daemon = daemon_with_roles();
    auto buyer = connect_as(kBuyer, daemon.socket());
    auto auditor = connect_as(kAuditor, daemon.socket());
    auto oper = connect_as(kOperator, daemon.socket());
    const auto order = buyer.result("purchase")["order"];
    const auto held = buyer.result("hold", {{"ttl_ms", 60'000}})["order"];
    CHECK(buyer.kind("orders", {{"buyer", 0}}) == "denied");
    CHECK(buyer.kind("ledger.read") == "denied");
    CHECK(buyer.kind("event.pause", {{"name", "demo"}}) == "denied");

    CHECK(auditor.result("query")["sold"] == 1);
    CHECK(auditor.result("order", {{"order", order}})["buyer"] == kBuyer);
    CHECK(auditor.result("orders")["orders"].size() == 2);
    CHECK(auditor.result("ledger.read")["entries"].size() == 3);
    CHECK(auditor.result("ledger.verify")["ok"] == true);
    CHECK(auditor.kind("purchase") == "denied");
    CHECK(auditor.kind("release", {{"order", held}}) == "denied");
    CHECK(auditor.kind("event.close", {{"name", "demo"}}) == "denied");

    CHECK(oper.result("event.pause", {{"name", "demo"}})["state"] == "paused");
    CHECK(oper.result("event.resume", {{"name", "demo"}})["state"] == "open");
    CHECK(oper.result("release", {{"order", held}})["state"] == "released");
    CHECK(oper.result("ledger.position")["lsn"].is_number());
    CHECK(oper.result("purchase")["granted"] == 1);
}

TEST_CASE("a role can be that of a group") {
    if (!can_be_others()) return;
    const Json access{{"operators", {{"gids", {kOperator}}}}};
    auto daemon = open_daemon({"demo=5"}, {{"access", access}});
    auto member = connect_as(kStranger, daemon.socket(), kOperator);
    CHECK(member.result("event.pause", {{"name", "demo"}})["state"] == "paused");
    auto other = connect_as(kOperator, daemon.socket());
    CHECK(other.kind("event.resume", {{"name", "demo"}}) == "denied");
    CHECK(connect_as(kBuyer, daemon.socket()).kind("event.pause", {{"name", "demo"}}) == "denied");
    CHECK(connect_as(kBuyer, daemon.socket()).kind("purchase") == "paused");
}

TEST_CASE("an access that makes no sense ends the start, and names the key") {
    const std::vector<std::pair<Json, std::string>> wrong{
        {Json{{"buyers", Json::array()}}, "access.buyers: must be an object"},
        {Json{{"buyers", {{"uids", 7}}}}, "access.buyers.uids: must be an array"},
        {Json{{"operators", {{"uids", {-1}}}}}, "access.operators.uids[]: must be an integer"},
        {Json{{"auditors", {{"gids", {4294967295U}}}}}, "access.auditors.gids[]: must be"},
        {Json{{"owners", Json::object()}}, "access.owners: unknown key"}};
    for (const auto& [access, text] : wrong) {
        CAPTURE(text);
        const ScratchDirectory scratch;
        write_file(scratch / "c", Json{{"access", access}}.dump());
        const auto checked = run_ticketd({"--config", scratch / "c", "--check-config"});
        CHECK(checked.exit == 78);
        CHECK(checked.error.find(text) != std::string::npos);
    }
}

TEST_SUITE_END();

}  // namespace
}  // namespace ticketd::testing
