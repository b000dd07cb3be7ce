#include "client/trust.h"

#include <doctest/doctest.h>

#include "client/connection.h"
#include "tests/unit/client/fake_server.h"

namespace ticketd::client {

TEST_CASE("root, ourselves and the owner of a closed directory are trusted, nobody else") {
    constexpr uid_t kSelf = 1000;
    constexpr uid_t kServer = 990;
    CHECK(is_trusted_server(0, kSelf, std::nullopt));
    CHECK(is_trusted_server(kSelf, kSelf, std::nullopt));
    CHECK(is_trusted_server(kServer, kSelf, SocketDirectory{kServer, false}));
    CHECK_FALSE(is_trusted_server(kServer, kSelf, SocketDirectory{kServer, true}));
    CHECK_FALSE(is_trusted_server(kServer, kSelf, SocketDirectory{0, false}));
    CHECK_FALSE(is_trusted_server(kServer, kSelf, SocketDirectory{kSelf, false}));
    CHECK_FALSE(is_trusted_server(kServer, kSelf, std::nullopt));
}

TEST_CASE("a server of our own is trusted") {
    FakeServer server{{}};
    CHECK(std::holds_alternative<Connection>(Connection::try_open(server.path())));
}

}  // namespace ticketd::client
