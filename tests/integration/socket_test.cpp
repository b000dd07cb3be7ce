// The socket file: taken over only from the dead, never wider open than configured.
#include <doctest/doctest.h>
#include <sys/stat.h>

#include "tests/support/daemon.h"

namespace ticketd::testing {
namespace {

mode_t mode_of(const std::string& path) {
    struct stat info{};
    REQUIRE(::lstat(path.c_str(), &info) == 0);
    return info.st_mode & 07777;
}

// Another daemon with a store of its own on the socket of `daemon`.
Finished rival_of(const Daemon& daemon) {
    return run_ticketd(
        {"--data-dir", daemon.scratch() / "rival", "--socket", daemon.socket(), "--event", "x=1"});
}

TEST_SUITE_BEGIN("socket");

TEST_CASE("a socket that a dead daemon left behind is replaced") {
    auto daemon = Daemon::with_events({"demo=5"});
    daemon.kill_hard();
    REQUIRE(std::filesystem::is_socket(daemon.socket()));
    daemon.start();
    CHECK(daemon.connect().result("query")["available"] == 5);
}

TEST_CASE("a socket that somebody answers is refused, with a clear line") {
    auto daemon = Daemon::with_events({"demo=5"});
    const auto rival = rival_of(daemon);
    CHECK(rival.exit == 69);
    CHECK(rival.error.find(daemon.socket()) != std::string::npos);
    CHECK(rival.error.find("another daemon") != std::string::npos);
    CHECK(daemon.connect().result("query")["event"] == "demo");
    CHECK(daemon.stop() == 0);
}

TEST_CASE("a daemon whose lock file is gone keeps its address as long as it lives") {
    auto daemon = Daemon::with_events({"demo=5"});
    REQUIRE(std::filesystem::remove(daemon.socket() + ".lock"));
    for (const int signal : {SIGSTOP, SIGCONT}) {
        daemon.send_signal(signal);
        const auto rival = rival_of(daemon);
        CHECK(rival.exit == 69);
        CHECK(rival.error.find("another daemon answers at this address") != std::string::npos);
    }
    CHECK(daemon.connect().result("query")["event"] == "demo");
}

TEST_CASE("a daemon that is stopped but alive is not taken for dead") {
    auto daemon = Daemon::with_events({"demo=5"});
    daemon.send_signal(SIGSTOP);
    CHECK(rival_of(daemon).exit == 69);
    daemon.send_signal(SIGCONT);
    CHECK(daemon.connect().result("query")["event"] == "demo");
}

TEST_CASE("what is not a socket is left alone") {
    const ScratchDirectory scratch;
    write_file(scratch / "file", "precious");
    std::filesystem::create_directory(scratch / "directory");
    std::filesystem::create_symlink(scratch / "file", scratch / "link");
    for (const auto* name : {"file", "directory", "link"}) {
        CAPTURE(name);
        const auto refused =
            run_ticketd({"--data-dir", scratch / "store", "--socket", scratch / name});
        CHECK(refused.exit == 69);
        CHECK(refused.error.find("not a socket") != std::string::npos);
    }
    CHECK(read_file(scratch / "file") == "precious");
    CHECK(std::filesystem::is_symlink(scratch / "link"));
}

TEST_CASE("a path that is too long or has no directory is refused") {
    const ScratchDirectory scratch;
    const auto start = [&scratch](const std::string& path) {
        return run_ticketd({"--data-dir", scratch / "store", "--socket", path});
    };
    const auto missing = start(scratch / "missing/socket");
    CHECK(missing.exit == 69);
    CHECK(missing.error.find("missing/socket") != std::string::npos);
    const auto too_long = start(scratch / std::string(120, 'p'));
    CHECK(too_long.exit == 78);
    CHECK(too_long.error.find("107 bytes") != std::string::npos);
}

TEST_CASE("the mode is as configured, whatever the umask") {
    for (const mode_t mask : {0000U, 0077U}) {
        CAPTURE(mask);
        DaemonOptions options;
        options.process.umask = mask;
        Daemon daemon{options};
        daemon.start();
        CHECK(mode_of(daemon.socket()) == 0660);
        CHECK(mode_of(daemon.data_dir()) == 0700);
        for (const auto& [name, bytes] : directory_bytes(daemon.data_dir())) {
            CAPTURE(name);
            CHECK((mode_of(daemon.data_dir() + "/" + name) & 0077) == 0);
        }
        CHECK(daemon.stop() == 0);
        daemon.options().config = {{"socket", {{"mode", "0600"}}}};
        daemon.start();
        CHECK(mode_of(daemon.socket()) == 0600);
    }
}

TEST_CASE("a socket file that is not its own any more is not removed at the stop") {
    auto daemon = Daemon::with_events({"demo=5"});
    std::filesystem::remove(daemon.socket());
    write_file(daemon.socket(), "somebody else's");
    CHECK(daemon.stop() == 0);
    CHECK(read_file(daemon.socket()) == "somebody else's");
}

TEST_SUITE_END();

}  // namespace
}  // namespace ticketd::testing
