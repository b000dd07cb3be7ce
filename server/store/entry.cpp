#include "server/store/entry.h"

#include <algorithm>
#include <tuple>

#include "common/check.h"
#include "common/limits.h"
#include "common/names.h"
#include "server/store/bytes.h"
#include "server/store/stored_numbers.h"

namespace ticketd::store {
namespace {

// Behind the fixed part: no type of entry says more than that in numbers.
constexpr std::size_t kEntryNumbersMax = 64;
using EntryNumbers = NumberBlock<kEntryFixedBytes + kEntryNumbersMax>;

constexpr auto kTypeMax = static_cast<std::uint8_t>(EntryType::kCancelled);

// Of the terms that are stored.
constexpr std::uint64_t kLineFits = 1;
constexpr std::uint64_t kClosesWhenSoldOut = 2;
constexpr std::uint64_t kTakesNames = 4;
constexpr std::uint64_t kReusesNumbers = 8;

std::uint64_t bit(bool is_set, std::uint64_t bit) {
    return is_set ? bit : 0;
}

// Writes what walk_numbers() shows it, eight bytes each.
class NumberWriter {
  public:
    explicit NumberWriter(EntryNumbers& out) : out_(out) {}

    template <typename Number>
    void operator()(const Number& number) {
        out_.put<std::uint64_t>(static_cast<std::uint64_t>(number));
    }
    void operator()(const box_office::Rules& rules) {
        for (const auto number : stored_rules(rules))
            out_.put<std::uint64_t>(number);
    }
    void operator()(const box_office::Binding& binding) {
        out_.put<std::uint64_t>(stored_bound(binding));
        out_.put<std::uint64_t>(binding.process_start);
    }

  private:
    EntryNumbers& out_;
};

// Reads it back. What does not fit where it belongs, no NumberWriter can have written.
class NumberReader {
  public:
    explicit NumberReader(std::string_view bytes) : bytes_(bytes) {}

    template <typename Number>
    void operator()(Number& number) {
        const auto stored = take();
        number = static_cast<Number>(stored);
        fits_ = fits_ && static_cast<std::uint64_t>(number) == stored;
    }
    void operator()(box_office::Rules& rules) {
        StoredRules stored{};
        for (auto& number : stored)
            number = take();
        const auto read = read_rules(stored);
        fits_ = fits_ && read;
        if (read) rules = *read;
    }
    void operator()(box_office::Binding& binding) {
        const auto bound = take(), start = take();
        const auto read = read_binding(bound, start);
        fits_ = fits_ && read;
        if (read) binding = *read;
    }

    bool fits() const { return fits_; }
    std::string_view rest() const { return bytes_; }

  private:
    std::uint64_t take() {
        if (bytes_.size() < sizeof(std::uint64_t)) {
            fits_ = false;
            return 0;
        }
        const auto number = number_at<std::uint64_t>(bytes_, 0);
        bytes_.remove_prefix(sizeof number);
        return number;
    }

    std::string_view bytes_;
    bool fits_ = true;
};

// What an entry of its type says beside counts and texts, in the order in which it is stored.
template <typename SomeEntry, typename Walk>
void walk_numbers(SomeEntry& entry, Walk& walk) {
    if (sets_rules(entry.type)) walk(entry.rules);
    if (changes_order(entry.type)) {
        walk(entry.order);
        walk(entry.previous);
    }
    if (begins_order(entry.type)) {
        walk(entry.requested);
        walk(entry.min_quantity);
        walk(entry.granted);
    }
    switch (entry.type) {
        case EntryType::kEventClosed: walk(entry.voids_holds); break;
        case EntryType::kPurchased: walk(entry.first_serial); break;
        case EntryType::kHeld:
            walk(entry.expires_ms);
            walk(entry.binding);
            break;
        case EntryType::kConfirmed:
            walk(entry.requested);
            walk(entry.granted);
            walk(entry.first_serial);
            break;
        case EntryType::kExtended: walk(entry.expires_ms); break;
        case EntryType::kCancelled:
            walk(entry.requested);
            walk(entry.names_tickets);
            walk(entry.restocks);
            walk(entry.owner);
            break;
        default: break;
    }
}

// By its type an entry can say that somebody has these tickets, or gave them back.
bool names_its_tickets(EntryType type) {
    return begins_order(type) || is_sale(type) || type == EntryType::kCancelled;
}

auto terms_of(const Entry& entry) {
    return std::tie(entry.rules, entry.voids_holds, entry.order, entry.previous, entry.requested,
                    entry.min_quantity, entry.granted, entry.first_serial, entry.names_tickets,
                    entry.restocks, entry.owner, entry.expires_ms, entry.binding);
}

// `numbers`: what is stored of it.
bool says_only_its_own(const Entry& entry, std::string_view numbers) {
    Entry own;
    own.type = entry.type;
    NumberReader read{numbers};
    walk_numbers(own, read);
    return read.fits() && terms_of(own) == terms_of(entry);
}

bool is_quantity(std::uint64_t number) {
    return number >= 1 && number <= limits::kQuantity;
}

// Sold are the serials that come next, or numbers that are used again.
bool are_serials(const Entry& entry) {
    if (entry.first_serial == 0) return entry.tickets.size() == entry.granted;
    return entry.tickets.empty() && entry.first_serial + entry.granted == entry.after.next_serial;
}

bool is_cancelled(const Entry& entry) {
    const auto count = entry.returned.size();
    const auto is_as_asked = entry.requested == 0
                                 ? entry.names_tickets || entry.tickets.empty()
                                 : entry.requested == count && !entry.names_tickets;
    return is_as_asked && is_quantity(count) && is_quantity(count + entry.tickets.size()) &&
           box_office::are_numbers(entry.tickets, limits::kInteger) &&
           box_office::are_numbers(entry.returned, limits::kInteger) &&
           box_office::without(entry.tickets, entry.returned) == entry.tickets;
}

bool are_tickets(const Entry& entry) {
    if (entry.type == EntryType::kCancelled) return is_cancelled(entry);
    if (!entry.returned.empty() || !box_office::are_numbers(entry.tickets, limits::kSlots))
        return false;
    if (is_sale(entry.type)) return are_serials(entry);
    return entry.tickets.empty() ||
           (entry.type == EntryType::kHeld && entry.tickets.size() == entry.granted);
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
        case EntryType::kHeld: return entry.expires_ms == 0 || is_end;
        case EntryType::kConfirmed:
            return is_quantity(entry.granted) &&
                   (entry.requested == 0 || entry.requested == entry.granted);
        case EntryType::kExtended: return is_end;
        case EntryType::kEventClosed: return !entry.voids_holds || entry.after.held == 0;
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
    const bool has_words = begins_order(entry.type) || entry.type == EntryType::kCancelled;
    if (has_words ? !is_memo(entry.memo) : !entry.memo.empty()) return false;
    if (!entry.buyer.empty() && !(has_words && is_buyer_name(entry.buyer))) return false;
    if (entry.type == EntryType::kKeyAbandoned) return is_key(entry.key);
    const bool was_asked = begins_order(entry.type) ||
                           (changes_order(entry.type) && entry.type != EntryType::kExpired);
    return entry.key.empty() || (was_asked && is_key(entry.key));
}

bool makes_sense(const Entry& entry) {
    return entry.lsn > 0 && is_time(entry.time_ms) && are_counts(entry) && are_terms(entry) &&
           are_tickets(entry) && are_texts(entry);
}

}  // namespace

bool is_time(std::int64_t time_ms) {
    return time_ms >= 0 && static_cast<std::uint64_t>(time_ms) <= limits::kCounterAtStart;
}

// The terms: the limit of an order, then a bit for each yes.
StoredRules stored_rules(const box_office::Rules& rules) {
    const auto& terms = rules.terms;
    const auto bits = bit(terms.line == box_office::LinePolicy::kFit, kLineFits) |
                      bit(terms.closes_when_sold_out, kClosesWhenSoldOut) |
                      bit(terms.takes_names, kTakesNames) |
                      bit(terms.reuses_numbers, kReusesNumbers);
    return {static_cast<std::uint64_t>(rules.state),
            static_cast<std::uint64_t>(rules.window.opens_ms),
            static_cast<std::uint64_t>(rules.window.closes_ms), bits << 32U | terms.order_limit,
            terms.buyer_limit};
}

std::optional<box_office::Rules> read_rules(const StoredRules& stored) {
    const auto& [state, opens, closes, terms, buyer_limit] = stored;
    if (state > static_cast<std::uint64_t>(box_office::SaleState::kClosed)) return std::nullopt;
    const auto has = [bits = terms >> 32U](std::uint64_t one) { return (bits & one) != 0; };
    box_office::Rules rules;
    rules.state = static_cast<box_office::SaleState>(state);
    rules.window = {static_cast<std::int64_t>(opens), static_cast<std::int64_t>(closes)};
    rules.terms.line =
        has(kLineFits) ? box_office::LinePolicy::kFit : box_office::LinePolicy::kStrict;
    rules.terms.closes_when_sold_out = has(kClosesWhenSoldOut);
    rules.terms.takes_names = has(kTakesNames);
    rules.terms.reuses_numbers = has(kReusesNumbers);
    rules.terms.order_limit = static_cast<std::uint16_t>(terms);
    rules.terms.buyer_limit = static_cast<std::uint32_t>(buyer_limit);
    if (!is_sound(rules) || !is_time(rules.window.opens_ms) || !is_time(rules.window.closes_ms) ||
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
    EntryNumbers numbers;
    numbers.put<std::uint32_t>(0);  // how many bytes, below
    numbers.put<std::uint8_t>(static_cast<std::uint8_t>(entry.type));
    numbers.put<std::uint8_t>(static_cast<std::uint8_t>(entry.event_name.size()));
    numbers.put<std::uint8_t>(static_cast<std::uint8_t>(entry.key.size()));
    numbers.put<std::uint8_t>(static_cast<std::uint8_t>(entry.buyer.size()));
    numbers.put<std::uint64_t>(entry.lsn);
    numbers.put<std::int64_t>(entry.time_ms);
    numbers.put<std::uint32_t>(entry.uid);
    numbers.put<std::uint32_t>(entry.event);
    numbers.put<std::uint64_t>(entry.after.capacity);
    numbers.put<std::uint64_t>(entry.after.held);
    numbers.put<std::uint64_t>(entry.after.sold);
    numbers.put<std::uint64_t>(entry.after.next_serial);
    numbers.put<std::uint64_t>(entry.after.overcommit);
    numbers.put<std::uint64_t>(entry.memo.size());
    NumberWriter write{numbers};
    walk_numbers(entry, write);
    TICKETD_CHECK(says_only_its_own(entry, numbers.view().substr(kEntryFixedBytes)) &&
                  makes_sense(entry));
    const auto start = out.size();
    out.append(numbers.view());
    out.append(entry.event_name).append(entry.key).append(entry.buyer).append(entry.memo);
    if (names_its_tickets(entry.type)) append_numbers(out, entry.tickets);
    if (entry.type == EntryType::kCancelled) append_numbers(out, entry.returned);
    put_number<std::uint32_t>(out, start, static_cast<std::uint32_t>(out.size() - start));
}

std::optional<Entry> take_entry(std::string_view& bytes) {
    if (bytes.size() < kEntryFixedBytes) return std::nullopt;
    const std::size_t size = number_at<std::uint32_t>(bytes, 0);
    const auto type = number_at<std::uint8_t>(bytes, 4);
    const auto memo_size = number_at<std::uint64_t>(bytes, 72);
    if (size < kEntryFixedBytes || size > bytes.size() || type < 1 || type > kTypeMax ||
        memo_size > limits::kMemoBytes) {
        return std::nullopt;
    }
    Entry entry;
    entry.type = static_cast<EntryType>(type);
    entry.lsn = number_at<std::uint64_t>(bytes, 8);
    entry.time_ms = number_at<std::int64_t>(bytes, 16);
    entry.uid = number_at<std::uint32_t>(bytes, 24);
    entry.event = number_at<std::uint32_t>(bytes, 28);
    entry.after = {number_at<std::uint64_t>(bytes, 32),
                   number_at<std::uint64_t>(bytes, 40),
                   number_at<std::uint64_t>(bytes, 48),
                   number_at<std::uint64_t>(bytes, 56),
                   entry.lsn,
                   number_at<std::uint64_t>(bytes, 64)};
    NumberReader read{bytes.substr(kEntryFixedBytes, size - kEntryFixedBytes)};
    walk_numbers(entry, read);
    if (!read.fits()) return std::nullopt;

    auto rest = read.rest();
    const auto take_text = [&rest](std::size_t length) {
        std::string text{rest.substr(0, length)};
        rest.remove_prefix(std::min(length, rest.size()));
        return text;
    };
    const auto texts = rest.size();
    const std::size_t name_size = number_at<std::uint8_t>(bytes, 5);
    const std::size_t key_size = number_at<std::uint8_t>(bytes, 6);
    const std::size_t buyer_size = number_at<std::uint8_t>(bytes, 7);
    entry.event_name = take_text(name_size);
    entry.key = take_text(key_size);
    entry.buyer = take_text(buyer_size);
    entry.memo = take_text(memo_size);
    if (texts - rest.size() != name_size + key_size + buyer_size + memo_size) return std::nullopt;
    const auto take_set = [&rest](box_office::TicketNumbers& set) {
        auto taken = take_numbers(rest);
        if (taken) set = *std::move(taken);
        return taken.has_value();
    };
    if (names_its_tickets(entry.type) && !take_set(entry.tickets)) return std::nullopt;
    if (entry.type == EntryType::kCancelled && !take_set(entry.returned)) return std::nullopt;
    if (!rest.empty() || !makes_sense(entry)) return std::nullopt;
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

bool is_sale(EntryType type) {
    return type == EntryType::kPurchased || type == EntryType::kConfirmed;
}

bool concerns_sold(EntryType type) {
    return is_sale(type) || type == EntryType::kCancelled;
}

box_office::TicketNumbers tickets_after(const Entry& entry) {
    if (entry.first_serial == 0) return entry.tickets;
    return box_office::numbers_from(entry.first_serial, entry.granted);
}

std::optional<std::string> problem_with_cancellation(const Entry& cancellation,
                                                     const Entry& before) {
    const bool was_cancelled = before.type == EntryType::kCancelled;
    if (!is_sale(before.type) && !was_cancelled) return "an order that is not sold";
    if (before.lsn != cancellation.previous || order_number(before) != cancellation.order ||
        before.event != cancellation.event) {
        return "another order, or another state of it";
    }
    const auto had = tickets_after(before);
    if (!box_office::has_all(had, cancellation.returned) ||
        cancellation.tickets != box_office::without(had, cancellation.returned)) {
        return "tickets that are not the order's";
    }
    // A confirmation does not say whose the hold was.
    if (before.type == EntryType::kConfirmed) return std::nullopt;
    const auto owner = was_cancelled ? before.owner : before.uid;
    if (cancellation.owner != owner || cancellation.buyer != before.buyer) return "another buyer";
    return std::nullopt;
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
        case EntryType::kCancelled: return "cancelled";
    }
    return "unknown";
}

}  // namespace ticketd::store
