// What a copy needs to know of the files of a store: their names, and what their first bytes say
// (docs/store_format.md). Their content is not checked here; `ticketd --verify` does that.
// Thread-safe, no state.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ticketd::client {

inline constexpr const char* kCheckpointFile = "checkpoint";
/// Keeps a daemon from taking an unfinished copy for a store, until it becomes the checkpoint.
inline constexpr const char* kUnfinishedFile = "checkpoint.unfinished";

/// "journal-0000000001"
std::string segment_file(std::uint64_t number);
/// "keys-0000000001"
std::string key_run_file(std::uint64_t segment);
/// "orders-0000000001"
std::string order_run_file(std::uint64_t segment);
/// The segments whose order runs belong to a checkpoint at the end of `segment`.
std::vector<std::uint64_t> order_runs_up_to(std::uint64_t segment);

/// More than the largest checkpoint there can be: 100 000 events and holds with 10 000 slots each,
/// and what millions of buyers have.
inline constexpr std::size_t kCheckpointBytesMax = std::size_t{512} * 1024 * 1024;
/// Every file begins with its magic, the format's version and the store's id, within these bytes.
inline constexpr std::size_t kFileHeadBytes = 32;

enum class FileKind : std::uint8_t { kCheckpoint, kKeyRun, kOrderRun, kSegment };

/// Why the file that begins with `head` is not of this kind, of a format we know, and of the store
/// with this id; nothing if it is.
std::optional<std::string> problem_with_head(std::string_view head, FileKind kind,
                                             std::string_view store_id);

/// Which other files belong to a checkpoint.
struct CheckpointHead {
    std::uint64_t segment = 0;        ///< the last whole segment before it; 0: none
    std::uint64_t first_key_run = 1;  ///< there is one for each segment from this to that
};
/// Nothing if it is cut short.
std::optional<CheckpointHead> read_checkpoint_head(std::string_view bytes);

}  // namespace ticketd::client
