// One turn of the loop: sessions read and dispatch, each request is decided and its reply queued;
// then, once, end_turn(): first the group goes to the sync thread, so that the disk works while the
// replies that rest on nothing new are sent. Replies that wait for the disk leave in on_durable().
#include "server/net/server.h"

#include <spdlog/spdlog.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <asio/post.hpp>
#include <utility>

#include "server/platform/process.h"

namespace ticketd::net {
namespace {

using std::chrono::steady_clock;

// Without descriptors, accepting is tried again this often.
constexpr std::chrono::milliseconds kAcceptPause{100};
constexpr std::chrono::milliseconds kSweepInterval{limits::kSweepMs};
// How long clients get to read their answers when the daemon stops.
constexpr std::chrono::seconds kStopPatience{5};
// Connections accepted in one go, so that a flood of them does not starve those that are there.
constexpr int kAcceptBurst = 16;

std::string refusal_line() {
    std::string line;
    append_message(line, error_message(ErrorKind::kBusy, "too many connections"));
    return line + '\n';
}

}  // namespace

Server::Server(asio::io_context& loop, platform::Directory& directory, store::Store& store,
               const Settings& settings, const Access& access)
    : loop_(loop),
      store_(store),
      settings_(settings),
      access_(access),
      service_(
          loop, directory, store, settings, [this] { end_turn_later(); },
          [this](const std::shared_ptr<Exchange>& exchange) { remember(exchange); }),
      acceptor_(loop),
      accept_pause_(loop),
      sweep_timer_(loop),
      hold_timer_(loop),
      large_reader_(loop, settings.batch_requests) {}

Server::~Server() {
    turn_ending_ = true;  // no further turn
    // Sessions may outlive the server, in handlers of the loop, but must not call it then.
    const auto sessions = std::exchange(sessions_, {});
    for (const auto& [key, session] : sessions) {
        if (const auto alive = session.lock()) alive->abort();
    }
}

void Server::listen(ListeningSocket& address) {
    service_.hold_watch().catch_up();
    address.listen();
    acceptor_.assign(asio::local::stream_protocol{}, address.release());
    accept();
    sweep();
}

void Server::accept() {
    acceptor_.async_wait(asio::socket_base::wait_read, [this](const asio::error_code& error) {
        if (!error && acceptor_.is_open()) on_connection_ready();
    });
}

void Server::on_connection_ready() {
    for (int i = 0; i < kAcceptBurst; ++i) {
        const int descriptor =
            ::accept4(acceptor_.native_handle(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (descriptor >= 0) {
            admit(descriptor);
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            break;
        } else if (errno != EINTR && errno != ECONNABORTED) {
            return pause_accepting(errno);
        }
    }
    accept();
}

// Out of descriptors or memory: the connection stays in the backlog, so waiting for readiness
// would return at once, again and again.
void Server::pause_accepting(int error) {
    if (accept_log_.admit()) {
        spdlog::warn("cannot accept connections now: {}",
                     std::error_code(error, std::system_category()).message());
    }
    accept_pause_.expires_after(kAcceptPause);
    accept_pause_.async_wait([this](const asio::error_code& cancelled) {
        if (!cancelled && acceptor_.is_open()) on_connection_ready();
    });
}

void Server::admit(int descriptor) {
    platform::FileDescriptor connection{descriptor};
    const auto peer = platform::peer_credentials(descriptor);
    const auto groups =
        access_.knows_groups() ? platform::peer_groups(descriptor) : std::vector<std::uint32_t>{};
    auto caller = caller_of(peer, groups, access_, ::geteuid());
    caller.connection = ++last_connection_;
    if (!peer.known || !has_room_for(caller)) return refuse(connection, peer.uid);
    Session::Socket socket{loop_, asio::local::stream_protocol{}, connection.release()};
    auto session = std::make_shared<Session>(std::move(socket), caller, settings_, *this);
    auto& of_uid = sessions_by_uid_[peer.uid];  // may throw, so before the session counts
    sessions_.emplace(session.get(), session);
    of_uid += 1;
    service_.counters().connections += 1;
    service_.counters().connections_total += 1;
    session->start();
}

bool Server::has_room_for(const Caller& caller) const {
    const auto of_uid = sessions_by_uid_.find(caller.uid);
    if (of_uid != sessions_by_uid_.end() && of_uid->second >= settings_.connections_per_uid) {
        return false;
    }
    const auto reserved =
        caller.is_operator ? 0
                           : std::min(limits::kConnectionsForOperators, settings_.connections / 8);
    return sessions_.size() + reserved < settings_.connections;
}

void Server::refuse(const platform::FileDescriptor& connection, std::uint32_t uid) {
    static const std::string line = refusal_line();
    static_cast<void>(::send(connection.get(), line.data(), line.size(), MSG_NOSIGNAL));
    service_.counters().connections_refused += 1;
    if (const auto more = refusal_log_.admit()) {
        spdlog::warn(
            "too many connections, refused one of uid {}; {} more since the last such line", uid,
            *more);
    }
}

void Server::input_ended(Session& session) {
    service_.waiting_room().connection_ended(session.caller().connection);
}

void Server::closed(Session& session) {
    service_.waiting_room().connection_ended(session.caller().connection);
    service_.hold_watch().connection_closed(session.caller().connection);
    service_.watchers().connection_closed(session.caller().connection);
    if (sessions_.erase(&session) == 0) return;
    service_.counters().connections -= 1;
    const auto count = sessions_by_uid_.find(session.caller().uid);
    if (--count->second == 0) sessions_by_uid_.erase(count);
    if (stopped_) end_turn_later();
}

void Server::read_large(std::shared_ptr<Session> session, std::string_view message) {
    large_reader_.read(message, [session = std::move(session)](Message read) {
        session->take_large(std::move(read));
    });
}

void Server::dispatch(const std::shared_ptr<Session>& session, Message message) {
    if (const auto& fault = message.fault) {
        if (fault->kind == ErrorKind::kParseError) session->skip_line();
        session->begin_request(1);
        return session->deliver(error_message(fault->kind, fault->message), 1);
    }
    const auto exchange = std::make_shared<Exchange>(session, message.is_batch);
    for (auto& part : message.parts)
        handle_one(session, exchange, part);
    complete(exchange);
    if (message.is_batch && !exchange->is_answered()) remember(exchange);
}

void Server::remember(const std::shared_ptr<Exchange>& batch) {
    constexpr std::size_t kPruneFrom = 1024;
    if (unfinished_batches_.size() >= std::max(kPruneFrom, prune_at_)) {
        std::erase_if(unfinished_batches_, [](const auto& other) { return other.expired(); });
        prune_at_ = unfinished_batches_.size() * 2;
    }
    unfinished_batches_.push_back(batch);
}

void Server::handle_one(const std::shared_ptr<Session>& session,
                        const std::shared_ptr<Exchange>& exchange, Message::Part& part) {
    if (auto* fault = std::get_if<RequestFault>(&part.request)) {
        if (fault->kind == ErrorKind::kParseError) session->skip_line();
        session->begin_request(1);
        const Responder responder{exchange, std::move(fault->envelope), 1};
        return responder.error(0, fault->kind, fault->message);
    }
    const auto& request = std::get<Request>(part.request);
    // A request that may get a large answer is the last one taken until that has left, so that a
    // client which does not read cannot pile such answers up. Nor can long requests pile up, whose
    // id, which may be nearly all of them, is kept for the answer.
    const bool is_large = Service::answer_size(request.method) == AnswerSize::kLarge;
    const auto weight =
        is_large ? settings_.in_flight
                 : std::min(1 + part.bytes / limits::kInFlightUnitBytes, settings_.in_flight);
    session->begin_request(weight);
    const Responder responder{exchange, request.envelope, weight};
    if (exchange->answer_bytes() > settings_.output_bytes) {
        return responder.error(0, ErrorKind::kBusy, "the answers of this batch grow too large");
    }
    if (is_large) exchange->expect_large_answer();
    service_.handle(request, session->caller(), responder);
    if (store_.has_open_group()) end_turn_later();
}

void Server::flush_later(std::shared_ptr<Session> session) {
    to_flush_.push_back(std::move(session));
    end_turn_later();
}

void Server::take_turn_later(std::shared_ptr<Session> session) {
    queue_.push_back(std::move(session));
    if (queue_.size() == 1) asio::post(loop_, [this] { next_in_queue(); });
}

// The event loop looks at the sockets between two posted handlers.
void Server::next_in_queue() {
    const auto session = queue_.front();
    session->take_turn();
    queue_.pop_front();
    if (!queue_.empty()) asio::post(loop_, [this] { next_in_queue(); });
}

void Server::note_held(std::ptrdiff_t bytes) {
    auto& held = service_.counters().held_bytes;
    held += static_cast<std::size_t>(bytes);
    if (held > limits::kHeldBytes) end_turn_later();
}

void Server::drop_largest() {
    const auto& held = service_.counters().held_bytes;
    while (held > limits::kHeldBytes) {
        std::shared_ptr<Session> largest;
        for (const auto& [key, session] : sessions_) {
            auto alive = session.lock();
            if (alive && (!largest || alive->held_bytes() > largest->held_bytes())) {
                largest = std::move(alive);
            }
        }
        if (!largest || largest->held_bytes() == 0) return;
        if (const auto more = memory_log_.admit()) {
            spdlog::warn(
                "connections hold {} bytes of unread answers and the like; dropped one of "
                "uid {} with {} bytes; {} more since the last such line",
                held, largest->caller().uid, largest->held_bytes(), *more);
        }
        largest->abort();
    }
}

void Server::end_turn_later() {
    if (turn_ending_) return;
    turn_ending_ = true;
    asio::post(loop_, [this] { end_turn(); });
}

void Server::end_turn() {
    turn_ending_ = false;
    store_.check_files();
    store_.end_due_holds();
    service_.waiting_room().serve();
    service_.watchers().serve();
    if (store_.has_open_group()) store_.end_turn();
    flush(std::exchange(to_flush_, {}));
    drop_largest();
    arm_hold_timer();
    if (service_.watchers().has_more()) end_turn_later();
    if (stopped_) check_stopped();
}

// Holds whose slot another process has locked stay due; sweep() comes back to them.
void Server::arm_hold_timer() {
    const auto next = store_.next_end();
    if (next == hold_timer_at_) return;
    hold_timer_at_ = next;
    if (!next) return static_cast<void>(hold_timer_.cancel());
    // The store counts whole milliseconds.
    hold_timer_.expires_after(store_.until_next_end() + std::chrono::milliseconds{1});
    hold_timer_.async_wait([this](const asio::error_code& cancelled) {
        if (!cancelled) end_turn_later();
    });
}

void Server::flush(std::vector<std::shared_ptr<Session>> sessions) {
    for (auto& session : sessions) {
        session->flush();
        if (!session->awaits_sync() || session->set_told_of_syncs(true)) continue;
        awaiting_sync_.push_back(std::move(session));
    }
}

void Server::flush_awaiting() {
    std::erase_if(awaiting_sync_, [](const auto& session) {
        session->flush();
        session->set_told_of_syncs(session->awaits_sync());
        return !session->awaits_sync();
    });
}

void Server::on_durable(Lsn lsn) {
    store_.note_durable(lsn);
    told_full_ = false;
    service_.durability().reached(lsn);
    flush_awaiting();
    end_turn_later();
}

void Server::on_full() {
    if (!std::exchange(told_full_, true) && full_log_.admit()) {
        spdlog::error("no space left for the journal: changes are refused until there is");
    }
    store_.roll_back();
    service_.hold_watch().catch_up();
    service_.waiting_room().look_again();
    service_.give_up_locks();
    for (const auto& session : awaiting_sync_)
        session->refuse_undone(store_.durable_lsn());
    for (const auto& session : to_flush_)
        session->refuse_undone(store_.durable_lsn());
    for (const auto& batch : unfinished_batches_) {
        if (const auto alive = batch.lock()) alive->refuse_undone(store_.durable_lsn());
    }
    service_.durability().rolled_back();
    flush_awaiting();
    end_turn_later();
}

void Server::sweep() {
    sweep_timer_.expires_after(kSweepInterval);
    sweep_timer_.async_wait([this](const asio::error_code& error) {
        if (error) return;
        const auto now = steady_clock::now();
        std::vector<std::shared_ptr<Session>> all;
        for (const auto& [key, session] : sessions_) {
            if (auto alive = session.lock()) all.push_back(std::move(alive));
        }
        for (const auto& session : all)
            session->check_deadlines(now);
        store_.scrub();
        service_.hold_watch().look_again();
        if (store_.next_end() || service_.waiting_room().waiting() > 0) end_turn_later();
        if (stopped_) check_stopped();
        sweep();
    });
}

void Server::stop(std::function<void()> stopped) {
    stopped_ = std::move(stopped);
    stop_deadline_ = steady_clock::now() + kStopPatience;
    asio::error_code ignored;
    acceptor_.close(ignored);
    accept_pause_.cancel();
    service_.close();
    for (const auto& [key, session] : sessions_) {
        if (auto alive = session.lock()) alive->finish();
    }
    end_turn_later();
}

void Server::check_stopped() {
    if (!sessions_.empty() && steady_clock::now() < stop_deadline_) return;
    sweep_timer_.cancel();
    hold_timer_.cancel();
    std::exchange(stopped_, {})();
}

}  // namespace ticketd::net
