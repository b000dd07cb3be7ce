#include "tests/fuzz/daemon_rig.h"

#include <spdlog/spdlog.h>
#include <sys/socket.h>

#include <array>
#include <asio/post.hpp>
#include <chrono>

#include "tests/fuzz/finding.h"

namespace ticketd::fuzz {
namespace {

// Thrown where the daemon would have ended its process on the loop's thread.
struct Died {};

}  // namespace

DaemonRig::DaemonRig(Disk disk, const platform::Clock& clock) : disk_(std::move(disk)) {
    spdlog::set_level(spdlog::level::off);
    store::StoreSettings store_settings;
    // The smallest that leaves room in every state; recovery reads a segment to its end.
    store_settings.segment_bytes = 1280 * 1024;
    store_settings.key_retention = std::chrono::minutes{1};
    store_ = std::make_unique<store::Store>(*disk_, clock, events(), store_settings);
    server_ = std::make_unique<net::Server>(loop_, *disk_, *store_, settings_);
}

DaemonRig::~DaemonRig() {
    end();
}

net::Settings DaemonRig::settings() {
    net::Settings settings;
    settings.message_bytes = 8192;  // the larger half of them is read on another thread
    settings.batch_requests = 8;
    settings.in_flight = 20;  // enough requests at once to have to queue for a turn
    settings.output_bytes = 4096;
    settings.lock_timeout = std::chrono::milliseconds{4};
    return settings;
}

store::StoreEvents DaemonRig::events() {
    store::StoreEvents events;
    events.on_durable = [this](Lsn lsn) {
        asio::post(loop_, [this, lsn] { server_->on_durable(lsn); });
    };
    events.on_full = [this](std::error_code) { asio::post(loop_, [this] { server_->on_full(); }); };
    events.on_keys_expired = [this](const store::KeyFloor& floor) {
        asio::post(loop_, [this, floor] { server_->on_keys_expired(floor); });
    };
    events.on_checkpoint = [](Lsn, const store::OrderRuns&) {};
    events.on_fatal = [this](const std::string& what) { die(what); };
    events.on_notice = [](const std::string&) {};
    events.on_entry = [this](const store::Entry& entry) { server_->on_entry(entry); };
    return events;
}

void DaemonRig::die(const std::string& what) {
    if (!may_die_) finding("the daemon stops without a reason: " + what);
    is_dead_ = true;
    if (std::this_thread::get_id() == loop_thread_) throw Died{};
    asio::post(loop_, [] {});
}

std::size_t DaemonRig::connect(const net::Caller& caller) {
    std::array<int, 2> ends{};
    const int made =
        ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data());
    expect(made == 0, "the fuzzer can make sockets");
    auto numbered = caller;
    numbered.connection = clients_.size() + 1;
    Client client;
    client.socket = client::Descriptor{ends[0]};
    client.session = std::make_shared<net::Session>(
        net::Session::Socket{loop_, asio::local::stream_protocol{}, ends[1]}, numbered, settings_,
        *server_);
    client.session->start();
    clients_.push_back(std::move(client));
    return clients_.size() - 1;
}

void DaemonRig::send(std::size_t client, std::string_view bytes) {
    while (!bytes.empty() && !is_dead()) {
        const auto sent =
            ::send(clients_[client].socket.number(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent < 0 && errno != EAGAIN) return;  // the daemon has closed it
        if (sent > 0) bytes.remove_prefix(static_cast<std::size_t>(sent));
        if (sent < 0) turn();
    }
}

void DaemonRig::finish_sending(std::size_t client) {
    ::shutdown(clients_[client].socket.number(), SHUT_WR);
}

void DaemonRig::hang_up(std::size_t client) {
    clients_[client].socket = client::Descriptor{};
    clients_[client].is_closed = true;
}

template <typename Action>
void DaemonRig::survive(Action action) {
    if (is_dead()) return;
    try {
        action();
    } catch (const Died&) {
        expect(is_dead(), "only the dead die");
    }
}

void DaemonRig::scrub() {
    survive([this] { store_->scrub(); });
}

void DaemonRig::run(std::chrono::milliseconds patience) {
    survive([this, patience] {
        loop_.run_one_for(patience);
        if (!is_dead()) loop_.poll();
    });
    for (auto& client : clients_)
        receive(client);
}

// Also of a daemon that is dead: what has left it has left.
void DaemonRig::receive(Client& client) {
    std::array<char, 16'384> chunk;  // NOLINT(*-member-init): filled by recv()
    while (client.socket.is_open() && !client.is_closed) {
        const auto got = ::recv(client.socket.number(), chunk.data(), chunk.size(), 0);
        if (got < 0 && errno == EAGAIN) return;
        if (got > 0) {
            client.received.append(chunk.data(), static_cast<std::size_t>(got));
        } else {
            client.is_closed = true;
        }
    }
}

void DaemonRig::run_until(const std::function<bool()>& done, std::string_view what) {
    // Far more than a daemon on a disk in memory needs, on the busiest of machines.
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{60};
    while (!done()) {
        if (is_dead()) return;
        expect(std::chrono::steady_clock::now() < deadline, what);
        run(std::chrono::milliseconds{1});
    }
}

DaemonRig::Disk DaemonRig::stop() {
    for (auto& client : clients_)
        client.session->abort();
    bool is_stopped = false;
    server_->stop([&is_stopped] { is_stopped = true; });
    run_until([&is_stopped] { return is_stopped; }, "the daemon stops when told to");
    expect(!is_dead(), "a stop is no death");
    store_->close();
    end();
    return std::move(disk_);
}

DaemonRig::Disk DaemonRig::kill(tests::Unsynced unsynced, std::uint32_t seed) {
    for (auto& client : clients_)
        receive(client);
    allow_death();
    auto disk = disk_->after_crash(unsynced, seed);
    disk_->set_fault([](tests::Operation, const std::string&) {
        return std::make_error_code(std::errc::io_error);
    });
    end();
    return disk;
}

void DaemonRig::end() {
    allow_death();
    for (auto& client : clients_)
        client.session->abort();
    server_.reset();
    store_.reset();
}

}  // namespace ticketd::fuzz
