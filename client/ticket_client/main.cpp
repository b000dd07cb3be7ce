// ticket-client: buys tickets from ticketd and asks it about them (docs/protocol.md).
#include <csignal>
#include <exception>

#include "client/streams.h"
#include "client/ticket_client/run.h"
#include "client/translate.h"
#include "common/error_kind.h"

int main(int argc, char** argv) {
    // A reader of stdout that went away must be an exit code, not a silent death: the purchase
    // whose result it did not read was done.
    std::signal(SIGPIPE, SIG_IGN);
    // Whoever ignores this, also by what it was started from, never hears how a command ended.
    std::signal(SIGCHLD, SIG_DFL);
    ticketd::client::use_language_of_environment();
    try {
        return ticketd::client::run(argc, argv);
    } catch (const std::exception& error) {
        // Only memory can run out here; every other failure is a value.
        return ticketd::client::report({"internal", ticketd::client_exit::kInternal, error.what()});
    }
}
