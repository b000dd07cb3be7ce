// The hold is bound to the process of the command, which is there before its program is: so it ends
// with the command whatever becomes of this process and of the daemon. With --confirm it is bound
// to this process instead, which has to have the last word.
#include "client/ticket_client/run_verb.h"

#include <sys/epoll.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "client/streams.h"
#include "client/ticket_client/command.h"
#include "client/ticket_client/output.h"
#include "client/ticket_client/requests.h"
#include "client/wait.h"
#include "common/json_slice.h"

namespace ticketd::client {
namespace {

// Whatever keeps the command from running is this program's trouble.
int report_own(Failure failure) {
    failure.exit_code = kOwnTroubleExit;
    return report(failure);
}

// Whoever stopped this while it was in line, or the process of the command, knows why.
int end_without_hold(Command& command, const Interrupts& interrupts, const Failure& failure) {
    if (const auto signal = take_signal(interrupts.descriptor())) return 128 + *signal;
    if (command.has_ended()) return command.wait(-1);
    return report_own(failure);
}

struct Held {
    std::uint64_t order = 0;
    std::vector<std::string> variables;
};

Outcome<Held> read_hold(const std::string& result) {
    const auto json = nlohmann::json::parse(result, nullptr, false);
    const Failure strange{"protocol", kOwnTroubleExit, "hold was answered with something else"};
    if (!json.is_object()) return strange;
    const auto order = json.find("order"), granted = json.find("granted");
    const auto event = json.find("event");
    const auto is_number = [&json](auto found) {
        return found != json.end() && found->is_number_unsigned();
    };
    if (!is_number(order) || !is_number(granted) || event == json.end() || !event->is_string()) {
        return strange;
    }
    Held held{order->template get<std::uint64_t>(),
              {"TICKET_ORDER=" + order->dump(), "TICKET_GRANTED=" + granted->dump(),
               "TICKET_EVENT=" + event->template get<std::string>()}};
    const auto numbers = json.find("serials");
    if (numbers == json.end() || !numbers->is_array() || numbers->empty()) return held;
    std::string slots;
    for (const auto& number : *numbers) {
        if (!number.is_number_unsigned()) return strange;
        slots += (slots.empty() ? "" : " ") + number.dump();
    }
    held.variables.push_back("TICKET_SLOT=" + slots);
    return held;
}

// By the command itself, for one.
bool is_sold(std::uint64_t order, const CallOptions& options) {
    const auto answer =
        call({"order", R"({"order":)" + std::to_string(order) + '}', Nature::kQuery, {}}, options);
    const auto* result = std::get_if<std::string>(&answer);
    return result != nullptr && member_text(*result, "state") == R"("sold")";
}

// 75 if nobody said whether they are bought; the hold ends with this process if they are not.
int confirm(std::uint64_t order, const CallOptions& options) {
    auto request = settle_hold("confirm", order);
    const auto number = std::to_string(order);
    request.hint =
        "whether order " + number + " is bought tells `ticket-client order " + number + '`';
    const auto sold = call(request, options);
    const auto* failure = failure_of(sold);
    if (failure == nullptr) return client_exit::kDone;
    const bool is_known = failure->kind != "unknown" && failure->kind != "protocol";
    if (is_known && is_sold(order, options)) return client_exit::kDone;
    if (is_known) return report_own(*failure);
    return report({failure->kind, client_exit::kUnknownOutcome, failure->message});
}

}  // namespace

int run_command(const Arguments& arguments, const CallOptions& options,
                const Interrupts& interrupts) {
    take_all_signals(interrupts.descriptor());
    auto prepared = Command::prepare(arguments.operands);
    if (const auto* failure = failure_of(prepared)) return report(*failure);
    auto& command = std::get<Command>(prepared);
    const auto bound_to = arguments.confirms ? ::getpid() : command.pid();

    const auto request = hold_for_process(arguments, static_cast<std::uint64_t>(bound_to));
    if (const auto* failure = failure_of(request)) return report_own(*failure);
    auto waiting = options;
    const auto end_of_wait =
        either_of({interrupts.descriptor(), EPOLLIN}, {command.descriptor(), EPOLLIN});
    if (end_of_wait.is_open()) waiting.interrupt_fd = end_of_wait.number();
    const auto answer = call(std::get<Request>(request), waiting);
    if (const auto* failure = failure_of(answer)) {
        return end_without_hold(command, interrupts, *failure);
    }
    const auto held = read_hold(std::get<std::string>(answer));
    if (const auto* failure = failure_of(held)) return report_own(*failure);
    const auto& [order, variables] = std::get<Held>(held);

    auto settling = options;
    settling.interrupt_fd = -1;  // the last word is said whatever comes
    if (arguments.wait && !arguments.timeout) settling.timeout -= *arguments.wait;
    if (const auto failure = command.run(variables)) {
        static_cast<void>(call(settle_hold("release", order), settling));
        return report(*failure);
    }
    const int status = command.wait(interrupts.descriptor());
    if (arguments.confirms && status == 0) return confirm(order, settling);
    // The daemon does so by itself too, but whoever comes next should find them free already.
    settling.timeout = settling.absent_timeout;
    static_cast<void>(call(settle_hold("release", order), settling));
    return status;
}

}  // namespace ticketd::client
