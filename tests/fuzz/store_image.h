// Stores as bytes: small ones that the real code wrote, with what they hold, and the few places of
// the format that a fuzzer must know to get behind its checksums. Whatever depends on the version
// of docs/store_format.md is in this file's .cpp.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "server/store/entry.h"
#include "server/store/journal_format.h"
#include "server/store/ledger_state.h"
#include "tests/support/memory_directory.h"

namespace ticketd::fuzz {

/// By name of the file.
using StoreImage = std::map<std::string, std::string>;

struct SampleStore {
    std::string name;
    StoreImage files;
    store::StoreId id{};
    std::vector<store::Entry> entries;  ///< acknowledged: that with LSN n at n - 1
    /// Recovery may end at one of these: behind the checkpoint's last entry, and behind each group
    /// after it. After a clean stop that is one.
    std::vector<Lsn> ends;
    /// Where those groups end, by the same index, in the file of this name.
    std::vector<std::uint64_t> end_offsets;
    std::string last_segment;

    /// The events when the entry with this LSN was the last.
    std::vector<store::Event> events_at(Lsn lsn) const;
};

/// "new"; "stopped" in its second segment; "killed" in its third; "torn" in its fifth, with a torn
/// tail. The same bytes each time.
const std::vector<SampleStore>& sample_stores();
const SampleStore& sample_store(std::string_view name);

std::unique_ptr<tests::MemoryDirectory> directory_with(const StoreImage& files);

/// "j2" for the second segment, "k1" for the key run of the first, "c" the checkpoint, "s" the
/// stock file; anything else stands for itself.
std::string file_of_alias(std::string_view alias);

/// Of each block of a segment an input of fuzz_store_file holds only so much; the samples' groups
/// are no longer, and what follows is zeros.
inline constexpr std::size_t kBlockBytesKept = 512;

/// Makes every checksum right again, for what the bytes look like, file by file.
void fix_checksum(const std::string& name, std::string& bytes);
void fix_checksums(StoreImage& files);
/// The same, after making every group, header and footer follow the one before by its chain.
void fix_chains(StoreImage& files);

}  // namespace ticketd::fuzz
