#include "tests/support/attacker/attacks.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdlib>

#include "tests/support/attacker/payloads.h"
#include "tests/support/attacker/wire.h"
#include "tests/support/send_with.h"

namespace ticketd::attacker {
namespace {

constexpr int kSecondMs = 1000;
constexpr std::size_t kBombBytes = 60'000;  // of the 64 KiB that a message may have

std::vector<Descriptor> connect_all(const std::string& path, std::size_t count) {
    std::vector<Descriptor> all;
    while (all.size() < count) {
        all.push_back(connect_to(path));
        if (all.back().is_open()) continue;
        all.pop_back();  // a full backlog: the daemon has to get on first
        ::poll(nullptr, 0, 1);
    }
    return all;
}

// Drops those that the daemon has hung up on; reads what it says.
void forget_ended(std::vector<Descriptor>& sockets, int timeout_ms) {
    const auto ready = wait_for_any(sockets, POLLIN, timeout_ms);
    std::vector<Descriptor> left;
    for (std::size_t i = 0; i < sockets.size(); ++i) {
        if (!ready[i] || discard_input(sockets[i])) left.push_back(std::move(sockets[i]));
    }
    sockets = std::move(left);
}

}  // namespace

void silent(const std::string& path, std::size_t connections) {
    auto sockets = connect_all(path, connections);
    say("ready");
    while (!sockets.empty())
        forget_ended(sockets, kSecondMs);
    say("dropped");
}

void drip(const std::string& path, std::size_t connections) {
    auto sockets = connect_all(path, connections);
    for (const auto& socket : sockets)
        send_some(socket, R"({"jsonrpc":"2.0","id":")");
    say("ready");
    while (!sockets.empty()) {
        ::poll(nullptr, 0, kSecondMs);
        for (const auto& socket : sockets)
            send_some(socket, "x");
        forget_ended(sockets, 0);
    }
    say("dropped");
}

void half(const std::string& path, std::size_t connections) {
    say("ready");
    for (;;) {
        for (const auto& socket : connect_all(path, connections))
            send_some(socket, R"({"jsonrpc":"2.0","id":1,"method":"purchase","par)");
    }
}

void deaf(const std::string& path, std::size_t connections, const std::string& request) {
    const auto sockets = connect_all(path, connections);
    std::string requests;
    for (int i = 0; i < 200; ++i)
        requests += request + '\n';
    // Full when nobody has taken anything for a while.
    std::vector<std::size_t> sent(sockets.size());
    bool is_ready = false;
    for (;;) {
        const auto ready = wait_for_any(sockets, POLLOUT, kSecondMs);
        bool any = false;
        for (std::size_t i = 0; i < sockets.size(); ++i) {
            if (!ready[i]) continue;
            const auto rest = std::string_view{requests}.substr(sent[i] % requests.size());
            const auto taken = send_some(sockets[i], rest);
            if (taken > 0) sent[i] += static_cast<std::size_t>(taken);
            any = any || taken > 0;
        }
        if (!any && !std::exchange(is_ready, true)) say("ready");
        if (!any) ::poll(nullptr, 0, kSecondMs / 10);
    }
}

void crowd(const std::string& path, std::size_t connections) {
    auto sockets = connect_all(path, connections);
    say("ready");
    forget_ended(sockets, kSecondMs);
    say("kept " + std::to_string(sockets.size()));
    for (;;) {
        forget_ended(sockets, 0);
        for (auto missing = connections - sockets.size(); missing > 0; --missing) {
            auto again = connect_to(path);
            if (again.is_open()) sockets.push_back(std::move(again));
        }
    }
}

void bomb(const std::string& path, std::size_t connections, const std::string& name) {
    std::string bytes;
    for (const auto& payload : bombs(kBombBytes)) {
        if (name == "all" || name == payload.name) bytes += payload.text;
    }
    if (bytes.empty()) std::abort();
    auto sockets = connect_all(path, connections);
    std::vector<std::size_t> sent(sockets.size());
    say("ready");
    for (;;) {
        const auto ready = wait_for_any(sockets, POLLIN | POLLOUT, kSecondMs);
        for (std::size_t i = 0; i < sockets.size(); ++i) {
            if (!ready[i]) continue;
            const auto taken = discard_input(sockets[i])
                                   ? send_some(sockets[i], std::string_view{bytes}.substr(sent[i]))
                                   : -1;
            sent[i] = taken < 0 ? 0 : (sent[i] + static_cast<std::size_t>(taken)) % bytes.size();
            if (taken < 0) sockets[i] = connect_to(path);
        }
    }
}

void ancillary(const std::string& path, std::size_t connections) {
    constexpr std::string_view kPing = R"({"jsonrpc":"2.0","id":1,"method":"ping"})"
                                       "\n";
    auto sockets = connect_all(path, connections);
    std::array<int, 250> descriptors{};
    descriptors.fill(::open("/dev/null", O_RDWR | O_CLOEXEC));
    const ucred root{1, 0, 0};
    say("ready");
    for (;;) {
        const auto ready = wait_for_any(sockets, POLLIN | POLLOUT, kSecondMs);
        for (std::size_t i = 0; i < sockets.size(); ++i) {
            if (!ready[i]) continue;
            if (!discard_input(sockets[i])) {
                sockets[i] = connect_to(path);
                continue;
            }
            testing::send_with(sockets[i].number(), kPing, SCM_RIGHTS, descriptors.data(),
                               sizeof descriptors);
            testing::send_with(sockets[i].number(), kPing, SCM_CREDENTIALS, &root, sizeof root);
            static_cast<void>(::send(sockets[i].number(), " ", 1, MSG_OOB | MSG_NOSIGNAL));
        }
    }
}

}  // namespace ticketd::attacker
