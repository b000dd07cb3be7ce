#include "tests/support/rpc.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <cerrno>
#include <stdexcept>
#include <system_error>

#include "client/wait.h"

namespace ticketd::testing {
namespace {

using std::chrono::steady_clock;

bool wait_for(int fd, short events, steady_clock::time_point deadline) {
    pollfd waits{fd, events, 0};
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline - steady_clock::now()).count();
    return ::poll(&waits, 1, left > 0 ? static_cast<int>(left) : 0) > 0;
}

}  // namespace

Rpc::Rpc(const std::string& socket_path)
    : socket_(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    socket_path.copy(static_cast<char*>(address.sun_path), sizeof address.sun_path - 1);
    const void* generic = &address;
    if (::connect(descriptor(), static_cast<const sockaddr*>(generic), sizeof address) != 0) {
        throw std::system_error(errno, std::system_category(), "connect " + socket_path);
    }
}

std::size_t Rpc::try_send(std::string_view bytes) {
    const auto sent = ::send(descriptor(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent >= 0) return static_cast<std::size_t>(sent);
    if (errno == EAGAIN || errno == EINTR) return 0;
    throw std::system_error(errno, std::system_category(), "send");
}

void Rpc::send(std::string_view bytes) {
    const auto deadline = steady_clock::now() + kPatience;
    while (!bytes.empty()) {
        bytes.remove_prefix(try_send(bytes));
        if (!bytes.empty() && !wait_for(descriptor(), POLLOUT, deadline)) {
            throw std::runtime_error("the daemon does not read");
        }
    }
}

void Rpc::end_input() {
    ::shutdown(descriptor(), SHUT_WR);
}

// False at the end of the stream.
bool Rpc::read_more(steady_clock::time_point deadline) {
    if (!wait_for(descriptor(), POLLIN, deadline)) throw std::runtime_error("no answer in time");
    std::array<char, 64 * 1024> chunk;  // NOLINT(*-member-init): filled by recv()
    const auto got = ::recv(descriptor(), chunk.data(), chunk.size(), 0);
    if (got > 0) pending_.append(chunk.data(), static_cast<std::size_t>(got));
    return got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR));
}

std::string Rpc::line() {
    const auto deadline = steady_clock::now() + kPatience;
    auto newline = pending_.find('\n');
    while (newline == std::string::npos) {
        const auto searched = pending_.size();
        if (!read_more(deadline)) throw std::runtime_error("closed before the answer");
        newline = pending_.find('\n', searched);
    }
    auto text = pending_.substr(0, newline);
    pending_.erase(0, newline + 1);
    return text;
}

std::string Rpc::bytes(std::size_t count) {
    const auto deadline = steady_clock::now() + kPatience;
    while (pending_.size() < count) {
        if (!read_more(deadline)) throw std::runtime_error("closed before the answer");
    }
    auto text = pending_.substr(0, count);
    pending_.erase(0, count);
    return text;
}

bool Rpc::is_closed_by_peer(std::chrono::milliseconds patience) {
    const auto deadline = steady_clock::now() + patience;
    while (pending_.empty()) {
        if (!wait_for(descriptor(), POLLIN, deadline)) return false;
        if (!read_more(deadline)) return true;
    }
    return false;
}

bool Rpc::has_input(std::chrono::milliseconds patience) {
    return !pending_.empty() || wait_for(descriptor(), POLLIN, steady_clock::now() + patience);
}

std::string request_line(const Json& id, std::string_view method, const Json& params) {
    const Json request{{"jsonrpc", "2.0"}, {"id", id}, {"method", method}, {"params", params}};
    return request.dump() + "\n";
}

std::string kind_of(const Json& reply) {
    return reply.contains("error") ? reply["error"].at("data").at("kind").get<std::string>() : "";
}

Json Rpc::call(std::string_view method, const Json& params) {
    send(request_line(++last_id_, method, params));
    auto reply = receive();
    if (reply.at("id") != last_id_) throw std::runtime_error("not our reply: " + reply.dump());
    return reply;
}

Json Rpc::result(std::string_view method, const Json& params) {
    const auto reply = call(method, params);
    if (!reply.contains("result")) throw std::runtime_error("an error: " + reply.dump());
    return reply["result"];
}

Json Rpc::error(std::string_view method, const Json& params) {
    const auto reply = call(method, params);
    if (!reply.contains("error")) throw std::runtime_error("no error: " + reply.dump());
    return reply["error"];
}

std::string Rpc::kind(std::string_view method, const Json& params) {
    return kind_of(call(method, params));
}

void Rpc::wait_for_stat(const std::string& name, std::uint64_t value) {
    const auto deadline = client::Clock::now() + kPatience;
    while (result("server.stats").at(name) != value) {
        if (client::Clock::now() > deadline) {
            throw std::runtime_error(name + " never came to " + std::to_string(value));
        }
    }
}

}  // namespace ticketd::testing
