#include "server/net/session.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <asio/buffer.hpp>
#include <cstring>
#include <utility>

namespace ticketd::net {
namespace {

// What is read, and so scanned, in one go.
constexpr std::size_t kReadBytes = 4096;
// A longer message is read on another thread.
constexpr std::size_t kSmallMessageBytes = 4096;
// So much is done for a connection in one go: requests, or KiB of answers.
constexpr std::size_t kSpentMax = 32;
// After a go of so much, the next one has to wait for its turn among others of this kind.
constexpr std::size_t kSpentMuch = kSpentMax / 2;
// Memory of requests without an answer yet is estimated up to this: a large weight stands for a
// large answer.
constexpr std::size_t kUnansweredBytesMax = 128 * 1024;

// Nobody needs an empty buffer as large as the largest message of its life.
void give_back(std::string& buffer) {
    if (buffer.capacity() > limits::kKeptBufferBytes) std::string{}.swap(buffer);
}

}  // namespace

Session::Session(Socket socket, Caller caller, const Settings& settings, SessionHost& host)
    : socket_(std::move(socket)),
      caller_(caller),
      settings_(settings),
      host_(host),
      scanner_(settings.message_bytes),
      opened_(std::chrono::steady_clock::now()),
      last_read_(opened_),
      last_activity_(opened_) {}

Session::~Session() {
    // Nobody reads from it or writes to it any more, so it must not count as a connection either.
    if (!is_closed()) close();
}

void Session::start() {
    // Asio keeps its own idea of this: unless told so it would wait, on our loop, for a client that
    // does not read.
    asio::error_code error;
    socket_.non_blocking(true, error);
    if (error) return close();
    read();
}

bool Session::is_full() const {
    return in_flight_ >= settings_.in_flight ||
           output_.size() - output_sent_ + outgoing_bytes_ >= settings_.output_bytes;
}

void Session::read() {
    if (reading_ || is_closed() || input_ended_) return;
    if (is_full() || is_queued_ || put_off_bytes_ > 0) {
        paused_ = true;
        return;
    }
    // A message that we stopped reading has its time to arrive from now.
    if (std::exchange(paused_, false)) message_began_ = std::chrono::steady_clock::now();
    make_room();
    input_[input_used_] = '\0';
    reading_ = true;
    socket_.async_read_some(
        asio::buffer(input_.data() + input_used_, kReadBytes),
        [self = shared_from_this()](const asio::error_code& error, std::size_t bytes) {
            self->reading_ = false;
            if (self->is_closed() || self->input_ended_) return;
            if (error) return self->on_end_of_input();
            self->on_read(bytes);
        });
}

// At least kReadBytes behind what the input holds.
void Session::make_room() {
    if (input_done_ == input_used_) {
        input_done_ = input_used_ = 0;
        give_back(input_);
    }
    if (input_.size() - input_used_ < kReadBytes) {
        std::memmove(input_.data(), input_.data() + input_done_, input_used_ - input_done_);
        input_used_ -= input_done_;
        input_done_ = 0;
    }
    if (input_.size() - input_used_ < kReadBytes) {
        const auto doubled = std::min(input_used_ * 2, settings_.message_bytes);
        input_.resize(std::max(doubled, input_used_) + kReadBytes);
        note_held();
    }
}

void Session::on_read(std::size_t bytes) {
    input_used_ += bytes;
    last_read_ = std::chrono::steady_clock::now();
    go_on();
}

void Session::on_end_of_input() {
    input_ended_ = true;
    process();
    host_.input_ended(*this);
    schedule_flush();
}

// Takes what was read, and reads on. Whoever sent much last time stands in the queue for it.
void Session::go_on() {
    if (is_closed() || is_queued_ || put_off_bytes_ > 0) return;
    if (spent_ >= kSpentMuch) return queue_up();
    process();
    read();
}

void Session::queue_up() {
    is_queued_ = true;
    host_.take_turn_later(shared_from_this());
}

void Session::take_turn() {
    is_queued_ = false;
    process();
    read();
    if (input_ended_) schedule_flush();
}

// Cuts the input into messages for as long as there is room for their answers, and others need not
// wait too long.
void Session::process() {
    spent_ = 0;
    while (!is_closed() && !is_full() && put_off_bytes_ == 0) {
        if (spent_ >= kSpentMax) return queue_up();
        const bool was_in_message = scanner_.in_message();
        const auto result = scanner_.scan(rest_of_input());
        if (!was_in_message && scanner_.in_message()) message_began_ = last_read_;
        if (take_result(result)) continue;
        if (put_off_bytes_ > 0 || !input_ended_ || input_finished_) return;
        input_finished_ = true;
        take_result(scanner_.finish(rest_of_input()));
    }
}

// The message before input_done_ is not consumed until it was read.
void Session::put_off(std::size_t bytes) {
    put_off_bytes_ = bytes;
    input_done_ -= bytes;
    host_.read_large(shared_from_this(), rest_of_input().substr(0, bytes));
}

void Session::take_large(Message message) {
    const auto bytes = std::exchange(put_off_bytes_, 0);
    if (is_closed() || bytes == 0) return;
    input_done_ += bytes;
    dispatch(std::move(message));
    take_turn();
}

std::string_view Session::rest_of_input() const {
    return {input_.data() + input_done_, input_used_ - input_done_};
}

// False if there is nothing further to scan.
bool Session::take_result(const MessageScanner::Result& result) {
    note_framing();  // before the LF that may follow the first request is consumed
    input_done_ += result.consumed;
    switch (result.status) {
        case MessageScanner::Status::kNeedMore: return false;
        case MessageScanner::Status::kMessage:
            if (result.message.size() > kSmallMessageBytes) {
                put_off(result.message.size());
                return false;
            }
            dispatch(read_message(result.message, settings_.batch_requests));
            return true;
        case MessageScanner::Status::kMalformed:
            refuse(ErrorKind::kParseError, "not JSON");
            skip_line();
            return true;
        case MessageScanner::Status::kTooLarge:
            refuse(ErrorKind::kInvalidRequest,
                   "a message holds at most " + std::to_string(settings_.message_bytes) + " bytes");
            finish();
            return false;
    }
    return false;
}

void Session::dispatch(Message message) {
    had_message_ = true;
    last_activity_ = last_read_;
    host_.dispatch(shared_from_this(), std::move(message));
    note_framing();
}

void Session::skip_line() {
    if (framing_ == Framing::kBlankLine) return finish();  // no LF can be expected
    scanner_.skip_line();
    message_began_ = last_read_;
}

void Session::refuse(ErrorKind kind, std::string_view message) {
    begin_request(1);
    deliver(error_message(kind, message), 1);
}

// Some JSON-RPC clients send no newline and wait for a blank line; they are told by their first
// request, which no LF follows. The LF may arrive a moment after the request.
void Session::note_framing() {
    if (framing_ != Framing::kUnknown || !had_message_) return;
    for (auto at = input_done_; at < input_used_; ++at) {
        const char c = input_[at];
        if (c == ' ' || c == '\t' || c == '\r') continue;
        framing_ = c == '\n' ? Framing::kLine : Framing::kBlankLine;
        return;
    }
}

void Session::settle_framing() {
    if (framing_ != Framing::kUnknown) return;
    // A read that goes on may have it already, and only not said so yet.
    char next = reading_ ? input_[input_used_] : '\0';
    if (next == '\0') ::recv(socket_.native_handle(), &next, 1, MSG_PEEK | MSG_DONTWAIT);
    const bool line = !had_message_ || next == '\n' || next == '\r';
    framing_ = line ? Framing::kLine : Framing::kBlankLine;
}

void Session::deliver(ReplyMessage message, std::size_t weight) {
    if (is_closed()) return;
    unanswered_ -= weight;
    if (message.replies.empty() && message.notification.empty()) {
        in_flight_ -= weight;
    } else {
        const auto bytes = message.bytes();
        outgoing_bytes_ += bytes;
        spent_ += bytes / 1024;
        outgoing_.push_back({std::move(message), weight, bytes});
        note_held();
    }
    schedule_flush();
}

void Session::schedule_flush() {
    if (std::exchange(flush_scheduled_, true)) return;
    host_.flush_later(shared_from_this());
}

void Session::note_held() {
    const auto unanswered = std::min(unanswered_ * limits::kInFlightUnitBytes, kUnansweredBytesMax);
    const auto now =
        is_closed() ? 0 : input_.size() + output_.size() + outgoing_bytes_ + unanswered;
    const auto change = static_cast<std::ptrdiff_t>(now) - static_cast<std::ptrdiff_t>(held_);
    held_ = now;
    if (change != 0) host_.note_held(change);
}

bool Session::is_connected() {
    if (is_closed()) return false;
    pollfd state{socket_.native_handle(), 0, 0};
    return ::poll(&state, 1, 0) == 0 || (state.revents & (POLLHUP | POLLERR)) == 0;
}

void Session::flush() {
    flush_scheduled_ = false;
    if (is_closed()) return;
    const auto durable = host_.durable_lsn();
    if (!outgoing_.empty()) last_activity_ = std::chrono::steady_clock::now();
    while (!outgoing_.empty() && outgoing_.front().message.lsn() <= durable) {
        settle_framing();
        append_message(output_, outgoing_.front().message);
        output_ += framing_ == Framing::kBlankLine ? "\n\n" : "\n";
        in_flight_ -= outgoing_.front().weight;
        outgoing_bytes_ -= outgoing_.front().bytes;
        outgoing_.pop_front();
    }
    write();
    note_held();
    go_on();
    if (is_closed()) return;
    const bool idle = in_flight_ == 0 && !is_watching_ && outgoing_.empty() && output_.empty() &&
                      !is_queued_ && put_off_bytes_ == 0;
    if (input_finished_ && idle) close();
}

void Session::refuse_undone(Lsn durable) {
    for (auto& outgoing : outgoing_)
        net::refuse_undone(outgoing.message, durable);
}

void Session::write() {
    while (!writing_ && output_sent_ < output_.size()) {
        asio::error_code error;
        const auto sent = socket_.write_some(
            asio::buffer(output_.data() + output_sent_, output_.size() - output_sent_), error);
        output_sent_ += sent;
        if (error == asio::error::would_block) {
            writing_ = true;
            write_began_ = std::chrono::steady_clock::now();
            socket_.async_wait(Socket::wait_write,
                               [self = shared_from_this()](const asio::error_code&) {
                                   self->writing_ = false;
                                   self->schedule_flush();
                               });
        } else if (error) {
            return close();
        }
    }
    if (output_sent_ == output_.size()) {
        output_.clear();
        output_sent_ = 0;
        give_back(output_);
    } else if (output_sent_ >= settings_.output_bytes / 2) {
        output_.erase(0, output_sent_);
        output_sent_ = 0;
    }
}

void Session::check_deadlines(Time now) {
    if (is_closed()) return;
    const bool stalled =
        writing_ && now - write_began_ > std::chrono::milliseconds{limits::kWriteStallMs};
    const bool unfinished =
        reading_ && scanner_.in_message() && now - message_began_ > settings_.message_timeout;
    const auto first_timeout = scanner_.in_message()
                                   ? settings_.first_byte_timeout + settings_.message_timeout
                                   : settings_.first_byte_timeout;
    const bool silent = !had_message_ && put_off_bytes_ == 0 && now - opened_ > first_timeout;
    const bool idle = in_flight_ == 0 && !scanner_.in_message() && put_off_bytes_ == 0 &&
                      !is_watching_ && now - last_activity_ > settings_.idle_timeout;
    // Who watches may have nothing more to say, and still be there.
    const bool is_gone = is_watching_ && input_ended_ && !is_connected();
    if (stalled || unfinished || silent || idle || is_gone) close();
}

void Session::finish() {
    is_watching_ = false;
    input_ended_ = true;
    input_finished_ = true;
    input_done_ = input_used_;
    put_off_bytes_ = 0;
    schedule_flush();
}

void Session::close() {
    asio::error_code ignored;
    socket_.close(ignored);
    outgoing_.clear();
    output_.clear();
    output_sent_ = 0;
    note_held();
    host_.closed(*this);
}

}  // namespace ticketd::net
