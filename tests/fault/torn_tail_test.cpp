// What a crash may leave behind the last acknowledged group, and what it may not: bytes that were
// never acknowledged are cut off, and a store that lost more is never counted wrongly.
#include <doctest/doctest.h>

#include <random>

#include "tests/support/daemon.h"
#include "tests/support/randomness.h"
#include "tests/support/raw_bytes.h"

namespace ticketd::testing {
namespace {

constexpr int kSales = 6;

// A store after kill -9, with kSales sales, each in a group and block of its own.
class CrashedStore {
  public:
    CrashedStore() : daemon_(Daemon::with_events({"demo=100"})) {
        auto rpc = daemon_.connect();
        rpc.result("query");  // waits until the event is durable, in a group without sales
        for (int i = 0; i < kSales; ++i)
            rpc.result("purchase", {{"key", "k" + std::to_string(i)}});
        daemon_.kill_hard();
        files_ = directory_bytes(daemon_.data_dir());
        const auto& journal = files_.at(kJournal);
        end_ = (journal.find_last_not_of('\0') / raw::kBlock + 1) * raw::kBlock;
    }

    /// Bytes of the journal up to the end of the last group.
    std::string journal() const { return files_.at(kJournal).substr(0, end_); }

    /// The store as it was, but for its journal.
    void put_back(const std::string& journal) {
        std::filesystem::remove_all(daemon_.data_dir());
        std::filesystem::create_directory(daemon_.data_dir());
        std::filesystem::permissions(daemon_.data_dir(), std::filesystem::perms{0700});
        for (const auto& [name, bytes] : files_) {
            write_file(daemon_.data_dir() + "/" + name, name == kJournal ? journal : bytes);
        }
    }

    /// How many are sold when it starts; nothing if it refuses to.
    std::optional<int> sold_after_start() {
        daemon_.launch();
        if (!daemon_.process().wait_for_error(" ready on ")) {
            CHECK(daemon_.wait() == 74);
            CHECK(daemon_.log().find(kJournal) != std::string::npos);
            return std::nullopt;
        }
        const int sold = daemon_.connect().result("query")["sold"];
        CHECK(daemon_.connect().result("ledger.verify")["ok"] == true);
        daemon_.kill_hard();
        CHECK(daemon_.verify().exit == 0);
        return sold;
    }

    Daemon& daemon() { return daemon_; }

    static constexpr const char* kJournal = "journal-0000000001";

  private:
    Daemon daemon_;
    std::map<std::string, std::string> files_;
    std::size_t end_ = 0;
};

bool has_kept_tail(const Daemon& daemon) {
    for (const auto& [name, bytes] : directory_bytes(daemon.data_dir())) {
        if (name.starts_with("torn-") && !bytes.empty()) return true;
    }
    return false;
}

TEST_SUITE_BEGIN("torn_tail");

TEST_CASE("junk behind the last group is cut off and kept") {
    CrashedStore store;
    std::mt19937_64 random{test_seed()};
    const auto whole = store.journal();
    std::vector<std::string> tails{
        std::string(1, 'x'),
        std::string(raw::kBlock, 'x'),
        std::string(3 * raw::kBlock, '\0') + "y",
        whole.substr(raw::kBlock, raw::kBlock),                 // an old group
        whole.substr(whole.size() - raw::kBlock, raw::kBlock),  // the last again
        whole.substr(0, raw::kBlock)};                          // a segment header
    for (const std::size_t bytes : {1U, 63U, 64U, 65U, 511U, 512U, 4097U, 100'000U}) {
        std::string junk(bytes, '\0');
        for (auto& c : junk)
            c = static_cast<char>(random());
        junk.back() = 'x';
        tails.push_back(junk);
    }
    for (const auto& tail : tails) {
        CAPTURE(tail.size());
        store.put_back(whole + tail);
        CHECK(store.sold_after_start() == kSales);
        CHECK(has_kept_tail(store.daemon()));
    }
}

TEST_CASE("zeros behind the last group are nothing") {
    CrashedStore store;
    for (const std::size_t bytes : {0U, 1U, 4096U, 100'000U}) {
        store.put_back(store.journal() + std::string(bytes, '\0'));
        CHECK(store.sold_after_start() == kSales);
        CHECK_FALSE(has_kept_tail(store.daemon()));
    }
}

TEST_CASE("a journal cut anywhere holds a whole number of sales, or is refused") {
    CrashedStore store;
    const auto whole = store.journal();
    // Block 0 is the header, block 1 the group that creates the event.
    for (std::size_t cut = 512; cut <= whole.size(); cut += 512) {
        CAPTURE(cut);
        store.put_back(whole.substr(0, cut));
        if (cut < 2 * raw::kBlock) {
            store.daemon().launch();
            const bool served = store.daemon().process().wait_for_error(" ready on ");
            CHECK(served == (cut >= raw::kBlock));  // without its event the daemon makes a new one
            store.daemon().stop(SIGKILL);
            continue;
        }
        const auto sold = store.sold_after_start();
        REQUIRE(sold.has_value());
        // Padding of a group's last block may be lost without loss.
        CHECK(*sold >= static_cast<int>(cut / raw::kBlock) - 2);
        CHECK(*sold <= static_cast<int>((cut + raw::kBlock - 1) / raw::kBlock) - 2);
    }
}

TEST_SUITE_END();

}  // namespace
}  // namespace ticketd::testing
