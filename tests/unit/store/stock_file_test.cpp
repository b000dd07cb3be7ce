#include "server/store/stock_file.h"

#include <doctest/doctest.h>

#include <cstring>
#include <string>

#include "tests/support/memory_directory.h"
#include "tests/support/store_id.h"

using namespace ticketd;
using namespace ticketd::store;
using tests::MemoryDirectory;

namespace {

const Event kDemo{"demo", {10, 1, 4, 5, 12}, {box_office::SaleState::kPaused, {7, 8}}};

template <typename Number>
Number at(const std::string& bytes, std::size_t offset) {
    Number number;
    std::memcpy(&number, bytes.data() + offset, sizeof number);
    return number;
}

}  // namespace

TEST_CASE("a slot says its counts where the documentation says") {
    MemoryDirectory disk;
    auto file = StockFile::open(disk, tests::kStoreId);
    REQUIRE_FALSE(file->write(0, {"other", {1, 0, 0, 1, 1}}));
    REQUIRE_FALSE(file->write(1, kDemo));
    const auto slot = disk.content("stock").substr(4096 + 256, 256);
    CHECK(at<std::uint64_t>(slot, 8) == 12);   // LSN
    CHECK(at<std::uint64_t>(slot, 16) == 10);  // capacity
    CHECK(at<std::uint64_t>(slot, 24) == 5);   // available
    CHECK(at<std::uint64_t>(slot, 32) == 1);   // held
    CHECK(at<std::uint64_t>(slot, 40) == 4);   // sold
    CHECK(at<std::uint64_t>(slot, 48) == 5);   // next serial
    CHECK(at<std::uint32_t>(slot, 56) == 1);   // event
    CHECK(slot.substr(64, 4) == "demo");
    CHECK(at<std::uint32_t>(slot, 4) == 2);   // paused
    CHECK(at<std::int64_t>(slot, 192) == 7);  // opens
    CHECK(at<std::int64_t>(slot, 200) == 8);  // closes
}

TEST_CASE("a slot is found changed whichever bit of it flips") {
    MemoryDirectory disk;
    auto file = StockFile::open(disk, tests::kStoreId);
    REQUIRE_FALSE(file->write(0, kDemo));
    CHECK(file->check(0) == StockFile::SlotState::kAsWritten);
    auto writer = disk.open("stock", platform::OpenMode::kReadWrite).file;
    const auto slot = disk.content("stock").substr(4096, 256);
    for (std::size_t bit = 0; bit < 256 * 8; ++bit) {
        auto flipped = slot;
        flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
        REQUIRE_FALSE(writer->write_at(flipped, 4096));
        CHECK(file->check(0) == StockFile::SlotState::kChanged);
    }
    REQUIRE_FALSE(writer->write_at(slot, 4096));
    CHECK(file->check(0) == StockFile::SlotState::kAsWritten);
    REQUIRE_FALSE(writer->truncate(4096 + 100));
    CHECK(file->check(0) == StockFile::SlotState::kChanged);
}

TEST_CASE("an older image of the slot does not pass for the newest") {
    MemoryDirectory disk;
    auto file = StockFile::open(disk, tests::kStoreId);
    REQUIRE_FALSE(file->write(0, kDemo));
    const auto old = disk.content("stock").substr(4096, 256);
    REQUIRE_FALSE(file->write(0, {"demo", {10, 1, 5, 6, 13}}));
    auto writer = disk.open("stock", platform::OpenMode::kReadWrite).file;
    REQUIRE_FALSE(writer->write_at(old, 4096));
    CHECK(file->check(0) == StockFile::SlotState::kChanged);
}

TEST_CASE("rebuilding makes the file say what the ledger says, and nothing else") {
    MemoryDirectory disk;
    disk.set_content("stock", std::string(9000, 'x'));
    auto file = StockFile::open(disk, tests::kStoreId);
    REQUIRE_FALSE(file->rebuild({kDemo}));
    CHECK(file->check(0) == StockFile::SlotState::kAsWritten);
    CHECK(disk.content("stock").substr(4096, 256) == encode_slot(0, kDemo));
    CHECK(disk.content("stock").find('x') == std::string::npos);
}

TEST_CASE("the lock is refused while somebody else has it") {
    MemoryDirectory disk;
    auto file = StockFile::open(disk, tests::kStoreId);
    CHECK(file->try_lock(0).has_value());
    disk.hold_locks(true);
    CHECK_FALSE(file->try_lock(0).has_value());
}
