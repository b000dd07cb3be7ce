// strace attached to a daemon that serves, to make its next system calls fail. When the object
// goes, strace lets go and the fault is over. Counting starts when it is attached, in each thread
// for itself.
#pragma once

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "tests/fault/strace.h"
#include "tests/support/daemon.h"
#include "tests/support/hostile.h"

namespace ticketd::testing {

class Injector {
  public:
    /// `options` are strace's: paths, calls, what to inject.
    Injector(Daemon& daemon, const std::vector<std::string>& options)
        : daemon_(daemon), strace_(attach_strace(daemon.pid(), options, trace_of(daemon))) {
        if (!strace_) throw std::runtime_error("strace did not attach");
    }
    Injector(const Injector&) = delete;
    Injector& operator=(const Injector&) = delete;
    // A call that strace has begun to change when it is asked to let go fails with ENOSYS instead:
    // so only when injected() says that it has done its work, or where any failure is as good. Of
    // a daemon that has ended there is nothing to let go.
    ~Injector() {
        try {
            strace_->kill(daemon_.is_running() ? SIGTERM : SIGKILL);
            strace_->wait();
        } catch (const std::exception& error) {
            MESSAGE("strace had to be killed: " << error.what());
        }
    }

    /// How many calls were made to fail.
    static std::size_t injected(const Daemon& daemon) {
        return count_of(read_file(trace_of(daemon)), "INJECTED");
    }

  private:
    static std::string trace_of(const Daemon& daemon) { return daemon.scratch() / "injected"; }

    Daemon& daemon_;
    std::optional<Process> strace_;
};

}  // namespace ticketd::testing
