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
          gate_(std::move(other.gate_)),
          problem_(std::move(other.problem_)) {}
    Command& operator=(Command&&) = delete;
    Command(const Command&) = delete;
    Command& operator=(const Command&) = delete;
    /// Ends it if it was never let run.
    ~Command();

    pid_t pid() const { return pid_; }

    /// Lets it run with these variables (NAME=VALUE) beside those of this process. The failure has
    /// exit 126 or 127: it cannot be executed.
    [[nodiscard]] std::optional<Failure> run(const std::vector<std::string>& variables);

    /// Waits for its end; its exit status, or 128 and the signal's number. Meanwhile signals that
    /// `signals` (a signalfd) tells of are passed on to it, but for those of the terminal, which it
    /// gets itself.
    int wait(int signals);

  private:
    Command(pid_t pid, Descriptor gate, Descriptor problem)
        : pid_(pid), gate_(std::move(gate)), problem_(std::move(problem)) {}

    pid_t pid_;           // -1: its end was seen
    Descriptor gate_;     // what is written here lets it run
    Descriptor problem_;  // the errno that kept it from being executed can be read here
};

}  // namespace ticketd::client
