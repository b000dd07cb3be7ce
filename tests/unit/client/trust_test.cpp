#include "client/trust.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include "client/connection.h"
#include "tests/unit/client/fake_server.h"

namespace ticketd::client {
namespace {

constexpr uid_t kSelf = 1000;
constexpr uid_t kServer = 990;
constexpr uid_t kMallory = 666;

WayDirectory closed(uid_t owner) {
    return {owner, owner, false, false};
}

WayDirectory open_to_all(uid_t owner) {
    return {owner, owner, true, false};
}

// As /tmp is.
WayDirectory sticky() {
    return {0, 0, true, true};
}

bool is_trusted(const std::vector<WayDirectory>& way) {
    return is_trusted_server(kServer, kSelf, way);
}

}  // namespace

TEST_CASE("root and ourselves are trusted anywhere") {
    for (const uid_t server : {uid_t{0}, kSelf}) {
        CHECK(is_trusted_server(server, kSelf, {}));
        CHECK(is_trusted_server(server, kSelf, {open_to_all(kMallory), sticky(), closed(0)}));
    }
    CHECK_FALSE(is_trusted_server(kMallory, kSelf, {}));
}

TEST_CASE("a service is trusted in a directory that root or we gave it, alone") {
    CHECK(is_trusted({closed(kServer), closed(0), closed(0)}));        // /run/ticketd
    CHECK(is_trusted({closed(kServer), closed(kServer), closed(0)}));  // /home/ticketd/run
    CHECK(is_trusted({closed(kServer), closed(kSelf), closed(0)}));
    CHECK(is_trusted({closed(kServer), closed(0), sticky(), closed(0)}));  // /tmp/of-root/of-server
    CHECK(is_trusted({closed(kServer), closed(kSelf), sticky(), closed(0)}));
}

TEST_CASE("a service is not trusted where somebody else had a say, or nobody gave it anything") {
    CHECK_FALSE(is_trusted({closed(0), closed(0)}));  // not its directory
    CHECK_FALSE(is_trusted({closed(kSelf), closed(0)}));
    CHECK_FALSE(is_trusted({closed(kMallory), closed(0)}));
    CHECK_FALSE(is_trusted({open_to_all(kServer), closed(0)}));
    CHECK_FALSE(is_trusted({closed(kServer), closed(kMallory), closed(0)}));
    CHECK_FALSE(is_trusted({closed(kServer), open_to_all(0), closed(0)}));
    CHECK_FALSE(is_trusted({closed(kServer), open_to_all(kSelf), closed(0)}));
    // Whoever came first made it.
    CHECK_FALSE(is_trusted({closed(kServer), sticky(), closed(0)}));
    CHECK_FALSE(is_trusted({closed(kServer), closed(kServer), sticky(), closed(0)}));
    // Somebody's link in /tmp to a directory that is in order.
    CHECK_FALSE(is_trusted({{kServer, kMallory, false, false}, sticky(), closed(0)}));
    CHECK_FALSE(is_trusted({}));
}

TEST_CASE("the way to a directory ends at the root") {
    const SocketHome home;
    const auto way = way_to(home.path());
    REQUIRE(way.size() == 3);  // /tmp/…, /tmp, /
    CHECK(way[0].owner == ::geteuid());
    CHECK_FALSE(way[0].is_writable_by_others);
    CHECK(way[1].is_sticky);
    CHECK(way[1].is_writable_by_others);
    CHECK(way[2].owner == 0);
    CHECK(way_to("").empty());
    CHECK(way_to(home.path() + "/missing").empty());
    CHECK(way_to("/").size() == 1);
    CHECK(way_to("//tmp//").size() >= 2);
    CHECK(way_to(".").size() >= 2);
}

TEST_CASE("a server of our own is trusted") {
    FakeServer server{{}};
    CHECK(std::holds_alternative<Connection>(Connection::try_open(server.path())));
}

}  // namespace ticketd::client
