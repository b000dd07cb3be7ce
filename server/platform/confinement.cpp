#include "server/platform/confinement.h"

#include <sched.h>
#include <seccomp.h>

#include <array>
#include <cerrno>
#include <memory>

namespace ticketd::platform {
namespace {

// io_uring does what it is asked to without any of the other calls.
constexpr std::array kDenied{
    SCMP_SYS(execve),
    SCMP_SYS(execveat),
    SCMP_SYS(fork),
    SCMP_SYS(vfork),
    SCMP_SYS(socket),
    SCMP_SYS(socketpair),
    SCMP_SYS(connect),
    SCMP_SYS(ptrace),
    SCMP_SYS(process_vm_readv),
    SCMP_SYS(process_vm_writev),
    SCMP_SYS(pidfd_getfd),
    SCMP_SYS(io_uring_setup),
};

}  // namespace

std::error_code confine_process() {
    const std::unique_ptr<void, void (*)(scmp_filter_ctx)> filter{::seccomp_init(SCMP_ACT_ALLOW),
                                                                  ::seccomp_release};
    if (!filter) return std::make_error_code(std::errc::not_enough_memory);
    int failed = ::seccomp_attr_set(filter.get(), SCMP_FLTATR_CTL_TSYNC, 1);
    const auto deny = [&](int call, std::uint32_t error, auto... conditions) {
        const auto action = SCMP_ACT_ERRNO(error);
        if (failed == 0) {
            failed = ::seccomp_rule_add(filter.get(), action, call, sizeof...(conditions),
                                        conditions...);
        }
    };
    for (const int call : kDenied)
        deny(call, EPERM);
    deny(SCMP_SYS(clone), EPERM, SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, 0));
    // Its flags are in memory, where a filter cannot look; without it the C library takes clone.
    deny(SCMP_SYS(clone3), ENOSYS);
    if (failed == 0) failed = ::seccomp_load(filter.get());
    return failed == 0 ? std::error_code{} : std::error_code{-failed, std::system_category()};
}

}  // namespace ticketd::platform
