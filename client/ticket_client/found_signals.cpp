#include "client/ticket_client/found_signals.h"

#include <signal.h>

namespace ticketd::client {
namespace {

struct FoundSignals {
    sigset_t blocked{};
    bool ignores_pipe = false;
};

FoundSignals found_signals;

}  // namespace

void take_signals_over() {
    ::pthread_sigmask(SIG_BLOCK, nullptr, &found_signals.blocked);
    // A reader of stdout that went away must be an exit code, not a silent death: the purchase
    // whose result it did not read was done.
    found_signals.ignores_pipe = ::signal(SIGPIPE, SIG_IGN) == SIG_IGN;
    // Whoever ignores this never hears how a command ended.
    ::signal(SIGCHLD, SIG_DFL);
}

void give_signals_back() {
    ::signal(SIGPIPE, found_signals.ignores_pipe ? SIG_IGN : SIG_DFL);
    ::pthread_sigmask(SIG_SETMASK, &found_signals.blocked, nullptr);
}

}  // namespace ticketd::client
