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
constexpr std::size_t kHeaderBytes = 112;
constexpr std::size_t kHoldBytes = 64;
constexpr std::size_t kEventFixedBytes = 80;

void append_hold(std::string& image, Lsn order, const box_office::Hold& hold) {
    append_number<std::uint64_t>(image, order);
    append_number<std::uint32_t>(image, hold.event);
    append_number<std::uint32_t>(image, hold.uid);
    append_number<std::uint64_t>(image, hold.quantity);
    append_number<std::int64_t>(image, hold.since_ms);
    append_number<std::int64_t>(image, hold.expires_ms);
    append_number<std::uint64_t>(image, stored_bound(hold.binding));
    append_number<std::uint64_t>(image, hold.binding.process_start);
    append_number<std::uint64_t>(image, hold.last);
}

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
    append_number<std::uint64_t>(image, checkpoint.holds.size());
    for (const auto& event : checkpoint.events) {
        append_number<std::uint64_t>(image, event.stock.capacity);
        append_number<std::uint64_t>(image, event.stock.held);
        append_number<std::uint64_t>(image, event.stock.sold);
        append_number<std::uint64_t>(image, event.stock.next_serial);
        append_number<std::uint64_t>(image, event.stock.lsn);
        for (const auto number : stored_rules(event.rules))
            append_number<std::uint64_t>(image, number);
        append_number<std::uint64_t>(image, event.name.size());
        image += event.name;
    }
    for (const auto& [order, hold] : checkpoint.holds)
        append_hold(image, order, hold);
    append_number<std::uint32_t>(image, crc32c(image));
    return image;
}

[[noreturn]] void damaged(std::size_t offset, const std::string& problem) {
    throw StoreDamaged(kCheckpointName, offset, problem);
}

// They have to account for what the events say is held.
Holds take_holds(std::string_view rest, std::size_t count, const std::vector<Event>& events,
                 Lsn last_lsn) {
    if (count > limits::kHolds || rest.size() != count * kHoldBytes) {
        damaged(kHeaderBytes, "holds cut short, or bytes behind them");
    }
    Holds holds;
    std::vector<std::uint64_t> held(events.size());
    for (; !rest.empty(); rest.remove_prefix(kHoldBytes)) {
        const auto order = number_at<std::uint64_t>(rest, 0);
        const auto binding =
            read_binding(number_at<std::uint64_t>(rest, 40), number_at<std::uint64_t>(rest, 48));
        const box_office::Hold hold{
            number_at<std::uint32_t>(rest, 8),  number_at<std::uint32_t>(rest, 12),
            number_at<std::uint64_t>(rest, 16), number_at<std::int64_t>(rest, 24),
            number_at<std::int64_t>(rest, 32),  binding.value_or(box_office::Binding{}),
            number_at<std::uint64_t>(rest, 56)};
        const bool is_timed = is_time(hold.since_ms) && is_time(hold.expires_ms) &&
                              (hold.expires_ms == 0 || hold.expires_ms >= hold.since_ms);
        const bool is_next = holds.empty() ? order >= 1 : order > holds.rbegin()->first;
        if (!binding || !is_timed || !is_next || hold.event >= events.size() || hold.last < order ||
            hold.last > last_lsn || hold.quantity < 1 || hold.quantity > limits::kQuantity) {
            damaged(kHeaderBytes, "a hold that makes no sense");
        }
        held[hold.event] += hold.quantity;
        holds.emplace_hint(holds.end(), order, hold);
    }
    for (EventId id = 0; id < events.size(); ++id) {
        if (held[id] != events[id].stock.held) damaged(kHeaderBytes, "holds that do not add up");
    }
    return holds;
}

/// Takes them off the front of `rest`.
std::vector<Event> take_events(std::string_view& rest, std::size_t count, Lsn last_lsn) {
    if (count > limits::kEvents) damaged(68, "more events than there can be");
    std::vector<Event> events;
    for (std::size_t i = 0; i < count; ++i) {
        if (rest.size() < kEventFixedBytes) damaged(kHeaderBytes, "events cut short");
        const box_office::Stock stock{
            number_at<std::uint64_t>(rest, 0), number_at<std::uint64_t>(rest, 8),
            number_at<std::uint64_t>(rest, 16), number_at<std::uint64_t>(rest, 24),
            number_at<std::uint64_t>(rest, 32)};
        const auto rules =
            read_rules({number_at<std::uint64_t>(rest, 40), number_at<std::uint64_t>(rest, 48),
                        number_at<std::uint64_t>(rest, 56), number_at<std::uint64_t>(rest, 64)});
        const auto name_size = number_at<std::uint64_t>(rest, 72);
        rest.remove_prefix(kEventFixedBytes);
        if (name_size > rest.size()) damaged(kHeaderBytes, "events cut short");
        const std::string name{rest.substr(0, name_size)};
        rest.remove_prefix(name_size);
        const bool is_counted =
            stock.capacity <= limits::kCapacity && stock.next_serial <= limits::kCounterAtStart;
        if (!is_sound(stock) || !is_counted || !rules || !is_event_name(name) ||
            stock.lsn > last_lsn) {
            damaged(kHeaderBytes, "an event that makes no sense");
        }
        events.push_back({name, stock, *rules});
    }
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
    const auto last_lsn = checkpoint.position.lsn - 1;
    auto body = rest.substr(kHeaderBytes);
    checkpoint.events = take_events(body, number_at<std::uint32_t>(rest, 68), last_lsn);
    checkpoint.holds =
        take_holds(body, number_at<std::uint64_t>(rest, 104), checkpoint.events, last_lsn);
    return checkpoint;
}

}  // namespace ticketd::store
