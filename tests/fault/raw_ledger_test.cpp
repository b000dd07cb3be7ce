// The raw reader of the tests, which everything else is held against: it reads what the daemon
// says, and no bit of a stopped store can change without its noticing.
#include "tests/support/raw_ledger.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <random>

#include "tests/support/daemon.h"
#include "tests/support/randomness.h"

namespace ticketd::testing {
namespace {

// Three segments with entries of every kind; stopped.
Daemon small_store() {
    auto daemon = Daemon::with_events({"demo=1000", "other=7"});
    for (int run = 0; run < 3; ++run) {
        auto rpc = daemon.connect();
        for (int i = 0; i < 5; ++i) {
            const auto key = "k" + std::to_string(run) + std::to_string(i);
            rpc.result("purchase", {{"event", "demo"}, {"quantity", i + 2}, {"key", key}});
        }
        rpc.result("purchase", {{"event", "other"}, {"memo", "m\xc3\xa9mo"}});
        rpc.result("event.resize", {{"name", "other"}, {"capacity", 8 + run}});
        CHECK(daemon.stop() == 0);
        if (run < 2) daemon.start();
    }
    return daemon;
}

void check_same(const RawEntry& raw, const Json& entry) {
    CAPTURE(entry.dump());
    CHECK(raw.lsn == entry["lsn"]);
    CHECK(raw.time_ms == entry["time_ms"]);
    CHECK(raw.uid == entry["uid"]);
    CHECK(raw.capacity == entry["capacity"]);
    CHECK(raw.available() == entry["available"]);
    CHECK(raw.held == entry["held"]);
    CHECK(raw.sold == entry["sold"]);
    CHECK(raw.key == entry.value("key", ""));
    CHECK(raw.memo == entry.value("memo", ""));
    CHECK(raw.granted == entry.value("granted", 0U));
    CHECK(raw.requested == entry.value("requested", 0U));
    CHECK(raw.first_serial == entry.value("first_serial", 0U));
}

bool is_rejected(const std::string& directory, Ending ending) {
    try {
        read_raw_store(directory, ending);
    } catch (const RawDamage&) {
        return true;
    }
    return false;
}

TEST_SUITE_BEGIN("raw_ledger");

TEST_CASE("a stopped store read raw is what the daemon says of it") {
    auto daemon = small_store();
    const auto store = read_raw_store(daemon.data_dir(), Ending::kStopped);
    CHECK(store.tail_bytes == 0);
    daemon.start();
    auto rpc = daemon.connect();
    const auto entries = rpc.result("ledger.read", {{"limit", 1000}})["entries"];
    REQUIRE(store.entries.size() == entries.size());
    for (std::size_t i = 0; i < entries.size(); ++i)
        check_same(store.entries[i], entries[i]);
    const auto events = rpc.result("events")["events"];
    REQUIRE(store.slots.size() == events.size());
    for (std::size_t i = 0; i < events.size(); ++i) {
        CHECK(store.slots[i].name == events[i]["event"]);
        CHECK(store.slots[i].lsn == events[i]["lsn"]);
        CHECK(store.slots[i].sold == events[i]["sold"]);
        CHECK(store.slots[i].available == events[i]["available"]);
    }
}

TEST_CASE("any bit of a stopped store that is not as it was is found") {
    std::mt19937_64 random{test_seed()};
    const auto daemon = small_store();
    std::vector<std::string> names{"stock"};
    for (std::uint64_t i = 1; i <= 3; ++i)
        names.push_back(raw_segment_name(i));
    for (const auto& name : names) {
        const auto path = daemon.data_dir() + "/" + name;
        const auto right = read_file(path);
        std::fstream file{path, std::ios::binary | std::ios::in | std::ios::out};
        const auto put = [&file](std::size_t at, char byte) {
            file.seekp(static_cast<std::streamoff>(at));
            file.put(byte).flush();
        };
        for (unsigned i = 0; i < scaled(500); ++i) {
            const auto at = random() % right.size();
            put(at, static_cast<char>(right[at] ^ (1 << random() % 8)));
            CAPTURE(name);
            CAPTURE(at);
            CHECK(is_rejected(daemon.data_dir(), Ending::kStopped));
            put(at, right[at]);
        }
    }
    CHECK_FALSE(is_rejected(daemon.data_dir(), Ending::kStopped));
}

TEST_CASE("segments that are missing, swapped or of another store are found") {
    const auto daemon = small_store();
    const auto other = small_store();
    const auto path = [&daemon](int i) {
        return daemon.data_dir() + "/" + raw_segment_name(static_cast<std::uint64_t>(i));
    };
    const auto first = read_file(path(1)), second = read_file(path(2));
    write_file(path(1), second);
    write_file(path(2), first);
    CHECK(is_rejected(daemon.data_dir(), Ending::kStopped));
    write_file(path(1), first);
    std::filesystem::remove(path(2));
    CHECK(is_rejected(daemon.data_dir(), Ending::kStopped));
    write_file(path(2), read_file(other.data_dir() + "/" + raw_segment_name(2)));
    CHECK(is_rejected(daemon.data_dir(), Ending::kStopped));
    write_file(path(2), second);
    CHECK_FALSE(is_rejected(daemon.data_dir(), Ending::kStopped));
}

TEST_CASE("a torn tail is told from a bad group with a later one behind it") {
    auto daemon = Daemon::with_events({"demo=10"});
    for (int i = 0; i < 3; ++i)
        daemon.connect().result("purchase");
    daemon.kill_hard();
    const auto whole = read_raw_store(daemon.data_dir(), Ending::kKilled);
    CHECK(whole.entries.size() == 4);
    CHECK(whole.end.offset == raw_journal_end(daemon.data_dir()).offset);
    const auto path = daemon.data_dir() + "/" + raw_segment_name(1);
    const auto right = read_file(path);

    auto torn = right;
    torn.replace(whole.end.offset, 100, std::string(100, 'x'));
    write_file(path, torn);
    const auto cut = read_raw_store(daemon.data_dir(), Ending::kKilled);
    CHECK(cut.entries.size() == 4);
    CHECK(cut.tail_bytes == 100);
    CHECK(is_rejected(daemon.data_dir(), Ending::kStopped));

    auto damaged = right;
    damaged[whole.end.offset - 2 * 4096 + 100] ^= 1;
    write_file(path, damaged);
    CHECK(is_rejected(daemon.data_dir(), Ending::kKilled));
}

TEST_SUITE_END();

}  // namespace
}  // namespace ticketd::testing
