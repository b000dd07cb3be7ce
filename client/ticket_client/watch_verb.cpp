// A connection after another: each goes on behind the last change that was told. What an event is
// now is asked once for each, because a change that was waited for may be past, or be none: events
// open by the clock.
#include "client/ticket_client/watch_verb.h"

#include <unistd.h>

#include <algorithm>

#include "client/connection.h"
#include "client/streams.h"
#include "client/ticket_client/command.h"
#include "client/ticket_client/live_view.h"
#include "client/ticket_client/mirror.h"
#include "client/ticket_client/output.h"
#include "client/ticket_client/requests.h"
#include "client/ticket_client/screen.h"
#include "client/ticket_client/until.h"
#include "common/json_slice.h"

namespace ticketd::client {
namespace {

using std::chrono::milliseconds;

constexpr int kWaitTimeoutExit = 124;
// As long as nothing calls for another look.
constexpr milliseconds kDay{86'400'000};
constexpr milliseconds kFrameAfter{100};
constexpr milliseconds kQuestionAfter{1000};

class Watching {
  public:
    Watching(const Arguments& arguments, const CallOptions& options, const Interrupts& interrupts,
             const Until& until)
        : arguments_(arguments),
          options_(options),
          interrupts_(interrupts),
          until_(until),
          output_(arguments.output.value_or(::isatty(STDOUT_FILENO) == 1 ? Output::kText
                                                                         : Output::kJson)),
          since_(arguments.since),
          end_(arguments.timeout ? Clock::now() + *arguments.timeout : Clock::now() + 365 * kDay) {
        const bool is_shown = !arguments.is_quiet && !arguments.output && !arguments.exec;
        if (is_shown && ::isatty(STDOUT_FILENO) == 1) live_.emplace();
    }

    int run() {
        for (;;) {
            if (const auto code = look_at_events()) return *code;
            const Patience patience{std::min(end_, Clock::now() + options_.timeout),
                                    options_.interrupt_fd};
            auto opened = Connection::open(options_.socket_path, patience);
            if (const auto* failure = failure_of(opened)) return end_with(*failure);
            auto& connection = std::get<Connection>(opened);
            if (const auto code = subscribe(connection, patience)) return *code;
            if (const auto code = listen(connection)) return *code;
        }
    }

  private:
    // What is waited for may be so already; also when to look again.
    std::optional<int> look_at_events() {
        look_again_ = Clock::now() + kDay;
        if (until_.what == Until::What::kForever && !arguments_.mirror && !live_) {
            return std::nullopt;
        }
        const auto answered = call({"events", "{}", Nature::kQuery, {}}, options_);
        if (const auto* failure = failure_of(answered)) return end_with(*failure);
        const auto json = read_result(std::get<std::string>(answered));
        const auto events =
            json && json->is_object() ? json->find("events") : Json::const_iterator{};
        if (!json || !json->is_object() || events == json->end() || !events->is_array()) {
            return end_with({"protocol", client_exit::kProtocol, "events: no list of events"});
        }
        const bool is_first = !since_;
        for (const auto& event : *events) {
            if (!event.is_object()) continue;
            const auto lsn = event.value("lsn", Json{});
            // So that nothing is missed between this look and the watch.
            if (is_first && lsn.is_number_unsigned()) {
                since_ = std::max(since_.value_or(0), lsn.get<std::uint64_t>());
            }
        }
        for (const auto& event : *events) {
            if (!event.is_object() || !is_watched(event)) continue;
            if (live_) live_->view.take(event, Clock::now());
            if (const auto code = mirror(event)) return code;
            if (is_reached(until_, event)) {
                // What led to it is told first.
                const auto lsn = event.value("lsn", Json{});
                const bool is_told = !since_ || !lsn.is_number_unsigned() || lsn <= *since_;
                if (is_told) return client_exit::kDone;
                reached_at_ = lsn.get<std::uint64_t>();
            }
            note_opening(event);
        }
        return std::nullopt;
    }

    bool is_watched(const Json& event) const {
        const auto& names = arguments_.operands;
        return names.empty() || std::any_of(names.begin(), names.end(), [&](const auto& name) {
                   return event.value("event", Json{}) == name;
               });
    }

    void note_opening(const Json& event) {
        const auto opens = event.find("opens_ms");
        if (until_.what != Until::What::kOpen || opens == event.end() ||
            !opens->is_number_unsigned()) {
            return;
        }
        const auto now = std::chrono::duration_cast<milliseconds>(
            std::chrono::system_clock::now().time_since_epoch());
        const milliseconds left{opens->get<std::int64_t>() - now.count()};
        if (left.count() > 0) look_again_ = std::min(look_again_, Clock::now() + left);
    }

    std::optional<int> subscribe(Connection& connection, const Patience& patience) {
        const auto request = watch_request(arguments_, since_);
        if (const auto* failure = failure_of(request)) return end_with(*failure);
        const auto& made = std::get<Request>(request);
        const auto answered = connection.call(made.method, made.params, patience);
        if (const auto* status = std::get_if<IoStatus>(&answered)) {
            if (*status == IoStatus::kLost) return std::nullopt;
            if (*status == IoStatus::kInterrupted) return kInterruptedExit;
            return end_with({"unreachable", client_exit::kUnreachable,
                             "no answer from " + options_.socket_path});
        }
        const auto& answer = std::get<Answer>(answered);
        if (const auto* error = std::get_if<RpcError>(&answer)) {
            return end_with({error->kind, exit_code_of(*error), error->message});
        }
        const auto json = read_result(std::get<std::string>(answer));
        if (!since_ && json && json->is_object()) {
            const auto since = json->find("since_lsn");
            if (since != json->end() && since->is_number_unsigned()) {
                since_ = since->get<std::uint64_t>();
            }
        }
        return std::nullopt;
    }

    // Nothing: the connection was lost, or it is time to look at the events again.
    std::optional<int> listen(Connection& connection) {
        for (;;) {
            const auto soon = live_ ? std::min(look_again_, live_->next_frame) : look_again_;
            const Patience patience{std::min(end_, soon), options_.interrupt_fd};
            const auto [status, message] = connection.receive(patience);
            if (const auto code = show_now()) return code;
            switch (status) {
                case IoStatus::kDone: break;
                case IoStatus::kInterrupted: return kInterruptedExit;
                case IoStatus::kTimedOut:
                    if (Clock::now() < std::min(end_, look_again_)) continue;
                    if (Clock::now() < end_) return std::nullopt;
                    return until_.what == Until::What::kForever
                               ? client_exit::kDone
                               : end_with({"wait_timeout", kWaitTimeoutExit,
                                           "it did not come to that in time"});
                case IoStatus::kLost: return std::nullopt;
                case IoStatus::kMalformed:
                    return end_with({"protocol", client_exit::kProtocol, "no JSON came"});
            }
            if (member_text(message, "method") != R"("changed")") return std::nullopt;  // lagged
            const auto change = member_text(message, "params").value_or("{}");
            if (const auto code = tell(std::string{change})) return code;
        }
    }

    // A frame every now and then, and each second how the daemon is.
    std::optional<int> show_now() {
        const auto now = Clock::now();
        if (!live_ || now < live_->next_frame) return std::nullopt;
        if (now >= live_->next_question) {
            ask_daemon();
            live_->next_question = Clock::now() + kQuestionAfter;
        }
        const auto [columns, rows] = Screen::size();
        const auto frame = live_->view.frame(columns, rows, Screen::has_colour(), now);
        live_->next_frame = Clock::now() + kFrameAfter;
        if (live_->screen.draw(frame)) return std::nullopt;
        return client_exit::kStorage;
    }

    void ask_daemon() {
        auto options = options_;
        options.timeout = options.absent_timeout = kQuestionAfter;
        const auto asked = Clock::now();
        const auto answered = call({"server.stats", "{}", Nature::kQuery, {}}, options);
        const auto took = Clock::now() - asked;
        if (failure_of(answered) != nullptr) return live_->view.note_absence();
        const auto json = read_result(std::get<std::string>(answered));
        const auto waiting = json && json->is_object() ? json->value("waiting", Json{}) : Json{};
        live_->view.note_daemon(waiting.is_number_unsigned() ? waiting.get<std::uint64_t>() : 0,
                                std::chrono::duration_cast<std::chrono::microseconds>(took));
    }

    std::optional<int> mirror(const Json& counts) {
        const auto available = counts.find("available");
        if (!arguments_.mirror || available == counts.end() || !available->is_number_unsigned()) {
            return std::nullopt;
        }
        const auto failure = write_mirror(*arguments_.mirror, available->get<std::uint64_t>());
        return failure ? std::optional{report(*failure)} : std::nullopt;
    }

    std::optional<int> tell(const std::string& change) {
        const auto json = read_result(change);
        if (!json || !json->is_object()) {
            return end_with({"protocol", client_exit::kProtocol, "changed: no object"});
        }
        const auto lsn = json->find("lsn");
        if (lsn != json->end() && lsn->is_number_unsigned()) since_ = lsn->get<std::uint64_t>();
        if (live_) {
            live_->view.take(*json, Clock::now());
        } else if (!arguments_.is_quiet && !arguments_.exec) {
            const auto text = formatted(output_, Verb::kWatch, change);
            if (const auto failure = write_result(text.value_or(change + '\n'))) {
                return report(*failure);
            }
        }
        if (const auto code = mirror(*json)) return code;
        if (arguments_.exec) {
            if (const auto status = execute(change); status != 0) return status;
        }
        const bool is_so = is_reached(until_, *json) || (reached_at_ && since_ >= reached_at_);
        return is_so ? std::optional{client_exit::kDone} : std::nullopt;
    }

    int execute(const std::string& change) {
        auto prepared = Command::prepare({"sh", "-c", *arguments_.exec});
        if (const auto* failure = failure_of(prepared)) return report(*failure);
        auto& command = std::get<Command>(prepared);
        if (const auto failure = command.run(variables_of(change))) return report(*failure);
        return command.wait(interrupts_.descriptor());
    }

    int end_with(const Failure& failure) {
        if (failure.exit_code == kInterruptedExit) return kInterruptedExit;
        return report(failure);
    }

    /// On a terminal.
    struct Live {
        LiveView view;
        Screen screen;
        Deadline next_frame = Clock::now();
        Deadline next_question = Clock::now();
    };

    const Arguments& arguments_;
    const CallOptions& options_;
    const Interrupts& interrupts_;
    const Until until_;
    const Output output_;
    std::optional<std::uint64_t> since_;       // the last change that was told
    std::optional<std::uint64_t> reached_at_;  // the change after which it is so
    const Deadline end_;
    Deadline look_again_;
    std::optional<Live> live_;
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
