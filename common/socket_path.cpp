#include "common/socket_path.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>

namespace ticketd {
namespace {

std::string environment(const char* name) {
    const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): nothing sets it
    return value == nullptr ? std::string{} : std::string{value};
}

}  // namespace

std::string default_socket_path() {
    constexpr const char* kSystemSocket = "/run/ticketd/ticketd.sock";
    if (auto path = environment("TICKETD_SOCKET"); !path.empty()) return path;
    if (::access(kSystemSocket, F_OK) == 0) return kSystemSocket;
    if (auto path = environment("XDG_RUNTIME_DIR"); !path.empty()) return path + "/ticketd.sock";
    return temporary_socket_directory() + "/ticketd.sock";
}

std::string temporary_socket_directory() {
    auto base = environment("TMPDIR");
    if (base.empty()) base = "/tmp";
    return base + "/ticketd-" + std::to_string(::geteuid());
}

bool is_private_directory(const std::string& path) {
    struct stat info{};
    return ::lstat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode) &&
           info.st_uid == ::geteuid() && (info.st_mode & 077) == 0;
}

std::string parent_directory(const std::string& path) {
    const auto slash = path.rfind('/');
    if (slash == std::string::npos) return ".";
    return slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace ticketd
