// The stock file: one slot of fixed size per event with its counts, lockable and readable by any
// process: *the ticket count on disk*. It is the live view of the ledger, not its source; recovery
// rebuilds it. It is written in place and never renamed over, because locks belong to the inode.
// Layout: docs/store_format.md, "Stock file".
//
// Each request locks its event's slot, checks that the slot is what we last wrote, decides, writes,
// unlocks. Nothing here is synced. Not thread-safe: event loop only.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/box_office/stock.h"
#include "server/platform/file.h"
#include "server/store/journal_format.h"
#include "server/store/ledger_state.h"

namespace ticketd::store {

inline constexpr const char* kStockFileName = "stock";
inline constexpr std::size_t kSlotBytes = 256;
inline constexpr std::uint64_t kSlotsOffset = 4096;

/// The bytes of one slot.
std::string encode_slot(EventId id, const Event& event);

class StockFile {
  public:
    /// Opens the file, or makes it (or its header) anew. Slots are not touched. Throws
    /// StoreUnavailable.
    static std::unique_ptr<StockFile> open(platform::Directory& directory, const StoreId& store);

    /// True if its name still leads to it: others lock and read what we do.
    bool is_in_place() const { return directory_.leads_to(kStockFileName, *file_); }
    struct Restored {
        bool was_changed = false;
        std::error_code error;
    };
    /// Puts the header back if somebody changed it.
    Restored restore_header();

    /// Holds the record lock of one slot for a scope.
    class SlotLock {
      public:
        SlotLock(SlotLock&& other) noexcept : file_(other.file_), id_(other.id_) {
            other.file_ = nullptr;
        }
        SlotLock& operator=(SlotLock&&) = delete;
        SlotLock(const SlotLock&) = delete;
        SlotLock& operator=(const SlotLock&) = delete;
        ~SlotLock();
        /// For whoever works under a lock that somebody else has taken, and lets go later.
        static SlotLock of_caller() { return SlotLock{}; }

      private:
        friend class StockFile;
        SlotLock() = default;
        SlotLock(StockFile& file, EventId id) : file_(&file), id_(id) {}
        StockFile* file_ = nullptr;
        EventId id_ = 0;
    };

    /// The exclusive lock of the slot, or nothing at once if another process has it (or any part of
    /// it, in any mode).
    std::optional<SlotLock> try_lock(EventId id);

    enum class SlotState : std::uint8_t {
        kAsWritten,
        kChanged,  ///< somebody else wrote to it, or cut the file
        kUnreadable,
    };
    /// Reads the slot and compares it with what was last written. Under its lock.
    SlotState check(EventId id);

    /// Makes sure that writing the slot cannot run out of space.
    [[nodiscard]] std::error_code reserve(EventId id);

    /// Under its lock.
    [[nodiscard]] std::error_code write(EventId id, const Event& event);

    /// Makes the next check() find the slot changed: for a slot that says too much but cannot be
    /// locked now.
    void distrust(EventId id) { written_[id] = 0; }

    /// Blanks the slot of an event that was never acknowledged. Under its lock.
    [[nodiscard]] std::error_code erase(EventId id);

    /// Makes the file hold the slots of these events and no others. Slots that another process has
    /// locked are left for check() to find.
    [[nodiscard]] std::error_code rebuild(const std::vector<Event>& events);

  private:
    StockFile(platform::Directory& directory, std::unique_ptr<platform::File> file,
              std::string header)
        : directory_(directory), file_(std::move(file)), header_(std::move(header)) {}

    [[nodiscard]] std::error_code put(EventId id, std::string_view image);

    platform::Directory& directory_;
    std::unique_ptr<platform::File> file_;
    const std::string header_;
    std::vector<std::uint32_t> written_;  // checksum of each slot as last written
    std::uint64_t allocated_slots_ = 0;
};

}  // namespace ticketd::store
