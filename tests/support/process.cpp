#include "tests/support/process.h"

#include <fcntl.h>
#include <grp.h>
#include <poll.h>

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace ticketd::testing {
namespace {

using std::chrono::steady_clock;

struct Pipe {
    client::Descriptor read, write;
};

Pipe make_pipe() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) throw std::system_error(errno, std::system_category());
    return {client::Descriptor{ends[0]}, client::Descriptor{ends[1]}};
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
    std::vector<char*> all;
    for (auto& text : texts)
        all.push_back(text.data());
    all.push_back(nullptr);
    return all;
}

std::vector<std::string> environment_with(const std::vector<std::string>& more) {
    std::vector<std::string> all;
    for (char** entry = environ; *entry != nullptr; ++entry)
        all.emplace_back(*entry);
    all.insert(all.end(), more.begin(), more.end());
    return all;
}

// --- in the child, between fork and exec: system calls only ---

void die(const char* what) {
    static_cast<void>(!::write(STDERR_FILENO, what, __builtin_strlen(what)));
    ::_exit(127);
}

void become_user(uid_t uid) {
    if (::setgroups(0, nullptr) != 0 || ::setgid(uid) != 0 || ::setuid(uid) != 0) die("setuid\n");
}

void prepare_child(const ProcessOptions& options, pid_t parent, int output, int error) {
    const int input = ::open(options.stdin_path.c_str(), O_RDONLY | O_CLOEXEC);
    if (!options.stdout_path.empty()) {
        output = ::open(options.stdout_path.c_str(), O_WRONLY | O_CLOEXEC);
    }
    if (!options.stderr_path.empty()) {
        error = ::open(options.stderr_path.c_str(), O_WRONLY | O_NOCTTY | O_CLOEXEC);
    }
    if (::dup2(input, 0) < 0 || ::dup2(output, 1) < 0 || ::dup2(error, 2) < 0) die("dup2\n");
    if (options.umask) ::umask(*options.umask);
    if (options.nofile) {
        const rlimit limit{*options.nofile, *options.nofile};
        if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) die("setrlimit\n");
    }
    if (options.has_group && ::setpgid(0, 0) != 0) die("setpgid\n");
    if (options.uid) become_user(*options.uid);
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(127);
}

// Reads what is there; false at the end of the stream.
bool read_available(int fd, std::string& into) {
    std::array<char, 16 * 1024> chunk;  // NOLINT(*-member-init): filled by read()
    const auto got = ::read(fd, chunk.data(), chunk.size());
    if (got > 0) into.append(chunk.data(), static_cast<std::size_t>(got));
    return got > 0 || (got < 0 && errno == EINTR);
}

int milliseconds_until(steady_clock::time_point deadline) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline - steady_clock::now()).count();
    return left > 0 ? static_cast<int>(left) : 0;
}

}  // namespace

Process::Process(const std::vector<std::string>& arguments, const ProcessOptions& options) {
    auto output = make_pipe();
    auto error = make_pipe();
    auto words = arguments;
    auto variables = environment_with(options.environment);
    const auto argv = pointers(words);
    const auto envp = pointers(variables);
    const auto parent = ::getpid();
    pid_ = ::fork();
    if (pid_ < 0) throw std::system_error(errno, std::system_category(), "fork");
    if (pid_ == 0) {
        prepare_child(options, parent, output.write.number(), error.write.number());
        ::execvpe(argv[0], argv.data(), envp.data());
        die("exec failed\n");
    }
    pid_fd_ = client::Descriptor{static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0))};
    output_fd_ = std::move(output.read);
    error_fd_ = std::move(error.read);
}

Process::Process(Process&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      pid_fd_(std::move(other.pid_fd_)),
      output_fd_(std::move(other.output_fd_)),
      error_fd_(std::move(other.error_fd_)),
      output_(std::move(other.output_)),
      error_(std::move(other.error_)),
      status_(other.status_) {}

Process::~Process() {
    if (pid_ <= 0 || status_) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
}

void Process::kill(int signal) const {
    if (!status_) ::kill(pid_, signal);
}

bool Process::is_running() {
    return !status_ && pump(steady_clock::now()) != Pumped::kEnded;
}

Process::Pumped Process::pump(Deadline deadline) {
    if (status_) return Pumped::kEnded;
    std::array<pollfd, 3> waits{{{pid_fd_.number(), POLLIN, 0},
                                 {output_fd_.number(), POLLIN, 0},
                                 {error_fd_.number(), POLLIN, 0}}};
    if (::poll(waits.data(), waits.size(), milliseconds_until(deadline)) <= 0) {
        return steady_clock::now() < deadline ? Pumped::kNews : Pumped::kTimedOut;
    }
    if (waits[1].revents != 0 && !read_available(output_fd_.number(), output_)) output_fd_ = {};
    if (waits[2].revents != 0 && !read_available(error_fd_.number(), error_)) error_fd_ = {};
    if (waits[0].revents == 0) return Pumped::kNews;
    int status = 0;
    ::waitpid(pid_, &status, 0);
    status_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    drain();
    return Pumped::kEnded;
}

// After the end: what is left in the pipes. Grandchildren may hold them open, so only what is
// there.
void Process::drain() {
    for (auto [fd, text] :
         {std::pair{output_fd_.number(), &output_}, {error_fd_.number(), &error_}}) {
        pollfd ready{fd, POLLIN, 0};
        while (fd >= 0 && ::poll(&ready, 1, 0) > 0 && read_available(fd, *text)) {
        }
    }
}

int Process::wait(std::chrono::milliseconds patience) {
    const auto deadline = steady_clock::now() + patience;
    for (;;) {
        const auto pumped = pump(deadline);
        if (pumped == Pumped::kEnded) return *status_;
        if (pumped == Pumped::kTimedOut) throw std::runtime_error("the process did not end");
    }
}

bool Process::wait_for(const std::string& stream, std::string_view text,
                       std::chrono::milliseconds patience) {
    const auto deadline = steady_clock::now() + patience;
    while (stream.find(text) == std::string::npos) {
        if (pump(deadline) != Pumped::kNews) return stream.find(text) != std::string::npos;
    }
    return true;
}

bool Process::wait_for_error(std::string_view text, std::chrono::milliseconds patience) {
    return wait_for(error_, text, patience);
}

bool Process::wait_for_output(std::string_view text, std::chrono::milliseconds patience) {
    return wait_for(output_, text, patience);
}

Finished run(const std::vector<std::string>& arguments, const ProcessOptions& options) {
    Process process{arguments, options};
    const int exit = process.wait();
    return {exit, process.output(), process.error()};
}

}  // namespace ticketd::testing
