// The daemon's event loop side: accepts connections, keeps their sessions, and ends each loop turn
// by handing the turn's changes to the sync thread and sending what may be sent.
//
// Everything belongs to the event loop.
#pragma once

#include <asio/io_context.hpp>
#include <asio/local/stream_protocol.hpp>
#include <asio/steady_timer.hpp>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "server/net/access.h"
#include "server/net/large_reader.h"
#include "server/net/listening_socket.h"
#include "server/net/log_limit.h"
#include "server/net/service.h"
#include "server/net/session.h"
#include "server/net/settings.h"
#include "server/platform/file_descriptor.h"
#include "server/store/store.h"

namespace ticketd::net {

class Server final : public SessionHost {
  public:
    /// All references must outlive the server.
    Server(asio::io_context& loop, platform::Directory& directory, store::Store& store,
           const Settings& settings, const Access& access = {});

    ~Server() override;

    /// Starts to accept. The address was bound by the caller.
    void listen(ListeningSocket& address);

    /// Stops accepting and reading; calls `stopped` when every request taken on is answered and
    /// sent, or when clients have taken too long to read.
    void stop(std::function<void()> stopped);

    /// The event loop's part of the store's events (StoreEvents).
    void on_durable(Lsn lsn);
    void on_full();
    void on_checkpoint(Lsn lsn, store::OrderRuns runs) {
        store_.note_checkpoint(lsn, std::move(runs));
    }
    void on_entry(const store::Entry& entry) {
        service_.watchers().note(entry);
        service_.waiting_room().note(entry);
    }
    void on_keys_expired(const store::KeyFloor& floor) { store_.note_keys_expired(floor); }

    void dispatch(const std::shared_ptr<Session>& session, Message message) override;
    void read_large(std::shared_ptr<Session> session, std::string_view message) override;
    void flush_later(std::shared_ptr<Session> session) override;
    void take_turn_later(std::shared_ptr<Session> session) override;
    void note_held(std::ptrdiff_t bytes) override;
    Lsn durable_lsn() const override { return store_.durable_lsn(); }
    void input_ended(Session& session) override;
    void closed(Session& session) override;

  private:
    void accept();
    void on_connection_ready();
    void pause_accepting(int error);
    void admit(int descriptor);
    bool has_room_for(const Caller& caller) const;
    void refuse(const platform::FileDescriptor& connection, std::uint32_t uid);
    void drop_largest();
    void remember(const std::shared_ptr<Exchange>& batch);
    void handle_one(const std::shared_ptr<Session>& session,
                    const std::shared_ptr<Exchange>& exchange, Message::Part& part);
    void end_turn_later();
    void end_turn();
    void next_in_queue();
    void flush(std::vector<std::shared_ptr<Session>> sessions);
    void flush_awaiting();
    void arm_hold_timer();
    void sweep();
    void check_stopped();

    asio::io_context& loop_;
    store::Store& store_;
    const Settings& settings_;
    const Access access_;
    Service service_;
    asio::local::stream_protocol::acceptor acceptor_;
    asio::steady_timer accept_pause_;
    asio::steady_timer sweep_timer_;
    asio::steady_timer hold_timer_;
    std::optional<std::chrono::milliseconds> hold_timer_at_;  // as Store::next_end()
    std::uint64_t last_connection_ = 0;
    LargeReader large_reader_;
    LogLimit accept_log_, refusal_log_, memory_log_, full_log_;
    std::unordered_map<Session*, std::weak_ptr<Session>> sessions_;
    std::unordered_map<UserId, std::size_t> sessions_by_uid_;
    std::vector<std::shared_ptr<Session>> to_flush_;
    std::deque<std::shared_ptr<Session>> queue_;           // those that wait for a turn to be read
    std::vector<std::shared_ptr<Session>> awaiting_sync_;  // each once: those told of syncs
    // Batches of which some requests are answered and some wait; looked at only when changes are
    // taken back.
    std::vector<std::weak_ptr<Exchange>> unfinished_batches_;
    std::size_t prune_at_ = 0;
    bool told_full_ = false;
    bool turn_ending_ = false;
    std::function<void()> stopped_;
    std::chrono::steady_clock::time_point stop_deadline_;
};

}  // namespace ticketd::net
