// `ticket-client ledger backup`: a whole store at one LSN, whatever goes on meanwhile, or nothing.
#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <sstream>

#include "tests/fault/backup_check.h"
#include "tests/fault/flood.h"
#include "tests/fault/small_disk.h"
#include "tests/fault/strace.h"
#include "tests/fault/wait_until.h"
#include "tests/support/daemon.h"
#include "tests/support/randomness.h"
#include "tests/support/sanitized.h"

namespace ticketd::testing {
namespace {

namespace fs = std::filesystem;

// A sanitizer takes a minute to fill one; unit.backup has switches under it.
constexpr int kSegments = kIsSanitized ? 1 : 4;

bool has_segment(const std::string& directory, int number) {
    return fs::exists(directory + "/journal-000000000" + std::to_string(number));
}

// Waits until the journal is in this segment.
void wait_for_segment(const Daemon& daemon, int number) {
    wait_until([&] { return has_segment(daemon.data_dir(), number); });
}

DaemonOptions on(const std::string& data_dir) {
    DaemonOptions options;
    options.data_dir = data_dir;
    return options;
}

// A daemon with about so many megabytes in its journal.
Daemon filled(int megabytes) {
    auto daemon = Daemon::with_events({"demo=1000000000"});
    auto rpc = daemon.connect();
    for (int i = 0; i < megabytes * 20; ++i) {
        std::vector<std::string> keys;
        for (int j = 0; j < 128; ++j)
            keys.push_back("f" + std::to_string(i) + "-" + std::to_string(j));
        buy_all(rpc, keys);
    }
    return daemon;
}

TEST_SUITE_BEGIN("backup");

TEST_CASE("backups under load have every sale acknowledged before, and none after their LSN") {
    auto daemon = Daemon::with_events({"demo=1000000000"});
    Flood flood{daemon.socket(), 4};
    std::uint64_t lsn = 0;
    std::string copy;
    for (int segment = 1; segment <= kSegments; ++segment) {
        wait_for_segment(daemon, segment);
        wait_until([&] { return flood.acknowledged() > lsn + 500; });
        copy = daemon.scratch() / ("copy" + std::to_string(segment));
        const auto acknowledged = flood.acknowledged();
        const auto client = back_up(daemon, copy);
        CAPTURE(client.error);
        REQUIRE(client.exit == 0);
        CHECK(client.error.empty());
        const auto result = Json::parse(client.output);
        CHECK(result["directory"] == copy);
        lsn = result["lsn"];
        CHECK(lsn >= acknowledged);
        std::uint64_t bytes = 0;
        for (const auto& [name, content] : directory_bytes(copy))
            bytes += content.size();
        CHECK(result["bytes"] == bytes);
        CHECK(result["files"] == directory_bytes(copy).size());
        check_whole(copy, lsn);
    }
    CHECK(has_segment(copy, kSegments));
    flood.stop();
    CHECK(flood.problem().empty());
    CHECK(daemon.stop() == 0);
    CHECK(daemon.verify().exit == 0);

    Daemon restored{on(copy)};
    restored.start();
    auto rpc = restored.connect();
    CHECK(rpc.result("server.info")["lsn"] == lsn);
    std::size_t inside = 0, outside = 0;
    for (const auto& sale : flood.sales()) {
        if (sale.lsn > lsn) continue;
        ++inside;
        const auto again = buy_all(rpc, {sale.key})[0];
        CHECK(again.value("replayed", false));
        CHECK(again["lsn"] == sale.lsn);
    }
    for (const auto& sale : flood.sales()) {
        if (sale.lsn <= lsn) continue;
        const auto fresh = buy_all(rpc, {sale.key})[0];
        CHECK_FALSE(fresh.contains("replayed"));
        CHECK(fresh["order"] == lsn + ++outside);
    }
    CHECK(inside > 0);
    CHECK(rpc.result("ledger.verify")["ok"] == true);
}

TEST_CASE("a new store without anything in it is backed up") {
    Daemon daemon;
    daemon.start();
    const auto copy = daemon.scratch() / "copy";
    const auto text = run_client(daemon.socket(), {"ledger", "backup", copy});
    CHECK(text.exit == 0);
    CHECK(text.error.empty());
    CHECK(text.output.find("lsn        0\n") != std::string::npos);
    CHECK(text.output.find("directory  " + copy + "\n") != std::string::npos);
    check_whole(copy, 0);
    Daemon restored{on(copy)};
    restored.start();
    CHECK(restored.connect().result("events")["events"].empty());
}

TEST_CASE("a restarted store is backed up, and restored by copying, as often as one likes") {
    auto daemon = Daemon::with_events({"demo=100"});
    for (int i = 0; i < 3; ++i) {
        auto rpc = daemon.connect();
        rpc.result("purchase", {{"key", "k" + std::to_string(i)}});
        if (i == 1) {
            daemon.kill_hard();
        } else {
            daemon.stop();
        }
        daemon.start();
    }
    const auto copy = daemon.scratch() / "copy";
    const auto lsn = Json::parse(back_up(daemon, copy).output)["lsn"].get<std::uint64_t>();
    check_whole(copy, lsn);
    const auto before = directory_bytes(copy);
    for (int i = 0; i < 2; ++i) {
        const auto place = daemon.scratch() / ("restored" + std::to_string(i));
        REQUIRE(run({"cp", "-a", copy, place}).exit == 0);
        Daemon restored{on(place)};
        restored.start();
        auto rpc = restored.connect();
        CHECK(rpc.result("query")["sold"] == 3);
        CHECK(rpc.result("purchase", {{"key", "k1"}})["replayed"] == true);
        CHECK(rpc.result("purchase", {{"key", "new"}})["order"] == lsn + 1);
        CHECK(restored.stop() == 0);
        CHECK(restored.verify().exit == 0);
    }
    CHECK(directory_bytes(copy) == before);
}

TEST_CASE("what a backup is told is where the store is, for operators only") {
    auto daemon = Daemon::with_events({"demo=9"});
    auto rpc = daemon.connect();
    rpc.result("purchase");
    const auto position = rpc.result("ledger.position");
    CHECK(position["data_dir"] == fs::canonical(daemon.data_dir()).string());
    CHECK(position["store"].get<std::string>().size() == 32);
    CHECK(position["segment"] == 1);
    CHECK(position["lsn"] == 2);
    CHECK(position["group"].get<int>() >= 1);
    CHECK(position["offset"].get<std::uint64_t>() == 4096 * (1 + position["group"].get<int>()));
    CHECK(position["verified_lsn"] == 0);
    CHECK(rpc.error("ledger.position", {{"segment", 1}})["code"] == -32602);
}

TEST_CASE("a relative data directory is told in full") {
    const ScratchDirectory scratch;
    DaemonOptions options = on(fs::relative(scratch / "store").string());
    Daemon daemon{options};
    daemon.start();
    CHECK(daemon.connect().result("ledger.position")["data_dir"] ==
          fs::canonical(scratch / "store").string());
    CHECK(back_up(daemon, scratch / "copy").exit == 0);
}

TEST_CASE("somebody who is no operator is denied, and nothing is made") {
    if (::geteuid() != 0) {
        MESSAGE("SKIPPED: only root can be somebody else");
        return;
    }
    auto daemon = Daemon::with_events({"demo=9"}, {{"socket", {{"mode", "0666"}}}});
    daemon.scratch().open_to_all();
    const auto place = daemon.scratch() / "theirs";
    fs::create_directory(place);
    REQUIRE(::chown(place.c_str(), 65534, 65534) == 0);
    ProcessOptions nobody;
    nobody.uid = 65534;
    const auto client = run_client(daemon.socket(), {"ledger", "backup", place + "/copy"}, nobody);
    check_failed(client, 77, "denied");
    CHECK(fs::is_empty(place));
}

TEST_CASE("an operator who cannot read the data directory is told so") {
    if (::geteuid() != 0) {
        MESSAGE("SKIPPED: only root can be somebody else");
        return;
    }
    const ScratchDirectory scratch;
    scratch.open_to_all();
    const auto hidden = scratch / "hidden";
    fs::create_directory(hidden);
    REQUIRE(::chown(hidden.c_str(), 65534, 65534) == 0);
    auto options = on(hidden + "/store");
    options.process.uid = 65534;
    Daemon daemon{options};
    daemon.scratch().open_to_all();
    REQUIRE(::chown(daemon.scratch().path().c_str(), 65534, 65534) == 0);
    daemon.start();
    const auto place = scratch / "theirs";
    fs::create_directory(place);
    REQUIRE(::chown(place.c_str(), 65534, 65534) == 0);
    ProcessOptions nobody;
    nobody.uid = 65534;
    const auto back_up_there = [&] {
        return run_client(daemon.socket(), {"ledger", "backup", place + "/copy"}, nobody);
    };
    fs::rename(hidden + "/store", hidden + "/moved");
    const auto missing = back_up_there();
    check_failed(missing, 74, "storage");
    CHECK(missing.error.find(hidden + "/store: No such file or directory") != std::string::npos);
    CHECK(fs::is_empty(place));
    fs::rename(hidden + "/moved", hidden + "/store");
    REQUIRE(::chown((hidden + "/store/checkpoint").c_str(), 0, 0) == 0);
    const auto denied = back_up_there();
    check_failed(denied, 74, "storage");
    CHECK(denied.error.find("checkpoint: Permission denied; nothing was left") !=
          std::string::npos);
    CHECK(fs::is_empty(place));
}

TEST_CASE("without a daemon nothing is made") {
    const ScratchDirectory scratch;
    const auto client =
        run_client(scratch / "s", {"--timeout", "50ms", "ledger", "backup", scratch / "copy"});
    check_failed(client, 69, "unreachable");
    CHECK_FALSE(fs::exists(scratch / "copy"));
}

TEST_CASE("a directory that is not empty is refused and left as it is") {
    auto daemon = Daemon::with_events({"demo=9"});
    const auto copy = daemon.scratch() / "copy";
    REQUIRE(back_up(daemon, copy).exit == 0);
    const auto before = directory_bytes(copy);
    check_failed(back_up(daemon, copy), 65, "input");
    check_failed(back_up(daemon, daemon.data_dir()), 65, "input");
    check_failed(back_up(daemon, ""), 65, "input");
    check_failed(back_up(daemon, "\xff"), 65, "input");
    CHECK(directory_bytes(copy) == before);
    check_failed(run_client(daemon.socket(), {"ledger", "backup"}), 64, "usage");
}

TEST_CASE("the copy is for its user alone, under any umask") {
    auto daemon = Daemon::with_events({"demo=9"});
    for (const mode_t mask : {0000U, 0077U, 0777U}) {
        const auto copy = daemon.scratch() / ("copy" + std::to_string(mask));
        ProcessOptions options;
        options.umask = mask;
        CHECK(run_client(daemon.socket(), {"ledger", "backup", copy}, options).exit == 0);
        struct stat info{};
        REQUIRE(::stat(copy.c_str(), &info) == 0);
        CHECK((info.st_mode & 07777U) == 0700);
        for (const auto& entry : fs::directory_iterator{copy}) {
            REQUIRE(::stat(entry.path().c_str(), &info) == 0);
            CHECK((info.st_mode & 07777U) == 0600);
        }
    }
}

TEST_CASE("a backup that finds no space leaves none of it taken") {
    const SmallDisk disk{"3m"};
    if (!disk.is_mounted()) return;
    auto daemon = filled(4);
    const auto copy = disk.path() + "/copy";
    const auto client = back_up(daemon, copy);
    check_failed(client, 74, "storage");
    CHECK(client.error.find(copy + "/journal-0000000001: No space left on device") !=
          std::string::npos);
    CHECK(client.error.ends_with("; nothing was left of the copy\n"));
    CHECK(fs::is_empty(disk.path()));
}

TEST_CASE("a backup to another file system is as good") {
    const SmallDisk disk;
    if (!disk.is_mounted()) return;
    auto daemon = filled(2);
    const auto copy = disk.path() + "/copy";
    const auto client = back_up(daemon, copy);
    REQUIRE(client.exit == 0);
    check_whole(copy, Json::parse(client.output)["lsn"]);
}

// The calls of a backup, as strace saw them, one a line.
std::vector<std::string> calls_of_backup(const Daemon& daemon, const std::string& copy) {
    const auto trace = daemon.scratch() / "trace";
    auto words = tracing(trace, {"-y", "-e", "trace=fdatasync,fsync,renameat"});
    words.insert(words.end(),
                 {TICKET_CLIENT_BINARY, "--socket", daemon.socket(), "ledger", "backup", copy});
    REQUIRE(run(words).exit == 0);
    std::istringstream text{read_file(trace)};
    std::vector<std::string> calls;
    for (std::string line; std::getline(text, line);)
        calls.push_back(line);
    return calls;
}

TEST_CASE("everything is on disk before the copy is called a store, and then its name too") {
    if (!can_trace()) return;
    auto daemon = Daemon::with_events({"demo=9"});
    for (int i = 0; i < 2; ++i) {
        daemon.connect().result("purchase", {{"key", "k" + std::to_string(i)}});
        daemon.stop();
        daemon.start();
    }
    const auto copy = daemon.scratch() / "copy";
    const auto calls = calls_of_backup(daemon, copy);
    const auto find = [&](const std::string& text, std::size_t from) {
        for (auto i = from; i < calls.size(); ++i) {
            if (calls[i].find(text) != std::string::npos) return i;
        }
        return calls.size();
    };
    const auto renamed = find("renameat(", 0);
    REQUIRE(renamed < calls.size());
    CHECK(find("renameat(", renamed + 1) == calls.size());
    std::size_t last_file = 0;
    for (const auto& [name, content] : directory_bytes(copy)) {
        const auto file = name == "checkpoint" ? "checkpoint.unfinished" : name;
        CAPTURE(file);
        const auto synced = find("<" + copy + "/" + file + ">)", 0);
        CHECK(synced < renamed);
        CHECK(calls.at(std::min(synced, calls.size() - 1)).find("fdatasync(") != std::string::npos);
        last_file = std::max(last_file, synced);
    }
    CHECK(find("<" + copy + ">)", last_file) < renamed);
    CHECK(find("<" + copy + ">)", renamed) < calls.size());
    CHECK(find("<" + daemon.scratch().path() + ">)", 0) < calls.size());
    CHECK(find("fsync(", 0) < find("fdatasync(", 0));  // the mark of an unfinished copy
}

TEST_CASE("a result that cannot be written does not undo the backup") {
    auto daemon = Daemon::with_events({"demo=9"});
    CHECK(daemon.connect().result("query")["lsn"] == 1);  // and so it is durable
    const auto copy = daemon.scratch() / "copy";
    ProcessOptions full;
    full.stdout_path = "/dev/full";
    const auto client = run_client(daemon.socket(), {"ledger", "backup", copy}, full);
    CHECK(client.exit == 74);
    CHECK(client.error.find("the backup was made") != std::string::npos);
    check_whole(copy, 1);
}

// Sends the signal once the copy has begun; some end sooner, which is as well.
TEST_CASE("an interrupted backup takes away what it wrote, or is whole") {
    auto daemon = filled(12);
    int interrupted = 0;
    for (unsigned i = 0; i < scaled(20); ++i) {
        const auto copy = daemon.scratch() / "copy";
        auto client = start_client(daemon.socket(), {"ledger", "backup", copy});
        while (client.is_running() && !fs::exists(copy)) {
        }
        client.kill(i % 2 == 0 ? SIGINT : SIGTERM);
        const int exit = client.wait();
        CAPTURE(client.error());
        if (exit == 0) {
            check_whole(copy, printed({0, client.output(), ""}, "lsn"));
            fs::remove_all(copy);
            continue;
        }
        ++interrupted;
        CHECK(exit == 130);
        CHECK(client.output().empty());
        CHECK(client.error().starts_with("interrupted: "));
        CHECK(client.error().ends_with("; nothing was left of the copy\n"));
        CHECK_FALSE(fs::exists(copy));
    }
    CHECK(interrupted > 0);
}

TEST_CASE("what a killed backup leaves is not taken for a store") {
    auto daemon = filled(12);
    int unfinished = 0;
    for (unsigned i = 0; i < scaled(10); ++i) {
        const auto copy = daemon.scratch() / ("copy" + std::to_string(i));
        auto client = start_client(daemon.socket(), {"ledger", "backup", copy});
        while (client.is_running() && !fs::exists(copy + "/checkpoint.unfinished")) {
        }
        client.kill(SIGKILL);
        if (client.wait() == 0 || fs::exists(copy + "/checkpoint")) continue;
        ++unfinished;
        const auto before = directory_bytes(copy);
        CHECK(run_ticketd({"--verify", copy}).exit == 74);
        Daemon restored{on(copy)};
        restored.launch();
        CHECK(restored.wait() == 74);
        CHECK(restored.log().find("checkpoint.unfinished") != std::string::npos);
        auto after = directory_bytes(copy);
        after.erase("owner.lock");
        CHECK(after == before);
    }
    CHECK(unfinished > 0);
}

TEST_CASE("a daemon that is killed and started again during a backup does not spoil it") {
    auto daemon = Daemon::with_events({"demo=1000000000"});
    for (unsigned i = 0; i < scaled(10); ++i) {
        const auto copy = daemon.scratch() / ("copy" + std::to_string(i));
        auto rpc = daemon.connect();
        std::vector<std::string> keys;
        for (int j = 0; j < 100; ++j)
            keys.push_back("d" + std::to_string(i) + "-" + std::to_string(j));
        const auto lsn = buy_all(rpc, keys).back().at("lsn").get<std::uint64_t>();
        auto client = start_client(daemon.socket(), {"--json", "ledger", "backup", copy});
        while (client.is_running() && !fs::exists(copy)) {
        }
        daemon.kill_hard();
        daemon.start();
        const int exit = client.wait();
        CAPTURE(client.error());
        REQUIRE(exit == 0);
        const auto result = Json::parse(client.output());
        CHECK(result["lsn"] >= lsn);
        check_whole(copy, result["lsn"]);
    }
}

TEST_SUITE_END();

}  // namespace
}  // namespace ticketd::testing
