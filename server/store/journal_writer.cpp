// The sync thread's round, and what a crash leaves behind each step:
//   1. take one sealed group            nothing on disk: the group was never told to anybody
//   2. switch segments if it is full    the next segment may exist, empty, and the old one be
//                                       without its footer: recovery writes it
//   3. write the frame                  a torn tail, or by luck a whole group nobody was told of
//   4. fdatasync                        the group is there
//   5. on_durable: answers leave        the group is there
//   6. prepare the next segment         a file that is not part of the journal; swept away
#include "server/store/journal_writer.h"

#include <algorithm>

#include "common/check.h"
#include "common/limits.h"
#include "server/store/store_error.h"

namespace ticketd::store {
namespace {

using std::chrono::steady_clock;

constexpr const char* kNextSegment = "next-segment";
// Between attempts to get space for the next segment from a full disk.
constexpr std::chrono::milliseconds kSpaceRetry{250};
// Preallocated blocks are "unwritten" to the file system, and the first write to each costs its
// sync a change of metadata. So a write that enters new blocks takes along zeros for this many
// bytes; the groups after it then overwrite, which syncs in about two thirds of the time
// (docs/adr/0004).
constexpr std::uint64_t kZerosAheadBytes = 128 * 1024;
// Padding and headers of the few groups that unsynced entries can end up in.
constexpr std::uint64_t kFramingSlack = 64 * 1024;
// Of a small segment neither a group nor the slack may take more than this part; or room for an
// entry would never be found in one.
constexpr std::uint64_t kPartsOfSegment = 8;
static_assert(limits::kGroupBytes <= limits::kSegmentBytes / kPartsOfSegment);

platform::OpenResult create_next(platform::Directory& directory) {
    static_cast<void>(directory.remove(kNextSegment));  // left behind by the last run
    return directory.open(kNextSegment, platform::OpenMode::kCreateNew);
}

platform::OpenResult preallocate(platform::Directory& directory, std::uint64_t bytes) {
    auto made = create_next(directory);
    if (!made.error) made.error = made.file->allocate(bytes);
    if (made.error) {
        static_cast<void>(directory.remove(kNextSegment));
        made.file.reset();
    }
    return made;
}

// An error that means "no space" comes from a call that changed nothing; a failed sync is never
// reported as one, because it must not be survived.
std::error_code adopt(platform::Directory& directory, platform::File& file, const StoreId& store,
                      const JournalPosition& start) {
    if (auto error = file.write_at(segment_header(store, start), 0)) return error;
    if (auto error = file.sync_data()) return failed_sync(error);
    if (auto error = directory.rename(kNextSegment, segment_name(start.segment))) return error;
    if (auto error = directory.sync()) return failed_sync(error);
    return {};
}

}  // namespace

BegunSegment begin_segment(platform::Directory& directory, const StoreId& store,
                           const JournalPosition& start, std::uint64_t segment_bytes) {
    auto made = create_next(directory);
    if (made.error) return {nullptr, false, made.error};
    const auto no_space = made.file->allocate(segment_bytes);
    if (no_space && !is_out_of_space(no_space)) return {nullptr, false, no_space};
    // What there was of it is for the footer of the segment before.
    if (no_space) static_cast<void>(made.file->truncate(0));
    const auto error = adopt(directory, *made.file, store, start);
    return {std::move(made.file), !no_space, error};
}

std::error_code end_segment(platform::File& segment, const StoreId& store,
                            const JournalPosition& end) {
    if (auto error = segment.write_at(segment_footer(store, end), end.offset)) return error;
    // This also gives the unused space back.
    if (auto error = segment.truncate(end.offset + kBlockBytes)) return error;
    return segment.sync_data();
}

JournalWriter::JournalWriter(platform::Directory& directory, BegunSegment segment,
                             const StoreId& store, const JournalPosition& position,
                             std::uint64_t segment_bytes, JournalEvents events)
    : directory_(directory),
      store_(store),
      segment_bytes_(segment_bytes),
      group_bytes_(std::min<std::uint64_t>(limits::kGroupBytes, segment_bytes / kPartsOfSegment)),
      framing_slack_(std::min(kFramingSlack, segment_bytes / kPartsOfSegment)),
      events_(std::move(events)),
      segment_(std::move(segment.file)),
      is_allocated_(segment.is_allocated),
      position_(position) {
    TICKETD_CHECK(segment_bytes >= limits::kSegmentBytesMin);
    publish_room();
    publish_position();
    thread_ = std::thread{[this] { run(); }};
}

JournalWriter::~JournalWriter() {
    if (thread_.joinable()) finish();
}

bool JournalWriter::has_room(std::size_t bytes) const {
    return bytes <= group_bytes_ && unsynced_bytes_ + bytes + framing_slack_ <= room_bytes_;
}

bool JournalWriter::is_backlogged() const {
    return unsynced_bytes_ + limits::kEntryBytes > limits::kPendingBytes;
}

void JournalWriter::append(std::string_view entries, std::uint32_t count) {
    TICKETD_CHECK(entries.size() <= count * limits::kEntryBytes && entries.size() <= group_bytes_);
    if (open_.payload.size() + entries.size() > group_bytes_) seal();
    open_.payload += entries;
    open_.count += count;
    unsynced_bytes_ += entries.size();
}

void JournalWriter::seal() {
    if (open_.count == 0) return;
    {
        const std::lock_guard lock{mutex_};
        if (!sealed_.empty() &&
            sealed_.back().payload.size() + open_.payload.size() <= group_bytes_) {
            sealed_.back().payload += open_.payload;
            sealed_.back().count += open_.count;
        } else {
            sealed_.push_back(std::move(open_));
        }
    }
    wake_.notify_one();
    open_ = {};
}

void JournalWriter::discard(Lsn next) {
    open_ = {};
    {
        const std::lock_guard lock{mutex_};
        TICKETD_CHECK(full_ && position_.lsn == next);
        sealed_.clear();
        unsynced_bytes_ = 0;
        full_ = false;
    }
    wake_.notify_one();
}

JournalPosition JournalWriter::durable_position() const {
    const std::lock_guard lock{mutex_};
    return durable_;
}

JournalPosition JournalWriter::finish() {
    seal();
    {
        const std::lock_guard lock{mutex_};
        stopping_ = true;
    }
    wake_.notify_one();
    thread_.join();
    // Gives back what was preallocated; no later run appends to this segment. But for two blocks:
    // the next start ends this segment and begins another, also on a disk that is full by then.
    static_cast<void>(segment_->truncate(position_.offset));
    next_.reset();
    static_cast<void>(preallocate(directory_, 2 * kBlockBytes));
    return position_;
}

void JournalWriter::run() {
    std::unique_lock lock{mutex_};
    for (;;) {
        wait_for_work(lock);
        if (dead_ || (stopping_ && (sealed_.empty() || full_))) return;
        if (full_ || sealed_.empty()) {
            lock.unlock();
            reserve_space();
            lock.lock();
            continue;
        }
        const Pending group = std::move(sealed_.front());
        sealed_.pop_front();
        lock.unlock();
        const auto outcome = write(group);
        if (outcome == WriteOutcome::kDurable) {
            unsynced_bytes_ -= group.payload.size();
            events_.on_durable(position_.lsn - 1);
            if (lacks_space()) reserve_space();
        }
        lock.lock();
        if (outcome == WriteOutcome::kFatal) dead_ = true;
    }
}

void JournalWriter::wait_for_work(std::unique_lock<std::mutex>& lock) {
    const auto has_work = [this] { return stopping_ || dead_ || (!full_ && !sealed_.empty()); };
    if (lacks_space()) {
        wake_.wait_for(lock, kSpaceRetry, has_work);
    } else {
        wake_.wait(lock, has_work);
    }
}

bool JournalWriter::is_half_full() const {
    return position_.offset > segment_bytes_ / 2;
}

// The rest of the segment is not reserved, or it is half full and no other is ready.
bool JournalWriter::lacks_space() const {
    return !is_allocated_ || (next_ == nullptr && is_half_full());
}

JournalWriter::WriteOutcome JournalWriter::write(const Pending& group) {
    auto frame = frame_group(store_, position_, group.count, group.payload);
    if (position_.offset + frame.size() + kBlockBytes > segment_bytes_) {  // room for the footer
        if (auto error = switch_segment()) return fail(segment_name(position_.segment + 1), error);
        frame = frame_group(store_, position_, group.count, group.payload);
    }
    const auto name = segment_name(position_.segment);
    if (auto error = write_frame(frame)) {
        // Part of the group, or all of it, may have landed, and nobody will be told of it.
        if (is_out_of_space(error) && !cut_back()) return WriteOutcome::kFatal;
        return fail(name, error);
    }
    if (auto error = sync()) {
        events_.on_fatal(name + ": sync failed: " + error.message());
        return WriteOutcome::kFatal;
    }
    // A synced file that its name no longer leads to is as good as lost.
    if (!directory_.leads_to(name, *segment_)) {
        events_.on_fatal(name + ": was removed or replaced while in use");
        return WriteOutcome::kFatal;
    }
    position_.offset += frame.size();
    position_.group += 1;
    position_.lsn += group.count;
    position_.chain = read_group_header(store_, frame)->payload_crc;
    statistics_.groups += 1;
    statistics_.entries += group.count;
    publish_room();
    publish_position();
    return WriteOutcome::kDurable;
}

std::error_code JournalWriter::write_frame(const std::string& frame) {
    const auto end = position_.offset + frame.size();
    if (end <= zeroed_until_) return segment_->write_at(frame, position_.offset);
    const auto ahead = std::min(end + kZerosAheadBytes, segment_bytes_);
    std::string with_zeros = frame;
    with_zeros.resize(ahead - position_.offset, '\0');
    auto error = segment_->write_at(with_zeros, position_.offset);
    if (!error) zeroed_until_ = ahead;
    return error;
}

// Takes everything behind the last durable group off the disk, durably. The space reserved for it
// goes too; if it cannot be had back at once, reserve_space() tries again later. False if the disk
// failed, which has been reported.
bool JournalWriter::cut_back() {
    auto error = segment_->truncate(position_.offset);
    if (!error) error = segment_->sync_data();
    if (error) {
        events_.on_fatal(segment_name(position_.segment) +
                         ": a group that found no space cannot be taken back: " + error.message());
        return false;
    }
    zeroed_until_ = position_.offset;
    is_allocated_ = !segment_->allocate(segment_bytes_);
    publish_room();
    return true;
}

std::error_code JournalWriter::sync() {
    const auto begin = steady_clock::now();
    const auto error = segment_->sync_data();
    const auto us = static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::microseconds>(steady_clock::now() - begin).count());
    statistics_.sync_us_total += us;
    if (us > statistics_.sync_us_max) statistics_.sync_us_max = us;
    return error;
}

std::error_code JournalWriter::switch_segment() {
    if (!next_) next_ = preallocate(directory_, segment_bytes_).file;
    if (!next_) return std::make_error_code(std::errc::no_space_on_device);
    // Before anything is changed: the footer must find space.
    if (auto error = segment_->allocate(position_.offset + kBlockBytes)) return error;
    auto start = position_;
    start.segment += 1;
    start.offset = kBlockBytes;
    if (auto error = adopt(directory_, *next_, store_, start)) return error;
    if (auto error = end_segment(*segment_, store_, position_)) return failed_sync(error);
    segment_ = std::move(next_);
    is_allocated_ = true;
    position_ = start;
    zeroed_until_ = 0;
    // First: a checkpoint that counts the segment that was left must find this one behind it.
    publish_position();
    events_.on_segment_left(position_.segment - 1);
    return {};
}

// Reserves the space that is wanted and not there, at most every kSpaceRetry.
void JournalWriter::reserve_space() {
    const auto now = std::chrono::steady_clock::now();
    if (now < next_attempt_) return;
    if (!is_allocated_) is_allocated_ = !segment_->allocate(segment_bytes_);
    if (is_allocated_ && !next_ && is_half_full()) {
        next_ = preallocate(directory_, segment_bytes_).file;
    }
    if (lacks_space()) next_attempt_ = now + kSpaceRetry;
    publish_room();
}

// A group never straddles segments, so the last group_bytes_ of one may stay unused.
void JournalWriter::publish_room() {
    const auto in_segment = is_allocated_ ? segment_bytes_ - kBlockBytes - position_.offset : 0;
    const auto usable = in_segment > group_bytes_ ? in_segment - group_bytes_ : 0;
    const auto spare = next_ ? segment_bytes_ - 2 * kBlockBytes - group_bytes_ : 0;
    room_bytes_ = usable + spare;
}

void JournalWriter::publish_position() {
    const std::lock_guard lock{mutex_};
    durable_ = position_;
}

JournalWriter::WriteOutcome JournalWriter::fail(const std::string& file, std::error_code error) {
    if (!is_out_of_space(error)) {
        events_.on_fatal(file + ": write failed: " + error.message());
        return WriteOutcome::kFatal;
    }
    {
        const std::lock_guard lock{mutex_};
        full_ = true;
    }
    events_.on_full(error);
    return WriteOutcome::kFull;
}

}  // namespace ticketd::store
