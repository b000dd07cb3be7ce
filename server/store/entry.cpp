#include "server/store/entry.h"

#include <array>
#include <tuple>

#include "common/check.h"
#include "common/limits.h"
#include "common/names.h"
#include "server/store/bytes.h"

namespace ticketd::store {
namespace {

constexpr auto kTypeMax = static_cast<std::uint8_t>(EntryType::kExpired);

// What an entry says beside the counts, in the order in which it is stored; the last two only by
// entries of orders that can change.
using Numbers = std::array<std::uint64_t, 6>;
constexpr std::size_t kFewNumbers = 4;

// Of the terms that are stored.
constexpr std::uint64_t kLineFits = 1;
constexpr std::uint64_t kClosesWhenSoldOut = 2;

constexpr bool has_all_numbers(EntryType type) {
    return type >= EntryType::kHeld;
}

constexpr std::size_t fixed_bytes(EntryType type) {
    return kEntryFixedBytes + (has_all_numbers(type) ? 2 * sizeof(std::uint64_t) : 0);
}

Numbers numbers_of(const Entry& entry) {
    const auto expires = static_cast<std::uint64_t>(entry.expires_ms);
    if (sets_rules(entry.type)) {
        const auto [state, opens, closes, terms] = stored_rules(entry.rules);
        return {state, opens, closes, terms};
    }
    switch (entry.type) {
        case EntryType::kPurchased:
            return {entry.requested, entry.min_quantity, entry.granted, entry.first_serial};
        case EntryType::kHeld:
            return {entry.requested, entry.min_quantity,          entry.granted,
                    expires,         stored_bound(entry.binding), entry.binding.process_start};
        case EntryType::kConfirmed:
            return {entry.requested, entry.granted, entry.first_serial, 0,
                    entry.order,     entry.previous};
        case EntryType::kExtended: return {expires, 0, 0, 0, entry.order, entry.previous};
        case EntryType::kReleased:
        case EntryType::kExpired: return {0, 0, 0, 0, entry.order, entry.previous};
        default: return {};
    }
}

// Leaves alone what entries of this type do not say. False if no entry can have said this.
bool take_numbers(Entry& entry, const Numbers& numbers) {
    const auto& [first, second, third, fourth, fifth, sixth] = numbers;
    if (sets_rules(entry.type)) {
        const auto rules = read_rules({first, second, third, fourth});
        if (!rules) return false;
        entry.rules = *rules;
    } else if (begins_order(entry.type)) {
        entry.requested = first;
        entry.min_quantity = second;
        entry.granted = third;
    }
    if (changes_order(entry.type)) {
        entry.order = fifth;
        entry.previous = sixth;
    }
    if (entry.type == EntryType::kPurchased) entry.first_serial = fourth;
    if (entry.type == EntryType::kHeld) {
        const auto binding = read_binding(fifth, sixth);
        if (!binding) return false;
        entry.expires_ms = static_cast<std::int64_t>(fourth);
        entry.binding = *binding;
    }
    if (entry.type == EntryType::kConfirmed) {
        entry.requested = first;
        entry.granted = second;
        entry.first_serial = third;
    }
    if (entry.type == EntryType::kExtended) entry.expires_ms = static_cast<std::int64_t>(first);
    return numbers_of(entry) == numbers;
}

auto terms_of(const Entry& entry) {
    return std::tie(entry.rules, entry.order, entry.previous, entry.requested, entry.min_quantity,
                    entry.granted, entry.first_serial, entry.expires_ms, entry.binding);
}

bool says_only_its_own(const Entry& entry) {
    Entry own;
    own.type = entry.type;
    return take_numbers(own, numbers_of(entry)) && terms_of(own) == terms_of(entry);
}

bool is_quantity(std::uint64_t number) {
    return number >= 1 && number <= limits::kQuantity;
}

// The serials sold are the newest ones.
bool are_serials(const Entry& entry) {
    return entry.first_serial >= 1 && entry.first_serial + entry.granted == entry.after.next_serial;
}

bool are_terms(const Entry& entry) {
    const bool is_end = is_time(entry.expires_ms) && entry.expires_ms >= entry.time_ms;
    if (changes_order(entry.type) &&
        (entry.order < 1 || entry.previous < entry.order || entry.previous >= entry.lsn)) {
        return false;
    }
    if (begins_order(entry.type) && (!is_quantity(entry.requested) || !is_quantity(entry.granted) ||
                                     entry.granted > entry.requested || entry.min_quantity < 1 ||
                                     entry.min_quantity > entry.granted)) {
        return false;
    }
    switch (entry.type) {
        case EntryType::kPurchased: return are_serials(entry);
        case EntryType::kHeld: return entry.expires_ms == 0 || is_end;
        case EntryType::kConfirmed:
            return is_quantity(entry.granted) && are_serials(entry) &&
                   (entry.requested == 0 || entry.requested == entry.granted);
        case EntryType::kExtended: return is_end;
        default: return true;
    }
}

bool are_counts(const Entry& entry) {
    if (!concerns_event(entry.type)) {
        return entry.event == 0 && entry.after == box_office::Stock{0, 0, 0, 0, entry.lsn};
    }
    return box_office::is_sound(entry.after) && entry.after.capacity <= limits::kCapacity;
}

bool are_texts(const Entry& entry) {
    const bool is_new_event = entry.type == EntryType::kEventCreated;
    if (is_new_event ? !is_event_name(entry.event_name) : !entry.event_name.empty()) return false;
    if (begins_order(entry.type) ? !is_memo(entry.memo) : !entry.memo.empty()) return false;
    if (entry.type == EntryType::kKeyAbandoned) return is_key(entry.key);
    const bool was_asked = begins_order(entry.type) ||
                           (changes_order(entry.type) && entry.type != EntryType::kExpired);
    return entry.key.empty() || (was_asked && is_key(entry.key));
}

bool makes_sense(const Entry& entry) {
    return entry.lsn > 0 && is_time(entry.time_ms) && are_counts(entry) && are_terms(entry) &&
           are_texts(entry);
}

}  // namespace

bool is_time(std::int64_t time_ms) {
    return time_ms >= 0 && static_cast<std::uint64_t>(time_ms) <= limits::kCounterAtStart;
}

// The terms: the limit of an order, then a bit for each yes.
StoredRules stored_rules(const box_office::Rules& rules) {
    const auto& terms = rules.terms;
    const std::uint64_t bits = (terms.line == box_office::LinePolicy::kFit ? kLineFits : 0) |
                               (terms.closes_when_sold_out ? kClosesWhenSoldOut : 0);
    return {static_cast<std::uint64_t>(rules.state),
            static_cast<std::uint64_t>(rules.window.opens_ms),
            static_cast<std::uint64_t>(rules.window.closes_ms), bits << 32U | terms.order_limit};
}

std::optional<box_office::Rules> read_rules(const StoredRules& stored) {
    const auto& [state, opens, closes, terms] = stored;
    if (state > static_cast<std::uint64_t>(box_office::SaleState::kClosed)) return std::nullopt;
    const auto bits = terms >> 32U;
    const box_office::Rules rules{
        static_cast<box_office::SaleState>(state),
        {static_cast<std::int64_t>(opens), static_cast<std::int64_t>(closes)},
        {(bits & kLineFits) != 0 ? box_office::LinePolicy::kFit : box_office::LinePolicy::kStrict,
         (bits & kClosesWhenSoldOut) != 0, static_cast<std::uint16_t>(terms)}};
    const auto& window = rules.window;
    if (!is_sound(rules) || !is_time(window.opens_ms) || !is_time(window.closes_ms) ||
        stored_rules(rules) != stored) {
        return std::nullopt;
    }
    return rules;
}

std::optional<box_office::Binding> read_binding(std::uint64_t bound, std::uint64_t process_start) {
    const auto bind = bound >> 32U;
    if (bind > static_cast<std::uint64_t>(box_office::Bind::kProcess)) return std::nullopt;
    const box_office::Binding binding{static_cast<box_office::Bind>(bind),
                                      static_cast<std::uint32_t>(bound), process_start};
    return is_sound(binding) ? std::optional{binding} : std::nullopt;
}

std::uint64_t stored_bound(const box_office::Binding& binding) {
    return static_cast<std::uint64_t>(binding.bind) << 32U | binding.pid;
}

void append_entry(std::string& out, const Entry& entry) {
    TICKETD_CHECK(says_only_its_own(entry) && makes_sense(entry));
    const auto texts = entry.event_name.size() + entry.key.size() + entry.memo.size();
    append_number<std::uint32_t>(out, static_cast<std::uint32_t>(fixed_bytes(entry.type) + texts));
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
    const auto numbers = numbers_of(entry);
    for (std::size_t i = 0; i < kFewNumbers; ++i)
        append_number<std::uint64_t>(out, numbers[i]);
    append_number<std::uint8_t>(out, static_cast<std::uint8_t>(entry.event_name.size()));
    append_number<std::uint8_t>(out, static_cast<std::uint8_t>(entry.key.size()));
    append_number<std::uint16_t>(out, static_cast<std::uint16_t>(entry.memo.size()));
    for (auto i = kFewNumbers; has_all_numbers(entry.type) && i < numbers.size(); ++i)
        append_number<std::uint64_t>(out, numbers[i]);
    out.append(entry.event_name).append(entry.key).append(entry.memo);
}

std::optional<Entry> take_entry(std::string_view& bytes) {
    if (bytes.size() < kEntryFixedBytes) return std::nullopt;
    const auto type = number_at<std::uint8_t>(bytes, 4);
    if (type < 1 || type > kTypeMax) return std::nullopt;
    Entry entry;
    entry.type = static_cast<EntryType>(type);
    const std::size_t size = number_at<std::uint32_t>(bytes, 0);
    const std::size_t name_size = number_at<std::uint8_t>(bytes, 96);
    const std::size_t key_size = number_at<std::uint8_t>(bytes, 97);
    const std::size_t memo_size = number_at<std::uint16_t>(bytes, 98);
    const auto fixed = fixed_bytes(entry.type);
    if (size > bytes.size() || size != fixed + name_size + key_size + memo_size ||
        number_at<std::uint8_t>(bytes, 5) != 0 || number_at<std::uint16_t>(bytes, 6) != 0) {
        return std::nullopt;
    }
    entry.lsn = number_at<std::uint64_t>(bytes, 8);
    entry.time_ms = number_at<std::int64_t>(bytes, 16);
    entry.uid = number_at<std::uint32_t>(bytes, 24);
    entry.event = number_at<std::uint32_t>(bytes, 28);
    entry.after = {number_at<std::uint64_t>(bytes, 32), number_at<std::uint64_t>(bytes, 40),
                   number_at<std::uint64_t>(bytes, 48), number_at<std::uint64_t>(bytes, 56),
                   entry.lsn};
    Numbers numbers{};
    for (std::size_t i = 0; i < numbers.size(); ++i) {
        const auto offset = i < kFewNumbers ? 64 + i * 8 : kEntryFixedBytes + (i - kFewNumbers) * 8;
        if (offset < fixed) numbers[i] = number_at<std::uint64_t>(bytes, offset);
    }
    if (!take_numbers(entry, numbers)) return std::nullopt;
    entry.event_name = bytes.substr(fixed, name_size);
    entry.key = bytes.substr(fixed + name_size, key_size);
    entry.memo = bytes.substr(fixed + name_size + key_size, memo_size);
    if (!makes_sense(entry)) return std::nullopt;
    bytes.remove_prefix(size);
    return entry;
}

bool sets_rules(EntryType type) {
    return type == EntryType::kEventCreated ||
           (type >= EntryType::kEventPaused && type <= EntryType::kEventUpdated);
}

bool begins_order(EntryType type) {
    return type == EntryType::kPurchased || type == EntryType::kHeld;
}

bool changes_order(EntryType type) {
    return type >= EntryType::kConfirmed;
}

Lsn order_number(const Entry& entry) {
    return begins_order(entry.type) ? entry.lsn : entry.order;
}

bool concerns_event(EntryType type) {
    return type != EntryType::kKeyAbandoned;
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
        case EntryType::kEventUpdated: return "event_updated";
        case EntryType::kHeld: return "held";
        case EntryType::kConfirmed: return "confirmed";
        case EntryType::kReleased: return "released";
        case EntryType::kExtended: return "extended";
        case EntryType::kExpired: return "expired";
    }
    return "unknown";
}

}  // namespace ticketd::store
