#include "server/store/replay.h"

#include "server/store/store_error.h"

namespace ticketd::store {

ReplayedSegment replay_segment(SegmentReader& reader, const std::string& name, LedgerState& state,
                               const EntryVisitor& visit) {
    ReplayedSegment replayed;
    for (;;) {
        auto result = reader.next();
        if (auto* broken = std::get_if<BrokenGroup>(&result)) {
            replayed.problem = std::move(broken->problem);
            return replayed;
        }
        if (const auto* end = std::get_if<EndOfGroups>(&result)) {
            replayed.has_footer = end->has_footer;
            return replayed;
        }
        const auto* group = std::get_if<Group>(&result);
        for (const auto& entry : group->entries) {
            if (const auto problem = state.problem_with(entry)) {
                throw StoreDamaged(name, group->offset, *problem);
            }
            if (visit) visit(entry);
            state.apply(entry);
        }
        replayed.last_group = group->offset;
    }
}

std::unique_ptr<platform::File> open_left_segment(platform::Directory& directory,
                                                  std::uint64_t number) {
    const auto name = segment_name(number);
    auto opened = directory.open(name, platform::OpenMode::kReadOnly);
    if (opened.error == std::errc::no_such_file_or_directory) {
        throw StoreDamaged(name, 0, "missing");
    }
    require(opened.error, name);
    return std::move(opened.file);
}

}  // namespace ticketd::store
