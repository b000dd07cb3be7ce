#include "server/store/whole_file.h"

#include <doctest/doctest.h>

#include "tests/support/memory_directory.h"

namespace ticketd::tests {
namespace {

// Some pieces and a half, no two alike.
std::string large_image() {
    std::string image(900'001, '\0');
    for (std::size_t i = 0; i < image.size(); ++i)
        image[i] = static_cast<char>(i * 31 / 4096);
    return image;
}

}  // namespace

TEST_CASE("a large file is synced piece by piece, and found old or new wherever the power goes") {
    constexpr std::size_t kPieceMax = std::size_t{256} * 1024;
    const auto image = large_image();
    MemoryDirectory disk;
    disk.set_content("file", "old");
    disk.record();
    REQUIRE_FALSE(store::write_whole_file(disk, "file", "file.new", image));
    CHECK(disk.content("file") == image);

    std::size_t syncs = 0, synced = 0;
    for (const auto& step : disk.steps()) {
        const MemoryDirectory now{step.after};
        if (step.operation == Operation::kSync) {
            const auto size = now.content("file.new").size();
            CHECK(size - synced <= kPieceMax);
            synced = size;
            ++syncs;
        }
        for (const auto unsynced : {Unsynced::kLost, Unsynced::kKept, Unsynced::kTorn}) {
            const auto found = now.after_crash(unsynced)->content("file");
            CHECK((found == "old" || found == image));
        }
    }
    CHECK(syncs == 4);
    CHECK(disk.after_crash(Unsynced::kLost)->content("file") == image);
}

}  // namespace ticketd::tests
