#include "client/wait.h"

#include <poll.h>
#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <ctime>

namespace ticketd::client {
namespace {

timespec remaining(Deadline deadline) {
    const auto left = std::max(deadline - Clock::now(), Clock::duration::zero());
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(left);
    const std::chrono::nanoseconds rest = left - seconds;
    timespec time{};
    time.tv_sec = seconds.count();
    time.tv_nsec = rest.count();
    return time;
}

}  // namespace

Waited wait_for(int fd, short events, const Patience& patience) {
    // poll() skips descriptors below zero, so "none" needs no case of its own.
    std::array<pollfd, 2> polled{pollfd{fd, events, 0}, pollfd{patience.interrupt_fd, POLLIN, 0}};
    for (;;) {
        const timespec left = remaining(patience.deadline);
        const int ready = ::ppoll(polled.data(), polled.size(), &left, nullptr);
        if (ready == 0) return Waited::kTimedOut;
        if (ready < 0) continue;  // EINTR: the deadline stands, wait for what is left of it
        if (polled[0].revents != 0) return Waited::kReady;
        return Waited::kInterrupted;
    }
}

Waited pause_for(Clock::duration time, const Patience& patience) {
    const Deadline wake = Clock::now() + time;
    const bool is_shorter = wake < patience.deadline;
    const auto waited =
        wait_for(-1, 0, Patience{std::min(wake, patience.deadline), patience.interrupt_fd});
    return waited == Waited::kTimedOut && is_shorter ? Waited::kReady : waited;
}

Descriptor either_of(Awaited one, Awaited other) {
    Descriptor both{::epoll_create1(EPOLL_CLOEXEC)};
    for (const auto& [descriptor, events] : {one, other}) {
        epoll_event event{events, {}};
        if (descriptor >= 0) ::epoll_ctl(both.number(), EPOLL_CTL_ADD, descriptor, &event);
    }
    return both;
}

}  // namespace ticketd::client
