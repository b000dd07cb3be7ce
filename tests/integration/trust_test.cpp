// A server that is not the daemon, at the path where the client looks for it (docs/security.md).
#include <doctest/doctest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/support/hostile.h"

namespace ticketd::testing {
namespace {

// Listens at a path as another user, and says what it was told.
class Impostor {
  public:
    Impostor(uid_t uid, const std::string& path)
        : listener_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        path.copy(static_cast<char*>(address.sun_path), sizeof address.sun_path - 1);
        const void* generic = &address;
        REQUIRE(::seteuid(uid) == 0);
        const bool listens = ::bind(listener_.number(), static_cast<const sockaddr*>(generic),
                                    sizeof address) == 0 &&
                             ::chmod(path.c_str(), 0666) == 0 &&
                             ::listen(listener_.number(), 16) == 0;
        REQUIRE(::seteuid(0) == 0);
        REQUIRE(listens);
    }

    // What the next client said before it hung up; it must have connected by now.
    std::string heard() const {
        pollfd waiting{listener_.number(), POLLIN, 0};
        REQUIRE(::poll(&waiting, 1, 0) == 1);
        const client::Descriptor connection{
            ::accept4(listener_.number(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK)};
        char bytes[4096];
        const auto got = ::recv(connection.number(), bytes, sizeof bytes, 0);
        return got > 0 ? std::string(bytes, static_cast<std::size_t>(got)) : "";
    }

  private:
    client::Descriptor listener_;
};

// The client refuses, and has told nothing.
void check_refused(const std::string& path, uid_t server = kStranger) {
    CAPTURE(path);
    const Impostor impostor{server, path};
    const auto refused = run_client(path, {"--timeout", "20s", "purchase", "--key", "secret"});
    CHECK(refused.exit == 77);
    CHECK(refused.output.empty());
    CHECK(refused.error.starts_with("denied: "));
    CHECK(refused.error.find("served by uid " + std::to_string(server)) != std::string::npos);
    CHECK(impostor.heard().empty());
}

void make_directory(const std::string& path, uid_t owner, mode_t mode) {
    REQUIRE(::mkdir(path.c_str(), 0700) == 0);
    REQUIRE(::chown(path.c_str(), owner, owner) == 0);
    REQUIRE(::chmod(path.c_str(), mode) == 0);
}

TEST_SUITE_BEGIN("trust");

TEST_CASE("an impostor in a directory that all may write is told nothing") {
    if (!can_be_others()) return;
    for (const mode_t mode : {0777U, 01777U}) {
        const ScratchDirectory scratch;
        scratch.open_to_all();
        make_directory(scratch / "d", 0, mode);
        check_refused(scratch / "d/s");
        make_directory(scratch / "his", kStranger, mode);
        check_refused(scratch / "his/s");
    }
}

TEST_CASE("an impostor who made the directory himself where all may is told nothing") {
    if (!can_be_others()) return;
    const ScratchDirectory scratch;
    REQUIRE(::chmod(scratch.path().c_str(), 01777) == 0);
    make_directory(scratch / "his", kStranger, 0755);
    check_refused(scratch / "his/s");
    // Nor when a link leads there, or a link of his to a place that is in order.
    make_directory(scratch / "ours", 0, 0755);
    make_directory(scratch / "ours/given", kStranger, 0755);
    REQUIRE(::symlink((scratch / "his").c_str(), (scratch / "ours/link").c_str()) == 0);
    std::filesystem::remove(scratch / "his/s");
    check_refused(scratch / "ours/link/s");
    REQUIRE(::symlink((scratch / "ours/given").c_str(), (scratch / "lure").c_str()) == 0);
    REQUIRE(::lchown((scratch / "lure").c_str(), kStranger, kStranger) == 0);
    check_refused(scratch / "lure/s");
}

TEST_CASE("an impostor below a directory of somebody else is told nothing") {
    if (!can_be_others()) return;
    const ScratchDirectory scratch;
    scratch.open_to_all();
    make_directory(scratch / "d", kOtherStranger, 0755);
    make_directory(scratch / "d/e", kStranger, 0755);
    check_refused(scratch / "d/e/s");
}

TEST_CASE("a daemon that runs as a service user in a directory of its own is trusted") {
    if (!can_be_others()) return;
    const ScratchDirectory scratch;
    scratch.open_to_all();
    make_directory(scratch / "run", kStranger, 0755);
    const auto program = scratch / "ticketd";
    std::filesystem::copy_file(TICKETD_BINARY, program);
    const auto path = scratch / "run/s";
    ProcessOptions service;
    service.uid = kStranger;
    Process daemon{
        {program, "--data-dir", scratch / "run/store", "--socket", path, "--event", "demo=5"},
        service};
    REQUIRE(daemon.wait_for_error(" ready on "));
    CHECK(run_client(path, {"purchase"}).exit == 0);
    // Its own user is an operator there, and so is root.
    CHECK(run_client(path, {"event", "create", "x", "5"}).exit == 0);
    CHECK(connect_as(kStranger, path).result("ledger.verify")["ok"] == true);
    daemon.kill(SIGTERM);
    CHECK(daemon.wait() == 0);
}

TEST_SUITE_END();

}  // namespace
}  // namespace ticketd::testing
