#include "server/store/entry.h"

#include "common/check.h"
#include "common/limits.h"
#include "common/names.h"
#include "server/store/bytes.h"

namespace ticketd::store {
namespace {

constexpr auto kTypeMax = static_cast<std::uint8_t>(EntryType::kEventScheduled);

bool is_schedule(const Entry& entry) {
    const auto& [state, window] = entry.schedule;
    if (!sets_schedule(entry.type)) return entry.schedule == box_office::Schedule{};
    return is_sound(entry.schedule) && is_time(window.opens_ms) && is_time(window.closes_ms);
}

// What a purchase and a change of an event's schedule have in the same place.
struct Terms {
    std::uint64_t first, second, third, fourth;
};

Terms terms_of(const Entry& entry) {
    if (!sets_schedule(entry.type)) {
        return {entry.requested, entry.min_quantity, entry.granted, entry.first_serial};
    }
    const auto& [state, window] = entry.schedule;
    return {static_cast<std::uint64_t>(state), static_cast<std::uint64_t>(window.opens_ms),
            static_cast<std::uint64_t>(window.closes_ms), 0};
}

// False if no entry of its type can have said this.
bool take_terms(Entry& entry, const Terms& terms) {
    if (!sets_schedule(entry.type)) {
        entry.requested = terms.first;
        entry.min_quantity = terms.second;
        entry.granted = terms.third;
        entry.first_serial = terms.fourth;
        return true;
    }
    if (terms.first > static_cast<std::uint64_t>(box_office::SaleState::kClosed)) return false;
    entry.schedule = {
        static_cast<box_office::SaleState>(terms.first),
        {static_cast<std::int64_t>(terms.second), static_cast<std::int64_t>(terms.third)}};
    return terms.fourth == 0;
}

bool is_plausible(const Entry& entry) {
    if (!is_time(entry.time_ms) || !is_schedule(entry)) return false;
    const bool counts = box_office::is_sound(entry.after) &&
                        entry.after.capacity <= limits::kCapacity && entry.lsn > 0;
    if (entry.type == EntryType::kPurchased) {
        return counts && entry.event_name.empty() && entry.granted >= 1 &&
               entry.granted <= entry.requested && entry.requested <= limits::kQuantity &&
               entry.min_quantity >= 1 && entry.min_quantity <= entry.granted &&
               entry.first_serial >= 1 &&
               entry.first_serial + entry.granted == entry.after.next_serial &&
               (entry.key.empty() || is_key(entry.key)) && is_memo(entry.memo);
    }
    const bool no_sale = entry.requested == 0 && entry.min_quantity == 0 && entry.granted == 0 &&
                         entry.first_serial == 0 && entry.memo.empty();
    if (entry.type == EntryType::kKeyAbandoned) {
        return no_sale && entry.lsn > 0 && entry.event == 0 && entry.event_name.empty() &&
               entry.after == box_office::Stock{0, 0, 0, 0, entry.lsn} && is_key(entry.key);
    }
    const bool created = entry.type == EntryType::kEventCreated;
    return counts && no_sale && entry.key.empty() &&
           (created ? is_event_name(entry.event_name) : entry.event_name.empty());
}

}  // namespace

bool is_time(std::int64_t time_ms) {
    return time_ms >= 0 && static_cast<std::uint64_t>(time_ms) <= limits::kCounterAtStart;
}

void append_entry(std::string& out, const Entry& entry) {
    TICKETD_CHECK(is_plausible(entry));
    const auto texts = entry.event_name.size() + entry.key.size() + entry.memo.size();
    append_number<std::uint32_t>(out, static_cast<std::uint32_t>(kEntryFixedBytes + texts));
    append_number<std::uint8_t>(out, static_cast<std::uint8_t>(entry.type));
    append_number<std::uint8_t>(out, 0);
    append_number<std::uint16_t>(out, 0);
    append_number<std::uint64_t>(out, entry.lsn);
    append_number<std::int64_t>(out, entry.time_ms);
    append_number<std::uint32_t>(out, entry.uid);
    append_number<std::uint32_t>(out, entry.event);
    append_number<std::uint64_t>(out, entry.after.capacity);
    append_number<std::uint64_t>(out, entry.after.held);
    append_number<std::uint64_t>(out, entry.after.sold);
    append_number<std::uint64_t>(out, entry.after.next_serial);
    const auto terms = terms_of(entry);
    for (const auto number : {terms.first, terms.second, terms.third, terms.fourth})
        append_number<std::uint64_t>(out, number);
    append_number<std::uint8_t>(out, static_cast<std::uint8_t>(entry.event_name.size()));
    append_number<std::uint8_t>(out, static_cast<std::uint8_t>(entry.key.size()));
    append_number<std::uint16_t>(out, static_cast<std::uint16_t>(entry.memo.size()));
    out.append(entry.event_name).append(entry.key).append(entry.memo);
}

std::optional<Entry> take_entry(std::string_view& bytes) {
    if (bytes.size() < kEntryFixedBytes) return std::nullopt;
    const std::size_t size = number_at<std::uint32_t>(bytes, 0);
    const std::size_t name_size = number_at<std::uint8_t>(bytes, 96);
    const std::size_t key_size = number_at<std::uint8_t>(bytes, 97);
    const std::size_t memo_size = number_at<std::uint16_t>(bytes, 98);
    if (size > bytes.size() || size != kEntryFixedBytes + name_size + key_size + memo_size ||
        number_at<std::uint8_t>(bytes, 5) != 0 || number_at<std::uint16_t>(bytes, 6) != 0) {
        return std::nullopt;
    }
    const auto type = number_at<std::uint8_t>(bytes, 4);
    if (type < 1 || type > kTypeMax) return std::nullopt;

    Entry entry;
    entry.type = static_cast<EntryType>(type);
    entry.lsn = number_at<std::uint64_t>(bytes, 8);
    entry.time_ms = number_at<std::int64_t>(bytes, 16);
    entry.uid = number_at<std::uint32_t>(bytes, 24);
    entry.event = number_at<std::uint32_t>(bytes, 28);
    entry.after = {number_at<std::uint64_t>(bytes, 32), number_at<std::uint64_t>(bytes, 40),
                   number_at<std::uint64_t>(bytes, 48), number_at<std::uint64_t>(bytes, 56),
                   entry.lsn};
    const Terms terms{number_at<std::uint64_t>(bytes, 64), number_at<std::uint64_t>(bytes, 72),
                      number_at<std::uint64_t>(bytes, 80), number_at<std::uint64_t>(bytes, 88)};
    if (!take_terms(entry, terms)) return std::nullopt;
    entry.event_name = bytes.substr(kEntryFixedBytes, name_size);
    entry.key = bytes.substr(kEntryFixedBytes + name_size, key_size);
    entry.memo = bytes.substr(kEntryFixedBytes + name_size + key_size, memo_size);
    if (!is_plausible(entry)) return std::nullopt;
    bytes.remove_prefix(size);
    return entry;
}

bool sets_schedule(EntryType type) {
    return type == EntryType::kEventCreated || type >= EntryType::kEventPaused;
}

std::string_view entry_type_name(EntryType type) {
    switch (type) {
        case EntryType::kEventCreated: return "event_created";
        case EntryType::kEventResized: return "event_resized";
        case EntryType::kPurchased: return "purchased";
        case EntryType::kKeyAbandoned: return "key_abandoned";
        case EntryType::kEventPaused: return "event_paused";
        case EntryType::kEventResumed: return "event_resumed";
        case EntryType::kEventClosed: return "event_closed";
        case EntryType::kEventScheduled: return "event_scheduled";
    }
    return "unknown";
}

}  // namespace ticketd::store
