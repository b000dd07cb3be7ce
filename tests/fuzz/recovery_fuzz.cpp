// Recovery of a store that somebody has changed. The input is text, a line each:
//   store NAME             start with this one of sample_stores()
//   put FILE OFFSET HEX    write over bytes (FILE: file_of_alias())
//   flip FILE OFFSET BIT
//   cut FILE SIZE          shorten
//   grow FILE COUNT BYTE   lengthen with this byte
//   block FILE FROM TO     write one block of 4096 bytes over another
//   drop FILE              remove
//   copy FILE FILE         the first in place of the second
//   sum                    make all checksums right, as somebody who means harm would
//   link                   and the chains
//
//  - Whatever was done: no crash, and a store found damaged is left as it was.
//  - Without `sum` and `link`: what comes back is what was acknowledged, or that without some
//  groups
//    at its very end, whose loss cannot be told from a torn tail. No entry reads wrongly, and no
//    changed byte is taken for right.
//  - What was recovered sells on, passes its audit, and comes back again.
#include <algorithm>
#include <charconv>
#include <cstring>
#include <string>
#include <tuple>
#include <vector>

#include "common/limits.h"
#include "server/box_office/decide.h"
#include "server/store/audit.h"
#include "server/store/ledger_reader.h"
#include "server/store/recovery.h"
#include "server/store/stock_file.h"
#include "server/store/store_error.h"
#include "tests/fuzz/finding.h"
#include "tests/fuzz/store_image.h"
#include "tests/support/store_rig.h"

using namespace ticketd;
using fuzz::expect;
using fuzz::SampleStore;
using fuzz::StoreImage;

namespace {

constexpr std::size_t kFileBytesMax = 128 * 1024;
constexpr std::uint64_t kSegmentBytes = 1280 * 1024;

std::vector<std::string_view> words_of(std::string_view line) {
    std::vector<std::string_view> words;
    while (!line.empty()) {
        const auto end = std::min(line.find(' '), line.size());
        if (end > 0) words.push_back(line.substr(0, end));
        line.remove_prefix(std::min(end + 1, line.size()));
    }
    return words;
}

/// The changes of an input, and the store they were made to.
class Patched {
  public:
    explicit Patched(std::string_view script) : sample_(&fuzz::sample_stores().back()) {
        files = sample_->files;
        while (!script.empty()) {
            const auto end = std::min(script.find('\n'), script.size());
            apply(words_of(script.substr(0, end)));
            script.remove_prefix(std::min(end + 1, script.size()));
        }
    }

    const SampleStore& sample() const { return *sample_; }

    StoreImage files;
    bool is_forged = false;

  private:
    static std::size_t number(std::string_view word) {
        std::size_t value = 0;
        std::from_chars(word.data(), word.data() + word.size(), value);
        return value;
    }

    void apply(std::vector<std::string_view> words) {
        words.resize(4);
        const auto& [order, name, first, second] = std::tie(words[0], words[1], words[2], words[3]);
        if (order == "store") {
            sample_ = &fuzz::sample_store(name);
            files = sample_->files;
        } else if (order == "sum") {
            fuzz::fix_checksums(files);
            is_forged = true;
        } else if (order == "link") {
            fuzz::fix_chains(files);
            is_forged = true;
        } else if (order == "copy") {
            const auto from = files.find(fuzz::file_of_alias(name));
            if (from != files.end()) files[fuzz::file_of_alias(first)] = from->second;
        } else if (const auto file = files.find(fuzz::file_of_alias(name)); file != files.end()) {
            if (order == "drop") {
                files.erase(file);
            } else {
                change(file->second, order, number(first), second);
            }
        }
    }

    static void change(std::string& bytes, std::string_view order, std::size_t at,
                       std::string_view argument) {
        constexpr auto kBlock = store::kBlockBytes;
        if (order == "put") {
            put(bytes, at, argument);
        } else if (order == "flip" && at < bytes.size()) {
            bytes[at] = static_cast<char>(bytes[at] ^ (1 << number(argument) % 8));
        } else if (order == "cut") {
            bytes.resize(std::min(at, bytes.size()));
        } else if (order == "grow") {
            bytes.resize(std::min(bytes.size() + at % kFileBytesMax, kFileBytesMax),
                         static_cast<char>(number(argument)));
        } else if (order == "block") {
            const auto to = number(argument);
            if (at >= bytes.size() / kBlock || to >= bytes.size() / kBlock) return;
            std::memmove(bytes.data() + to * kBlock, bytes.data() + at * kBlock, kBlock);
        }
    }

    static void put(std::string& bytes, std::size_t at, std::string_view hex) {
        for (; hex.size() >= 2 && at < bytes.size(); hex.remove_prefix(2), ++at) {
            unsigned byte = 0;
            std::from_chars(hex.data(), hex.data() + 2, byte, 16);
            bytes[at] = static_cast<char>(byte);
        }
    }

    const SampleStore* sample_;
};

bool is_same(const std::vector<store::Event>& left, const std::vector<store::Event>& right) {
    return std::equal(left.begin(), left.end(), right.begin(), right.end(),
                      [](const store::Event& a, const store::Event& b) { return a == b; });
}

/// Reading single entries, as `order` does while the daemon runs.
void check_entries(const Patched& patched) {
    const auto disk = fuzz::directory_with(patched.files);
    store::LedgerReader reader{*disk, patched.sample().id};
    for (const auto& entry : patched.sample().entries) {
        try {
            const auto read = reader.entry(entry.lsn);
            expect(patched.is_forged || read == entry, "an entry reads as it was written");
        } catch (const store::StoreDamaged&) {
            continue;
        }
    }
}

/// A state that came back is one that was there once.
void check_state(const store::LedgerState& state, const Patched& patched) {
    for (const auto& event : state.events()) {
        expect(box_office::is_sound(event.stock) && event.stock.lsn <= state.last_lsn(),
               "counts are sound", event.name);
    }
    if (patched.is_forged) return;
    const auto& sample = patched.sample();
    // Without any of its files it is another store, a new one.
    const bool is_gone = patched.files.empty() || state.last_lsn() == 0;
    const auto& ends = sample.ends;
    const auto end = std::find(ends.begin(), ends.end(), state.last_lsn());
    if (end == ends.end()) {
        expect(is_gone && !patched.files.contains(store::kCheckpointName),
               "nothing is lost but groups at the end");
        return;
    }
    expect(is_same(state.events(), sample.events_at(state.last_lsn())),
           "what comes back is what was acknowledged");
    const auto accepted_bytes = sample.end_offsets[static_cast<std::size_t>(end - ends.begin())];
    if (accepted_bytes > 0) {
        const auto& name = sample.last_segment;
        expect(patched.files.at(name).substr(0, accepted_bytes) ==
                   sample.files.at(name).substr(0, accepted_bytes),
               "no byte of a group that is taken was changed");
    }
}

/// Sells one ticket of each event, and stops.
std::unique_ptr<tests::MemoryDirectory> sell_on(std::unique_ptr<tests::MemoryDirectory> disk) {
    auto settings = tests::StoreRig::settings();
    settings.segment_bytes = kSegmentBytes;
    tests::StoreRig rig{std::move(disk), settings};
    for (EventId event = 0; event < rig.store().state().events().size(); ++event)
        rig.buy(event, 1, "after-" + std::to_string(event));
    rig.store().abandon(1, "after");
    expect(rig.settle() == tests::StoreRig::Settled::kDurable, "a recovered store sells",
           rig.fatal());
    const auto bytes = rig.disk().content(store::kStockFileName);
    const auto& events = rig.store().state().events();
    for (EventId id = 0; id < events.size(); ++id) {
        const auto offset = store::kSlotsOffset + std::size_t{id} * store::kSlotBytes;
        expect(bytes.substr(offset, store::kSlotBytes) == store::encode_slot(id, events[id]),
               "the stock file is rebuilt", events[id].name);
    }
    return rig.close();
}

void go_on(std::unique_ptr<tests::MemoryDirectory> disk, const Patched& patched) {
    try {
        disk = sell_on(std::move(disk));
        const auto report = store::audit_store(*disk);
        for (const auto& problem : report.problems)
            expect(patched.is_forged, "a recovered store passes its audit", problem);
    } catch (const store::StoreDamaged& damaged) {
        // Recovery does not read everything again that a forger can have changed.
        expect(patched.is_forged, "a recovered store is whole", damaged.what());
    }
}

/// Whether requests could have made this state. A forged checkpoint can hold more, and the first
/// sale then stops the daemon before it answers, which is no worse than not to start.
bool is_possible(const store::LedgerState& state) {
    constexpr std::uint64_t kNumberMax = std::uint64_t{1} << 62;
    return state.last_lsn() < kNumberMax &&
           std::all_of(
               state.events().begin(), state.events().end(),
               [](const store::Event& event) {
                   return event.stock.capacity <= limits::kCapacity &&
                          event.stock.next_serial < kNumberMax;
               });
}

void recover(const Patched& patched) {
    auto disk = fuzz::directory_with(patched.files);
    bool sells = true;
    try {
        const auto recovered = store::recover(*disk, kSegmentBytes);
        check_state(recovered.state, patched);
        sells = is_possible(recovered.state);
        expect(sells || patched.is_forged, "what comes back can go on");
    } catch (const store::StoreDamaged&) {
        expect(disk->all() == patched.files, "a damaged store is left as it was");
        return;
    }
    if (sells) go_on(std::move(disk), patched);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const Patched patched{fuzz::text_of(data, size)};
    check_entries(patched);
    recover(patched);
    return 0;
}
