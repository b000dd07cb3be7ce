// A real ticketd in a directory of its own: started, watched, killed, started again. When it goes
// it is stopped as an operator would, and what a sanitizer had to say fails the test.
// Not thread-safe.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/process.h"
#include "tests/support/process_scratch.h"
#include "tests/support/rpc.h"

namespace ticketd::testing {

struct DaemonOptions {
    std::vector<std::string> arguments;  ///< beside --data-dir, --socket and --config
    Json config = Json::object();
    ProcessOptions process;
    std::vector<std::string> wrapper;  ///< a program that runs the daemon, such as strace
    std::string data_dir;              ///< instead of one in the scratch directory
};

class Daemon {
  public:
    /// Nothing is started yet.
    explicit Daemon(DaemonOptions options = {});
    /// Convenience: events such as "demo=2"; started, and ready.
    static Daemon with_events(const std::vector<std::string>& events,
                              const Json& config = Json::object());
    Daemon(Daemon&&) = default;
    Daemon& operator=(Daemon&&) = delete;
    ~Daemon();

    /// Starts it and waits until it serves. Throws, with its log, if it does not come to that.
    void start();
    /// Starts it and does not wait.
    void launch();

    /// Sends `signal` and waits for the end; the exit code.
    int stop(int signal = SIGTERM);
    /// kill -9, and waits for the end.
    void kill_hard() { stop(SIGKILL); }
    /// Waits for an end that comes by itself.
    int wait() { return process_->wait(); }

    Rpc connect() const { return Rpc{socket()}; }
    std::string socket() const { return *scratch_ / "s"; }
    std::string data_dir() const {
        return options_.data_dir.empty() ? *scratch_ / "store" : options_.data_dir;
    }
    std::string stock_file() const { return data_dir() + "/stock"; }
    const ScratchDirectory& scratch() const { return *scratch_; }
    DaemonOptions& options() { return options_; }

    Process& process() { return *process_; }
    /// Of the daemon itself, also under a wrapper.
    pid_t pid() const;
    void send_signal(int signal) const { ::kill(pid(), signal); }
    bool is_running() { return process_ && process_->is_running(); }
    /// What it wrote to stderr since its last start.
    const std::string& log() const { return process_->error(); }

    /// `ticketd --verify` on its directory.
    Finished verify() const;

  private:
    std::vector<std::string> command() const;
    void note_sanitizer_reports() const;

    DaemonOptions options_;
    std::unique_ptr<ScratchDirectory> scratch_;
    std::optional<Process> process_;
};

/// Runs ticketd to its end.
Finished run_ticketd(const std::vector<std::string>& arguments, const ProcessOptions& options = {});

/// Runs ticket-client against the socket to its end.
Finished run_client(const std::string& socket, const std::vector<std::string>& arguments,
                    const ProcessOptions& options = {});
inline Finished client(const Daemon& daemon, const std::vector<std::string>& words) {
    return run_client(daemon.socket(), words);
}
/// Starts it and does not wait.
Process start_client(const std::string& socket, const std::vector<std::string>& arguments,
                     const ProcessOptions& options = {});

/// Name and bytes of each file in a directory.
std::map<std::string, std::string> directory_bytes(const std::string& path);

/// Milliseconds since 1970.
std::uint64_t now_ms();

std::string read_file(const std::string& path);
void write_file(const std::string& path, std::string_view bytes);

}  // namespace ticketd::testing
