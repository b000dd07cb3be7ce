// One file of the simulated disk: what a reader sees now, and what of it a power cut may leave.
//
// The model, in units of sectors of 512 bytes, each of which the disk writes whole or not at all:
// - A sector that was written since the last sync may be found as it was before, as any write since
//   then left it, or, if it had never been synced, full of junk. Each sector decides for itself, so
//   writes tear and change their order. "Before" is zeros where the file had no synced bytes.
// - So does the size: it may have grown without the bytes, or the bytes have been written and the
//   size not.
// - A sync settles all of this. A sync that fails settles nothing, and yet the kernel holds the
//   sectors for clean from then on: a later sync that succeeds leaves them as open as they were,
//   unless they have been written again.
//
// A plain value. Not thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace ticketd::tests {

inline constexpr std::size_t kSectorBytes = 512;

/// Bytes of a file; those behind the last that is not zero take no memory.
struct Content {
    std::string bytes;
    std::uint64_t size = 0;

    bool operator==(const Content&) const = default;
};

/// Something that a power cut decides: which of its states it is found in. State 0 is the synced
/// one, the last one is what is there now.
struct Undecided {
    enum class Kind : std::uint8_t { kSector, kSize, kName };
    Kind kind = Kind::kSector;
    std::vector<std::uint64_t> steps;  ///< when each state but the first came about, growing
    bool may_be_junk = false;

    std::size_t newest() const { return steps.size(); }
};
/// Says which state; kJunk where that may be.
using Choose = std::function<std::size_t(const Undecided&)>;
inline constexpr std::size_t kJunk = SIZE_MAX;

class DiskFile {
  public:
    DiskFile() = default;
    /// All of it synced.
    explicit DiskFile(Content content) : now_(std::move(content)), synced_(now_) {}

    const Content& content() const { return now_; }
    /// Of the content: differs (but for chance) where that differs. Kept until the next change.
    std::uint64_t digest() const;

    /// `step` numbers the operations of the whole disk.
    void write(std::uint64_t offset, std::string_view bytes, std::uint64_t step);
    void resize(std::uint64_t size, std::uint64_t step);
    void sync();
    void fail_sync();

    bool is_synced() const { return sectors_.empty() && sizes_.empty(); }
    /// Calls `visit` with the size, if it is not synced, and with each sector that is not.
    void visit_undecided(const std::function<void(const Undecided&)>& visit) const;
    /// What a power cut leaves. `choose` is asked in the same order.
    Content after_power_cut(const Choose& choose) const;

  private:
    struct Sector {
        std::vector<std::string> versions;  // since the synced one, oldest first
        Undecided undecided;
        bool is_dirty = true;  // the next sync will take it to the disk
    };

    void note(std::uint64_t sector, std::string image, std::uint64_t step);

    Content now_;
    mutable std::uint64_t digest_ = 0;  // 0: not known
    Content synced_;
    std::map<std::uint64_t, Sector> sectors_;  // that are not synced
    std::vector<std::uint64_t> sizes_;         // since the synced one
    Undecided size_undecided_{Undecided::Kind::kSize, {}, false};
};

}  // namespace ticketd::tests
