// A load in a process of its own, for tests that want clients of several users, and clients that
// are killed. Its stdout is the log of what it did (history_log.h). It works until SIGTERM, gets
// its answers and ends: 0, or 1 if something happened that no daemon may do, which it says on
// stderr.
//
// The keys of a user who only buys are those of the clients whose numbers are 1000 less, so that
// two users have the same ones.
//
// usage: ticketd_history_client SOCKET FIRST_CLIENT SEED is-operator|buys-only
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <string>

#include "tests/fault/load.h"

int main(int argc, char** argv) {
    if (argc != 5) {
        std::fputs("usage: ticketd_history_client SOCKET FIRST_CLIENT SEED is-operator|buys-only\n",
                   stderr);
        return 64;
    }
    ticketd::testing::Load::Plan plan;
    plan.socket = argv[1];
    plan.first_client = static_cast<std::uint32_t>(std::stoul(argv[2]));
    plan.seed = std::stoull(argv[3]);
    plan.is_operator = std::string{argv[4]} == "is-operator";
    if (!plan.is_operator) plan.keys_like = plan.first_client - 1000;
    plan.habit = ticketd::testing::Habit::kMix;
    plan.buyers = 2;
    plan.log_fd = STDOUT_FILENO;

    // Blocked before the threads are there, so that it comes to sigwait() and nowhere else.
    sigset_t term;
    sigemptyset(&term);
    sigaddset(&term, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &term, nullptr);
    ticketd::testing::Load load{plan};
    std::fputs("begun\n", stderr);
    int number = 0;
    sigwait(&term, &number);
    load.finish();
    for (const auto& problem : load.problems())
        std::fprintf(stderr, "%s\n", problem.c_str());
    return load.problems().empty() ? 0 : 1;
}
