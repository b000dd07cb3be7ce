// Each in a child of its own, because there is no way back.
#include "server/platform/confinement.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <thread>

using namespace ticketd;

namespace {

/// Runs `body` in a child process; true if it says so.
template <typename Body>
bool holds_in_child(const Body& body) {
    const auto child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) ::_exit(body() ? 0 : 1);
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

template <typename Body>
bool holds_confined(const Body& body) {
    return holds_in_child([&] { return !platform::confine_process() && body(); });
}

bool is_denied(long result) {
    return result == -1 && errno == EPERM;
}

bool cannot_start_anything() {
    const char* const arguments[] = {"/bin/true", nullptr};
    return is_denied(::execv("/bin/true", const_cast<char* const*>(arguments))) &&
           is_denied(::fork()) && is_denied(::vfork()) &&
           is_denied(::syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0)) &&
           ::syscall(SYS_clone3, nullptr, 0) == -1;
}

bool cannot_reach_others() {
    int pair[2];
    return is_denied(::socket(AF_UNIX, SOCK_STREAM, 0)) &&
           is_denied(::socket(AF_INET, SOCK_STREAM, 0)) &&
           is_denied(::socketpair(AF_UNIX, SOCK_STREAM, 0, pair)) &&
           is_denied(::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr)) &&
           is_denied(::syscall(SYS_io_uring_setup, 1, nullptr));
}

}  // namespace

TEST_CASE("a confined process starts no program and no process") {
    CHECK(holds_confined(cannot_start_anything));
}

TEST_CASE("a confined process opens no socket and looks into nobody") {
    CHECK(holds_confined(cannot_reach_others));
}

TEST_CASE("a confined process goes on with what is open, and with threads, old and new") {
    int pair[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
    CHECK(holds_confined([&] {
        bool passed = false;
        std::thread{[&] { passed = ::write(pair[0], "x", 1) == 1; }}.join();
        char got = 0;
        return passed && ::read(pair[1], &got, 1) == 1 && ::open("/dev/null", O_RDONLY) >= 0;
    }));
    ::close(pair[0]);
    ::close(pair[1]);
}

TEST_CASE("threads that were there before are confined too") {
    CHECK(holds_in_child([] {
        int go[2];
        bool denied = false;
        if (::pipe(go) != 0) return false;
        std::thread early{[&] {
            char begun = 0;
            denied = ::read(go[0], &begun, 1) == 1 && is_denied(::socket(AF_UNIX, SOCK_STREAM, 0));
        }};
        const bool confined = !platform::confine_process();
        const bool told = ::write(go[1], "x", 1) == 1;
        early.join();
        return confined && told && denied;
    }));
}
