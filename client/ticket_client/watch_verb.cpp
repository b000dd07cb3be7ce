// A connection after another: each goes on behind the last change that was told. What an event is
// now is asked once for each, because a change that was waited for may be past, or be none: events
// open by the clock. That answer is newer than what the watch then replays, so what shows counts
// takes those of no older LSN than it has. What is told of some events does not say how far the
// ledger is: whoever waits for an LSN asks for that now and then, and is done when the last changes
// of these events, as they are from then on, were told.
#include "client/ticket_client/watch_verb.h"

#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <set>
#include <string>
#include <utility>
#include <variant>

#include "client/backoff.h"
#include "client/connection.h"
#include "client/streams.h"
#include "client/ticket_client/cells.h"
#include "client/ticket_client/command.h"
#include "client/ticket_client/requests.h"
#include "client/ticket_client/until.h"
#include "client/ticket_client/watch_output.h"
#include "client/wait.h"
#include "common/error_kind.h"
#include "common/json_slice.h"

namespace ticketd::client {
namespace {

using std::chrono::milliseconds;

constexpr int kWaitTimeoutExit = 124;
// As long as nothing calls for another look.
constexpr milliseconds kDay{86'400'000};
constexpr milliseconds kPositionAfter{250};

class Watching {
  public:
    Watching(const Arguments& arguments, const CallOptions& options, const Interrupts& interrupts,
             const Until& until)
        : arguments_(arguments),
          options_(options),
          interrupts_(interrupts),
          end_of_wait_(either_of({interrupts.descriptor(), EPOLLIN},
                                 {prints(arguments) ? STDOUT_FILENO : -1, 0})),
          until_(until),
          output_(arguments, options, interrupts),
          since_(arguments.since),
          start_(Clock::now()),
          end_(arguments.timeout ? Clock::now() + *arguments.timeout : Clock::now() + 365 * kDay) {
        if (end_of_wait_.is_open()) options_.interrupt_fd = end_of_wait_.number();
    }

    int run() {
        while (!exit_code_) {
            auto connection = connect();
            if (connection && look_at_events(*connection) && subscribe(*connection)) {
                listen(*connection);
            }
        }
        output_.leave();
        return *exit_code_;
    }

  private:
    static bool prints(const Arguments& arguments) {
        return !arguments.is_quiet && !arguments.exec;
    }

    // Nothing: it is the end.
    std::optional<Connection> connect() {
        for (;;) {
            auto opened = Connection::try_open(options_.socket_path);
            if (auto* connection = std::get_if<Connection>(&opened)) return std::move(*connection);
            const auto& [cause, failure] = std::get<OpenFailure>(opened);
            // A daemon that restarts may shut others out for a moment.
            if (cause == OpenFailure::Cause::kHopeless && !was_served_) {
                end_with(failure);
                return std::nullopt;
            }
            const bool is_absent = cause == OpenFailure::Cause::kAbsent;
            if (!pause(failure, is_absent ? options_.absent_timeout : options_.timeout)) {
                return std::nullopt;
            }
        }
    }

    // Before another try: whoever was served waits as long as it takes, others so long in all.
    // False: it is the end, for this reason.
    bool pause(const Failure& reason, milliseconds patience) {
        if (!goes_on(output_.note_absence())) return false;
        const auto deadline = was_served_ ? end_ : std::min(end_, start_ + patience);
        switch (pause_for(backoff_.next(), {deadline, options_.interrupt_fd})) {
            case Waited::kReady: return true;
            case Waited::kInterrupted: end_interrupted(); break;
            case Waited::kTimedOut: end_without_answer(reason); break;
        }
        return false;
    }

    // Nothing: it is the end, or another connection may bring an answer.
    std::optional<Json> ask(Connection& connection, const Request& request) {
        const auto answered = answer_of(connection, request);
        if (const auto* status = std::get_if<IoStatus>(&answered)) {
            note_silence(*status);
            return std::nullopt;
        }
        const auto& answer = std::get<Answer>(answered);
        if (const auto* error = std::get_if<RpcError>(&answer)) {
            take_refusal(*error);
            return std::nullopt;
        }
        was_served_ = true;
        auto json = read_result(std::get<std::string>(answer));
        if (json && json->is_object()) return json;
        end_with({"protocol", client_exit::kProtocol, request.method + ": no object"});
        return std::nullopt;
    }

    // A daemon that is about to stop is busy.
    void take_refusal(const RpcError& error) {
        const Failure failure{error.kind, exit_code_of(error), error.message};
        const bool is_busy = error.code == error_kind_info(ErrorKind::kBusy).code;
        is_busy ? pause(failure, options_.timeout) : end_with(failure);
    }

    // The screen shows how it goes meanwhile.
    std::variant<Answer, IoStatus> answer_of(Connection& connection, const Request& request) {
        const Patience patience{std::min(end_, Clock::now() + options_.timeout),
                                options_.interrupt_fd};
        const auto sent = connection.send_request(request.method, request.params, patience);
        // A daemon that hangs up may have said why before it did.
        if (sent != IoStatus::kDone && sent != IoStatus::kLost) return sent;
        for (;;) {
            auto answered = connection.receive_answer(
                {at_next_frame_or(patience.deadline), options_.interrupt_fd});
            const auto* status = std::get_if<IoStatus>(&answered);
            const bool is_only_frame = status != nullptr && *status == IoStatus::kTimedOut &&
                                       Clock::now() < patience.deadline;
            if (!is_only_frame) return answered;
            if (!goes_on(output_.draw_if_due())) return IoStatus::kInterrupted;
        }
    }

    void note_silence(IoStatus status) {
        if (exit_code_) return;
        // Something was sent, as it is with any other question.
        const Failure silence{"no_answer", client_exit::kUnknownOutcome,
                              "no answer from " + options_.socket_path};
        switch (status) {
            case IoStatus::kDone: break;
            case IoStatus::kInterrupted: end_interrupted(); break;
            case IoStatus::kLost: pause(silence, options_.timeout); break;
            case IoStatus::kTimedOut:
                if (!was_served_ || Clock::now() >= end_) end_without_answer(silence);
                break;
            case IoStatus::kMalformed:
                end_with({"protocol", client_exit::kProtocol, "no JSON came"});
        }
    }

    // What is waited for may be so already; also when to look again. False: no more of this
    // connection, here and below.
    bool look_at_events(Connection& connection) {
        look_again_ = Clock::now() + kDay;
        if (until_.what == Until::What::kForever && !output_.shows_counts()) return true;
        // First, so that the events are no older.
        const auto position = ask_position(connection);
        if (!position) return false;
        const auto json = ask(connection, {"events", "{}", Nature::kQuery, {}});
        if (!json) return false;
        const auto events = json->find("events");
        if (events == json->end() || !events->is_array()) {
            end_with({"protocol", client_exit::kProtocol, "events: no list of events"});
            return false;
        }
        const bool is_first = !since_;
        for (const auto& event : *events) {
            if (!event.is_object()) continue;
            // So that nothing is missed between this look and the watch.
            if (const auto lsn = number_in(event, "lsn"); is_first && lsn) {
                since_ = std::max(since_.value_or(0), *lsn);
            }
        }
        for (const auto& event : *events) {
            if (event.is_object() && is_watched(event) && !look_at(event)) return false;
        }
        return until_.what != Until::What::kLsn || look_at_position(*position, *events);
    }

    // How far the ledger is; 0 if that does not matter.
    std::optional<std::uint64_t> ask_position(Connection& connection) {
        if (until_.what != Until::What::kLsn) return 0;
        const auto json = ask(connection, {"server.info", "{}", Nature::kQuery, {}});
        if (!json) return std::nullopt;
        return number_in(*json, "durable_lsn").value_or(0);
    }

    bool look_at_position(std::uint64_t position, const Json& events) {
        if (position < until_.lsn) {
            look_again_ = std::min(look_again_, Clock::now() + kPositionAfter);
            return true;
        }
        std::uint64_t last = 0;
        std::set<std::string> unknown{arguments_.operands.begin(), arguments_.operands.end()};
        for (const auto& event : events) {
            if (!event.is_object() || !is_watched(event)) continue;
            last = std::max(last, number_in(event, "lsn").value_or(0));
            const auto name = event.value("event", Json{});
            if (name.is_string()) unknown.erase(name.get<std::string>());
        }
        if (!unknown.empty()) return true;  // and the daemon says so of the watch
        if (last <= since_.value_or(0)) return end(client_exit::kDone);
        reached_at_ = last;
        return true;
    }

    bool look_at(const Json& event) {
        if (!goes_on(output_.show(event))) return false;
        if (is_reached(until_, event)) {
            // What led to it is told first.
            const auto lsn = number_in(event, "lsn");
            const bool is_told = !since_ || !lsn || *lsn <= *since_;
            if (is_told) return end(client_exit::kDone);
            reached_at_ = lsn;
        }
        note_opening(event);
        return true;
    }

    bool is_watched(const Json& event) const {
        const auto& names = arguments_.operands;
        return names.empty() || std::any_of(names.begin(), names.end(), [&](const auto& name) {
                   return event.value("event", Json{}) == name;
               });
    }

    void note_opening(const Json& event) {
        const auto opens_ms = number_in(event, "opens_ms");
        if (until_.what != Until::What::kOpen || !opens_ms) return;
        const auto now = std::chrono::duration_cast<milliseconds>(
            std::chrono::system_clock::now().time_since_epoch());
        const milliseconds left{static_cast<std::int64_t>(*opens_ms) - now.count()};
        if (left.count() > 0) look_again_ = std::min(look_again_, Clock::now() + left);
    }

    bool subscribe(Connection& connection) {
        const auto request = watch_request(arguments_, since_);
        if (const auto* failure = failure_of(request)) return end_with(*failure);
        const auto json = ask(connection, std::get<Request>(request));
        if (!json) return false;
        if (!since_) since_ = number_in(*json, "since_lsn");
        backoff_ = Backoff{};
        return true;
    }

    // Until the connection is lost, it is time to look at the events again, or it is the end.
    void listen(Connection& connection) {
        for (;;) {
            const Patience patience{std::min(end_, at_next_frame_or(look_again_)),
                                    options_.interrupt_fd};
            const auto [status, message] = connection.receive(patience);
            if (!goes_on(output_.draw_if_due())) return;
            if (status == IoStatus::kTimedOut) {
                if (Clock::now() < std::min(end_, look_again_)) continue;
                if (Clock::now() >= end_) end_in_time();
                return;
            }
            if (status == IoStatus::kLost) return;
            if (status != IoStatus::kDone) return note_silence(status);
            if (member_text(message, "method") != R"("changed")") return take_end(message);
            if (!tell(std::string{member_text(message, "params").value_or("{}")})) return;
            // A command for each of many that are past may take long.
            if (Clock::now() >= end_) {
                end_in_time();
                return;
            }
        }
    }

    // The subscription is over: the watcher has lagged, or what it wants cannot be read.
    void take_end(const std::string& message) {
        const auto reply = parse_reply(message);
        const auto* error = reply ? std::get_if<RpcError>(&reply->answer) : nullptr;
        if (error != nullptr) take_refusal(*error);
    }

    bool tell(const std::string& change) {
        const auto json = read_result(change);
        if (!json || !json->is_object()) {
            return end_with({"protocol", client_exit::kProtocol, "changed: no object"});
        }
        if (const auto lsn = number_in(*json, "lsn")) since_ = lsn;
        if (!goes_on(output_.tell(change, *json))) return false;
        const bool is_so = is_reached(until_, *json) || (reached_at_ && since_ >= reached_at_);
        return !is_so || end(client_exit::kDone);
    }

    Deadline at_next_frame_or(Deadline later) const {
        return std::min(later, output_.next_frame().value_or(later));
    }

    bool goes_on(End end) {
        if (end) exit_code_ = end;
        return !end;
    }

    // All of these are false, for whoever is to return that.
    bool end(int exit_code) {
        exit_code_ = exit_code;
        return false;
    }
    bool end_with(const Failure& failure) { return end(output_.report_end(failure)); }
    bool end_interrupted() {
        if (const auto signal = take_signal(interrupts_.descriptor())) return end(128 + *signal);
        return end(client_exit::kStorage);  // nobody reads stdout any more, and knows it
    }
    bool end_in_time() {
        if (until_.what == Until::What::kForever) return end(client_exit::kDone);
        return end_with({"wait_timeout", kWaitTimeoutExit, "it did not come to that in time"});
    }
    bool end_without_answer(const Failure& reason) {
        const bool is_waited_for = was_served_ && until_.what != Until::What::kForever;
        return is_waited_for ? end_in_time() : end_with(reason);
    }

    const Arguments& arguments_;
    CallOptions options_;
    const Interrupts& interrupts_;
    // A signal, or the end of whoever reads stdout: no change may come that shows it.
    const Descriptor end_of_wait_;
    const Until until_;
    WatchOutput output_;
    std::optional<std::uint64_t> since_;       // the last change that was told
    std::optional<std::uint64_t> reached_at_;  // the change after which it is so
    const Deadline start_, end_;
    Deadline look_again_;
    Backoff backoff_;
    bool was_served_ = false;  // by some daemon
    End exit_code_;            // it is the end
};

}  // namespace

int watch_changes(const Arguments& arguments, const CallOptions& options,
                  const Interrupts& interrupts) {
    const auto until = read_until(arguments.until);
    if (const auto* failure = failure_of(until)) return report(*failure);
    if (arguments.mirror && arguments.operands.size() != 1) {
        return report(usage("--mirror needs one EVENT"));
    }
    return Watching{arguments, options, interrupts, std::get<Until>(until)}.run();
}

}  // namespace ticketd::client
