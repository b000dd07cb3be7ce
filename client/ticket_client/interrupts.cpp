#include "client/ticket_client/interrupts.h"

#include <sys/signalfd.h>
#include <unistd.h>

#include <initializer_list>

namespace ticketd::client {

Interrupts::Interrupts() {
    sigset_t caught{};
    ::sigemptyset(&caught);
    for (const int number : {SIGINT, SIGTERM}) {
        // A blocked signal is queued even if it is ignored, and a script's background jobs ignore
        // SIGINT for good reason.
        struct sigaction action{};
        if (::sigaction(number, nullptr, &action) == 0 && action.sa_handler != SIG_IGN) {
            ::sigaddset(&caught, number);
        }
    }
    ::pthread_sigmask(SIG_BLOCK, &caught, &before_);
    signals_ = Descriptor{::signalfd(-1, &caught, SFD_NONBLOCK | SFD_CLOEXEC)};
    if (!signals_.is_open()) ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

Interrupts::~Interrupts() {
    if (!signals_.is_open()) return;
    signalfd_siginfo came{};
    while (::read(signals_.number(), &came, sizeof came) > 0) {
    }
    ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

}  // namespace ticketd::client
