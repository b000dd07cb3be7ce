#include "client/ticket_client/command.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <optional>

#include "client/streams.h"
#include "client/ticket_client/found_signals.h"

namespace ticketd::client {
namespace {

constexpr int kCannotRun = 126;
constexpr int kNotFound = 127;

Failure own_trouble(const char* what) {
    return {"run", kOwnTroubleExit, std::string{what} + ": " + ::strerrordesc_np(errno)};
}

std::optional<std::pair<Descriptor, Descriptor>> make_pipe() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return std::nullopt;
    return std::pair{Descriptor{ends[0]}, Descriptor{ends[1]}};
}

// Reads what there is until the other end is closed.
std::string read_all(int descriptor) {
    std::string text;
    char buffer[1024];
    for (;;) {
        const auto bytes = ::read(descriptor, buffer, sizeof buffer);
        if (bytes < 0 && errno == EINTR) continue;
        if (bytes <= 0) return text;
        text.append(buffer, static_cast<std::size_t>(bytes));
    }
}

// The variables of an outer run or watch would tell the command what is not so.
void forget_outer_variables() {
    std::vector<std::string> names;
    for (char** entry = ::environ; *entry != nullptr; ++entry) {
        const std::string_view variable{*entry};
        if (variable.starts_with("TICKET_"))
            names.emplace_back(variable.substr(0, variable.find('=')));
    }
    for (const auto& name : names)
        ::unsetenv(name.c_str());
}

// The child: waits for its variables, each ended by a NUL and the last by another one, and becomes
// the command. An end without that means that nobody is there any more.
[[noreturn]] void become(std::vector<std::string>& arguments, int gate, int problem) {
    const auto text = read_all(gate);
    if (!text.ends_with(std::string_view{"\0\0", 2})) ::_exit(kOwnTroubleExit);
    forget_outer_variables();
    for (std::size_t at = 0; text[at] != '\0'; at += std::strlen(&text[at]) + 1)
        ::putenv(const_cast<char*>(&text[at]));  // NOLINT: lives until the exec
    give_signals_back();
    std::vector<char*> words;
    for (auto& argument : arguments)
        words.push_back(argument.data());
    words.push_back(nullptr);
    ::execvp(words[0], words.data());
    const int error = errno;
    static_cast<void>(write_all(problem, {reinterpret_cast<const char*>(&error), sizeof error}));
    ::_exit(kNotFound);
}

// Nothing if the kernel does not tell: then nobody may take it for a good end.
std::optional<int> status_of(pid_t pid) {
    int status = 0;
    while (::waitpid(pid, &status, 0) < 0) {
        if (errno != EINTR) return std::nullopt;
    }
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

}  // namespace

Outcome<Command> Command::prepare(std::vector<std::string> arguments) {
    auto gate = make_pipe(), problem = make_pipe();
    if (!gate || !problem) return own_trouble("no pipe");
    const auto pid = ::fork();
    if (pid < 0) return own_trouble("no process");
    if (pid == 0) {
        gate->second = {};
        become(arguments, gate->first.number(), problem->second.number());
    }
    Command command{pid, std::move(arguments[0]), std::move(gate->second),
                    std::move(problem->first)};
    if (!command.ended_.is_open()) return own_trouble("no way to wait for the process");
    return command;
}

Command::Command(pid_t pid, std::string name, Descriptor gate, Descriptor problem)
    : pid_(pid),
      name_(std::move(name)),
      ended_(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))),
      gate_(std::move(gate)),
      problem_(std::move(problem)) {}

Command::~Command() {
    if (pid_ < 0) return;
    ::kill(pid_, SIGKILL);
    status_of(pid_);
}

std::optional<Failure> Command::run(const std::vector<std::string>& variables) {
    std::string text;
    for (const auto& variable : variables)
        (text += variable) += '\0';
    text += '\0';
    static_cast<void>(write_all(gate_.number(), text));
    gate_ = {};
    const auto problem = read_all(problem_.number());
    int error = 0;
    if (problem.size() == sizeof error) std::memcpy(&error, problem.data(), sizeof error);
    if (error == 0) return std::nullopt;  // it runs, or was killed before: wait() tells
    status_of(std::exchange(pid_, -1));
    return Failure{"run", error == ENOENT ? kNotFound : kCannotRun,
                   "cannot run '" + name_ + "': " + ::strerrordesc_np(error)};
}

bool Command::has_ended() const {
    pollfd ended{ended_.number(), POLLIN, 0};
    return ::poll(&ended, 1, 0) == 1;
}

int Command::wait(int signals) {
    while (!has_ended()) {
        pollfd events[2] = {{ended_.number(), POLLIN, 0}, {signals, POLLIN, 0}};
        if (::poll(events, 2, -1) < 0 && errno != EINTR) break;
        if (has_ended()) break;
        signalfd_siginfo came{};
        while (::read(signals, &came, sizeof came) == sizeof came) {
            last_signal_ = static_cast<int>(came.ssi_signo);
            const bool is_of_keys =
                came.ssi_code == SI_KERNEL && (last_signal_ == SIGINT || last_signal_ == SIGQUIT);
            if (!is_of_keys) ::kill(pid_, *last_signal_);
        }
    }
    if (const auto status = status_of(std::exchange(pid_, -1))) return *status;
    return report({"run", kOwnTroubleExit, "it is not known how '" + name_ + "' ended"});
}

void take_all_signals(int signals) {
    if (signals < 0) return;
    sigset_t taken;
    ::sigemptyset(&taken);
    for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2}) {
        struct sigaction action{};
        if (::sigaction(number, nullptr, &action) == 0 && action.sa_handler != SIG_IGN) {
            ::sigaddset(&taken, number);
        }
    }
    ::pthread_sigmask(SIG_BLOCK, &taken, nullptr);
    ::signalfd(signals, &taken, 0);
}

std::optional<int> take_signal(int signals) {
    signalfd_siginfo came{};
    if (::read(signals, &came, sizeof came) != sizeof came) return std::nullopt;
    return static_cast<int>(came.ssi_signo);
}

}  // namespace ticketd::client
