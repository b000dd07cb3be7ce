// A whole daemon within the fuzzer: event loop, Server, Store and its threads, on a disk in memory.
// Its clients are socket pairs, so that they can be any user. What the daemon does when it must
// stop at once (exit without a word) is to be dead() here.
#pragma once

#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>
#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "client/descriptor.h"
#include "server/net/server.h"
#include "server/platform/clock.h"
#include "server/store/store.h"
#include "tests/support/memory_directory.h"

namespace ticketd::fuzz {

class DaemonRig {
  public:
    using Disk = std::unique_ptr<tests::MemoryDirectory>;

    /// Recovers what is on the disk. The clock must outlive the rig.
    DaemonRig(Disk disk, const platform::Clock& clock);
    ~DaemonRig();
    DaemonRig(const DaemonRig&) = delete;
    DaemonRig& operator=(const DaemonRig&) = delete;

    /// Limits that short inputs can reach.
    static net::Settings settings();

    tests::MemoryDirectory& disk() { return *disk_; }
    store::Store& store() { return *store_; }

    /// A new connection of `caller`; its number.
    std::size_t connect(const net::Caller& caller);
    void send(std::size_t client, std::string_view bytes);
    /// Sends nothing any more, but reads on.
    void finish_sending(std::size_t client);
    void hang_up(std::size_t client);
    const std::string& received(std::size_t client) const { return clients_[client].received; }
    /// True if the daemon has closed the connection.
    bool is_closed(std::size_t client) const { return clients_[client].is_closed; }

    /// From now on the disk may fail in a way that the daemon must not survive.
    void allow_death() { may_die_ = true; }
    bool is_dead() const { return is_dead_; }

    /// One turn of the loop, which waits for nothing.
    void turn() { run(std::chrono::milliseconds{0}); }
    /// What the loop does for the store in quiet moments.
    void scrub();
    /// Turns the loop until `done` or the daemon's death; a finding if neither comes.
    void run_until(const std::function<bool()>& done, std::string_view what);

    /// Ends it as SIGTERM would; gives the disk.
    Disk stop();
    /// Ends it as a power cut would; gives the disk.
    Disk kill(tests::Unsynced unsynced, std::uint32_t seed);

  private:
    struct Client {
        client::Descriptor socket;
        std::shared_ptr<net::Session> session;
        std::string received;
        bool is_closed = false;
    };

    store::StoreEvents events();
    void die(const std::string& what);
    /// Does what may be the daemon's death.
    template <typename Action>
    void survive(Action action);
    void run(std::chrono::milliseconds patience);
    void receive(Client& client);
    void end();

    asio::io_context loop_{1};
    asio::executor_work_guard<asio::io_context::executor_type> work_{loop_.get_executor()};
    const std::thread::id loop_thread_ = std::this_thread::get_id();
    const net::Settings settings_ = settings();
    Disk disk_;
    std::atomic<bool> may_die_{false};
    std::atomic<bool> is_dead_{false};
    std::unique_ptr<store::Store> store_;
    std::unique_ptr<net::Server> server_;
    std::vector<Client> clients_;
};

}  // namespace ticketd::fuzz
