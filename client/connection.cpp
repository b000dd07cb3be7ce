#include "client/connection.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "client/backoff.h"
#include "client/trust.h"
#include "common/error_kind.h"
#include "common/socket_path.h"

namespace ticketd::client {
namespace {

std::string error_text(int error) {
    return ::strerrordesc_np(error);  // unlike strerror(): thread-safe, and loads no locale
}

OpenFailure open_failure(const std::string& path, int error) {
    using Cause = OpenFailure::Cause;
    const auto message = "cannot connect to " + path + ": " + error_text(error);
    switch (error) {
        case ENOENT:
        case ECONNREFUSED:
            return {Cause::kAbsent, {"unreachable", client_exit::kUnreachable, message}};
        case EAGAIN:
        case ENOBUFS: return {Cause::kCrowded, {"unreachable", client_exit::kUnreachable, message}};
        case EACCES:
        case EPERM: return {Cause::kHopeless, {"denied", client_exit::kDenied, message}};
        default: return {Cause::kHopeless, {"unreachable", client_exit::kUnreachable, message}};
    }
}

}  // namespace

std::variant<Connection, OpenFailure> Connection::try_open(const std::string& path) {
    if (path.empty() || path.size() > kSocketPathBytes) {
        return open_failure(path, ENAMETOOLONG);
    }
    Descriptor socket{::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
    if (!socket.is_open()) return open_failure(path, errno);

    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(static_cast<char*>(address.sun_path), kSocketPathBytes);
    const void* generic = &address;
    // A Unix socket connects at once or not at all: EINPROGRESS does not exist here (unix(7)).
    if (::connect(socket.number(), static_cast<const sockaddr*>(generic), sizeof address) != 0) {
        return open_failure(path, errno);
    }
    if (auto reason = reason_to_distrust(socket.number(), path)) {
        return OpenFailure{OpenFailure::Cause::kHopeless,
                           {"denied", client_exit::kDenied, *std::move(reason)}};
    }
    return Connection{std::move(socket)};
}

Outcome<Connection> Connection::open(const std::string& path, const Patience& patience) {
    Backoff backoff;
    for (;;) {
        auto opened = try_open(path);
        if (auto* connection = std::get_if<Connection>(&opened)) return std::move(*connection);
        auto& failed = std::get<OpenFailure>(opened);
        if (failed.cause == OpenFailure::Cause::kHopeless ||
            pause_for(backoff.next(), patience) != Waited::kReady) {
            return std::move(failed.failure);
        }
    }
}

std::variant<Answer, IoStatus> Connection::call(std::string_view method, std::string_view params,
                                                const Patience& patience) {
    const auto sent = send_request(method, params, patience);
    // A daemon that hangs up may have said why before it did.
    if (sent != IoStatus::kDone && sent != IoStatus::kLost) return sent;
    return receive_answer(patience);
}

IoStatus Connection::send_request(std::string_view method, std::string_view params,
                                  const Patience& patience) {
    return send_raw(request_line(++last_id_, method, params), patience);
}

std::variant<Answer, IoStatus> Connection::receive_answer(const Patience& patience) {
    for (;;) {
        const auto received = receive(patience);
        if (received.status != IoStatus::kDone) return received.status;
        auto reply = parse_reply(received.message);
        if (!reply && !is_notification(received.message)) return IoStatus::kMalformed;
        // Notifications and answers to what was sent by send_raw() are not what we wait for. An
        // error without an id is: the daemon could not read the request or does not want us.
        if (reply && (reply->id == std::to_string(last_id_) || reply->id == "null")) {
            return std::move(reply->answer);
        }
    }
}

IoStatus Connection::send_raw(std::string_view bytes, const Patience& patience) {
    while (!bytes.empty()) {
        const auto sent = ::send(socket_.number(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent >= 0) {
            bytes_sent_ += static_cast<std::size_t>(sent);
            bytes.remove_prefix(static_cast<std::size_t>(sent));
            continue;
        }
        if (errno == EINTR) continue;
        if (errno != EAGAIN && errno != ENOBUFS) return IoStatus::kLost;
        switch (wait_for(socket_.number(), POLLOUT, patience)) {
            case Waited::kReady: break;
            case Waited::kTimedOut: return IoStatus::kTimedOut;
            case Waited::kInterrupted: return IoStatus::kInterrupted;
        }
    }
    return IoStatus::kDone;
}

Received Connection::receive(const Patience& patience) {
    bool is_at_end = false;
    for (;;) {
        const auto scan = is_at_end ? scanner_.finish(pending_) : scanner_.scan(pending_);
        Received received{IoStatus::kDone, std::string{scan.message}};
        pending_.erase(0, scan.consumed);
        switch (scan.status) {
            case MessageScanner::Status::kMessage: return received;
            case MessageScanner::Status::kMalformed:
                return {is_at_end ? IoStatus::kLost : IoStatus::kMalformed, {}};
            case MessageScanner::Status::kTooLarge: return {IoStatus::kMalformed, {}};
            case MessageScanner::Status::kNeedMore: break;
        }
        if (is_at_end) return {IoStatus::kLost, {}};
        const auto status = read_more(patience);
        if (status == IoStatus::kLost) {
            is_at_end = true;
        } else if (status != IoStatus::kDone) {
            return {status, {}};
        }
    }
}

IoStatus Connection::read_more(const Patience& patience) {
    std::array<char, 16'384> chunk;  // NOLINT(*-member-init): filled by recv()
    for (;;) {
        const auto got = ::recv(socket_.number(), chunk.data(), chunk.size(), 0);
        if (got > 0) {
            pending_.append(chunk.data(), static_cast<std::size_t>(got));
            return IoStatus::kDone;
        }
        if (got == 0) return IoStatus::kLost;
        if (errno == EINTR) continue;
        if (errno != EAGAIN) return IoStatus::kLost;
        switch (wait_for(socket_.number(), POLLIN, patience)) {
            case Waited::kReady: break;
            case Waited::kTimedOut: return IoStatus::kTimedOut;
            case Waited::kInterrupted: return IoStatus::kInterrupted;
        }
    }
}

}  // namespace ticketd::client
