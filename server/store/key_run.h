// The keys of one segment of the journal, in a file of their own beside it: what recovery reads of
// old segments instead of the segments. Written once, when the journal has left the segment, and
// never changed; removed when all of its keys are past their retention.
// Layout: docs/store_format.md, "Key runs".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/platform/file.h"
#include "server/store/key_index.h"

namespace ticketd::store {

struct KeyRun {
    std::uint64_t segment = 0;
    Lsn end_lsn = 0;             ///< behind the segment's last entry
    std::int64_t newest_ms = 0;  ///< time of the segment's last entry, or of one before
    std::vector<KeyItem> items;  ///< by digest
};

/// "keys-0000000001"
std::string key_run_name(std::uint64_t segment);
std::optional<std::uint64_t> key_run_segment(std::string_view file_name);

/// Durable on return, the name too. The error is that of the first step that failed; nothing is
/// there then, or a whole run.
[[nodiscard]] std::error_code write_key_run(platform::Directory& directory, const StoreId& store,
                                            const KeyRun& run);

/// Throws StoreDamaged or StoreUnavailable.
KeyRun read_key_run(platform::Directory& directory, const StoreId& store, std::uint64_t segment);

}  // namespace ticketd::store
