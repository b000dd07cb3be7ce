// One connection: reads requests, hands them to the dispatcher, and sends the replies in the order
// in which they were decided, each once what it rests on is durable. Reading pauses while too many
// requests are unanswered or too much output is unread, so a connection's memory is bounded; a
// message begun and not finished, output not taken, and long silence end the connection.
//
// A few small messages are taken in one go. Connections that have more queue up for a turn, one of
// which comes between two looks at the sockets, and large messages are read on another thread; so
// none of it delays other connections by much.
//
// Lives as long as somebody holds a shared_ptr to it; its pending read keeps one. Event loop only.
#pragma once

#include <asio/local/stream_protocol.hpp>
#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <utility>

#include "common/message_scanner.h"
#include "server/net/message.h"
#include "server/net/responder.h"
#include "server/net/settings.h"

namespace ticketd::net {

/// Who is on the other end, as the kernel says.
struct Caller {
    UserId uid = 0;
    bool is_operator = false;
    std::uint32_t pid = 0;         ///< of the process that connected; 0: not to be seen from here
    std::uint64_t connection = 0;  ///< its number, of which no two connections have the same
    bool is_auditor = false;       ///< sees what others do; operators are auditors and buyers too
    bool is_buyer = true;
};

class Session;

/// What a session needs of the server around it.
class SessionHost {
  public:
    SessionHost() = default;
    SessionHost(const SessionHost&) = delete;
    SessionHost& operator=(const SessionHost&) = delete;
    virtual ~SessionHost() = default;

    /// One message of `session`; its requests answer through an Exchange with the session as sink.
    virtual void dispatch(const std::shared_ptr<Session>& session, Message message) = 0;
    /// Reads a large message and hands it to take_large(). Its bytes stay until then.
    virtual void read_large(std::shared_ptr<Session> session, std::string_view message) = 0;
    /// `session` has replies; flush() it at the end of the loop turn.
    virtual void flush_later(std::shared_ptr<Session> session) = 0;
    /// Calls take_turn() of the sessions given here in their order, and of no two of them without
    /// looking at all sockets in between.
    virtual void take_turn_later(std::shared_ptr<Session> session) = 0;
    /// A session holds so much more memory, or less, than it said before.
    virtual void note_held(std::ptrdiff_t bytes) = 0;
    virtual Lsn durable_lsn() const = 0;
    /// Nothing more will be read from it; answers may still be taken at its other end.
    virtual void input_ended(Session& session) = 0;
    virtual void closed(Session& session) = 0;
};

class Session final : public ReplySink, public std::enable_shared_from_this<Session> {
  public:
    using Socket = asio::local::stream_protocol::socket;
    using Time = std::chrono::steady_clock::time_point;

    /// Host and settings must outlive the session. The socket is non-blocking.
    Session(Socket socket, Caller caller, const Settings& settings, SessionHost& host);

    ~Session() override;

    void start();
    const Caller& caller() const { return caller_; }

    void deliver(ReplyMessage message, std::size_t weight) override;
    bool is_connected() override;
    std::uint64_t connection() const override { return caller_.connection; }
    std::size_t unread_bytes() const override { return outgoing_bytes_ + output_.size(); }
    void set_watching(bool is_watching) override { is_watching_ = is_watching; }

    /// A request was handed on that weighs so much until its reply leaves. Reading pauses when all
    /// of them together weigh settings.in_flight.
    void begin_request(std::size_t weight) {
        in_flight_ += weight;
        unanswered_ += weight;
        ++spent_;
    }

    /// After a value that was not JSON: its line is garbage to the end.
    void skip_line();

    /// The message that was given to read_large().
    void take_large(Message message);

    /// Takes the next messages of those that wait.
    void take_turn();

    /// Sends what may be sent.
    void flush();
    /// True if replies wait for the next sync.
    bool awaits_sync() const { return !outgoing_.empty(); }
    /// Its host's note, whether it is flushed after each sync. Returns what the note said.
    bool set_told_of_syncs(bool is_told) { return std::exchange(is_told_of_syncs_, is_told); }
    /// Everything after `durable` was taken back: replies that rest on it become refusals.
    void refuse_undone(Lsn durable);

    /// Memory that grows with what the client sends and does not read, about.
    std::size_t held_bytes() const { return held_; }

    /// Drops the connection if one of its deadlines has passed.
    void check_deadlines(Time now);
    /// Takes no further requests; closes when everything is answered and sent.
    void finish();
    /// Closes at once, whatever is unanswered.
    void abort() {
        if (!is_closed()) close();
    }
    bool is_closed() const { return !socket_.is_open(); }

  private:
    enum class Framing : std::uint8_t { kUnknown, kLine, kBlankLine };

    void read();
    void on_read(std::size_t bytes);
    void on_end_of_input();
    void go_on();
    void queue_up();
    void process();
    std::string_view rest_of_input() const;
    bool take_result(const MessageScanner::Result& result);
    void put_off(std::size_t bytes);
    void dispatch(Message message);
    void make_room();
    void note_held();
    bool is_full() const;
    void refuse(ErrorKind kind, std::string_view message);
    void schedule_flush();
    void note_framing();
    void settle_framing();
    void write();
    void close();

    Socket socket_;
    const Caller caller_;
    const Settings& settings_;
    SessionHost& host_;
    MessageScanner scanner_;

    std::string input_;
    std::size_t input_used_ = 0;  // bytes of input_ that hold data
    std::size_t input_done_ = 0;  // of those, bytes already consumed
    std::string output_;
    std::size_t output_sent_ = 0;
    struct Outgoing {
        ReplyMessage message;
        std::size_t weight = 0;
        std::size_t bytes = 0;  ///< when it was delivered
    };
    std::deque<Outgoing> outgoing_;
    std::size_t in_flight_ = 0;       // by weight, until answers leave
    std::size_t unanswered_ = 0;      // of those, by weight, until answers are here
    std::size_t outgoing_bytes_ = 0;  // of all in outgoing_
    std::size_t spent_ = 0;           // work done in the last go: requests, KiB of answers
    std::size_t put_off_bytes_ = 0;   // a large message at the front of the input, being read
    std::size_t held_ = 0;            // as told to the host

    Framing framing_ = Framing::kUnknown;
    bool had_message_ = false;
    bool reading_ = false;
    bool paused_ = false;  // not reading, because too much is unanswered or unread
    bool writing_ = false;
    bool flush_scheduled_ = false;
    bool is_queued_ = false;    // in the queue of those that wait for a turn
    bool is_watching_ = false;  // expects notifications
    bool is_told_of_syncs_ = false;
    bool input_ended_ = false;     // no further byte will be read
    bool input_finished_ = false;  // and those that were are taken care of
    const Time opened_;
    Time last_read_;
    Time last_activity_;  // a message taken, or an answer sent
    Time message_began_;
    Time write_began_;
};

}  // namespace ticketd::net
