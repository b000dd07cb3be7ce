// Lets SIGINT and SIGTERM end a wait instead of the process, so that the last words can say what
// became of the request. While one exists, both are blocked and readable from descriptor(); a
// signal that was ignored stays ignored. Not thread-safe: made by main() before any thread.
#pragma once

#include <signal.h>

#include "client/descriptor.h"

namespace ticketd::client {

class Interrupts {
  public:
    Interrupts();
    /// Forgets signals that came, which have had their effect, and unblocks.
    ~Interrupts();
    Interrupts(const Interrupts&) = delete;
    Interrupts& operator=(const Interrupts&) = delete;

    /// Readable once a signal came; -1 if the kernel had none to give, and then they end the
    /// process as ever.
    int descriptor() const { return signals_.number(); }

  private:
    sigset_t before_{};
    Descriptor signals_;
};

}  // namespace ticketd::client
