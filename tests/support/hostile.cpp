#include "tests/support/hostile.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <algorithm>
#include <sstream>
#include <stdexcept>
#include <system_error>
#include <thread>

#include "client/wait.h"

namespace ticketd::testing {
namespace {

std::string proc(pid_t pid, const std::string& name) {
    return "/proc/" + std::to_string(pid) + "/" + name;
}

long status_number(pid_t pid, std::string_view name) {
    const auto status = read_file(proc(pid, "status"));
    const auto at = status.find(name);
    if (at == std::string::npos) throw std::runtime_error("no such process any more");
    return std::stol(status.substr(at + name.size()));
}

std::chrono::milliseconds cpu_time(pid_t pid) {
    const auto text = read_file(proc(pid, "stat"));
    std::istringstream fields{text.substr(text.rfind(')') + 2)};
    std::string skipped;
    for (int i = 0; i < 11; ++i)
        fields >> skipped;
    long user = 0, system = 0;
    fields >> user >> system;
    return std::chrono::milliseconds{(user + system) * 1000 / ::sysconf(_SC_CLK_TCK)};
}

}  // namespace

bool can_be_others() {
    if (::geteuid() == 0) return true;
    MESSAGE("SKIPPED: only root can be somebody else");
    return false;
}

Rpc connect_as(uid_t uid, const std::string& socket, gid_t group) {
    // The kernel notes the effective user and group at connect().
    if (::setegid(group) != 0) throw std::system_error(errno, std::system_category(), "setegid");
    if (::seteuid(uid) != 0) throw std::system_error(errno, std::system_category(), "seteuid");
    const auto restore = [] {
        if (::seteuid(0) != 0 || ::setegid(0) != 0) std::abort();
    };
    try {
        Rpc rpc{socket};
        restore();
        return rpc;
    } catch (...) {
        restore();
        throw;
    }
}

Usage usage_of(pid_t pid) {
    const std::filesystem::directory_iterator open{proc(pid, "fd")};
    return {status_number(pid, "VmRSS:"), status_number(pid, "VmHWM:"),
            static_cast<std::size_t>(std::distance(begin(open), end(open))), cpu_time(pid)};
}

void wait_for_descriptors_at_most(pid_t pid, std::size_t count) {
    const auto deadline = client::Clock::now() + kPatience;
    for (;;) {
        const auto now = usage_of(pid).descriptors;
        if (now <= count) return;
        if (client::Clock::now() > deadline) {
            throw std::runtime_error("the daemon keeps " + std::to_string(now) +
                                     " descriptors, more than " + std::to_string(count));
        }
        std::this_thread::yield();
    }
}

double cpu_share(pid_t pid, std::chrono::milliseconds stretch) {
    const auto before = usage_of(pid).cpu;
    const auto start = client::Clock::now();
    client::pause_for(stretch, start + kPatience);
    const std::chrono::duration<double, std::milli> passed = client::Clock::now() - start;
    return static_cast<double>((usage_of(pid).cpu - before).count()) / passed.count();
}

Daemon open_daemon(const std::vector<std::string>& events, Json config) {
    config["socket"]["mode"] = "0666";
    auto daemon = Daemon::with_events(events, config);
    daemon.scratch().open_to_all();
    return daemon;
}

Process start_attacker(const Daemon& daemon, const std::vector<std::string>& words, uid_t uid) {
    // A copy where every user may run it.
    const auto program = daemon.scratch() / "attacker";
    std::filesystem::copy_file(ATTACKER_BINARY, program,
                               std::filesystem::copy_options::skip_existing);
    std::vector<std::string> command{program, daemon.socket()};
    command.insert(command.end(), words.begin(), words.end());
    ProcessOptions options;
    if (::geteuid() == 0) options.uid = uid;
    return Process{command, options};
}

Latency measure_purchases(Rpc& rpc, int count) {
    const std::string request = R"({"jsonrpc":"2.0","id":1,"method":"purchase"})"
                                "\n";
    std::vector<std::chrono::microseconds> times;
    for (int i = 0; i < count; ++i) {
        const auto start = client::Clock::now();
        rpc.send(request);
        const auto reply = rpc.line();
        times.push_back(
            std::chrono::duration_cast<std::chrono::microseconds>(client::Clock::now() - start));
        if (reply.find("\"granted\":1") == std::string::npos) throw std::runtime_error(reply);
    }
    std::sort(times.begin(), times.end());
    return {times[times.size() / 2], times[times.size() * 99 / 100], times.back()};
}

std::size_t count_of(const std::string& log, std::string_view text) {
    std::size_t count = 0;
    for (auto at = log.find(text); at != std::string::npos; at = log.find(text, at + 1))
        ++count;
    return count;
}

}  // namespace ticketd::testing
