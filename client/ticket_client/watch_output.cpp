#include "client/ticket_client/watch_output.h"

#include <unistd.h>

#include <utility>

#include "client/streams.h"
#include "client/ticket_client/cells.h"
#include "client/ticket_client/command.h"
#include "client/ticket_client/mirror.h"

namespace ticketd::client {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kFrameAfter{100};
constexpr milliseconds kQuestionAfter{1000};

}  // namespace

WatchOutput::WatchOutput(const Arguments& arguments, const CallOptions& options,
                         const Interrupts& interrupts)
    : arguments_(arguments),
      options_(options),
      interrupts_(interrupts),
      output_(
          arguments.output.value_or(::isatty(STDOUT_FILENO) == 1 ? Output::kText : Output::kJson)) {
    const bool is_shown = !arguments.is_quiet && !arguments.output && !arguments.exec;
    if (is_shown && ::isatty(STDOUT_FILENO) == 1 && Screen::is_possible()) live_.emplace();
}

End WatchOutput::show(const Json& counts) {
    if (!is_newest(counts)) return std::nullopt;
    if (live_) live_->view.take(counts, Clock::now());
    const auto available = number_in(counts, "available");
    if (!arguments_.mirror || !available) return std::nullopt;
    const auto failure = write_mirror(*arguments_.mirror, *available);
    return failure ? End{report_end(*failure)} : std::nullopt;
}

bool WatchOutput::is_newest(const Json& counts) {
    const auto name = counts.find("event");
    const auto lsn = number_in(counts, "lsn");
    if (name == counts.end() || !lsn) return true;
    auto& newest = shown_[name->dump()];
    if (*lsn < newest) return false;
    newest = *lsn;
    return true;
}

End WatchOutput::tell(const std::string& text, const Json& change) {
    if (!live_ && !arguments_.is_quiet && !arguments_.exec) {
        if (const auto end = print(text)) return end;
    }
    if (const auto end = show(change)) return end;
    return arguments_.exec ? execute(text) : std::nullopt;
}

End WatchOutput::print(const std::string& change) {
    const auto row = formatted(output_, Verb::kWatch, change, std::exchange(head_, Head::kWithout));
    const auto failure = write_result(row.value_or(change + '\n'));
    return failure ? End{report_end(*failure)} : std::nullopt;
}

End WatchOutput::execute(const std::string& change) {
    auto prepared = Command::prepare({"sh", "-c", *arguments_.exec});
    if (const auto* failure = failure_of(prepared)) return report_end(*failure);
    auto& command = std::get<Command>(prepared);
    if (const auto failure = command.run(variables_of(change))) return report_end(*failure);
    const int status = command.wait(interrupts_.descriptor());
    // Even if the command makes nothing of it.
    if (command.last_signal()) return 128 + *command.last_signal();
    return status == 0 ? std::nullopt : End{status};
}

std::optional<Deadline> WatchOutput::next_frame() const {
    return live_ ? std::optional{live_->next_frame} : std::nullopt;
}

End WatchOutput::draw_if_due() {
    const auto now = Clock::now();
    if (!live_ || now < live_->next_frame) return std::nullopt;
    if (now >= live_->next_question) {
        ask_daemon();
        live_->next_question = Clock::now() + kQuestionAfter;
    }
    return draw();
}

End WatchOutput::note_absence() {
    if (!live_) return std::nullopt;
    live_->view.note_absence();
    return draw();
}

End WatchOutput::draw() {
    const auto [columns, rows] = Screen::size();
    const auto frame = live_->view.frame(columns, rows, Screen::has_colour(), Clock::now());
    live_->next_frame = Clock::now() + kFrameAfter;
    return live_->screen.draw(frame) ? std::nullopt : End{client_exit::kStorage};
}

void WatchOutput::ask_daemon() {
    auto options = options_;
    options.timeout = kQuestionAfter;
    options.absent_timeout = milliseconds{0};
    const auto asked = Clock::now();
    const auto answered = call({"server.stats", "{}", Nature::kQuery, {}}, options);
    const auto took = Clock::now() - asked;
    if (failure_of(answered) != nullptr) return live_->view.note_absence();
    const auto json = read_result(std::get<std::string>(answered));
    const auto waiting = json && json->is_object() ? number_in(*json, "waiting") : std::nullopt;
    live_->view.note_daemon(waiting.value_or(0),
                            std::chrono::duration_cast<std::chrono::microseconds>(took));
}

void WatchOutput::leave() {
    if (live_) static_cast<void>(draw());
    live_.reset();
}

int WatchOutput::report_end(const Failure& failure) {
    leave();  // what is said on its screen would go with it
    return report(failure);
}

}  // namespace ticketd::client
