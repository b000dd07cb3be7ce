// A daemon of a few lines for tests of the client: listens in a directory of its own and plays one
// script per connection, on a thread. What it read is for the test to look at once it has stopped.
#pragma once

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <functional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "client/descriptor.h"

namespace ticketd::client {

/// A new directory, removed with the one socket that may lie in it.
class SocketHome {
  public:
    SocketHome() {
        std::string pattern = "/tmp/ticketd-test-XXXXXX";
        path_ = ::mkdtemp(pattern.data());
    }
    ~SocketHome() {
        ::unlink(socket().c_str());
        ::rmdir(path_.c_str());
    }
    SocketHome(const SocketHome&) = delete;
    SocketHome& operator=(const SocketHome&) = delete;

    const std::string& path() const { return path_; }
    std::string socket() const { return path_ + "/s"; }

  private:
    std::string path_;
};

class FakeServer {
  public:
    /// What to do with a request line: answer with these bytes, hang up, or stay silent.
    struct Step {
        enum class Then : std::uint8_t { kKeepOpen, kHangUp };
        std::string answer;
        Then then = Then::kKeepOpen;
    };

    /// One step per connection, in order; then nobody is answered any more.
    explicit FakeServer(std::vector<Step> steps) : steps_(std::move(steps)) {
        listener_ = Descriptor{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        home_.socket().copy(static_cast<char*>(address.sun_path), sizeof address.sun_path - 1);
        const void* generic = &address;
        const int bound =
            ::bind(listener_.number(), static_cast<const sockaddr*>(generic), sizeof address);
        if (bound != 0 || ::listen(listener_.number(), 16) != 0) std::abort();
        thread_ = std::thread{[this] { play(); }};
    }
    ~FakeServer() { stop(); }
    FakeServer(const FakeServer&) = delete;
    FakeServer& operator=(const FakeServer&) = delete;

    std::string path() const { return home_.socket(); }

    /// Stops and returns the lines read, one of each connection.
    const std::vector<std::string>& stop() {
        ::shutdown(listener_.number(), SHUT_RDWR);
        if (thread_.joinable()) thread_.join();
        return lines_;
    }

  private:
    void play() {
        for (const auto& step : steps_) {
            Descriptor connection{::accept4(listener_.number(), nullptr, nullptr, SOCK_CLOEXEC)};
            if (!connection.is_open()) return;
            lines_.push_back(read_line(connection.number()));
            static_cast<void>(
                ::send(connection.number(), step.answer.data(), step.answer.size(), MSG_NOSIGNAL));
            if (step.then == Step::Then::kKeepOpen) kept_.push_back(std::move(connection));
        }
    }

    static std::string read_line(int fd) {
        std::string line;
        char c = 0;
        while (::recv(fd, &c, 1, 0) == 1) {
            line += c;
            if (c == '\n') break;
        }
        return line;
    }

    SocketHome home_;
    std::vector<Step> steps_;
    std::vector<std::string> lines_;
    std::vector<Descriptor> kept_;
    Descriptor listener_;
    std::thread thread_;
};

}  // namespace ticketd::client
