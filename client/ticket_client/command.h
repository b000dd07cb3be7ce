// A command that is started, but does not run before it is let: so that what it needs can be bound
// to its process first. If this process dies before that, the command never runs. Not thread-safe:
// made before there are other threads.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "client/descriptor.h"
#include "client/failure.h"

namespace ticketd::client {

/// Exit code of `run` when the command did not come to run, for another reason than the command.
inline constexpr int kOwnTroubleExit = 125;

class Command {
  public:
    /// Forks; `arguments[0]` is looked for in PATH. The failure has exit 125.
    static Outcome<Command> prepare(std::vector<std::string> arguments);
    Command(Command&& other) noexcept
        : pid_(std::exchange(other.pid_, -1)),
          last_signal_(other.last_signal_),
          name_(std::move(other.name_)),
          ended_(std::move(other.ended_)),
          gate_(std::move(other.gate_)),
          problem_(std::move(other.problem_)) {}
    Command& operator=(Command&&) = delete;
    Command(const Command&) = delete;
    Command& operator=(const Command&) = delete;
    /// Ends it if it was never let run.
    ~Command();

    pid_t pid() const { return pid_; }
    /// A pidfd, readable once its process has ended.
    int descriptor() const { return ended_.number(); }
    /// Also before it was let run, if somebody killed it.
    bool has_ended() const;

    /// Lets it run with these variables (NAME=VALUE) beside those of this process, but for its
    /// TICKET_ ones, which are an outer command's. The failure has exit 126 or 127: it cannot be
    /// executed.
    [[nodiscard]] std::optional<Failure> run(const std::vector<std::string>& variables);

    /// Waits for its end; its exit status, or 128 and the signal's number, or 125, after a line on
    /// stderr, if that cannot be had. Meanwhile signals that `signals` (a signalfd) tells of are
    /// passed on to it, but for those of the terminal's keys, which it gets itself.
    int wait(int signals);
    /// What came last while it was waited for.
    std::optional<int> last_signal() const { return last_signal_; }

  private:
    Command(pid_t pid, std::string name, Descriptor gate, Descriptor problem);

    pid_t pid_;  // -1: its end was seen
    std::optional<int> last_signal_;
    std::string name_;
    Descriptor ended_;
    Descriptor gate_;     // what is written here lets it run
    Descriptor problem_;  // the errno that kept it from being executed can be read here
};

/// Makes this signalfd tell of every signal that is meant for a command as well, and blocks them:
/// SIGHUP, SIGQUIT, SIGUSR1 and SIGUSR2 beside SIGINT and SIGTERM. What is ignored stays ignored.
void take_all_signals(int signals);

/// The next one that it tells of, if any came.
std::optional<int> take_signal(int signals);

}  // namespace ticketd::client
