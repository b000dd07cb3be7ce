// Segment after segment, block after block. What comes next is always known (number, LSN, chain),
// so everything is compared with what it has to be.
#include "tests/support/raw_ledger.h"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string_view>

#include "tests/support/raw_bytes.h"

namespace ticketd::testing {
namespace {

using namespace raw;

constexpr std::uint32_t kNewestVersion = 6;
// From this version on a segment that another one follows ends with a footer.
constexpr std::uint32_t kFooterVersion = 2;
constexpr std::size_t kGroupHeader = 64;
constexpr std::size_t kEntryFixed = 80;
constexpr std::size_t kPayloadMax = 512 * 1024;

// What has to come next.
struct Expected {
    std::uint64_t segment = 1;
    std::uint64_t lsn = 1;
    std::uint64_t group = 1;
    std::uint32_t chain = 0;
};

/// One segment in memory.
class Segment {
  public:
    Segment(const std::string& directory, std::uint64_t number)
        : name_(raw_segment_name(number)), bytes_(read_whole(directory + "/" + name_)) {}

    [[noreturn]] void fail(std::size_t offset, const std::string& problem) const {
        throw RawDamage(name_ + " at " + std::to_string(offset) + ": " + problem);
    }
    void require(bool holds, std::size_t offset, const char* problem) const {
        if (!holds) fail(offset, problem);
    }

    std::string_view bytes() const { return bytes_; }
    std::string_view block(std::size_t offset) const { return bytes().substr(offset, kBlock); }

  private:
    std::string name_;
    std::string bytes_;
};

// Header and footer of a segment have one layout.
bool is_mark(std::string_view block, std::string_view magic) {
    return block.size() == kBlock && block.starts_with(magic) &&
           checksum(block.substr(0, 60)) == get<std::uint32_t>(block, 60) &&
           get<std::uint32_t>(block, 56) == 0 && is_zero(block.substr(64)) &&
           get<std::uint32_t>(block, 8) >= 1 && get<std::uint32_t>(block, 8) <= kNewestVersion;
}

Expected place_of_mark(std::string_view block) {
    return {get<std::uint64_t>(block, 32), get<std::uint64_t>(block, 40),
            get<std::uint64_t>(block, 48), get<std::uint32_t>(block, 12)};
}

bool operator==(const Expected& a, const Expected& b) {
    return a.segment == b.segment && a.lsn == b.lsn && a.group == b.group && a.chain == b.chain;
}

/// Takes an entry off its bytes, from front to end.
class EntryBytes {
  public:
    EntryBytes(std::string_view bytes, const Segment& segment, std::size_t offset)
        : bytes_(bytes), segment_(segment), offset_(offset) {}

    std::uint64_t number() {
        need(8);
        const auto value = get<std::uint64_t>(bytes_, 0);
        bytes_.remove_prefix(8);
        return value;
    }
    std::int64_t time() { return static_cast<std::int64_t>(number()); }
    bool yes() {
        const auto value = number();
        segment_.require(value <= 1, offset_, "neither yes nor no");
        return value == 1;
    }
    std::string text(std::size_t size) {
        need(size);
        std::string value{bytes_.substr(0, size)};
        bytes_.remove_prefix(size);
        return value;
    }
    // The first number, how many bytes, and a bit for each number from that on.
    std::vector<std::uint64_t> numbers() {
        const auto first = number();
        need(2);
        const std::size_t size = get<std::uint16_t>(bytes_, 0);
        bytes_.remove_prefix(2);
        const auto bits = text(size);
        std::vector<std::uint64_t> all;
        for (std::size_t i = 0; i < size * 8; ++i) {
            const auto byte = static_cast<unsigned char>(bits[i / 8]);
            if ((byte >> (i % 8) & 1U) != 0) all.push_back(first + i);
        }
        const bool is_in_form =
            size == 0 ? first == 0 : first > 0 && all.front() == first && bits.back() != '\0';
        segment_.require(is_in_form, offset_, "a set of numbers in another form");
        return all;
    }
    void end() const { segment_.require(bytes_.empty(), offset_, "an entry with more at its end"); }

  private:
    void need(std::size_t size) const {
        segment_.require(bytes_.size() >= size, offset_, "an entry of another size than its texts");
    }

    std::string_view bytes_;
    const Segment& segment_;
    std::size_t offset_;
};

void take_rules(RawEntry& entry, EntryBytes& bytes) {
    entry.state = bytes.number();
    entry.opens_ms = bytes.time();
    entry.closes_ms = bytes.time();
    entry.terms = bytes.number();
    entry.buyer_limit = bytes.number();
    if (entry.type == RawType::kEventClosed) entry.voids_holds = bytes.yes();
}

void take_new_order(RawEntry& entry, EntryBytes& bytes) {
    entry.requested = bytes.number();
    entry.min_quantity = bytes.number();
    entry.granted = bytes.number();
    if (entry.type == RawType::kPurchased) {
        entry.first_serial = bytes.number();
        return;
    }
    entry.expires_ms = bytes.time();
    const auto bound = bytes.number();
    entry.pid = static_cast<std::uint32_t>(bound);
    entry.bind = static_cast<std::uint32_t>(bound >> 32U);
    entry.process_start = bytes.number();
}

void take_change_of_order(RawEntry& entry, EntryBytes& bytes) {
    entry.order = bytes.number();
    entry.previous = bytes.number();
    if (entry.type == RawType::kConfirmed) {
        entry.requested = bytes.number();
        entry.granted = bytes.number();
        entry.first_serial = bytes.number();
    } else if (entry.type == RawType::kExtended) {
        entry.expires_ms = bytes.time();
    } else if (entry.type == RawType::kCancelled) {
        entry.requested = bytes.number();
        entry.names_tickets = bytes.yes();
        entry.restocks = bytes.yes();
        entry.owner = static_cast<std::uint32_t>(bytes.number());
    }
}

RawEntry take_entry(std::string_view& payload, const Segment& segment, std::size_t offset) {
    segment.require(payload.size() >= kEntryFixed, offset, "an entry cut short");
    const std::size_t size = get<std::uint32_t>(payload, 0);
    segment.require(size >= kEntryFixed && size <= payload.size(), offset, "an entry cut short");
    const auto type = get<std::uint8_t>(payload, 4);
    segment.require(type >= 1 && type <= 14, offset, "an entry of unknown type");
    RawEntry entry;
    entry.type = static_cast<RawType>(type);
    entry.lsn = get<std::uint64_t>(payload, 8);
    entry.time_ms = get<std::int64_t>(payload, 16);
    entry.uid = get<std::uint32_t>(payload, 24);
    entry.event = get<std::uint32_t>(payload, 28);
    entry.capacity = get<std::uint64_t>(payload, 32);
    entry.held = get<std::uint64_t>(payload, 40);
    entry.sold = get<std::uint64_t>(payload, 48);
    entry.next_serial = get<std::uint64_t>(payload, 56);
    entry.overcommit = get<std::uint64_t>(payload, 64);
    EntryBytes bytes{payload.substr(kEntryFixed, size - kEntryFixed), segment, offset};
    const bool is_of_rules = type == 1 || (type >= 5 && type <= 8);
    if (is_of_rules) take_rules(entry, bytes);
    if (type == 3 || type == 9) take_new_order(entry, bytes);
    if (type >= 10) take_change_of_order(entry, bytes);
    segment.require(
        !is_of_rules || (entry.state >= 1 && entry.state <= 3 && entry.terms >> 36U == 0 &&
                         (entry.terms & 0xffff'ffff) <= 10'000),
        offset, "rules that cannot be");
    entry.event_name = bytes.text(get<std::uint8_t>(payload, 5));
    entry.key = bytes.text(get<std::uint8_t>(payload, 6));
    entry.buyer = bytes.text(get<std::uint8_t>(payload, 7));
    entry.memo = bytes.text(get<std::uint64_t>(payload, 72));
    if (type == 3 || type == 9 || type == 10 || type == 14) entry.tickets = bytes.numbers();
    if (type == 14) entry.returned = bytes.numbers();
    bytes.end();
    payload.remove_prefix(size);
    return entry;
}

bool is_group_header(std::string_view block, std::string_view store_id) {
    if (block.size() < kGroupHeader || get<std::uint32_t>(block, 0) != 0xF5475254) return false;
    std::string image{block.substr(0, kGroupHeader)};
    std::memset(image.data() + 4, 0, 4);
    return checksum(image, checksum(store_id)) == get<std::uint32_t>(block, 4) &&
           is_zero(block.substr(48, 16));
}

/// The journal of one store, read in order.
class Journal {
  public:
    Journal(std::string directory, std::string_view first_header)
        : directory_(std::move(directory)),
          id_(first_header.substr(16, 16)),
          version_(get<std::uint32_t>(first_header, 8)) {}

    /// Reads what follows. The last segment may end with anything that is not a later group.
    RawEnd read(Expected next, std::uint64_t segments, Ending ending,
                std::vector<RawEntry>& entries) {
        next_ = next;
        for (;; ++next_.segment) {
            const Segment segment{directory_, next_.segment};
            check_header(segment);
            std::size_t offset = kBlock;
            while (const auto size = read_group(segment, offset, entries))
                offset += size;
            if (next_.segment == segments) return end_of_last(segment, offset, ending);
            const bool just_left = next_.segment + 1 == segments && ending == Ending::kKilled;
            check_end_of_left(segment, offset, just_left);
        }
    }

    std::uint64_t tail_bytes() const { return tail_bytes_; }

  private:
    void check_header(const Segment& segment) const {
        const auto block = segment.block(0);
        segment.require(is_mark(block, "TKTDJRNL"), 0, "no segment header");
        segment.require(block.substr(16, 16) == id_, 16, "the header of another store");
        segment.require(get<std::uint32_t>(block, 8) == version_, 8, "another version");
        segment.require(place_of_mark(block) == next_, 0, "does not follow the segment before");
    }

    bool is_group_header(std::string_view block) const {
        return testing::is_group_header(block, id_);
    }

    // Appends the entries of the group at `offset`; its size with padding, or 0 if there is none.
    std::size_t read_group(const Segment& segment, std::size_t offset,
                           std::vector<RawEntry>& entries) {
        const auto rest = segment.bytes().substr(std::min(offset, segment.bytes().size()));
        if (!is_group_header(rest)) return 0;
        const Expected place{get<std::uint64_t>(rest, 8), get<std::uint64_t>(rest, 24),
                             get<std::uint64_t>(rest, 16), get<std::uint32_t>(rest, 44)};
        const auto count = get<std::uint32_t>(rest, 32);
        const std::size_t size = get<std::uint32_t>(rest, 36);
        const std::size_t padded = (kGroupHeader + size + kBlock - 1) / kBlock * kBlock;
        if (!(place == next_) || count == 0 || size > kPayloadMax || padded > rest.size()) return 0;
        auto payload = rest.substr(kGroupHeader, size);
        const auto sum = get<std::uint32_t>(rest, 40);
        const auto padding = rest.substr(kGroupHeader + size, padded - kGroupHeader - size);
        if (checksum(payload, next_.chain) != sum || !is_zero(padding)) return 0;
        for (std::uint32_t i = 0; i < count; ++i) {
            entries.push_back(take_entry(payload, segment, offset));
            segment.require(entries.back().lsn == next_.lsn, offset, "an LSN that does not follow");
            ++next_.lsn;
        }
        segment.require(payload.empty(), offset, "more bytes than entries");
        ++next_.group;
        next_.chain = sum;
        return padded;
    }

    RawEnd end_of_last(const Segment& segment, std::size_t offset, Ending ending) {
        const auto tail = segment.bytes().substr(std::min(offset, segment.bytes().size()));
        const auto last = tail.find_last_not_of('\0');
        tail_bytes_ = last == std::string_view::npos ? 0 : last + 1;
        segment.require(ending == Ending::kKilled || tail_bytes_ == 0, offset,
                        "something behind the last group, though the daemon was stopped");
        for (std::size_t at = 0; at < tail_bytes_; at += kBlock) {
            const auto block = tail.substr(at);
            const bool is_later = is_group_header(block) &&
                                  get<std::uint64_t>(block, 8) == next_.segment &&
                                  get<std::uint64_t>(block, 16) > next_.group;
            segment.require(!is_later, offset, "a bad group with a later one behind it");
        }
        return {next_.segment, offset};
    }

    // Of a segment that another one follows; `just_left`: a kill may have come before the footer.
    void check_end_of_left(const Segment& segment, std::size_t offset, bool just_left) const {
        const auto tail = segment.bytes().substr(std::min(offset, segment.bytes().size()));
        if (version_ < kFooterVersion || (just_left && is_zero(tail))) {
            segment.require(is_zero(tail), offset, "something behind the last group");
            return;
        }
        // Zeros behind it are space that a kill kept from being cut off.
        segment.require(is_mark(tail.substr(0, kBlock), "TKTDJEND") &&
                            is_zero(tail.substr(std::min(tail.size(), kBlock))),
                        offset, "no footer, or something behind it");
        segment.require(tail.substr(16, 16) == id_, offset, "the footer of another store");
        segment.require(get<std::uint32_t>(tail, 8) == version_, offset, "another version");
        segment.require(place_of_mark(tail) == next_, offset, "a footer that does not belong here");
    }

    std::string directory_;
    std::string id_;
    std::uint32_t version_;
    Expected next_;
    std::uint64_t tail_bytes_ = 0;
};

std::uint64_t count_segments(const std::string& directory) {
    std::uint64_t count = 0;
    for (const auto& file : std::filesystem::directory_iterator{directory})
        if (file.path().filename().string().starts_with("journal-")) ++count;
    if (count == 0) throw RawDamage(directory + ": no journal");
    return count;
}

}  // namespace

std::string raw_segment_name(std::uint64_t number) {
    const auto digits = std::to_string(number);
    return "journal-" + std::string(digits.size() < 10 ? 10 - digits.size() : 0, '0') + digits;
}

RawStore read_raw_store(const std::string& directory, Ending ending) {
    const Segment first{directory, 1};
    first.require(is_mark(first.block(0), "TKTDJRNL"), 0, "no segment header");
    Journal journal{directory, first.block(0)};
    RawStore store;
    store.version = get<std::uint32_t>(first.bytes(), 8);
    store.end = journal.read({}, count_segments(directory), ending, store.entries);
    store.tail_bytes = journal.tail_bytes();
    if (ending == Ending::kStopped)
        store.slots = read_raw_slots(directory, std::string{first.block(0)});
    return store;
}

// By the headers alone, because it is asked for often while a journal fills.
RawEnd raw_journal_end(const std::string& directory) {
    RawEnd end{count_segments(directory), kBlock};
    std::ifstream file{directory + "/" + raw_segment_name(end.segment), std::ios::binary};
    std::string header(kBlock, '\0');
    file.read(header.data(), kBlock);
    if (!is_mark(header, "TKTDJRNL")) throw RawDamage("the newest segment has no header");
    std::string group(kGroupHeader, '\0');
    for (;;) {
        file.seekg(static_cast<std::streamoff>(end.offset));
        file.read(group.data(), kGroupHeader);
        if (!file || !is_group_header(group, header.substr(16, 16))) return end;
        end.offset += (kGroupHeader + get<std::uint32_t>(group, 36) + kBlock - 1) / kBlock * kBlock;
    }
}

}  // namespace ticketd::testing
