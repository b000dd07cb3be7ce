#include "client/ticket_client/verify_verb.h"

#include <unistd.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "client/backup/backup.h"
#include "client/connection.h"
#include "client/wait.h"
#include "common/error_kind.h"
#include "common/progress_line.h"

namespace ticketd::client {
namespace {

// How often the daemon is asked how far it is. A short job is over before the first time.
constexpr std::chrono::milliseconds kLook{500};
constexpr std::chrono::hours kForever{24 * 365};

Failure failure_after(IoStatus status, const CallOptions& options) {
    const auto& path = options.socket_path;
    switch (status) {
        case IoStatus::kInterrupted:
            return {"interrupted", kInterruptedExit, "nothing was changed"};
        case IoStatus::kTimedOut:
            return {"no_answer", client_exit::kUnknownOutcome,
                    "no answer from " + path + " within " +
                        std::to_string(options.timeout.count()) + " ms"};
        case IoStatus::kMalformed:
            return {"protocol", client_exit::kProtocol,
                    "what answers on " + path + " does not speak JSON-RPC"};
        case IoStatus::kDone:
        case IoStatus::kLost: break;
    }
    return {"no_answer", client_exit::kUnknownOutcome,
            "lost the connection to " + path + " before the answer"};
}

/// Asks the daemon, over a connection of its own, how far it is. A daemon that does not say so at
/// once is not asked again: its answer to the real question is what counts.
class Onlooker {
  public:
    explicit Onlooker(const CallOptions& options) : options_(options) {}

    void look() {
        if (has_given_up_) return;
        const auto position = ask();
        has_given_up_ = !position.has_value();
        if (position && position->verified_lsn > 0) {
            line_.tell("entries of the ledger", position->verified_lsn, position->lsn);
        }
    }

  private:
    std::optional<StorePosition> ask() {
        if (!connection_) {
            auto opened = Connection::try_open(options_.socket_path);
            if (auto* connection = std::get_if<Connection>(&opened)) {
                connection_ = std::move(*connection);
            } else {
                return std::nullopt;
            }
        }
        const Patience patience{Clock::now() + kLook, options_.interrupt_fd};
        const auto answered = connection_->call("ledger.position", "{}", patience);
        const auto* answer = std::get_if<Answer>(&answered);
        const auto* text = answer == nullptr ? nullptr : std::get_if<std::string>(answer);
        if (text == nullptr) return std::nullopt;
        const auto position = read_position(*text);
        const auto* value = std::get_if<StorePosition>(&position);
        return value == nullptr ? std::nullopt : std::optional{*value};
    }

    const CallOptions& options_;
    ProgressLine line_{"verify", STDERR_FILENO};
    std::optional<Connection> connection_;
    bool has_given_up_ = false;
};

}  // namespace

Outcome<std::string> verify(const Arguments& arguments, const Request& request,
                            const CallOptions& options) {
    const auto start = Clock::now();
    auto opened = Connection::open(options.socket_path,
                                   {start + options.absent_timeout, options.interrupt_fd});
    if (auto* failure = std::get_if<Failure>(&opened)) return std::move(*failure);
    auto& connection = std::get<Connection>(opened);

    const auto limit = arguments.timeout ? Clock::duration{options.timeout} : kForever;
    const Patience all{start + limit, options.interrupt_fd};
    auto status = connection.send_request(request.method, request.params, all);
    if (status != IoStatus::kDone && status != IoStatus::kLost) {
        return failure_after(status, options);
    }
    Onlooker onlooker{options};
    for (;;) {
        const Patience look{std::min(all.deadline, Clock::now() + kLook), options.interrupt_fd};
        auto answered = connection.receive_answer(look);
        if (auto* answer = std::get_if<Answer>(&answered)) {
            if (auto* result = std::get_if<std::string>(answer)) return std::move(*result);
            const auto& error = std::get<RpcError>(*answer);
            return Failure{error.kind, exit_code_of(error), error.message};
        }
        status = std::get<IoStatus>(answered);
        if (status != IoStatus::kTimedOut || Clock::now() >= all.deadline) {
            return failure_after(status, options);
        }
        if (!arguments.is_quiet) onlooker.look();
    }
}

}  // namespace ticketd::client
