#include "server/store/journal_format.h"

#include <doctest/doctest.h>

#include <string>

#include "common/limits.h"
#include "server/store/checksum.h"
#include "server/store/entry.h"
#include "server/store/store_error.h"
#include "tests/support/store_id.h"

using namespace ticketd;
using namespace ticketd::store;

namespace {

constexpr JournalPosition kAt{3, 8192, 17, 40, 0xabcdef};

std::string payload() {
    Entry entry;
    entry.lsn = 40;
    entry.event_name = "demo";
    std::string bytes;
    append_entry(bytes, entry);
    return bytes;
}

std::string flip(std::string bytes, std::size_t bit) {
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << (bit % 8)));
    return bytes;
}

}  // namespace

TEST_CASE("the checksum is CRC-32C") {
    // The check value of RFC 3720, B.4: 32 bytes of zeros, and the customary "123456789".
    CHECK(crc32c(std::string(32, '\0')) == 0x8a9136aa);
    CHECK(crc32c("123456789") == 0xe3069283);
    CHECK(crc32c("56789", crc32c("1234")) == crc32c("123456789"));
}

TEST_CASE("segment names sort by number and are read strictly") {
    CHECK(segment_name(1) == "journal-0000000001");
    CHECK(segment_number("journal-0000000042") == 42);
    CHECK(segment_number(segment_name(12'345'678'901)) == 12'345'678'901);
    for (const auto* name :
         {"journal-1", "journal-", "journal-000000000x", "journal-0000000001.bak",
          "Journal-0000000001", "journal-+000000001"}) {
        CHECK_FALSE(segment_number(name).has_value());
    }
}

TEST_CASE("a segment header comes back, and no bit of its block may flip") {
    auto start = kAt;
    start.offset = kBlockBytes;
    const auto block = segment_header(tests::kStoreId, start);
    REQUIRE(block.size() == kBlockBytes);
    const auto header = read_segment_header(block, "f");
    CHECK(header.store == tests::kStoreId);
    CHECK(header.start == start);
    for (std::size_t bit = 0; bit < block.size() * 8; ++bit) {
        CHECK_THROWS_AS(read_segment_header(flip(block, bit), "f"), StoreDamaged);
    }
    CHECK_THROWS_AS(read_segment_header(block.substr(0, 4095), "f"), StoreDamaged);
}

TEST_CASE("a segment that begins half way to the end of what can be counted is the last one read") {
    const auto is_read = [](const JournalPosition& start) {
        try {
            read_segment_header(segment_header(tests::kStoreId, start), "f");
            return true;
        } catch (const StoreDamaged&) {
            return false;
        }
    };
    for (const auto number :
         {&JournalPosition::segment, &JournalPosition::group, &JournalPosition::lsn}) {
        auto start = kAt;
        start.*number = limits::kCounterAtStart;
        CHECK(is_read(start));
        start.*number += 1;
        CHECK_FALSE(is_read(start));
        start.*number = ~std::uint64_t{0};
        CHECK_FALSE(is_read(start));
    }
}

TEST_CASE("a group fills whole blocks and comes back") {
    const auto frame = frame_group(tests::kStoreId, kAt, 1, payload());
    CHECK(frame.size() == kBlockBytes);
    const auto header = read_group_header(tests::kStoreId, frame);
    REQUIRE(header.has_value());
    CHECK(header->segment == 3);
    CHECK(header->group == 17);
    CHECK(header->first_lsn == 40);
    CHECK(header->count == 1);
    CHECK(header->chain == kAt.chain);
    CHECK(header->frame_bytes() == frame.size());
    CHECK(payload_matches(*header, payload()));
}

TEST_CASE("a group of another store is no group") {
    CHECK_FALSE(
        read_group_header(tests::kOtherStoreId, frame_group(tests::kStoreId, kAt, 1, payload()))
            .has_value());
}

TEST_CASE("no bit of a group may flip unnoticed") {
    const auto frame = frame_group(tests::kStoreId, kAt, 1, payload());
    const auto used = kGroupHeaderBytes + payload().size();
    for (std::size_t bit = 0; bit < used * 8; ++bit) {
        const auto damaged = flip(frame, bit);
        const auto header = read_group_header(tests::kStoreId, damaged);
        CHECK((!header || !payload_matches(*header, std::string_view{damaged}.substr(
                                                        kGroupHeaderBytes, payload().size()))));
    }
}

TEST_CASE("zeros are no group, whatever their checksum") {
    CHECK_FALSE(read_group_header(tests::kStoreId, std::string(kBlockBytes, '\0')).has_value());
}

TEST_CASE("a checksum of zero is a wrong checksum") {
    auto frame = frame_group(tests::kStoreId, kAt, 1, payload());
    auto header = *read_group_header(tests::kStoreId, frame);
    frame.replace(4, 4, 4, '\0');
    CHECK_FALSE(read_group_header(tests::kStoreId, frame).has_value());
    CHECK(payload_matches(header, payload()));
    header.payload_crc = 0;
    CHECK_FALSE(payload_matches(header, payload()));
    CHECK_FALSE(read_group_header(tests::kStoreId, std::string(kBlockBytes, '\0')).has_value());
}

TEST_CASE("a footer belongs to one store and one end of one segment") {
    const auto footer = segment_footer(tests::kStoreId, kAt);
    CHECK(footer.size() == kBlockBytes);
    CHECK(is_segment_footer(tests::kStoreId, kAt, footer));
    CHECK_FALSE(is_segment_footer(tests::kOtherStoreId, kAt, footer));
    for (auto change :
         {+[](JournalPosition& p) { ++p.segment; }, +[](JournalPosition& p) { ++p.lsn; },
          +[](JournalPosition& p) { ++p.group; }, +[](JournalPosition& p) { ++p.chain; }}) {
        auto other = kAt;
        change(other);
        CHECK_FALSE(is_segment_footer(tests::kStoreId, other, footer));
    }
    for (std::size_t bit = 0; bit < footer.size() * 8; ++bit)
        REQUIRE_FALSE(is_segment_footer(tests::kStoreId, kAt, flip(footer, bit)));
    CHECK_FALSE(is_segment_footer(tests::kStoreId, kAt, segment_header(tests::kStoreId, kAt)));
}
