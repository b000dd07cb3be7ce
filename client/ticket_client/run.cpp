#include "client/ticket_client/run.h"

#include <unistd.h>

#include <algorithm>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "client/call.h"
#include "client/streams.h"
#include "client/ticket_client/arguments.h"
#include "client/ticket_client/backup_verb.h"
#include "client/ticket_client/command.h"
#include "client/ticket_client/export_verb.h"
#include "client/ticket_client/help.h"
#include "client/ticket_client/interrupts.h"
#include "client/ticket_client/output.h"
#include "client/ticket_client/requests.h"
#include "client/ticket_client/run_verb.h"
#include "client/ticket_client/verdict.h"
#include "client/ticket_client/verify_verb.h"
#include "client/ticket_client/watch_verb.h"
#include "common/error_kind.h"
#include "common/socket_path.h"

namespace ticketd::client {
namespace {

int show(const std::string& text) {
    const auto failure = write_result(text);
    return failure ? report(*failure) : client_exit::kDone;
}

CallOptions call_options(const Arguments& arguments, const Interrupts& interrupts) {
    CallOptions options;
    options.socket_path = arguments.socket ? *arguments.socket : default_socket_path();
    const auto given = arguments.wait_ready ? arguments.wait_ready : arguments.timeout;
    // Who names a time wants all of it, for a daemon that is about to start as well.
    if (given) options.timeout = options.absent_timeout = *given;
    // The daemon tells when the time in line is over; the rest is for its answer.
    if (arguments.wait && !given) options.timeout += *arguments.wait;
    options.interrupt_fd = interrupts.descriptor();
    return options;
}

Outcome<std::string> carry_out(const Arguments& arguments, const Request& request) {
    const Interrupts interrupts;
    const auto options = call_options(arguments, interrupts);
    if (arguments.verb->verb == Verb::kLedgerBackup) return back_up(arguments, request, options);
    if (arguments.verb->verb == Verb::kReport) return report_on_ledger(arguments, options);
    if (arguments.verb->verb == Verb::kLedgerVerify) return verify(arguments, request, options);
    return call(request, options);
}

std::optional<Failure> print(const Arguments& arguments, const std::string& result) {
    const auto text =
        formatted(arguments.output.value_or(Output::kText), arguments.verb->verb, result);
    if (text) return write_result(*text);
    return Failure{"protocol", client_exit::kProtocol, "the answer cannot be shown in this form"};
}

int finish(const Arguments& arguments, const Request& request, const std::string& result) {
    const auto bad_news = verdict(arguments, result);
    // A ledger that does not verify is shown even to those who want to hear nothing.
    const bool is_to_be_seen = bad_news && !arguments.wants_exit_code;
    if (!arguments.is_quiet || is_to_be_seen) {
        if (auto failure = print(arguments, result)) {
            if (arguments.verb->verb == Verb::kLedgerBackup) {
                failure->message += "; the backup was made";
            }
            if (request.nature != Nature::kQuery) {
                failure->message += "; the request was done";
                if (!request.hint.empty()) failure->message += "; to see it, " + request.hint;
            }
            return report(*failure);
        }
    }
    if (!bad_news) return client_exit::kDone;
    return bad_news->message.empty() ? bad_news->exit_code : report(*bad_news);
}

// Whoever does not know what was done may want to send it again.
int report_no_result(Failure failure, const Request& request) {
    if (failure.exit_code != client_exit::kUnknownOutcome) return report(failure);
    if (!request.repeat_hint.empty()) failure.message += "; " + request.repeat_hint;
    report(failure);
    if (!request.repetition.empty()) {
        static_cast<void>(write_all(STDERR_FILENO, request.repetition + '\n'));
    }
    return failure.exit_code;
}

bool takes_value(std::string_view option) {
    if (option == "-n") return true;
    if (!option.starts_with("--") || option.find('=') != std::string_view::npos) return false;
    const auto known = all_options();
    return std::any_of(known.begin(), known.end(), [name = option.substr(2)](const auto& info) {
        return std::string_view{info.name}.starts_with(name) && !info.argument.empty();
    });
}

// Of `run`, also if the command line makes no sense: the first word that is no option, nor the
// value of one.
bool is_run(std::span<char* const> words) {
    for (std::size_t at = 1; at < words.size(); ++at) {
        const std::string_view word{words[at]};
        if (word.size() < 2 || word[0] != '-' || word == "--") return word == "run";
        if (takes_value(word)) ++at;
    }
    return false;
}

// A wrong command line. From `run` the codes below 125 are those of its command.
int report_wrong_words(Failure failure, bool is_of_run) {
    if (is_of_run) failure.exit_code = kOwnTroubleExit;
    return report(failure);
}

}  // namespace

int run(int argc, char* const* argv) {
    const auto parsed = parse_arguments(argc, argv);
    if (const auto* failure = failure_of(parsed)) {
        return report_wrong_words(*failure, is_run({argv, static_cast<std::size_t>(argc)}));
    }
    const auto& arguments = std::get<Arguments>(parsed);
    if (arguments.show == Arguments::Show::kHelp) return show(help_text(arguments.verb));
    if (arguments.show == Arguments::Show::kVersion)
        return show("ticket-client " TICKETD_VERSION "\n");

    const auto made = request_for(arguments);
    if (const auto* failure = failure_of(made)) {
        return report_wrong_words(*failure, arguments.verb->verb == Verb::kRun);
    }
    const auto& request = std::get<Request>(made);

    if (arguments.verb->verb == Verb::kRun) {
        const Interrupts interrupts;
        return run_command(arguments, call_options(arguments, interrupts), interrupts);
    }
    if (arguments.verb->verb == Verb::kLedgerExport) {
        const Interrupts interrupts;
        const auto failure = export_ledger(arguments, call_options(arguments, interrupts));
        return failure ? report(*failure) : client_exit::kDone;
    }
    if (arguments.verb->verb == Verb::kWatch) {
        const Interrupts interrupts;
        auto options = call_options(arguments, interrupts);
        // That time is for all of it; an answer is waited for as long as any.
        options.timeout = CallOptions{}.timeout;
        return watch_changes(arguments, options, interrupts);
    }
    const auto outcome = carry_out(arguments, request);
    if (const auto* failure = failure_of(outcome)) return report_no_result(*failure, request);
    return finish(arguments, request, std::get<std::string>(outcome));
}

}  // namespace ticketd::client
