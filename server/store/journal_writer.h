// Group commit: entries go in on the event loop, groups of them reach the disk on a thread of its
// own, one write and one sync each. While a group is being synced the next one gathers.
//
//   loop:  append() append() seal() ......... append() seal() ...
//   sync thread:            write, sync ──▶ on_durable    write, sync ──▶ on_durable
//
// Group k+1 is never written before the sync of group k returned; recovery relies on it to tell a
// torn tail from damage. When a write runs out of space nothing of that group or of those behind it
// counts: on_full is called, and the writer waits for discard(). A failed sync, or any other
// failed write, is final: on_fatal is called and nothing is ever written or reported again.
//
// Segments are preallocated, the next before it is needed, so that space runs out where has_room()
// can tell, before anything is decided.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "common/limits.h"
#include "server/platform/file.h"
#include "server/store/journal_format.h"

namespace ticketd::store {

/// What the sync thread reports. Each function is called on that thread and must only pass it on.
struct JournalEvents {
    std::function<void(Lsn)> on_durable;  ///< everything up to this LSN survives a power cut
    /// The segment with this number has ended, whole and durable.
    std::function<void(std::uint64_t)> on_segment_left;
    std::function<void(std::error_code)> on_full;
    std::function<void(const std::string&)> on_fatal;  ///< the process has to stop without a word
};

struct JournalStatistics {
    std::atomic<std::uint64_t> groups{0};
    std::atomic<std::uint64_t> entries{0};
    std::atomic<std::uint64_t> sync_us_total{0};
    std::atomic<std::uint64_t> sync_us_max{0};
};

struct BegunSegment {
    std::unique_ptr<platform::File> file;
    bool is_allocated = false;  ///< space for a whole segment is reserved
    std::error_code error;
};
/// Makes an empty segment that starts at `start` part of the journal, durably: made under another
/// name, header written and synced, renamed, directory synced. On a full disk it comes without
/// reserved space, so that a daemon can start and answer queries.
BegunSegment begin_segment(platform::Directory& directory, const StoreId& store,
                           const JournalPosition& start, std::uint64_t segment_bytes);

/// Writes the footer of a segment behind its last group, durably. Precondition: the next segment is
/// durable, and there is space for the footer.
[[nodiscard]] std::error_code end_segment(platform::File& segment, const StoreId& store,
                                          const JournalPosition& end);

class JournalWriter {
  public:
    /// Goes on at `position` in `segment`, a fresh segment that begin_segment() made. The directory
    /// must outlive the writer. Starts the thread.
    JournalWriter(platform::Directory& directory, BegunSegment segment, const StoreId& store,
                  const JournalPosition& position, std::uint64_t segment_bytes,
                  JournalEvents events);
    JournalWriter(const JournalWriter&) = delete;
    JournalWriter& operator=(const JournalWriter&) = delete;
    ~JournalWriter();

    // --- event loop only ---

    /// True if entries of so many bytes are sure to find space on disk, in one group if they are
    /// appended at once.
    bool has_room(std::size_t bytes = limits::kEntryBytes) const;
    /// True if the sync is so far behind that no more may be taken on.
    bool is_backlogged() const;
    /// Adds encoded entries, together, to the open group. Nothing is durable on return.
    void append(std::string_view entries, std::uint32_t count);
    /// Closes the open group and hands it to the sync thread; called once a loop turn.
    void seal();
    /// After on_full: forgets everything that is not durable; the next entry gets `next` as LSN.
    void discard(Lsn next);
    /// Writes and syncs what was sealed, then ends the thread. Returns the journal's end.
    JournalPosition finish();

    // --- any thread ---

    /// Where the durable part of the journal ends. Never behind what on_durable has told; all
    /// segments before its own were left.
    JournalPosition durable_position() const;

    const JournalStatistics& statistics() const { return statistics_; }

  private:
    struct Pending {
        std::string payload;
        std::uint32_t count = 0;
    };
    enum class WriteOutcome : std::uint8_t { kDurable, kFull, kFatal };

    void run();
    void wait_for_work(std::unique_lock<std::mutex>& lock);
    bool is_half_full() const;
    bool lacks_space() const;
    WriteOutcome write(const Pending& group);
    std::error_code write_frame(const std::string& frame);
    bool cut_back();
    std::error_code sync();
    std::error_code switch_segment();
    void reserve_space();
    void publish_room();
    void publish_position();
    WriteOutcome fail(const std::string& file, std::error_code error);

    platform::Directory& directory_;
    const StoreId store_;
    const std::uint64_t segment_bytes_;
    const std::uint64_t group_bytes_;    // of payload, at most
    const std::uint64_t framing_slack_;  // padding and headers of what is not synced
    const JournalEvents events_;
    JournalStatistics statistics_;

    Pending open_;  // loop only
    std::atomic<std::uint64_t> unsynced_bytes_{0};
    std::atomic<std::uint64_t> room_bytes_{0};

    mutable std::mutex mutex_;
    std::condition_variable wake_;
    std::deque<Pending> sealed_;  // guarded by mutex_
    bool stopping_ = false;       // guarded by mutex_
    bool full_ = false;           // guarded by mutex_: waiting for discard()
    bool dead_ = false;           // guarded by mutex_: after on_fatal
    JournalPosition durable_;     // guarded by mutex_

    // Sync thread only, once it runs.
    std::unique_ptr<platform::File> segment_;
    bool is_allocated_;
    std::unique_ptr<platform::File> next_;  // preallocated, not yet part of the journal
    JournalPosition position_;
    std::uint64_t zeroed_until_ = 0;  // bytes of the segment that were written, if with zeros
    std::chrono::steady_clock::time_point next_attempt_;  // to reserve space
    std::thread thread_;
};

}  // namespace ticketd::store
