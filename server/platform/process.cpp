#include "server/platform/process.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <initializer_list>

namespace ticketd::platform {

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
    return {credentials.uid, true};
}

}  // namespace ticketd::platform
