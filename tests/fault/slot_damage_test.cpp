// The stock file is the live view, the ledger the truth: what an outsider scribbles into a slot is
// found under the next lock and put right.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include "tests/support/daemon.h"
#include "tests/support/process_lock.h"

namespace ticketd::testing {
namespace {

void scribble(const std::string& file, off_t offset, std::string_view bytes) {
    const client::Descriptor fd{::open(file.c_str(), O_RDWR | O_CLOEXEC)};
    REQUIRE(::pwrite(fd.number(), bytes.data(), bytes.size(), offset) ==
            static_cast<ssize_t>(bytes.size()));
}

TEST_SUITE_BEGIN("slot_damage");

TEST_CASE("a slot that an outsider wrote to is restored by the next request") {
    auto daemon = Daemon::with_events({"a=5", "b=5"});
    auto rpc = daemon.connect();
    rpc.result("purchase", {{"event", "a"}, {"quantity", 2}});
    const auto good = read_file(daemon.stock_file());
    for (const auto& junk : {std::string(256, '\xff'), std::string(256, '\0'),
                             std::string(8, '\x7f'), std::string{"x"}}) {
        scribble(daemon.stock_file(), slot_offset(0) + 24, junk.substr(0, 232));
        CHECK(rpc.result("query", {{"event", "a"}})["available"] == 3);
        CHECK(read_file(daemon.stock_file()) == good);
    }
    CHECK(rpc.result("server.stats")["slots_restored"] == 4);
    CHECK(daemon.process().wait_for_error("restored from the ledger"));
    scribble(daemon.stock_file(), slot_offset(0), std::string(256, 'z'));
    CHECK(rpc.result("purchase", {{"event", "a"}})["serials"] == Json{3});
    CHECK(rpc.result("ledger.verify")["ok"] == true);
}

TEST_CASE("another slot's bytes, and older ones of its own, do not pass") {
    auto daemon = Daemon::with_events({"a=5", "b=5"});
    auto rpc = daemon.connect();
    const auto old = read_file(daemon.stock_file());
    rpc.result("purchase", {{"event", "a"}, {"quantity", 4}});
    const auto slot = [&](int id) {
        return old.substr(static_cast<std::size_t>(slot_offset(id)), kSlotBytes);
    };
    scribble(daemon.stock_file(), slot_offset(0), slot(0));
    CHECK(rpc.kind("purchase", {{"event", "a"}, {"quantity", 2}}) == "insufficient");
    scribble(daemon.stock_file(), slot_offset(0), slot(1));
    CHECK(rpc.result("query", {{"event", "a"}})["available"] == 1);
}

TEST_CASE("a stock file cut short grows back") {
    auto daemon = Daemon::with_events({"a=5", "b=5"});
    auto rpc = daemon.connect();
    REQUIRE(::truncate(daemon.stock_file().c_str(), slot_offset(1) + 10) == 0);
    CHECK(rpc.result("purchase", {{"event", "b"}})["granted"] == 1);
    REQUIRE(::truncate(daemon.stock_file().c_str(), 0) == 0);
    CHECK(rpc.result("purchase", {{"event", "b"}})["granted"] == 1);
    CHECK(daemon.stop() == 0);
    daemon.start();
    CHECK(daemon.connect().result("query", {{"event", "b"}})["sold"] == 2);
}

TEST_CASE("a stock file lost while stopped is rebuilt") {
    auto daemon = Daemon::with_events({"a=5"});
    daemon.connect().result("purchase");
    const auto good = read_file(daemon.stock_file());
    CHECK(daemon.stop() == 0);
    std::filesystem::remove(daemon.stock_file());
    daemon.start();
    CHECK(read_file(daemon.stock_file()) == good);
    daemon.kill_hard();
    write_file(daemon.stock_file(), std::string(10'000, 'j'));
    daemon.start();
    CHECK(read_file(daemon.stock_file()) == good);
}

TEST_SUITE_END();

}  // namespace
}  // namespace ticketd::testing
