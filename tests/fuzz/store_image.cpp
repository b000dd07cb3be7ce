#include "tests/fuzz/store_image.h"

#include <sodium.h>

#include <algorithm>
#include <cstring>

#include "common/limits.h"
#include "server/store/bytes.h"
#include "server/store/checkpoint.h"
#include "server/store/checksum.h"
#include "server/store/key_run.h"
#include "server/store/ledger_reader.h"
#include "server/store/segment_reader.h"
#include "server/store/stock_file.h"
#include "tests/fuzz/finding.h"
#include "tests/support/store_rig.h"

namespace ticketd::fuzz {
namespace {

using store::crc32c;
using store::number_at;
using store::put_number;
using tests::StoreRig;
using tests::Unsynced;

constexpr std::uint32_t kGroupMagic = 0xF5475254;
// Blocks of zeros left behind the end of a segment that is in use; recovery reads to its end.
constexpr std::size_t kZeroBlocksKept = 3;

// --- the sample stores
// ----------------------------------------------------------------------------

// The id of a store is random; the same input has to meet the same store.
void make_randomness_repeatable() {
    static randombytes_implementation same{
        .implementation_name = [] { return "the same"; },
        .random = [] { return std::uint32_t{0x5eed5eed}; },
        .stir = nullptr,
        .uniform = nullptr,
        .buf = [](void* buffer, std::size_t size) { std::memset(buffer, 0x5e, size); },
        .close = nullptr,
    };
    randombytes_set_implementation(&same);
}

StoreImage image_of(const tests::MemoryDirectory& disk) {
    StoreImage files;
    for (auto& [name, bytes] : disk.all()) {
        if (name == "owner.lock") continue;
        auto& kept = files[name] = bytes;
        const auto used = kept.find_last_not_of('\0') + 1;
        const auto blocks = used / store::kBlockBytes + 1 + kZeroBlocksKept;
        if (store::segment_number(name)) {
            kept.resize(std::min(kept.size(), blocks * store::kBlockBytes));
        }
    }
    return files;
}

void sell(StoreRig& rig, const std::string& prefix) {
    const auto demo = rig.store().state().find_event("demo");
    const auto event = demo ? *demo : rig.create("demo", 100);
    rig.settle();
    rig.buy(event, 3, prefix + "-1");
    rig.settle();
    rig.buy(event, 1, prefix + "-2", 8);
    rig.buy(event, 1);
    rig.store().purchase({7, event, {5, 2}, "", "a memo"});
    rig.settle();
    rig.store().abandon(9, prefix + "-3");
    if (!rig.store().state().find_event("other")) rig.create("other", 2);
    rig.store().resize_event(0, event, {100 + rig.store().state().last_lsn()});
    rig.settle();
    rig.buy(event, 2, prefix + "-4", 10);
    rig.settle();
}

/// Everything that can be told of the store from its disk.
SampleStore sample(std::string name, tests::MemoryDirectory& disk, Lsn last) {
    SampleStore sample;
    sample.name = std::move(name);
    sample.files = image_of(disk);
    const auto checkpoint = store::read_checkpoint(disk);
    sample.id = checkpoint.store;
    store::LedgerReader reader{disk, sample.id};
    if (last > 0) {
        reader.visit(1, last, [&sample](const store::Entry& entry) {
            sample.entries.push_back(entry);
            return true;
        });
    }
    sample.ends.push_back(checkpoint.position.lsn - 1);
    sample.end_offsets.push_back(0);
    const auto number = checkpoint.position.segment + 1;
    const auto& segment = sample.last_segment = store::segment_name(number);
    if (const auto opened = disk.open(segment, platform::OpenMode::kReadOnly); opened.file) {
        store::SegmentReader groups{*opened.file, segment, sample.id,
                                    store::open_segment(*opened.file, segment, sample.id, number)};
        while (std::holds_alternative<store::Group>(groups.next())) {
            sample.ends.push_back(groups.position().lsn - 1);
            sample.end_offsets.push_back(groups.position().offset);
        }
    }
    expect(sample.ends.back() == last, "the sample ends with what was acknowledged");
    return sample;
}

std::vector<SampleStore> make_samples() {
    // Each of the four starts before the last has begun a segment.
    constexpr std::uint64_t kTornSegment = 5;
    constexpr std::size_t kTornBytes = 80;
    make_randomness_repeatable();
    std::vector<SampleStore> samples;
    auto settings = StoreRig::settings();
    settings.segment_bytes = 1280 * 1024;

    auto disk = StoreRig{std::make_unique<tests::MemoryDirectory>(), settings}.close();
    samples.push_back(sample("new", *disk, 0));

    StoreRig first{std::move(disk), settings};
    sell(first, "a");
    const auto first_end = first.store().state().last_lsn();
    disk = first.close();
    samples.push_back(sample("stopped", *disk, first_end));

    StoreRig second{std::move(disk), settings};
    sell(second, "b");
    const auto second_end = second.store().state().last_lsn();
    disk = second.crash(Unsynced::kLost);
    samples.push_back(sample("killed", *disk, second_end));

    disk = StoreRig{std::move(disk), settings}.close();
    StoreRig third{std::move(disk), settings};
    sell(third, "c");
    const auto third_end = third.store().state().last_lsn();
    disk = third.crash(Unsynced::kLost);
    // Half of a group, as a power cut leaves it.
    auto torn = sample("torn", *disk, third_end);
    auto& bytes = torn.files.at(store::segment_name(kTornSegment));
    const auto end = (bytes.find_last_not_of('\0') / store::kBlockBytes + 1) * store::kBlockBytes;
    bytes.replace(end, kTornBytes, bytes, store::kBlockBytes, kTornBytes);
    samples.push_back(std::move(torn));
    return samples;
}

// --- checksums
// ------------------------------------------------------------------------------------

enum class Chains : bool { kAsTheyAre, kFixed };

void fix_header(std::string& bytes, std::size_t at) {
    put_number<std::uint32_t>(bytes, at + 60, crc32c(std::string_view{bytes}.substr(at, 60)));
}

bool is_footer(std::string_view block) {
    return block.starts_with("TKTDJEND");
}

/// `chain` is the payload checksum of the group before, and then of the last one.
void fix_segment(std::string& bytes, Chains chains, std::uint32_t& chain) {
    constexpr std::size_t kHeaderBytes = store::kGroupHeaderBytes;
    if (bytes.size() < store::kBlockBytes) return;
    if (chains == Chains::kFixed) put_number<std::uint32_t>(bytes, 12, chain);
    fix_header(bytes, 0);
    chain = number_at<std::uint32_t>(bytes, 12);
    const auto seed = crc32c(std::string_view{bytes}.substr(16, 16));
    std::size_t at = store::kBlockBytes;
    while (at + kHeaderBytes <= bytes.size()) {
        const std::string_view all{bytes};
        if (is_footer(all.substr(at))) {
            if (chains == Chains::kFixed) put_number<std::uint32_t>(bytes, at + 12, chain);
            fix_header(bytes, at);
        }
        if (number_at<std::uint32_t>(bytes, at) != kGroupMagic) {
            at += store::kBlockBytes;
            continue;
        }
        // An absurd length keeps a header that seems right, so that somebody has to notice.
        const auto payload_bytes = std::min<std::size_t>(number_at<std::uint32_t>(bytes, at + 36),
                                                         bytes.size() - at - kHeaderBytes);
        if (chains == Chains::kFixed) put_number<std::uint32_t>(bytes, at + 44, chain);
        chain = crc32c(all.substr(at + kHeaderBytes, payload_bytes),
                       number_at<std::uint32_t>(bytes, at + 44));
        put_number<std::uint32_t>(bytes, at + 40, chain);
        put_number<std::uint32_t>(bytes, at + 4, 0);
        put_number<std::uint32_t>(bytes, at + 4, crc32c(all.substr(at, kHeaderBytes), seed));
        at += (kHeaderBytes + payload_bytes + store::kBlockBytes - 1) / store::kBlockBytes *
              store::kBlockBytes;
    }
}

void fix_stock(std::string& bytes) {
    constexpr std::size_t kHeaderBytes = 40;
    if (bytes.size() < kHeaderBytes + 4) return;
    const std::string_view all{bytes};
    put_number<std::uint32_t>(bytes, kHeaderBytes, crc32c(all.substr(0, kHeaderBytes)));
    for (auto at = store::kSlotsOffset; at + store::kSlotBytes <= bytes.size();
         at += store::kSlotBytes) {
        put_number<std::uint32_t>(bytes, at, crc32c(all.substr(at + 4, store::kSlotBytes - 4)));
    }
}

void fix_whole_file(std::string& bytes) {
    if (bytes.size() < 4) return;
    const auto end = bytes.size() - 4;
    put_number<std::uint32_t>(bytes, end, crc32c(std::string_view{bytes}.substr(0, end)));
}

}  // namespace

std::vector<store::Event> SampleStore::events_at(Lsn lsn) const {
    store::LedgerState state{id, store::kNoKeys};
    for (const auto& entry : entries) {
        if (entry.lsn <= lsn) state.apply(entry);
    }
    return state.events();
}

const std::vector<SampleStore>& sample_stores() {
    static const auto kSamples = make_samples();
    return kSamples;
}

const SampleStore& sample_store(std::string_view name) {
    const auto& samples = sample_stores();
    const auto found = std::find_if(samples.begin(), samples.end(),
                                    [name](const SampleStore& s) { return s.name == name; });
    return found == samples.end() ? samples.back() : *found;
}

std::unique_ptr<tests::MemoryDirectory> directory_with(const StoreImage& files) {
    auto directory = std::make_unique<tests::MemoryDirectory>();
    for (const auto& [name, bytes] : files)
        directory->set_content(name, bytes);
    return directory;
}

std::string file_of_alias(std::string_view alias) {
    if (alias == "c") return store::kCheckpointName;
    if (alias == "s") return store::kStockFileName;
    const bool is_numbered = alias.size() == 2 && alias[1] >= '0' && alias[1] <= '9';
    const auto number = is_numbered ? static_cast<std::uint64_t>(alias[1] - '0') : 0;
    if (is_numbered && alias[0] == 'j') return store::segment_name(number);
    if (is_numbered && alias[0] == 'k') return store::key_run_name(number);
    return std::string{alias};
}

void fix_checksum(const std::string& name, std::string& bytes) {
    std::uint32_t chain = 0;
    if (name == store::kStockFileName) {
        fix_stock(bytes);
    } else if (name == store::kCheckpointName || store::key_run_segment(name)) {
        fix_whole_file(bytes);
    } else if (store::segment_number(name)) {
        fix_segment(bytes, Chains::kAsTheyAre, chain);
    }
}

void fix_checksums(StoreImage& files) {
    for (auto& [name, bytes] : files)
        fix_checksum(name, bytes);
}

void fix_chains(StoreImage& files) {
    auto& checkpoint = files[store::kCheckpointName];
    std::uint32_t chain = 0;
    for (auto& [name, bytes] : files) {
        const auto number = store::segment_number(name);
        if (!number) continue;
        fix_segment(bytes, Chains::kFixed, chain);
        if (checkpoint.size() >= 68 && number_at<std::uint64_t>(checkpoint, 32) == *number) {
            put_number<std::uint32_t>(checkpoint, 64, chain);
        }
    }
    fix_checksums(files);
}

}  // namespace ticketd::fuzz
