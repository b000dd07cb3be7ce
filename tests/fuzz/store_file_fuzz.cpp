// The readers of the store's files, one file at a time: checkpoint, key run, journal segment, stock
// file. The input is such a file (the magic tells which), of a segment only the first 512 bytes of
// each block; seeds_main.cpp makes some. Each is read as it is, and with its checksums made right.
//
//  - No crash, and no memory beyond a multiple of the file.
//  - What is read is what is written again: nothing in a file that is accepted goes unnoticed. So
//    with single entries, whatever is around them.
//  - The binary search in a segment finds what walking through it finds.
#include <algorithm>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "server/store/bytes.h"
#include "server/store/checkpoint.h"
#include "server/store/entry.h"
#include "server/store/key_run.h"
#include "server/store/segment_reader.h"
#include "server/store/stock_file.h"
#include "server/store/store_error.h"
#include "tests/fuzz/finding.h"
#include "tests/fuzz/store_image.h"

using namespace ticketd;
using fuzz::expect;

namespace {

const store::StoreId& store_id() {
    return fuzz::sample_stores().front().id;
}

void read_checkpoint(const std::string& bytes) {
    const auto disk = fuzz::directory_with({{store::kCheckpointName, bytes}});
    const auto checkpoint = store::read_checkpoint(*disk);
    tests::MemoryDirectory other;
    expect(!store::write_checkpoint(other, checkpoint), "a checkpoint can be written");
    expect(other.content(store::kCheckpointName) == bytes, "a checkpoint is read whole");
}

void read_key_run(const std::string& bytes) {
    if (bytes.size() < 40) return;
    const auto segment = store::number_at<std::uint64_t>(bytes, 32);
    const auto name = store::key_run_name(segment);
    const auto disk = fuzz::directory_with({{name, bytes}});
    const auto run = store::read_key_run(*disk, store_id(), segment);
    tests::MemoryDirectory other;
    expect(!store::write_key_run(other, store_id(), run), "a key run can be written");
    // Its reserved number and what depends on it aside.
    const auto said = [](std::string image) {
        return image.replace(12, 4, "").substr(0, image.size() - 4);
    };
    expect(said(other.content(name)) == said(bytes), "a key run is read whole");
}

/// Entry by entry, as far as they can be read, out of exactly these bytes.
void read_entries(const std::vector<char>& payload) {
    std::string_view rest{payload.data(), payload.size()};
    for (;;) {
        const auto before = rest;
        const auto entry = store::take_entry(rest);
        if (!entry) return;
        expect(rest.size() < before.size(), "an entry ends within its group");
        std::string written;
        store::append_entry(written, *entry);
        expect(written == before.substr(0, before.size() - rest.size()), "an entry is read whole");
    }
}

/// Whatever the header of the group says besides its length.
void read_groups(std::string_view bytes) {
    constexpr std::size_t kPayloadBytesAt = 36;
    for (auto at = store::kBlockBytes; at < bytes.size(); at += store::kBlockBytes) {
        const auto payload =
            bytes.substr(at + store::kGroupHeaderBytes)
                .substr(0, store::number_at<std::uint32_t>(bytes, at + kPayloadBytesAt));
        read_entries({payload.begin(), payload.end()});
    }
}

void read_segment(const std::string& bytes) {
    if (bytes.size() < 40) return;
    read_groups(bytes);
    const auto number = store::number_at<std::uint64_t>(bytes, 32);
    const auto name = store::segment_name(number);
    const auto disk = fuzz::directory_with({{name, bytes}});
    const auto file = std::move(disk->open(name, platform::OpenMode::kReadOnly).file);
    const auto start = store::open_segment(*file, name, store_id(), number);
    store::SegmentReader reader{*file, name, store_id(), start};
    std::vector<store::Group> groups;
    auto result = reader.next();
    for (; std::holds_alternative<store::Group>(result); result = reader.next())
        groups.push_back(std::get<store::Group>(std::move(result)));
    // The search trusts that recovery has cut off what lies behind the last group.
    const auto* end = std::get_if<store::EndOfGroups>(&result);
    const auto end_offset =
        reader.position().offset + (end != nullptr && end->has_footer ? store::kBlockBytes : 0);
    const bool is_cut = bytes.find_last_not_of('\0') < end_offset;
    for (const auto& group : groups) {
        expect(!group.entries.empty(), "a group is not empty");
        for (const auto& entry : group.entries) {
            const auto found = store::find_group(*file, name, store_id(), start, entry.lsn);
            expect(!is_cut || found.offset == group.offset, "an entry is found where it is");
        }
    }
    store::find_group(*file, name, store_id(), start, reader.position().lsn);
    store::find_group(*file, name, store_id(), start, UINT64_MAX);
}

void read_stock(const std::string& bytes) {
    const auto& sample = fuzz::sample_store("killed");
    const auto events = sample.events_at(sample.entries.size());
    const auto disk = fuzz::directory_with({{store::kStockFileName, bytes}});
    const auto stock = store::StockFile::open(*disk, sample.id);
    stock->check(0);
    stock->check(static_cast<EventId>(bytes.size()));
    expect(!stock->rebuild(events), "a stock file can be rebuilt");
    const auto rebuilt = disk->content(store::kStockFileName);
    for (EventId id = 0; id < events.size(); ++id) {
        const auto offset = store::kSlotsOffset + std::size_t{id} * store::kSlotBytes;
        expect(rebuilt.substr(offset, store::kSlotBytes) == store::encode_slot(id, events[id]),
               "a rebuilt stock file says what the ledger says");
    }
    expect(rebuilt.find_last_not_of('\0') < store::kSlotsOffset + events.size() * store::kSlotBytes,
           "a rebuilt stock file says no more than that");
}

void read(const std::string& name, const std::string& bytes) {
    try {
        if (name == "c") read_checkpoint(bytes);
        if (name == "k1") read_key_run(bytes);
        if (name == "j1") read_segment(bytes);
        if (name == "s") read_stock(bytes);
    } catch (const store::StoreDamaged&) {
        return;
    }
}

std::string with_whole_blocks(std::string_view bytes) {
    std::string whole;
    for (; !bytes.empty(); bytes.remove_prefix(std::min(fuzz::kBlockBytesKept, bytes.size()))) {
        whole += bytes.substr(0, fuzz::kBlockBytesKept);
        whole.resize((whole.size() + store::kBlockBytes - 1) / store::kBlockBytes *
                     store::kBlockBytes);
    }
    return whole;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string bytes{fuzz::text_of(data, size)};
    const auto magic = bytes.substr(0, 8);
    const std::string alias = magic == "TKTDKEYS"   ? "k1"
                              : magic == "TKTDJRNL" ? "j1"
                              : magic == "TKTDSTCK" ? "s"
                                                    : "c";
    if (alias == "j1") bytes = with_whole_blocks(bytes);
    read(alias, bytes);
    fuzz::fix_checksum(fuzz::file_of_alias(alias), bytes);
    read(alias, bytes);
    return 0;
}
