// Child processes of the tests: the real binaries, started with given arguments, their output read
// through pipes, every wait with a deadline. A child never outlives its test: it is killed when its
// object goes, and by the kernel when the test process dies (so start children from the main thread
// only: the kernel's promise is about the thread). Not thread-safe.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <csignal>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "client/descriptor.h"

namespace ticketd::testing {

/// The longest that anything is waited for. Only a failing test takes that long, so it is generous:
/// sanitizers are slow.
inline constexpr std::chrono::seconds kPatience{60};

struct ProcessOptions {
    std::vector<std::string> environment;  ///< NAME=VALUE, beside what the test itself has
    std::string stdin_path = "/dev/null";
    std::string stdout_path;         ///< instead of the pipe
    std::string stderr_path;         ///< instead of the pipe
    std::optional<uid_t> uid;        ///< run as this user (and group)
    std::optional<mode_t> umask;     ///< run under this mask
    std::optional<unsigned> nofile;  ///< hard limit of open files
    /// In a process group of its own: SIGTSTP stops nobody in a group that has no parent outside,
    /// as that of the tests may be.
    bool has_group = false;
};

class Process {
  public:
    /// Starts `arguments[0]`. Throws if that is not possible; a program that cannot be executed
    /// exits 127.
    explicit Process(const std::vector<std::string>& arguments, const ProcessOptions& options = {});
    Process(Process&& other) noexcept;
    Process& operator=(Process&&) = delete;
    Process(const Process&) = delete;
    Process& operator=(const Process&) = delete;
    /// Kills the child and takes its status.
    ~Process();

    pid_t pid() const { return pid_; }
    void kill(int signal) const;
    bool is_running();

    /// Waits for the end, reading all output. The exit code, or 128 + signal. Throws at the
    /// deadline.
    int wait(std::chrono::milliseconds patience = kPatience);
    /// Waits until stderr holds `text`; false if the child ended without, or at the deadline.
    bool wait_for_error(std::string_view text, std::chrono::milliseconds patience = kPatience);
    /// The same for stdout.
    bool wait_for_output(std::string_view text, std::chrono::milliseconds patience = kPatience);

    const std::string& output() const { return output_; }  ///< stdout so far
    const std::string& error() const { return error_; }    ///< stderr so far

  private:
    enum class Pumped : std::uint8_t { kNews, kEnded, kTimedOut };
    using Deadline = std::chrono::steady_clock::time_point;
    /// Waits for output or the end, and reads what there is.
    Pumped pump(Deadline deadline);
    void drain();
    bool wait_for(const std::string& stream, std::string_view text,
                  std::chrono::milliseconds patience);

    pid_t pid_ = -1;
    client::Descriptor pid_fd_, output_fd_, error_fd_;
    std::string output_, error_;
    std::optional<int> status_;
};

struct Finished {
    int exit = -1;  ///< the exit code, or 128 + signal
    std::string output;
    std::string error;
};

/// Runs a program to its end.
Finished run(const std::vector<std::string>& arguments, const ProcessOptions& options = {});

}  // namespace ticketd::testing
