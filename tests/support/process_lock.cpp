#include "tests/support/process_lock.h"

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <stdexcept>

namespace ticketd::testing {
namespace {

// In the child: system calls only.
[[noreturn]] void hold(const char* file, const LockHolder::Lock& lock, int ready_fd) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    struct flock request{};
    request.l_type = lock.type;
    request.l_whence = SEEK_SET;
    request.l_start = lock.start;
    request.l_len = lock.length;
    const int fd = ::open(file, O_RDWR | O_CLOEXEC);
    const int command = lock.kind == LockHolder::Kind::kClassic ? F_SETLKW : F_OFD_SETLKW;
    if (fd < 0 || ::fcntl(fd, command, &request) != 0) ::_exit(1);
    if (::write(ready_fd, "x", 1) != 1) ::_exit(1);
    for (;;)
        ::pause();
}

}  // namespace

LockHolder::LockHolder(const std::string& file, const Lock& lock) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("pipe");
    const client::Descriptor read{ends[0]};
    {
        const client::Descriptor write{ends[1]};
        pid_ = ::fork();
        if (pid_ == 0) hold(file.c_str(), lock, write.number());
    }
    char ready = 0;
    if (::read(read.number(), &ready, 1) != 1) throw std::runtime_error("cannot lock " + file);
}

void LockHolder::release() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = -1;
}

}  // namespace ticketd::testing
