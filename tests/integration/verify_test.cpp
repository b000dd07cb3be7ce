// `ticketd --verify`, and a daemon that never guesses when acknowledged data is damaged
// (guarantee 8).
#include <doctest/doctest.h>

#include "tests/support/daemon.h"
#include "tests/support/sanitized.h"

namespace ticketd::testing {
namespace {

constexpr std::size_t kBlock = 4096;
const std::string kJournal = "journal-0000000001";
// Each step starts two programs, which sanitizers make slow.
constexpr std::size_t kStep = kIsSanitized ? 41 : 7;

// After kill -9: the event in block 1 of the journal, five sales in the blocks behind it.
Daemon killed_daemon() {
    auto daemon = Daemon::with_events({"demo=9"});
    auto rpc = daemon.connect();
    rpc.result("query");  // waits until the event is durable, in a group without sales
    for (int i = 0; i < 5; ++i)
        rpc.result("purchase");
    daemon.kill_hard();
    return daemon;
}

void flip(const std::string& file, std::size_t offset) {
    auto bytes = read_file(file);
    REQUIRE(offset < bytes.size());
    bytes[offset] = static_cast<char>(bytes[offset] ^ 0x10);
    write_file(file, bytes);
}

void check_refused(Daemon& daemon, const std::string& file) {
    CAPTURE(file);
    const auto before = directory_bytes(daemon.data_dir());
    const auto verdict = daemon.verify();
    CHECK(verdict.exit == 74);
    CHECK(verdict.error.find(file) != std::string::npos);
    daemon.launch();
    CHECK(daemon.wait() == 74);
    CHECK(daemon.log().find("damaged and was not touched") != std::string::npos);
    CHECK(daemon.log().find(file + " at offset ") != std::string::npos);
    CHECK(directory_bytes(daemon.data_dir()) == before);
}

TEST_SUITE_BEGIN("verify");

TEST_CASE("a store verifies while its daemon runs, when stopped and when killed") {
    auto daemon = Daemon::with_events({"a=9", "b=5"});
    auto rpc = daemon.connect();
    for (int i = 0; i < 3; ++i)
        rpc.result("purchase", {{"event", "a"}, {"quantity", 2}, {"key", "k" + std::to_string(i)}});
    const auto check = [&] {
        const auto verdict = daemon.verify();
        CAPTURE(verdict.error);
        CHECK(verdict.exit == 0);
        for (const auto* line :
             {"lsn        5\n", "events     2\n", "orders     3\n", "keys       3\n",
              "capacity   14\n", "available  8\n", "held       0\n", "sold       6\n"}) {
            CHECK(verdict.output.find(line) != std::string::npos);
        }
    };
    check();
    daemon.kill_hard();
    check();
    daemon.start();
    check();
    daemon.stop();
    const auto before = directory_bytes(daemon.data_dir());
    check();
    CHECK(directory_bytes(daemon.data_dir()) == before);
}

TEST_CASE("a flipped bit in a group that was followed by others is damage") {
    auto daemon = killed_daemon();
    const auto file = daemon.data_dir() + "/" + kJournal;
    const auto good = read_file(file);
    for (const std::size_t offset :
         {kBlock, kBlock + 40, kBlock + 70, 3 * kBlock + 5, 3 * kBlock + 64, 5 * kBlock + 100}) {
        CAPTURE(offset);
        flip(file, offset);
        check_refused(daemon, kJournal);
        write_file(file, good);
    }
    daemon.start();
    CHECK(daemon.connect().result("query")["sold"] == 5);
}

TEST_CASE(
    "damage in the header, the checkpoint, or a missing file keeps the daemon from starting") {
    auto daemon = killed_daemon();
    const auto journal = daemon.data_dir() + "/" + kJournal;
    const auto checkpoint = daemon.data_dir() + "/checkpoint";
    const auto good_journal = read_file(journal);
    const auto good_checkpoint = read_file(checkpoint);
    for (const std::size_t offset : {0U, 9U, 20U, 40U}) {
        flip(journal, offset);
        check_refused(daemon, kJournal);
        write_file(journal, good_journal);
    }
    for (std::size_t offset = 0; offset < good_checkpoint.size(); offset += kStep) {
        flip(checkpoint, offset);
        check_refused(daemon, "checkpoint");
        write_file(checkpoint, good_checkpoint);
    }
    std::filesystem::remove(checkpoint);
    check_refused(daemon, "checkpoint");
    write_file(checkpoint, good_checkpoint);
    daemon.start();
    daemon.kill_hard();
    std::filesystem::remove(journal);
    check_refused(daemon, kJournal);
}

TEST_CASE("damage behind the checkpoint is found by the offline check") {
    auto daemon = killed_daemon();
    daemon.start();
    CHECK(daemon.stop() == 0);
    flip(daemon.data_dir() + "/" + kJournal, 3 * kBlock + 70);
    const auto verdict = daemon.verify();
    CHECK(verdict.exit == 74);
    CHECK(verdict.error.find(kJournal + " at offset ") != std::string::npos);
}

TEST_CASE("a group swapped with another, or doubled, is damage") {
    auto daemon = killed_daemon();
    const auto file = daemon.data_dir() + "/" + kJournal;
    const auto good = read_file(file);
    auto swapped = good;
    swapped.replace(2 * kBlock, kBlock, good, 3 * kBlock, kBlock);
    swapped.replace(3 * kBlock, kBlock, good, 2 * kBlock, kBlock);
    write_file(file, swapped);
    check_refused(daemon, kJournal);
    auto doubled = good;
    doubled.replace(3 * kBlock, kBlock, good, 2 * kBlock, kBlock);
    write_file(file, doubled);
    check_refused(daemon, kJournal);
}

TEST_CASE("what is no store does not verify") {
    const ScratchDirectory scratch;
    CHECK(run_ticketd({"--verify", scratch.path()}).exit == 74);
    CHECK(run_ticketd({"--verify", scratch / "missing"}).exit == 74);
    CHECK(std::filesystem::is_empty(scratch.path()));
}

TEST_SUITE_END();

}  // namespace
}  // namespace ticketd::testing
