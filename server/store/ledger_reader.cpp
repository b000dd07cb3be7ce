#include "server/store/ledger_reader.h"

#include "common/check.h"
#include "server/store/segment_reader.h"
#include "server/store/store_error.h"

namespace ticketd::store {
namespace {

// One entry is wanted: its group is a few blocks.
constexpr std::size_t kShortReadAhead = 16 * 1024;

}  // namespace

void LedgerReader::visit(Lsn from, Lsn last, const std::function<bool(const Entry&)>& visit) {
    TICKETD_CHECK(from >= 1);
    if (from > last) return;
    auto number = find_segment(from);
    Lsn next = from;
    while (next <= last) {
        auto segment = open(number);
        if (!segment) throw StoreDamaged(segment_name(number), 0, "missing");
        const auto name = segment_name(number);
        SegmentReader reader{*segment->file, name, store_,
                             find_group(*segment->file, name, store_, segment->start, next),
                             next == last ? kShortReadAhead : SegmentReader::kReadAhead};
        while (next <= last && reader.position().lsn <= last) {
            if (stopped_) throw StoreUnavailable("the daemon stops");
            auto result = reader.next();
            if (const auto* broken = std::get_if<BrokenGroup>(&result)) {
                throw StoreDamaged(name, reader.position().offset, broken->problem);
            }
            const auto* group = std::get_if<Group>(&result);
            if (group == nullptr) break;
            for (const auto& entry : group->entries) {
                if (entry.lsn < next || entry.lsn > last) continue;
                if (!visit(entry)) return;
                next = entry.lsn + 1;
            }
        }
        ++number;
    }
}

Entry LedgerReader::entry(Lsn lsn) {
    std::optional<Entry> found;
    visit(lsn, lsn, [&found](const Entry& entry) {
        found = entry;
        return false;
    });
    TICKETD_CHECK(found.has_value());
    return std::move(*found);
}

// Nothing if there is no such segment, so far.
std::optional<Lsn> LedgerReader::first_lsn(std::uint64_t number) {
    const auto known = first_lsns_.find(number);
    if (known != first_lsns_.end()) return known->second;
    const auto segment = open(number);
    if (!segment) return std::nullopt;
    return first_lsns_[number] = segment->start.lsn;
}

// The last segment that starts at or before `lsn`: with steps that double, then halve.
std::uint64_t LedgerReader::find_segment(Lsn lsn) {
    const auto starts_before = [this, lsn](std::uint64_t number) {
        const auto first = first_lsn(number);
        return first && *first <= lsn;
    };
    std::uint64_t below = 1, above = 2;
    while (starts_before(above)) {
        below = above;
        above *= 2;
    }
    while (above - below > 1) {
        const auto middle = below + (above - below) / 2;
        (starts_before(middle) ? below : above) = middle;
    }
    return below;
}

std::optional<LedgerReader::Segment> LedgerReader::open(std::uint64_t number) {
    const auto name = segment_name(number);
    auto opened = directory_.open(name, platform::OpenMode::kReadOnly);
    if (opened.error == std::errc::no_such_file_or_directory) return std::nullopt;
    require(opened.error, name);
    const auto start = open_segment(*opened.file, name, store_, number);
    return Segment{std::move(opened.file), start};
}

}  // namespace ticketd::store
