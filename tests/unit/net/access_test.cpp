#include "server/net/access.h"

#include <doctest/doctest.h>

using namespace ticketd;
using namespace ticketd::net;

namespace {

constexpr std::uint32_t kDaemon = 900;

Caller caller(std::uint32_t uid, const Access& access,
              const std::vector<std::uint32_t>& groups = {}) {
    return caller_of({uid, 77, true}, groups, access, kDaemon);
}

}  // namespace

TEST_CASE("root and the daemon's user are operators, and everybody else buys") {
    for (const auto uid : {0U, kDaemon}) {
        const auto who = caller(uid, {});
        CHECK(who.is_operator);
        CHECK(who.is_auditor);
        CHECK(who.is_buyer);
    }
    const auto who = caller(1000, {});
    CHECK_FALSE(who.is_operator);
    CHECK_FALSE(who.is_auditor);
    CHECK(who.is_buyer);
    CHECK(who.uid == 1000);
    CHECK(who.pid == 77);
}

TEST_CASE("users and groups that are named have their roles, and no others") {
    Access access;
    access.buyers = Members{{1}, {10}};
    access.operators = {{2}, {20}};
    access.auditors = {{3}, {30}};
    const auto roles = [&](std::uint32_t uid, const std::vector<std::uint32_t>& groups = {}) {
        const auto who = caller(uid, access, groups);
        return std::string{who.is_buyer ? "b" : ""} + (who.is_operator ? "o" : "") +
               (who.is_auditor ? "a" : "");
    };
    CHECK(roles(1) == "b");
    CHECK(roles(2) == "boa");
    CHECK(roles(3) == "a");
    CHECK(roles(4) == "");
    CHECK(roles(4, {5, 10}) == "b");
    CHECK(roles(4, {20}) == "boa");
    CHECK(roles(4, {30, 10}) == "ba");
    CHECK(roles(10, {1, 2, 3}) == "");
    CHECK(roles(0) == "boa");
    access.buyers = Members{};
    CHECK(roles(1) == "");
    CHECK(access.knows_groups());
    CHECK_FALSE(Access{}.knows_groups());
}
