#include "server/platform/process.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <filesystem>
#include <initializer_list>
#include <iterator>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>

namespace ticketd::platform {
namespace {

// A file of proc(5), or its beginning if that is very long.
std::string read_small_file(const std::string& path) {
    constexpr std::size_t kBytesMax = 64 * 1024;
    const FileDescriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
    std::string text;
    std::array<char, 4096> chunk;  // NOLINT(*-member-init): filled by read()
    while (file.is_open() && text.size() < kBytesMax) {
        const auto bytes = ::read(file.get(), chunk.data(), chunk.size());
        if (bytes <= 0) break;
        text.append(chunk.data(), static_cast<std::size_t>(bytes));
    }
    return text;
}

template <typename Number>
std::optional<Number> number_of(std::string_view text) {
    Number number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{}) return std::nullopt;
    return number;
}

// Field 22 of proc(5), pid/stat; the second one is a name in parentheses that may hold anything.
std::optional<std::uint64_t> start_of(const std::string& folder) {
    const auto text = read_small_file(folder + "/stat");
    auto at = text.rfind(')');
    for (int field = 2; field < 22 && at != std::string::npos; ++field)
        at = text.find(' ', at + 1);
    if (at == std::string::npos) return std::nullopt;
    return number_of<std::uint64_t>(std::string_view{text}.substr(at + 1));
}

std::vector<std::uint32_t> numbers_in(const std::string& text) {
    std::istringstream stream{text};
    return {std::istream_iterator<std::uint32_t>{stream}, {}};
}

// What proc(5), pid/status says by this name; empty if it does not.
std::vector<std::uint32_t> status_of(const std::string& folder, std::string_view name) {
    const auto text = read_small_file(folder + "/status");
    const auto line = "\n" + std::string{name} + ":\t";
    const auto at = text.find(line);
    if (at == std::string::npos) return {};
    const auto begin = at + line.size();
    return numbers_in(text.substr(begin, text.find('\n', begin) - begin));
}

std::string folder_of(std::uint32_t pid) {
    return "/proc/" + std::to_string(pid);
}

// Its number as we count, and then in each namespace down to its own.
std::vector<std::uint32_t> names_of(std::uint32_t pid) {
    return status_of(folder_of(pid), "NSpid");
}

// Of all its threads; the youngest first.
std::vector<std::uint32_t> children_of(std::uint32_t pid) {
    std::vector<std::uint32_t> all;
    std::error_code error;
    std::filesystem::directory_iterator thread{folder_of(pid) + "/task", error}, end;
    for (; !error && thread != end; thread.increment(error)) {
        const auto some = numbers_in(read_small_file(thread->path().string() + "/children"));
        all.insert(all.end(), some.rbegin(), some.rend());
    }
    return all;
}

NoProcess why_not(int error) {
    const bool is_short = error == EMFILE || error == ENFILE || error == ENOMEM;
    return is_short ? NoProcess::kUnknown : NoProcess::kNone;
}

}  // namespace

void open_standard_descriptors() {
    // open() takes the lowest free number, so this fills the holes in order.
    int descriptor = ::open("/dev/null", O_RDWR);
    while (descriptor >= 0 && descriptor <= 2)
        descriptor = ::open("/dev/null", O_RDWR);
    if (descriptor > 2) ::close(descriptor);
}

void keep_files_private() {
    ::umask(077);
}

void ignore_write_signals() {
    static_cast<void>(std::signal(SIGPIPE, SIG_IGN));
    static_cast<void>(std::signal(SIGXFSZ, SIG_IGN));
}

SignalsHeldBack::SignalsHeldBack() {
    sigset_t of_process;
    ::sigemptyset(&of_process);
    for (const int signal : {SIGTERM, SIGINT, SIGHUP})
        ::sigaddset(&of_process, signal);
    ::pthread_sigmask(SIG_BLOCK, &of_process, &before_);
}

SignalsHeldBack::~SignalsHeldBack() {
    ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

void give_way() {
    static_cast<void>(::nice(10));  // of the thread: Linux keeps it for each
}

std::size_t raise_descriptor_limit() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 1024;
    limit.rlim_cur = limit.rlim_max;
    static_cast<void>(::setrlimit(RLIMIT_NOFILE, &limit));
    static_cast<void>(::getrlimit(RLIMIT_NOFILE, &limit));
    return static_cast<std::size_t>(limit.rlim_cur);
}

PeerCredentials peer_credentials(int socket) {
    ucred credentials{};
    socklen_t size = sizeof credentials;
    if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) return {};
    const auto pid = credentials.pid > 0 ? static_cast<std::uint32_t>(credentials.pid) : 0;
    return {credentials.uid, pid, true};
}

std::vector<std::uint32_t> peer_groups(int socket) {
    ucred credentials{};
    socklen_t size = sizeof credentials;
    if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) return {};
    // Asked for with no room, the kernel tells how much it takes.
    std::vector<std::uint32_t> groups;
    size = 0;
    static_cast<void>(::getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, nullptr, &size));
    groups.resize(size / sizeof(gid_t));
    if (::getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, groups.data(), &size) != 0) groups.clear();
    groups.push_back(credentials.gid);
    return groups;
}

std::optional<std::uint32_t> pid_as_seen_by(std::uint32_t caller, std::uint32_t number,
                                            int& looks) {
    auto names = caller == 0 ? std::vector<std::uint32_t>{} : names_of(caller);
    const auto depth = names.size();
    if (depth == 0) return std::nullopt;
    if (depth == 1) return number;
    // Relatives at the same depth are of the same namespace.
    for (auto pid = caller; looks > 0 && names.size() == depth; names = names_of(pid)) {
        --looks;
        if (names.back() == number) return pid;
        for (const auto child : children_of(pid)) {
            if (looks <= 0) return std::nullopt;
            --looks;
            const auto of_child = names_of(child);
            if (of_child.size() == depth && of_child.back() == number) return child;
        }
        const auto parent = status_of(folder_of(pid), "PPid");
        pid = parent.empty() ? 0 : parent.front();
    }
    return std::nullopt;
}

std::variant<ProcessHandle, NoProcess> open_process(std::uint32_t pid) {
    const auto number = static_cast<long>(pid);
    if (number <= 0 || number > INT32_MAX) return NoProcess::kNone;
    errno = 0;
    ProcessHandle handle{FileDescriptor{static_cast<int>(::syscall(SYS_pidfd_open, number, 0))}};
    if (!handle.descriptor.is_open()) return why_not(errno);
    const auto folder = folder_of(pid);
    const auto start = start_of(folder);
    const auto uids = status_of(folder, "Uid");
    // If it still runs, its number was nobody else's while that was read.
    pollfd ended{handle.descriptor.get(), POLLIN, 0};
    if (!start || uids.empty()) return why_not(errno);
    if (::poll(&ended, 1, 0) != 0) return NoProcess::kNone;
    handle.start = *start;
    handle.uid = uids.front();  // the real one
    return handle;
}

}  // namespace ticketd::platform
