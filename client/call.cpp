// Each try: connect, send, wait for the answer. A try ends the call unless one of these holds and
// there is time left:
//   nobody listens yet, or the queue of new connections is full: nothing was sent in this try;
//   the connection was lost and a second copy does no harm (Nature);
//   the daemon says `busy` with retry same_key, and a second copy does no harm.
// Once any byte of a request that changes something was sent, no failure of a later try may hide
// that its outcome is unknown.
#include "client/call.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>
#include <variant>

#include "client/backoff.h"
#include "client/connection.h"
#include "client/rpc.h"
#include "client/wait.h"
#include "common/error_kind.h"
#include "common/json_slice.h"

namespace ticketd::client {
namespace {

using Ending = std::optional<Outcome<std::string>>;  // nothing: try again

std::chrono::milliseconds retry_after(const RpcError& error) {
    constexpr std::int64_t kLongestMs = 60'000;
    const auto text = member_text(error.data, "retry_after_ms").value_or("");
    std::int64_t ms = 0;
    std::from_chars(text.data(), text.data() + text.size(), ms);
    return std::chrono::milliseconds{std::clamp<std::int64_t>(ms, 0, kLongestMs)};
}

class Caller {
  public:
    Caller(const Request& request, const CallOptions& options)
        : request_(request),
          options_(options),
          start_(Clock::now()),
          patience_(start_ + options.timeout, options.interrupt_fd) {}

    Outcome<std::string> run() {
        for (;;) {
            if (auto ending = try_once()) return *std::move(ending);
            const auto pause = std::max<Clock::duration>(backoff_.next(), pause_at_least_);
            switch (pause_for(pause, patience_)) {
                case Waited::kReady: break;
                case Waited::kTimedOut: return out_of_time();
                case Waited::kInterrupted: return interrupted();
            }
        }
    }

  private:
    Ending try_once() {
        pause_at_least_ = Clock::duration::zero();
        auto opened = Connection::try_open(options_.socket_path);
        if (auto* failed = std::get_if<OpenFailure>(&opened)) return after(*failed);
        auto& connection = std::get<Connection>(opened);
        was_reached_ = true;
        auto answered = connection.call(request_.method, request_.params, patience_);
        was_sent_ = was_sent_ || connection.bytes_sent() > 0;
        if (const auto* status = std::get_if<IoStatus>(&answered)) return after(*status);
        return after(std::get<Answer>(answered));
    }

    Ending after(OpenFailure& failed) {
        reason_ = failed.failure;
        // A daemon that restarts may shut others out for a moment, until its socket is ready.
        if (failed.cause == OpenFailure::Cause::kHopeless && !was_reached_) return give_up();
        if (failed.cause == OpenFailure::Cause::kCrowded) was_reached_ = true;
        if (!was_reached_ && Clock::now() >= start_ + options_.absent_timeout) return give_up();
        return std::nullopt;
    }

    Ending after(IoStatus status) {
        switch (status) {
            case IoStatus::kInterrupted: return interrupted();
            case IoStatus::kTimedOut: reason_ = no_answer(); return give_up();
            case IoStatus::kMalformed:
                return Failure{"protocol", client_exit::kProtocol,
                               with_hint("what answers on " + options_.socket_path +
                                         " does not speak JSON-RPC")};
            case IoStatus::kDone:
            case IoStatus::kLost: break;
        }
        reason_ = {"unreachable", client_exit::kUnreachable,
                   "lost the connection to " + options_.socket_path + " before the answer"};
        outcome_may_be_lost_ = was_sent_;
        if (was_sent_ && request_.nature == Nature::kOnce) return give_up();
        return std::nullopt;
    }

    Ending after(Answer& answer) {
        if (auto* result = std::get_if<std::string>(&answer)) return std::move(*result);
        auto& error = std::get<RpcError>(answer);
        const bool is_busy = error.code == error_kind_info(ErrorKind::kBusy).code;
        Failure failure{error.kind, exit_code_of(error), error.message};
        if (!is_busy) return failure;
        failure.message = with_hint(failure.message);
        if (error.retry != Retry::kSameKey || request_.nature == Nature::kOnce) return failure;
        busy_ = std::move(failure);
        pause_at_least_ = retry_after(error);
        return std::nullopt;
    }

    Outcome<std::string> out_of_time() {
        if (busy_ && !outcome_may_be_lost_) return *busy_;
        return give_up();
    }

    Outcome<std::string> interrupted() {
        if (was_sent_ && request_.nature != Nature::kQuery) {
            reason_.message = "interrupted before the answer";
            return give_up();
        }
        return Failure{"interrupted", kInterruptedExit, "nothing was changed"};
    }

    // Ends the call with reason_, unless something was sent that nobody answered.
    Failure give_up() {
        if (!was_sent_) return reason_;
        if (request_.nature == Nature::kQuery) {
            return {"no_answer", client_exit::kUnknownOutcome, reason_.message};
        }
        return {"unknown", client_exit::kUnknownOutcome, with_hint(reason_.message)};
    }

    Failure no_answer() const {
        return {"unreachable", client_exit::kUnreachable,
                "no answer from " + options_.socket_path + " within " +
                    std::to_string(options_.timeout.count()) + " ms"};
    }

    std::string with_hint(std::string message) const {
        if (!request_.hint.empty()) message += "; " + request_.hint;
        return message;
    }

    const Request& request_;
    const CallOptions& options_;
    Deadline start_;
    Patience patience_;
    Backoff backoff_;
    Clock::duration pause_at_least_{};
    Failure reason_;               // why the last try brought no answer
    std::optional<Failure> busy_;  // the last `busy`
    bool was_reached_ = false;     // some try found a daemon
    bool was_sent_ = false;        // some try sent a byte
    bool outcome_may_be_lost_ = false;
};

}  // namespace

Outcome<std::string> call(const Request& request, const CallOptions& options) {
    return Caller{request, options}.run();
}

}  // namespace ticketd::client
