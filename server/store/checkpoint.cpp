#include "server/store/checkpoint.h"

#include "common/limits.h"
#include "common/names.h"
#include "server/store/bytes.h"
#include "server/store/checksum.h"
#include "server/store/entry.h"
#include "server/store/store_error.h"
#include "server/store/whole_file.h"

namespace ticketd::store {
namespace {

constexpr const char* kNewName = "checkpoint.new";
constexpr std::string_view kCheckpointMagic = "TKTDCKPT";
constexpr std::size_t kHeaderBytes = 104;
constexpr std::size_t kEventFixedBytes = 72;

std::string encode(const Checkpoint& checkpoint) {
    const auto& position = checkpoint.position;
    std::string image{kCheckpointMagic};
    append_number<std::uint32_t>(image, kFormatVersion);
    append_number<std::uint32_t>(image, static_cast<std::uint32_t>(checkpoint.stop));
    image.append(checkpoint.store.data(), checkpoint.store.size());
    append_number<std::uint64_t>(image, position.segment);
    append_number<std::uint64_t>(image, position.offset);
    append_number<std::uint64_t>(image, position.group);
    append_number<std::uint64_t>(image, position.lsn);
    append_number<std::uint32_t>(image, position.chain);
    append_number<std::uint32_t>(image, static_cast<std::uint32_t>(checkpoint.events.size()));
    append_number<std::int64_t>(image, checkpoint.last_time_ms);
    append_number<std::uint64_t>(image, checkpoint.first_key_run);
    append_number<std::uint64_t>(image, checkpoint.key_floor.lsn);
    append_number<std::int64_t>(image, checkpoint.key_floor.time_ms);
    for (const auto& event : checkpoint.events) {
        append_number<std::uint64_t>(image, event.stock.capacity);
        append_number<std::uint64_t>(image, event.stock.held);
        append_number<std::uint64_t>(image, event.stock.sold);
        append_number<std::uint64_t>(image, event.stock.next_serial);
        append_number<std::uint64_t>(image, event.stock.lsn);
        append_number<std::uint64_t>(image, static_cast<std::uint64_t>(event.schedule.state));
        append_number<std::int64_t>(image, event.schedule.window.opens_ms);
        append_number<std::int64_t>(image, event.schedule.window.closes_ms);
        append_number<std::uint64_t>(image, event.name.size());
        image += event.name;
    }
    append_number<std::uint32_t>(image, crc32c(image));
    return image;
}

[[noreturn]] void damaged(std::size_t offset, const std::string& problem) {
    throw StoreDamaged(kCheckpointName, offset, problem);
}

std::vector<Event> take_events(std::string_view rest, std::size_t count, Lsn last_lsn) {
    if (count > limits::kEvents) damaged(68, "more events than there can be");
    std::vector<Event> events;
    for (std::size_t i = 0; i < count; ++i) {
        if (rest.size() < kEventFixedBytes) damaged(kHeaderBytes, "events cut short");
        const box_office::Stock stock{
            number_at<std::uint64_t>(rest, 0), number_at<std::uint64_t>(rest, 8),
            number_at<std::uint64_t>(rest, 16), number_at<std::uint64_t>(rest, 24),
            number_at<std::uint64_t>(rest, 32)};
        const auto state = number_at<std::uint64_t>(rest, 40);
        if (state > static_cast<std::uint64_t>(box_office::SaleState::kClosed)) {
            damaged(kHeaderBytes, "an event in a state that there is not");
        }
        const box_office::Schedule schedule{
            static_cast<box_office::SaleState>(state),
            {number_at<std::int64_t>(rest, 48), number_at<std::int64_t>(rest, 56)}};
        const auto name_size = number_at<std::uint64_t>(rest, 64);
        rest.remove_prefix(kEventFixedBytes);
        if (name_size > rest.size()) damaged(kHeaderBytes, "events cut short");
        const std::string name{rest.substr(0, name_size)};
        rest.remove_prefix(name_size);
        const bool is_counted =
            stock.capacity <= limits::kCapacity && stock.next_serial <= limits::kCounterAtStart;
        const bool is_scheduled = is_sound(schedule) && is_time(schedule.window.opens_ms) &&
                                  is_time(schedule.window.closes_ms);
        if (!is_sound(stock) || !is_counted || !is_scheduled || !is_event_name(name) ||
            stock.lsn > last_lsn) {
            damaged(kHeaderBytes, "an event that makes no sense");
        }
        events.push_back({name, stock, schedule});
    }
    if (!rest.empty()) damaged(kHeaderBytes, "bytes behind the last event");
    return events;
}

bool makes_sense(const Checkpoint& checkpoint) {
    const auto& position = checkpoint.position;
    return position.lsn >= 1 && has_room_to_count(position) && is_time(checkpoint.last_time_ms) &&
           is_time(checkpoint.key_floor.time_ms) && position.offset >= kBlockBytes &&
           position.offset % kBlockBytes == 0 && checkpoint.key_floor.lsn >= 1 &&
           checkpoint.key_floor.lsn <= position.lsn &&
           checkpoint.key_floor.time_ms <= checkpoint.last_time_ms &&
           checkpoint.first_key_run >= 1 && checkpoint.first_key_run <= position.segment + 1;
}

}  // namespace

std::error_code write_checkpoint(platform::Directory& directory, const Checkpoint& checkpoint) {
    return write_whole_file(directory, kCheckpointName, kNewName, encode(checkpoint));
}

Checkpoint read_checkpoint(platform::Directory& directory) {
    const auto image = read_whole_file(directory, kCheckpointName);
    const auto rest = check_whole_file(image, kCheckpointName, kCheckpointMagic, kHeaderBytes);
    Checkpoint checkpoint;
    rest.copy(checkpoint.store.data(), checkpoint.store.size(), 16);
    checkpoint.position = {number_at<std::uint64_t>(rest, 32), number_at<std::uint64_t>(rest, 40),
                           number_at<std::uint64_t>(rest, 48), number_at<std::uint64_t>(rest, 56),
                           number_at<std::uint32_t>(rest, 64)};
    const auto stop = number_at<std::uint32_t>(rest, 12);
    checkpoint.stop = static_cast<Stop>(stop);
    checkpoint.last_time_ms = number_at<std::int64_t>(rest, 72);
    checkpoint.first_key_run = number_at<std::uint64_t>(rest, 80);
    checkpoint.key_floor = {number_at<std::uint64_t>(rest, 88), number_at<std::int64_t>(rest, 96)};
    if (stop > 1 || !makes_sense(checkpoint)) damaged(12, "a position that makes no sense");
    checkpoint.events = take_events(rest.substr(kHeaderBytes), number_at<std::uint32_t>(rest, 68),
                                    checkpoint.position.lsn - 1);
    return checkpoint;
}

}  // namespace ticketd::store
