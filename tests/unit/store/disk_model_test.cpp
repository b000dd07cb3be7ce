// The simulated disk itself: it really loses, tears and reorders what was not synced, and nothing
// else. A model that is kinder than a disk would prove nothing.
#include <doctest/doctest.h>

#include <set>
#include <string>

#include "tests/support/memory_directory.h"
#include "tests/support/power_cut.h"

using namespace ticketd::tests;
using ticketd::platform::File;
using ticketd::platform::OpenMode;

namespace {

std::string sectors(const std::string& letters) {
    std::string bytes;
    for (const auto letter : letters)
        bytes += std::string(kSectorBytes, letter == '0' ? '\0' : letter);
    return bytes;
}

/// The first byte of each sector, "0" for a zero, "?" for junk; and which files there are.
std::string letters(const Content& content) {
    std::string text;
    for (std::uint64_t at = 0; at < content.size; at += kSectorBytes) {
        const char byte = at < content.bytes.size() ? content.bytes[at] : '\0';
        text += byte == '\0' ? '0' : byte == '\x5a' ? '?' : byte;
    }
    return text;
}

std::set<std::string> outcomes(const MemoryDirectory& disk, std::size_t every = 1000) {
    std::set<std::string> found;
    const auto none = [](const std::string&) { return false; };
    visit_power_cuts(disk.image(), every, 500, 1, none, [&](const DiskImage& image) {
        std::string text;
        for (const auto& [name, file] : image.names())
            text += name + "=" + letters(image.file(file).content()) + " ";
        found.insert(text);
    });
    return found;
}

/// Without those that have junk in them.
std::set<std::string> clean_outcomes(const MemoryDirectory& disk) {
    auto found = outcomes(disk);
    std::erase_if(found, [](const auto& text) { return text.find('?') != std::string::npos; });
    return found;
}

using Outcomes = std::set<std::string>;

std::unique_ptr<File> synced_file(MemoryDirectory& disk, const std::string& text) {
    auto file = disk.open("f", OpenMode::kCreateNew).file;
    REQUIRE_FALSE(file->write_at(sectors(text), 0));
    REQUIRE_FALSE(file->sync_data());
    REQUIRE_FALSE(disk.sync());
    return file;
}

std::error_code io_error() {
    return std::make_error_code(std::errc::io_error);
}

}  // namespace

TEST_CASE("what was synced survives every power cut") {
    MemoryDirectory disk;
    const auto file = synced_file(disk, "ab");
    CHECK(outcomes(disk) == Outcomes{"f=ab "});
}

TEST_CASE("sectors that were not synced are found old or new, each on its own") {
    MemoryDirectory disk;
    const auto file = synced_file(disk, "aaa");
    REQUIRE_FALSE(file->write_at(sectors("bbb"), 0));
    CHECK(outcomes(disk) ==
          Outcomes{"f=aaa ", "f=aab ", "f=aba ", "f=abb ", "f=baa ", "f=bab ", "f=bba ", "f=bbb "});
    CHECK(disk.content("f") == sectors("bbb"));
    REQUIRE_FALSE(file->sync_data());
    CHECK(outcomes(disk) == Outcomes{"f=bbb "});
}

TEST_CASE("every write since the sync may be the one that is found") {
    MemoryDirectory disk;
    const auto file = synced_file(disk, "a");
    REQUIRE_FALSE(file->write_at("b", 0));
    REQUIRE_FALSE(file->write_at("c", 0));
    CHECK(outcomes(disk) == Outcomes{"f=a ", "f=b ", "f=c "});
}

TEST_CASE(
    "a file grows without its bytes, has its bytes without the size, or junk in their place") {
    MemoryDirectory disk;
    const auto file = synced_file(disk, "a");
    REQUIRE_FALSE(file->write_at(sectors("b"), kSectorBytes));
    CHECK(clean_outcomes(disk) == Outcomes{"f=a ", "f=a0 ", "f=ab "});
    bool had_junk = false;
    for (std::uint64_t seed = 0; seed < 200 && !had_junk; ++seed) {
        const auto cut = disk.image().after_power_cut(torn(seed));
        const auto text = letters(cut.file(0).content());
        CHECK(text.starts_with("a"));
        had_junk = text == "a?";
    }
    CHECK(had_junk);
}

TEST_CASE("a file that was cut may come back longer, and old bytes with it") {
    MemoryDirectory disk;
    const auto file = synced_file(disk, "ab");
    REQUIRE_FALSE(file->truncate(kSectorBytes));
    CHECK(disk.content("f") == sectors("a"));
    CHECK(outcomes(disk) == Outcomes{"f=a ", "f=ab ", "f=a0 "});
    REQUIRE_FALSE(file->allocate(2 * kSectorBytes));
    CHECK(disk.content("f") == sectors("a0"));
    CHECK(outcomes(disk) == Outcomes{"f=a ", "f=ab ", "f=a0 "});
    REQUIRE_FALSE(file->sync_data());
    CHECK(outcomes(disk) == Outcomes{"f=a0 "});
}

TEST_CASE("names that were not synced are found old or new, each on its own") {
    MemoryDirectory disk;
    const auto file = synced_file(disk, "a");
    REQUIRE_FALSE(disk.rename("f", "g"));
    CHECK(outcomes(disk) == Outcomes{"f=a ", "g=a "});
    const auto other = disk.open("h", OpenMode::kCreateNew).file;
    CHECK(outcomes(disk) == Outcomes{"f=a ", "g=a ", "f=a h= ", "g=a h= "});
    REQUIRE_FALSE(disk.sync());
    CHECK(outcomes(disk) == Outcomes{"g=a h= "});
    REQUIRE_FALSE(disk.remove("g"));
    CHECK(outcomes(disk) == Outcomes{"g=a h= ", "h= "});
}

TEST_CASE("a sync of a file does not save its name, nor one of the directory its bytes") {
    MemoryDirectory disk;
    const auto file = disk.open("f", OpenMode::kCreateNew).file;
    REQUIRE_FALSE(file->write_at(sectors("a"), 0));
    REQUIRE_FALSE(file->sync_data());
    CHECK(outcomes(disk) == Outcomes{"", "f=a "});
    MemoryDirectory second;
    const auto unsynced = second.open("f", OpenMode::kCreateNew).file;
    REQUIRE_FALSE(unsynced->write_at(sectors("a"), 0));
    REQUIRE_FALSE(second.sync());
    CHECK(clean_outcomes(second) == Outcomes{"f= ", "f=0 ", "f=a "});
}

TEST_CASE("a file that takes another's name leaves one of them there") {
    MemoryDirectory disk;
    const auto old_file = synced_file(disk, "a");
    const auto new_file = disk.open("f.new", OpenMode::kCreateNew).file;
    REQUIRE_FALSE(new_file->write_at(sectors("b"), 0));
    REQUIRE_FALSE(new_file->sync_data());
    REQUIRE_FALSE(disk.rename("f.new", "f"));
    CHECK(outcomes(disk) == Outcomes{"f=a ", "f=a f.new=b ", "f=b "});
}

TEST_CASE("after a failed sync the bytes may be lost although a later sync succeeds") {
    MemoryDirectory disk;
    const auto file = synced_file(disk, "aa");
    REQUIRE_FALSE(file->write_at(sectors("bb"), 0));
    disk.set_fault([](Operation operation, const std::string&) {
        return operation == Operation::kSync ? io_error() : std::error_code{};
    });
    CHECK(file->sync_data() == io_error());
    disk.set_fault({});
    REQUIRE_FALSE(file->sync_data());
    CHECK(disk.content("f") == sectors("bb"));
    CHECK(outcomes(disk) == Outcomes{"f=aa ", "f=ab ", "f=ba ", "f=bb "});
    // What is written again is saved, even if it says the same.
    REQUIRE_FALSE(file->write_at(sectors("b"), kSectorBytes));
    REQUIRE_FALSE(file->sync_data());
    CHECK(outcomes(disk) == Outcomes{"f=ab ", "f=bb "});
}

TEST_CASE("power cuts are in order too, and each kind of loss has its turn when there are many") {
    MemoryDirectory disk;
    const auto file = synced_file(disk, "aaaaaaaa");
    for (std::uint64_t i = 0; i < 8; ++i)
        REQUIRE_FALSE(file->write_at("b", i * kSectorBytes));
    const auto found = outcomes(disk, 100);
    CHECK(found.contains("f=aaaaaaaa "));
    CHECK(found.contains("f=bbbbbbbb "));
    CHECK(found.contains("f=bbbaaaaa "));
    CHECK(found.size() > 100);  // the torn ones
    CHECK(outcomes(disk, 256).size() == 256);
}

TEST_CASE("copies of a disk go their own ways") {
    MemoryDirectory disk;
    const auto file = synced_file(disk, "a");
    MemoryDirectory copy{disk.image()};
    REQUIRE_FALSE(file->write_at(sectors("b"), 0));
    CHECK(copy.content("f") == sectors("a"));
    REQUIRE_FALSE(copy.open("f", OpenMode::kReadWrite).file->write_at(sectors("c"), 0));
    CHECK(disk.content("f") == sectors("b"));
}

TEST_CASE("an operation that fails does nothing, but for a part of a write") {
    MemoryDirectory disk;
    const auto file = synced_file(disk, "aa");
    disk.set_fault(
        [](Operation, const std::string&) { return MemoryDirectory::Failure{io_error(), 0.75}; });
    CHECK(file->truncate(0) == io_error());
    CHECK(file->allocate(9000) == io_error());
    CHECK(disk.rename("f", "g") == io_error());
    CHECK(disk.remove("f") == io_error());
    CHECK(disk.open("g", OpenMode::kCreateNew).error == io_error());
    CHECK(disk.content("f") == sectors("aa"));
    CHECK(file->write_at(sectors("bb"), 0) == io_error());
    auto expected = sectors("bb");
    expected.replace(3 * kSectorBytes / 2, kSectorBytes / 2, kSectorBytes / 2, 'a');
    CHECK(disk.content("f") == expected);
}

TEST_CASE("every operation is recorded with the disk it leaves, until the process is no more") {
    MemoryDirectory disk;
    const auto file = synced_file(disk, "a");
    disk.record();
    REQUIRE_FALSE(file->write_at(sectors("b"), 0));
    REQUIRE_FALSE(file->sync_data());
    disk.stop_after(1);
    REQUIRE_FALSE(file->write_at(sectors("c"), 0));
    CHECK(file->write_at(sectors("d"), 0) == io_error());
    CHECK(file->sync_data() == io_error());
    CHECK(disk.remove("f") == io_error());
    REQUIRE(disk.steps().size() == 3);
    CHECK(disk.operations() == 3);
    CHECK(disk.steps()[0].operation == Operation::kWrite);
    CHECK(disk.steps()[1].operation == Operation::kSync);
    MemoryDirectory first{disk.steps()[0].after};
    CHECK(outcomes(first) == Outcomes{"f=a ", "f=b "});
    CHECK(outcomes(MemoryDirectory{disk.steps()[1].after}) == Outcomes{"f=b "});
    CHECK(disk.content("f") == sectors("c"));
    disk.resume();
    CHECK_FALSE(file->write_at(sectors("d"), 0));
}
