#include "tests/support/daemon.h"

#include <doctest/doctest.h>

#include <chrono>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <utility>

namespace ticketd::testing {
namespace {

constexpr std::chrono::seconds kStopPatience{20};

// The ThreadSanitizer of GCC 12 forgets a signal that arrives while a thread enters the first call
// that may wait (LLVM's later ones do not). A daemon that was connected to is past that.
void pass_first_wait([[maybe_unused]] const Daemon& daemon) {
#ifdef __SANITIZE_THREAD__
    auto connection = daemon.connect();
    connection.end_input();
    if (!connection.is_closed_by_peer()) throw std::runtime_error("the daemon does not answer");
#endif
}

}  // namespace

Daemon::Daemon(DaemonOptions options)
    : options_(std::move(options)), scratch_(std::make_unique<ScratchDirectory>()) {}

Daemon Daemon::with_events(const std::vector<std::string>& events, const Json& config) {
    DaemonOptions options;
    options.config = config;
    for (const auto& event : events) {
        options.arguments.insert(options.arguments.end(), {"--event", event});
    }
    Daemon daemon{std::move(options)};
    daemon.start();
    return daemon;
}

Daemon::~Daemon() {
    if (!scratch_) return;  // moved from
    try {
        if (is_running()) {
            send_signal(SIGCONT);
            send_signal(SIGTERM);
            process_->wait(kStopPatience);
        }
        if (process_) note_sanitizer_reports();
    } catch (const std::exception& error) {
        MESSAGE("the daemon had to be killed: " << error.what());
    }
    if (process_ && is_running()) send_signal(SIGKILL);
}

void Daemon::note_sanitizer_reports() const {
    for (const auto* mark : {"Sanitizer:", "runtime error:", "check failed"}) {
        const bool clean = log().find(mark) == std::string::npos;
        if (!clean) MESSAGE(log());
        CHECK(clean);
    }
}

std::vector<std::string> Daemon::command() const {
    auto words = options_.wrapper;
    words.insert(words.end(), {TICKETD_BINARY, "--data-dir", data_dir(), "--socket", socket()});
    if (!options_.config.empty()) {
        const auto file = *scratch_ / "config.json";
        write_file(file, options_.config.dump());
        words.insert(words.end(), {"--config", file});
    }
    words.insert(words.end(), options_.arguments.begin(), options_.arguments.end());
    return words;
}

void Daemon::launch() {
    if (process_) note_sanitizer_reports();
    process_.emplace(command(), options_.process);
}

void Daemon::start() {
    launch();
    if (!process_->wait_for_error(" ready on ")) {
        throw std::runtime_error("the daemon did not start: " + process_->error());
    }
    pass_first_wait(*this);
}

int Daemon::stop(int signal) {
    send_signal(signal);
    return process_->wait();
}

pid_t Daemon::pid() const {
    if (options_.wrapper.empty()) return process_->pid();
    const auto wrapper = std::to_string(process_->pid());
    std::istringstream children{read_file("/proc/" + wrapper + "/task/" + wrapper + "/children")};
    pid_t child = 0;
    children >> child;
    return child > 0 ? child : process_->pid();
}

Finished Daemon::verify() const {
    return run_ticketd({"--verify", data_dir()});
}

Finished run_ticketd(const std::vector<std::string>& arguments, const ProcessOptions& options) {
    std::vector<std::string> words{TICKETD_BINARY};
    words.insert(words.end(), arguments.begin(), arguments.end());
    return run(words, options);
}

Process start_client(const std::string& socket, const std::vector<std::string>& arguments,
                     const ProcessOptions& options) {
    std::vector<std::string> words{TICKET_CLIENT_BINARY, "--socket", socket};
    words.insert(words.end(), arguments.begin(), arguments.end());
    return Process{words, options};
}

Finished run_client(const std::string& socket, const std::vector<std::string>& arguments,
                    const ProcessOptions& options) {
    auto process = start_client(socket, arguments, options);
    const int exit = process.wait();
    return {exit, process.output(), process.error()};
}

std::uint64_t now_ms() {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::milliseconds>(now).count());
}

std::string read_file(const std::string& path) {
    std::ostringstream bytes;
    bytes << std::ifstream{path, std::ios::binary}.rdbuf();
    return std::move(bytes).str();
}

void write_file(const std::string& path, std::string_view bytes) {
    std::ofstream stream{path, std::ios::binary | std::ios::trunc};
    stream.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    if (!stream.flush()) throw std::runtime_error("cannot write " + path);
}

std::map<std::string, std::string> directory_bytes(const std::string& path) {
    std::map<std::string, std::string> files;
    for (const auto& entry : std::filesystem::directory_iterator{path}) {
        files[entry.path().filename().string()] = read_file(entry.path().string());
    }
    return files;
}

}  // namespace ticketd::testing
