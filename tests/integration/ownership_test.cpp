// One store, one owner (guarantee 9).
#include <doctest/doctest.h>

#include "tests/support/daemon.h"

namespace ticketd::testing {
namespace {

TEST_SUITE_BEGIN("ownership");

TEST_CASE("a second daemon on the same store ends with a clear line, and the first goes on") {
    auto daemon = Daemon::with_events({"demo=5"});
    auto rpc = daemon.connect();
    rpc.result("purchase");
    const auto before = directory_bytes(daemon.data_dir());
    const auto second = run_ticketd(
        {"--data-dir", daemon.data_dir(), "--socket", daemon.scratch() / "t", "--event", "x=1"});
    CHECK(second.exit == 69);
    CHECK(second.error.find("another ticketd owns this store") != std::string::npos);
    CHECK(second.error.find(daemon.data_dir()) != std::string::npos);
    CHECK(directory_bytes(daemon.data_dir()) == before);
    CHECK_FALSE(std::filesystem::exists(daemon.scratch() / "t"));
    CHECK(rpc.result("purchase")["serials"] == Json{2});
}

TEST_CASE("the store is free at once when its owner is killed") {
    auto daemon = Daemon::with_events({"demo=5"});
    for (int i = 0; i < 5; ++i) {
        daemon.kill_hard();
        daemon.start();
    }
    CHECK(daemon.connect().result("query")["available"] == 5);
}

TEST_CASE("a store that others can write to, or that is no directory, is refused or closed") {
    const ScratchDirectory scratch;
    write_file(scratch / "file", "precious");
    const auto refused = run_ticketd({"--data-dir", scratch / "file", "--socket", scratch / "s"});
    CHECK(refused.exit == 74);
    CHECK(refused.error.find(scratch / "file") != std::string::npos);
    CHECK(read_file(scratch / "file") == "precious");
}

TEST_SUITE_END();

}  // namespace
}  // namespace ticketd::testing
