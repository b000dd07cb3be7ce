// A store whose directory or files are not as they must be: no start, a line that names what is
// wrong, nothing changed; and once it is mended, everything is there.
#include <doctest/doctest.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "tests/support/hostile.h"

namespace ticketd::testing {
namespace {

namespace fs = std::filesystem;

// What is put in the place of a file, or done to it; the file itself waits at `aside`.
struct Spoiling {
    const char* what;
    void (*spoil)(const std::string& file, const std::string& aside);
    const char* says;
};

void check_made(int outcome) {
    REQUIRE(outcome == 0);
}

const Spoiling kSpoilings[] = {
    {"symbolic link",
     [](const auto& file, const auto& aside) {
         check_made(::symlink(aside.c_str(), file.c_str()));
     },
     ": is a symbolic link"},
    {"hard link",
     [](const auto& file, const auto& aside) { check_made(::link(aside.c_str(), file.c_str())); },
     ": has other names too"},
    {"FIFO", [](const auto& file, const auto&) { check_made(::mkfifo(file.c_str(), 0600)); },
     ": is not a regular file"},
    {"directory", [](const auto& file, const auto&) { check_made(::mkdir(file.c_str(), 0700)); },
     ": is not a regular file"},
};

// A store after a clean stop, with two tickets sold and a file of every kind.
class StoppedStore {
  public:
    StoppedStore() : daemon_(Daemon::with_events({"demo=5"})) {
        daemon_.connect().result("purchase", {{"key", "k"}, {"quantity", 2}});
        REQUIRE(daemon_.stop() == 0);
        for (const auto& [name, bytes] : directory_bytes(path())) {
            if (name != "next-segment") names_.push_back(name);  // of no run that has ended
        }
    }

    std::string path() const { return daemon_.data_dir(); }
    const std::vector<std::string>& names() const { return names_; }

    void check_refused(const std::string& says, const ProcessOptions& options = {}) const {
        // An address of its own: a lock file of another user's daemon would be in its way.
        const auto run = run_ticketd(
            {"--data-dir", path(), "--socket", path() + (options.uid ? "/../u" : "/../t")},
            options);
        CHECK(run.exit == 74);
        CHECK_MESSAGE(run.error.find(says) != std::string::npos, run.error);
    }

    void check_sells_on() {
        daemon_.start();
        const auto found = daemon_.connect().result("query");
        CHECK(found["sold"] == 2);
        CHECK(daemon_.connect().result("ledger.verify")["ok"] == true);
        REQUIRE(daemon_.stop() == 0);
    }

  private:
    Daemon daemon_;
    std::vector<std::string> names_;
};

TEST_SUITE_BEGIN("store_files");

TEST_CASE("a store is refused while another thing stands in the place of one of its files") {
    StoppedStore store;
    REQUIRE(store.names().size() >= 4);
    for (const auto& name : store.names()) {
        for (const auto& [what, spoil, says] : kSpoilings) {
            CAPTURE(name);
            CAPTURE(what);
            const auto file = store.path() + "/" + name;
            const auto aside = store.path() + "/../aside";
            fs::rename(file, aside);
            spoil(file, aside);
            const auto before = read_file(aside);
            store.check_refused(name + says);
            CHECK(read_file(aside) == before);
            fs::remove(file);
            fs::rename(aside, file);
        }
    }
    store.check_sells_on();
}

TEST_CASE("a missing lock or stock file is made anew, a store that lacks another is refused") {
    const StoppedStore pattern;
    for (const auto& name : pattern.names()) {
        CAPTURE(name);
        StoppedStore store;
        fs::remove(store.path() + "/" + name);
        if (name == "owner.lock" || name == "stock") {
            store.check_sells_on();
        } else {
            const auto before = directory_bytes(store.path());
            store.check_refused(name);
            CHECK(directory_bytes(store.path()) == before);
        }
    }
}

TEST_CASE("a directory that others may enter is refused") {
    StoppedStore store;
    fs::permissions(store.path(), fs::perms{0750});
    store.check_refused("its mode must be 0700");
    fs::permissions(store.path(), fs::perms{0700});
    store.check_sells_on();
}

TEST_CASE("a directory of another user, or one that may not be written to, is refused") {
    StoppedStore store;
    if (!can_be_others()) return;
    check_made(::chown(store.path().c_str(), kStranger, kStranger));
    store.check_refused("owned by another user");
    check_made(::chown(fs::path{store.path()}.parent_path().c_str(), kStranger, kStranger));
    fs::permissions(store.path(), fs::perms{0500});
    ProcessOptions as_stranger;
    as_stranger.uid = kStranger;
    store.check_refused("Permission denied", as_stranger);
    check_made(::chown(store.path().c_str(), 0, 0));
    fs::permissions(store.path(), fs::perms{0700});
    store.check_sells_on();
}

TEST_CASE("a store on a read-only file system is refused") {
    StoppedStore store;
    if (!can_be_others()) return;
    check_made(::mount(store.path().c_str(), store.path().c_str(), nullptr, MS_BIND, nullptr));
    check_made(
        ::mount(nullptr, store.path().c_str(), nullptr, MS_BIND | MS_REMOUNT | MS_RDONLY, nullptr));
    store.check_refused("Read-only file system");
    check_made(::umount2(store.path().c_str(), MNT_DETACH));
    store.check_sells_on();
}

TEST_SUITE_END();

}  // namespace
}  // namespace ticketd::testing
