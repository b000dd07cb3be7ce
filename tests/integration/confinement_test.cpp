// What an attacker who got into the daemon would want next was taken away before anybody could
// connect. What exactly is denied: unit.platform.
#include <doctest/doctest.h>

#include <filesystem>

#include "tests/support/daemon.h"
#include "tests/support/sanitized.h"

namespace ticketd::testing {
namespace {

bool can_be_confined() {
    if (kIsSanitized) MESSAGE("SKIPPED: sanitizers start processes of their own");
    return !kIsSanitized;
}

bool is_confined(const std::string& status) {
    return status.find("\nNoNewPrivs:\t1\n") != std::string::npos &&
           status.find("\nSeccomp:\t2\n") != std::string::npos;
}

TEST_SUITE_BEGIN("confinement");

TEST_CASE("every thread of the daemon is confined, whatever it was asked to do") {
    if (!can_be_confined()) return;
    auto daemon = Daemon::with_events({"demo=5"});
    auto rpc = daemon.connect();
    rpc.result("purchase");
    const auto copied =
        run_client(daemon.socket(), {"ledger", "backup", daemon.scratch() / "copy"});
    CHECK(copied.exit == 0);
    CHECK(rpc.result("ledger.verify")["ok"] == true);
    std::size_t threads = 0;
    for (const auto& thread :
         std::filesystem::directory_iterator{"/proc/" + std::to_string(daemon.pid()) + "/task"}) {
        CHECK(is_confined(read_file(thread.path() / "status")));
        ++threads;
    }
    CHECK(threads >= 4);  // the loop, the syncs, the checkpoints, the log
    CHECK(daemon.log().find("does not take away") == std::string::npos);
}

TEST_SUITE_END();

}  // namespace
}  // namespace ticketd::testing
