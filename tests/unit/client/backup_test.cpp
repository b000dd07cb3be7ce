// The copy of a store, from files that only look like one: what the daemon does meanwhile is played
// by the test, in the callbacks.
#include "client/backup/backup.h"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "client/backup/store_files.h"
#include "tests/support/process_scratch.h"

namespace ticketd::client {
namespace {

namespace fs = std::filesystem;

const std::string kStoreId = "0123456789abcdef";

void append(std::string& bytes, std::uint64_t number, int size) {
    for (int i = 0; i < size; ++i)
        bytes += static_cast<char>(number >> static_cast<unsigned>(8 * i));
}

std::string head(std::string_view magic, const std::string& store_id = kStoreId,
                 std::uint64_t version = 6) {
    std::string bytes{magic};
    append(bytes, version, 4);
    append(bytes, 0, 4);
    return bytes + store_id;
}

std::string checkpoint(std::uint64_t segment, std::uint64_t first_key_run) {
    auto bytes = head("TKTDCKPT");
    append(bytes, segment, 8);
    for (int i = 0; i < 5; ++i)
        append(bytes, 7, 8);
    append(bytes, first_key_run, 8);
    return bytes + "and so on";
}

std::string read(const std::string& path) {
    std::ostringstream bytes;
    bytes << std::ifstream{path, std::ios::binary}.rdbuf();
    return std::move(bytes).str();
}

std::map<std::string, std::string> files_of(const std::string& path) {
    std::map<std::string, std::string> files;
    for (const auto& entry : fs::directory_iterator{path})
        files[entry.path().filename().string()] = read(entry.path().string());
    return files;
}

unsigned mode_of(const std::string& path) {
    struct stat info{};
    REQUIRE(::stat(path.c_str(), &info) == 0);
    return info.st_mode & 0777U;
}

// A store with two whole segments and a third that is being written, and where its copy goes.
struct Stage {
    testing::ScratchDirectory scratch;
    std::string store = scratch / "store";
    BackupPlan plan;

    Stage() {
        fs::create_directory(store);
        put("checkpoint", checkpoint(2, 1));
        put("keys-0000000001", head("TKTDKEYS") + "one");
        put("keys-0000000002", head("TKTDKEYS") + "two");
        put("orders-0000000002", head("TKTDORDR") + "one and two");
        put("journal-0000000001", head("TKTDJRNL") + std::string(5000, '1'));
        put("journal-0000000002", head("TKTDJRNL") + std::string(6000, '2'));
        put("journal-0000000003", head("TKTDJRNL") + std::string(20000, '3'));
        put("owner.lock", "");
        put("stock", "counts");
        put("torn-journal-0000000001-4096", "torn");
        put("next-segment", "zeros");
        plan.directory = scratch / "copy";
        plan.ask_position = [this] { return position(3, 8192); };
        plan.go_on = [](std::uint64_t, std::uint64_t) { return true; };
    }

    Outcome<StorePosition> position(std::uint64_t segment, std::uint64_t offset) const {
        return StorePosition{store, kStoreId, segment, offset, 99, 0};
    }
    void put(const std::string& name, const std::string& bytes) const {
        std::ofstream{store + "/" + name, std::ios::binary} << bytes;
    }
    void remove(const std::string& name) const { fs::remove(store + "/" + name); }

    /// The failure, after which nothing may be left.
    Failure fail() const {
        const auto outcome = back_up(plan);
        REQUIRE(failure_of(outcome) != nullptr);
        CHECK_FALSE(fs::exists(plan.directory));
        return *failure_of(outcome);
    }
    void check_fails(const std::string& text) const {
        const auto failure = fail();
        CAPTURE(failure.message);
        CHECK(failure.kind == "storage");
        CHECK(failure.exit_code == 74);
        CHECK(failure.message.find(text) != std::string::npos);
        CHECK(failure.message.ends_with("; nothing was left of the copy"));
    }
};

}  // namespace

TEST_CASE("backup: checkpoint, key runs and the journal up to the position are copied, no more") {
    Stage stage;
    const auto outcome = back_up(stage.plan);
    REQUIRE(failure_of(outcome) == nullptr);
    auto expected = files_of(stage.store);
    for (const auto* other :
         {"owner.lock", "stock", "torn-journal-0000000001-4096", "next-segment"})
        expected.erase(other);
    expected["journal-0000000003"].resize(8192);
    CHECK(files_of(stage.plan.directory) == expected);
    const auto& made = std::get<BackupResult>(outcome);
    CHECK(made.lsn == 99);
    CHECK(made.files == 7);
    std::uint64_t bytes = 0;
    for (const auto& [name, content] : expected) {
        bytes += content.size();
        CHECK(mode_of(stage.plan.directory + "/" + name) == 0600);
    }
    CHECK(made.bytes == bytes);
    CHECK(mode_of(stage.plan.directory) == 0700);
}

TEST_CASE("backup: the copy does not pass for a store before it is whole") {
    Stage stage;
    int looks = 0;
    std::uint64_t last = 0;
    stage.plan.go_on = [&](std::uint64_t done, std::uint64_t total) {
        CHECK(fs::exists(stage.plan.directory + "/" + kUnfinishedFile));
        CHECK_FALSE(fs::exists(stage.plan.directory + "/" + kCheckpointFile));
        CHECK(done > last);
        CHECK(done <= total);
        last = done;
        ++looks;
        return true;
    };
    REQUIRE(failure_of(back_up(stage.plan)) == nullptr);
    CHECK(looks == 6);
    CHECK_FALSE(fs::exists(stage.plan.directory + "/" + kUnfinishedFile));
}

TEST_CASE("backup: keys that are dropped meanwhile are left out, as the newer checkpoint does") {
    Stage stage;
    int looks = 0;
    stage.plan.go_on = [&](std::uint64_t, std::uint64_t) {
        if (++looks == 1) {  // the first run was copied, the second not yet
            stage.put("keys-0000000003", head("TKTDKEYS") + "three");
            stage.put("orders-0000000003", head("TKTDORDR") + "three");
            stage.put("journal-0000000004", head("TKTDJRNL") + std::string(9000, '4'));
            stage.put("checkpoint", checkpoint(3, 3));
            stage.remove("keys-0000000001");
            stage.remove("keys-0000000002");
        }
        return true;
    };
    int asked = 0;
    stage.plan.ask_position = [&] {
        return ++asked == 1 ? stage.position(3, 8192) : stage.position(4, 4096);
    };
    REQUIRE(failure_of(back_up(stage.plan)) == nullptr);
    const auto copy = files_of(stage.plan.directory);
    CHECK(copy.at("checkpoint") == checkpoint(3, 3));
    CHECK(copy.count("keys-0000000001") == 0);
    CHECK(copy.count("keys-0000000002") == 0);
    CHECK(copy.at("keys-0000000003") == head("TKTDKEYS") + "three");
    CHECK(copy.at("journal-0000000003").size() == 20032);
    CHECK(copy.at("journal-0000000004").size() == 4096);
}

TEST_CASE("backup: orders that are merged meanwhile are taken from where they are then") {
    Stage stage;
    int looks = 0;
    stage.plan.go_on = [&](std::uint64_t, std::uint64_t) {
        if (++looks == 2) {  // the key runs were copied, the order run not yet
            for (const auto* segment : {"3", "4"}) {
                stage.put(std::string{"keys-000000000"} + segment, head("TKTDKEYS") + segment);
            }
            stage.put("orders-0000000004", head("TKTDORDR") + "one to four");
            stage.put("journal-0000000004", head("TKTDJRNL") + std::string(9000, '4'));
            stage.put("journal-0000000005", head("TKTDJRNL") + std::string(9000, '5'));
            stage.put("checkpoint", checkpoint(4, 1));
            stage.remove("orders-0000000002");
        }
        return true;
    };
    int asked = 0;
    stage.plan.ask_position = [&] {
        return ++asked == 1 ? stage.position(3, 8192) : stage.position(5, 4096);
    };
    REQUIRE(failure_of(back_up(stage.plan)) == nullptr);
    const auto copy = files_of(stage.plan.directory);
    CHECK(copy.at("checkpoint") == checkpoint(4, 1));
    CHECK(copy.count("orders-0000000002") == 0);
    CHECK(copy.at("orders-0000000004") == head("TKTDORDR") + "one to four");
    CHECK(copy.at("keys-0000000001") == head("TKTDKEYS") + "one");
}

TEST_CASE("backup: order runs are those that together cover every segment once") {
    CHECK(order_runs_up_to(0).empty());
    CHECK(order_runs_up_to(1) == std::vector<std::uint64_t>{1});
    CHECK(order_runs_up_to(4) == std::vector<std::uint64_t>{4});
    CHECK(order_runs_up_to(13) == std::vector<std::uint64_t>{13, 12, 8});
}

TEST_CASE("backup: a newer checkpoint that drops nothing changes nothing") {
    Stage stage;
    stage.plan.go_on = [&](std::uint64_t, std::uint64_t) {
        stage.put("checkpoint", checkpoint(3, 1));
        return true;
    };
    REQUIRE(failure_of(back_up(stage.plan)) == nullptr);
    CHECK(read(stage.plan.directory + "/checkpoint") == checkpoint(2, 1));
}

TEST_CASE("backup: what should be there and is not ends it") {
    for (const auto* name :
         {"checkpoint", "keys-0000000002", "orders-0000000002", "journal-0000000001"}) {
        CAPTURE(name);
        Stage stage;
        stage.remove(name);
        stage.check_fails(stage.store + "/" + name + ": ");
    }
    Stage stage;
    stage.plan.ask_position = [&] { return stage.position(3, 20480); };
    stage.check_fails("journal-0000000003: shorter than it has to be");
    stage.plan.ask_position = [&] { return stage.position(2, 4096); };
    stage.check_fails("not of what the daemon has");
    stage.plan.ask_position = [&]() -> Outcome<StorePosition> {
        return StorePosition{stage.scratch / "elsewhere", kStoreId, 3, 8192, 99, 0};
    };
    CHECK(stage.fail().message == stage.scratch / "elsewhere" + ": No such file or directory");
}

TEST_CASE("backup: files of another store, of another format, or of another kind end it") {
    for (const auto* name :
         {"checkpoint", "keys-0000000001", "orders-0000000002", "journal-0000000002"}) {
        CAPTURE(name);
        Stage stage;
        const auto good = read(stage.store + "/" + name);
        const auto magic = good.substr(0, 8);
        stage.put(name, head(magic, "another store!!!") + good.substr(32));
        stage.check_fails(std::string{name} + ": not of the store that the daemon has");
        stage.put(name, head(magic, kStoreId, 7) + good.substr(32));
        stage.check_fails(std::string{name} + ": format version 7, this program knows 6");
        stage.put(name, good.substr(0, 31));
        stage.check_fails(std::string{name} + ": not a file of this kind, or cut short");
        stage.put(name, head("TKTDSTCK") + good.substr(32));
        stage.check_fails(std::string{name} + ": not a file of this kind");
        stage.put("aside", good);
        stage.remove(name);
        fs::create_symlink(stage.store + "/aside", stage.store + "/" + name);
        stage.check_fails(std::string{name} + ": ");
        stage.remove(name);
        REQUIRE(::mkfifo((stage.store + "/" + name).c_str(), 0600) == 0);
        stage.check_fails(std::string{name} + ": not a regular file");
    }
    Stage stage;
    stage.put("checkpoint", checkpoint(2, 1).substr(0, 87));
    stage.check_fails("checkpoint: cut short");
}

TEST_CASE("backup: a daemon that does not answer, or not with a position of this store, ends it") {
    Stage stage;
    const Failure lost{"unreachable", 69, "gone"};
    int asked = 0;
    stage.plan.ask_position = [&]() -> Outcome<StorePosition> {
        if (++asked == 2) return lost;
        return stage.position(3, 8192);
    };
    const auto failure = stage.fail();
    CHECK(failure.kind == "unreachable");
    CHECK(failure.exit_code == 69);
    CHECK(failure.message == "gone; nothing was left of the copy");

    asked = 0;
    stage.plan.ask_position = [&]() -> Outcome<StorePosition> {
        const auto id = ++asked == 2 ? "another store!!!" : kStoreId;
        return StorePosition{stage.store, id, 3, 8192, 99, 0};
    };
    stage.check_fails("not of what the daemon has");
}

TEST_CASE("backup: stopped at any moment it leaves nothing") {
    for (int moment = 1; moment <= 5; ++moment) {
        Stage stage;
        int looks = 0;
        stage.plan.go_on = [&](std::uint64_t, std::uint64_t) { return ++looks < moment; };
        const auto failure = stage.fail();
        CHECK(failure.kind == "interrupted");
        CHECK(failure.exit_code == 130);
        CHECK(failure.message == "the backup was stopped; nothing was left of the copy");
    }
}

TEST_CASE("backup: what it cannot remove again it names") {
    Stage stage;
    stage.plan.go_on = [&](std::uint64_t, std::uint64_t) {
        std::ofstream{stage.plan.directory + "/of somebody else"} << "x";
        return false;
    };
    const auto outcome = back_up(stage.plan);
    REQUIRE(failure_of(outcome) != nullptr);
    CHECK(failure_of(outcome)->message ==
          "the backup was stopped; an unfinished copy was left in " + stage.plan.directory);
    CHECK(files_of(stage.plan.directory).size() == 1);
}

TEST_CASE("backup: an empty directory of ours is taken, and stays if the backup fails") {
    Stage stage;
    fs::create_directory(stage.plan.directory);
    fs::permissions(stage.plan.directory, fs::perms{0755});
    stage.plan.directory += "//";
    REQUIRE(failure_of(back_up(stage.plan)) == nullptr);
    CHECK(mode_of(stage.plan.directory) == 0700);

    Stage failing;
    fs::create_directory(failing.plan.directory);
    failing.remove("journal-0000000002");
    CHECK(failure_of(back_up(failing.plan)) != nullptr);
    CHECK(fs::is_empty(failing.plan.directory));
}

TEST_CASE("backup: any other directory is refused and left as it is") {
    Stage stage;
    const auto refusal = [&] {
        const auto outcome = back_up(stage.plan);
        REQUIRE(failure_of(outcome) != nullptr);
        return failure_of(outcome)->kind + ": " + failure_of(outcome)->message;
    };
    const auto path = stage.plan.directory;
    fs::create_directory(path);
    std::ofstream{path + "/something"} << "x";
    CHECK(refusal() == "input: " + path + ": not an empty directory");
    CHECK(files_of(path).size() == 1);
    CHECK(mode_of(path) != 0700);
    stage.plan.directory = path + "/something";
    CHECK(refusal() == "input: " + path + "/something: not an empty directory");
    stage.plan.directory = stage.store;
    CHECK(refusal() == "input: " + stage.store + ": not an empty directory");
    stage.plan.directory = stage.scratch / "no/where";
    CHECK(refusal() == "storage: " + stage.plan.directory + ": No such file or directory");
    if (::geteuid() != 0) {
        MESSAGE("SKIPPED: only root can make directories of others");
        return;
    }
    fs::remove(path + "/something");
    REQUIRE(::chown(path.c_str(), 65534, 65534) == 0);
    stage.plan.directory = path;
    CHECK(refusal() == "storage: " + path + ": belongs to another user");
}

TEST_CASE("backup: from one file system to another") {
    Stage stage;
    std::string large = head("TKTDJRNL");
    for (int i = 0; large.size() < std::size_t{9} * 1024 * 1024; ++i)
        large += std::to_string(i);
    stage.put("journal-0000000001", large);
    struct stat here{}, there{};
    const std::string shared = "/dev/shm";
    if (::stat(shared.c_str(), &there) != 0 || ::stat(stage.store.c_str(), &here) != 0 ||
        here.st_dev == there.st_dev || ::access(shared.c_str(), W_OK) != 0) {
        MESSAGE("SKIPPED: no other file system to write to");
        return;
    }
    stage.plan.directory = shared + "/" + fs::path{stage.scratch.path()}.filename().string();
    const auto outcome = back_up(stage.plan);
    const auto copied = read(stage.plan.directory + "/journal-0000000001");
    fs::remove_all(stage.plan.directory);
    REQUIRE(failure_of(outcome) == nullptr);
    CHECK(copied == large);
}

TEST_CASE("backup: the daemon's answer is read, and anything else refused") {
    const auto outcome =
        read_position(R"({"data_dir":"/d","store":"30313233343536373839616263646566","segment":3,)"
                      R"("offset":8192,"group":5,"lsn":99,"verified_lsn":7})");
    REQUIRE(failure_of(outcome) == nullptr);
    const auto& position = std::get<StorePosition>(outcome);
    CHECK(position.data_dir == "/d");
    CHECK(position.store_id == kStoreId);
    CHECK(position.segment == 3);
    CHECK(position.offset == 8192);
    CHECK(position.lsn == 99);
    CHECK(position.verified_lsn == 7);
    for (
        const auto* text :
        {"", "[]", "{}",
         R"({"data_dir":"d","store":"30313233343536373839616263646566","segment":3,"offset":1,"lsn":9,"verified_lsn":0})",
         R"({"data_dir":"/d","store":"3031323334353637383961626364656","segment":3,"offset":1,"lsn":9,"verified_lsn":0})",
         R"({"data_dir":"/d","store":"3031323334353637383961626364656x","segment":3,"offset":1,"lsn":9,"verified_lsn":0})",
         R"({"data_dir":"/d","store":"3031","segment":3,"offset":1,"lsn":9,"verified_lsn":0})",
         R"({"data_dir":"/d","store":"30313233343536373839616263646566","segment":-3,"offset":1,"lsn":9,"verified_lsn":0})",
         R"({"data_dir":"/d","store":"30313233343536373839616263646566","segment":3,"lsn":9,"verified_lsn":0})"}) {
        CAPTURE(text);
        const auto strange = read_position(text);
        REQUIRE(failure_of(strange) != nullptr);
        CHECK(failure_of(strange)->exit_code == 76);
    }
}

}  // namespace ticketd::client
