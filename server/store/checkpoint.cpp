#include "server/store/checkpoint.h"

#include <algorithm>

#include "common/limits.h"
#include "common/names.h"
#include "server/store/bytes.h"
#include "server/store/checksum.h"
#include "server/store/entry.h"
#include "server/store/store_error.h"
#include "server/store/stored_numbers.h"
#include "server/store/whole_file.h"

namespace ticketd::store {
namespace {

constexpr const char* kNewName = "checkpoint.new";
constexpr std::string_view kCheckpointMagic = "TKTDCKPT";
constexpr std::size_t kHeaderBytes = 120;
constexpr std::size_t kHoldBytes = 88;
constexpr std::size_t kEventFixedBytes = 96;
constexpr std::size_t kBuyerBytes = 32;

void append_hold(std::string& image, Lsn order, const box_office::Hold& hold) {
    append_number<std::uint64_t>(image, order);
    append_number<std::uint32_t>(image, hold.event);
    append_number<std::uint32_t>(image, hold.uid);
    append_number<std::uint64_t>(image, hold.quantity);
    append_number<std::int64_t>(image, hold.made_ms);
    append_number<std::int64_t>(image, hold.since_ms);
    append_number<std::int64_t>(image, hold.expires_ms);
    append_number<std::uint64_t>(image, stored_bound(hold.binding));
    append_number<std::uint64_t>(image, hold.binding.process_start);
    append_number<std::uint64_t>(image, hold.last);
    append_number<std::uint64_t>(image, hold.buyer.high);
    append_number<std::uint64_t>(image, hold.buyer.low);
    if (!hold.slots.empty()) append_numbers(image, hold.slots);
}

// In order, so that the same counts are the same bytes.
void append_buyers(std::string& image, const BuyerCounts& buyers) {
    std::vector<std::pair<BuyerCounts::Of, std::uint64_t>> sorted{buyers.begin(), buyers.end()};
    std::sort(sorted.begin(), sorted.end());
    for (const auto& [of, tickets] : sorted) {
        append_number<std::uint32_t>(image, of.event);
        append_number<std::uint32_t>(image, 0);
        append_number<std::uint64_t>(image, of.buyer.high);
        append_number<std::uint64_t>(image, of.buyer.low);
        append_number<std::uint64_t>(image, tickets);
    }
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
    append_number<std::uint64_t>(image, checkpoint.buyers.size());
    for (const auto& event : checkpoint.events) {
        append_number<std::uint64_t>(image, event.stock.capacity);
        append_number<std::uint64_t>(image, event.stock.held);
        append_number<std::uint64_t>(image, event.stock.sold);
        append_number<std::uint64_t>(image, event.stock.next_serial);
        append_number<std::uint64_t>(image, event.stock.lsn);
        append_number<std::uint64_t>(image, event.stock.overcommit);
        for (const auto number : stored_rules(event.rules))
            append_number<std::uint64_t>(image, number);
        append_number<std::uint64_t>(image, event.name.size());
        image += event.name;
        if (event.rules.terms.reuses_numbers) append_numbers(image, event.slots.taken());
    }
    for (const auto& [order, hold] : checkpoint.holds)
        append_hold(image, order, hold);
    append_buyers(image, checkpoint.buyers);
    append_number<std::uint32_t>(image, crc32c(image));
    return image;
}

[[noreturn]] void damaged(std::size_t offset, const std::string& problem) {
    throw StoreDamaged(kCheckpointName, offset, problem);
}

// A set of the numbers that are used again, off the front of `rest`.
box_office::TicketNumbers take_slots(std::string_view& rest) {
    auto numbers = take_numbers(rest);
    if (!numbers || !box_office::are_numbers(*numbers, limits::kSlots)) {
        damaged(kHeaderBytes, "numbers that make no sense");
    }
    return *std::move(numbers);
}

/// Takes them off the front of `rest`. They have to account for what the events say is held.
Holds take_holds(std::string_view& rest, std::size_t count, const std::vector<Event>& events,
                 Lsn last_lsn) {
    if (count > limits::kHolds) damaged(104, "more holds than there can be");
    Holds holds;
    std::vector<std::uint64_t> held(events.size());
    for (std::size_t i = 0; i < count; ++i) {
        if (rest.size() < kHoldBytes) damaged(kHeaderBytes, "holds cut short");
        const auto order = number_at<std::uint64_t>(rest, 0);
        const auto binding =
            read_binding(number_at<std::uint64_t>(rest, 48), number_at<std::uint64_t>(rest, 56));
        box_office::Hold hold{
            number_at<std::uint32_t>(rest, 8),
            number_at<std::uint32_t>(rest, 12),
            number_at<std::uint64_t>(rest, 16),
            number_at<std::int64_t>(rest, 24),
            number_at<std::int64_t>(rest, 32),
            number_at<std::int64_t>(rest, 40),
            binding.value_or(box_office::Binding{}),
            number_at<std::uint64_t>(rest, 64),
            {number_at<std::uint64_t>(rest, 72), number_at<std::uint64_t>(rest, 80)}};
        rest.remove_prefix(kHoldBytes);
        const bool is_timed = is_time(hold.made_ms) && is_time(hold.since_ms) &&
                              is_time(hold.expires_ms) && hold.made_ms <= hold.since_ms &&
                              (hold.expires_ms == 0 || hold.expires_ms >= hold.since_ms);
        const bool is_next = holds.empty() ? order >= 1 : order > holds.rbegin()->first;
        if (!binding || !is_timed || !is_next || hold.event >= events.size() || hold.last < order ||
            hold.last > last_lsn || hold.quantity < 1 || hold.quantity > limits::kQuantity) {
            damaged(kHeaderBytes, "a hold that makes no sense");
        }
        const auto& event = events[hold.event];
        if (event.rules.terms.reuses_numbers) {
            hold.slots = take_slots(rest);
            if (hold.slots.size() != hold.quantity || !event.slots.has_taken(hold.slots)) {
                damaged(kHeaderBytes, "a hold of other numbers than it can have");
            }
        }
        held[hold.event] += hold.quantity;
        holds.emplace_hint(holds.end(), order, std::move(hold));
    }
    for (EventId id = 0; id < events.size(); ++id) {
        if (held[id] != events[id].stock.held) damaged(kHeaderBytes, "holds that do not add up");
    }
    return holds;
}

/// Likewise for what is held and sold.
BuyerCounts take_buyers(std::string_view& rest, std::size_t count,
                        const std::vector<Event>& events) {
    if (count > rest.size() / kBuyerBytes) damaged(112, "buyers cut short");
    BuyerCounts buyers;
    BuyerCounts::Of last;
    std::vector<std::uint64_t> committed(events.size());
    for (std::size_t i = 0; i < count; ++i, rest.remove_prefix(kBuyerBytes)) {
        const BuyerCounts::Of of{
            number_at<std::uint32_t>(rest, 0),
            {number_at<std::uint64_t>(rest, 8), number_at<std::uint64_t>(rest, 16)}};
        const auto tickets = number_at<std::uint64_t>(rest, 24);
        const bool is_next = i == 0 || of > last;
        if (of.event >= events.size() || number_at<std::uint32_t>(rest, 4) != 0 || !is_next ||
            tickets < 1 || tickets > events[of.event].stock.committed() - committed[of.event]) {
            damaged(kHeaderBytes, "a buyer that makes no sense");
        }
        buyers.add(of, static_cast<std::int64_t>(tickets));
        committed[of.event] += tickets;
        last = of;
    }
    for (EventId id = 0; id < events.size(); ++id) {
        if (committed[id] != events[id].stock.committed()) {
            damaged(kHeaderBytes, "buyers that do not add up");
        }
    }
    return buyers;
}

/// Takes them off the front of `rest`.
std::vector<Event> take_events(std::string_view& rest, std::size_t count, Lsn last_lsn) {
    if (count > limits::kEvents) damaged(68, "more events than there can be");
    std::vector<Event> events;
    for (std::size_t i = 0; i < count; ++i) {
        if (rest.size() < kEventFixedBytes) damaged(kHeaderBytes, "events cut short");
        const box_office::Stock stock{
            number_at<std::uint64_t>(rest, 0),  number_at<std::uint64_t>(rest, 8),
            number_at<std::uint64_t>(rest, 16), number_at<std::uint64_t>(rest, 24),
            number_at<std::uint64_t>(rest, 32), number_at<std::uint64_t>(rest, 40)};
        StoredRules stored{};
        for (std::size_t number = 0; number < stored.size(); ++number)
            stored[number] = number_at<std::uint64_t>(rest, 48 + number * sizeof(std::uint64_t));
        const auto rules = read_rules(stored);
        const auto name_size = number_at<std::uint64_t>(rest, 88);
        rest.remove_prefix(kEventFixedBytes);
        if (name_size > rest.size()) damaged(kHeaderBytes, "events cut short");
        const std::string name{rest.substr(0, name_size)};
        rest.remove_prefix(name_size);
        const bool is_counted = stock.capacity <= limits::kCapacity &&
                                stock.overcommit <= limits::kCounterAtStart &&
                                stock.next_serial <= limits::kCounterAtStart;
        if (!is_sound(stock) || !is_counted || !rules || !is_event_name(name) ||
            stock.lsn > last_lsn) {
            damaged(kHeaderBytes, "an event that makes no sense");
        }
        events.push_back({name, stock, *rules});
        if (!rules->terms.reuses_numbers) continue;
        const auto taken = take_slots(rest);
        if (taken.size() != stock.committed()) damaged(kHeaderBytes, "numbers that do not add up");
        events.back().slots.take(taken);
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
    checkpoint.buyers = take_buyers(body, number_at<std::uint64_t>(rest, 112), checkpoint.events);
    if (!body.empty()) damaged(kHeaderBytes, "bytes behind the buyers");
    return checkpoint;
}

}  // namespace ticketd::store
