// ticket-client: buys tickets from ticketd and asks it about them (docs/protocol.md).
#include <exception>

#include "client/streams.h"
#include "client/ticket_client/found_signals.h"
#include "client/ticket_client/run.h"
#include "client/translate.h"
#include "common/error_kind.h"

int main(int argc, char** argv) {
    ticketd::client::take_signals_over();
    ticketd::client::use_language_of_environment();
    try {
        return ticketd::client::run(argc, argv);
    } catch (const std::exception& error) {
        // Only memory can run out here; every other failure is a value.
        return ticketd::client::report({"internal", ticketd::client_exit::kInternal, error.what()});
    }
}
