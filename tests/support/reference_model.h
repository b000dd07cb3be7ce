// A box office once more, as simple as it can be: every order with its tickets in a map, every
// count added up anew for each question, no files, no locks, no hurry. What the store does has to
// be what this does. Times are milliseconds since 1970. Not thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace ticketd::tests {

/// What a command came to.
struct Outcome {
    std::string kind;       ///< "ok", "replay", "unchanged", "not_held", or an error's
    std::uint64_t lsn = 0;  ///< ok, replay: of the entry
    std::vector<std::uint64_t> numbers = {};  ///< ok: the tickets that the order has now
    std::uint64_t granted = 0;                ///< ok: tickets held or sold by it, or cancelled

    bool operator==(const Outcome&) const = default;
};

struct ModelTerms {
    std::uint64_t order_limit = 0, buyer_limit = 0;
    bool has_slots = false, closes_when_sold_out = false;
};

class ReferenceModel {
  public:
    struct Counts {
        std::uint64_t capacity = 0, available = 0, held = 0, sold = 0, owed = 0, lsn = 0;
        bool operator==(const Counts&) const = default;
    };
    /// Of a request: its key (empty: none) and a text that says what is asked for.
    struct Key {
        std::string key, asked;
    };

    void set_time(std::int64_t now) { now_ = now; }
    std::size_t events() const { return events_.size(); }
    std::uint64_t last_lsn() const { return lsn_; }
    /// Orders there ever were, oldest first.
    std::vector<std::uint64_t> orders() const;
    std::size_t event_of(std::uint64_t order) const { return orders_.at(order).event; }
    std::set<std::uint64_t> taken(std::size_t event) const;

    Outcome create(std::uint64_t capacity, const ModelTerms& terms);
    Counts query(std::size_t event);
    Outcome purchase(std::uint32_t uid, std::size_t event, std::uint64_t quantity,
                     std::uint64_t least, const Key& key);
    /// `ttl` 0: without end.
    Outcome hold(std::uint32_t uid, std::size_t event, std::uint64_t quantity, std::uint64_t least,
                 std::int64_t ttl, const Key& key);
    Outcome confirm(std::uint32_t uid, std::uint64_t order, std::uint64_t quantity, const Key& key);
    Outcome release(std::uint32_t uid, std::uint64_t order, const Key& key);
    Outcome extend(std::uint32_t uid, std::uint64_t order, std::int64_t ttl, const Key& key);
    Outcome cancel(std::uint32_t uid, std::uint64_t order, std::uint64_t quantity,
                   const std::set<std::uint64_t>& numbers, bool restocks, const Key& key);
    Outcome resize(std::size_t event, std::uint64_t capacity, bool is_forced);
    Outcome pause(std::size_t event);
    Outcome resume(std::size_t event);
    Outcome close(std::size_t event, bool voids_holds);
    Outcome limit(std::size_t event, std::uint64_t order_limit, std::uint64_t buyer_limit);
    /// When it sells; 0: no such limit.
    Outcome window(std::size_t event, std::int64_t opens, std::int64_t closes);
    Outcome abandon(std::uint32_t uid, const std::string& key);

    /// A request of an atomic batch: one of the above, whose it is, and its event; nothing if that
    /// is a change of a hold that does not live.
    struct Part {
        std::uint32_t uid = 0;
        Key key;
        std::optional<std::size_t> event;
        std::function<Outcome(ReferenceModel&)> ask;
    };
    /// All of them or none.
    std::vector<Outcome> atomically(const std::vector<Part>& parts);
    /// Of a hold that lives.
    std::optional<std::size_t> event_of_hold(std::uint64_t order) const;

    /// After a restart nobody remembers who was told no.
    void forget_refusals() { refused_.clear(); }
    /// What was remembered of this request is not.
    void forget_refusal(std::uint32_t uid, const std::string& key) { refused_.erase({uid, key}); }

  private:
    enum class Sale : std::uint8_t { kOpen, kPaused, kClosed };
    struct Event {
        std::uint64_t capacity = 0, lsn = 0, next_serial = 1;
        ModelTerms terms;
        Sale sale = Sale::kOpen;
        std::int64_t opens = 0, closes = 0;
    };
    struct Order {
        std::uint32_t uid = 0;
        std::size_t event = 0;
        bool is_held = false;
        std::uint64_t held = 0;           ///< tickets, if is_held
        std::optional<std::int64_t> end;  ///< of a hold
        std::set<std::uint64_t> numbers;  ///< sold; of a hold with slots, held
        std::int64_t made = 0;
    };

    std::optional<Outcome> known(std::uint32_t uid, const Key& key) const;
    Outcome refuse(std::uint32_t uid, const Key& key, const std::string& kind);
    Outcome done(std::uint32_t uid, const Key& key, std::size_t event, std::uint64_t granted,
                 const std::set<std::uint64_t>& numbers);
    std::string refusal_of_terms(std::uint32_t uid, const Event& event, std::size_t number,
                                 std::uint64_t least, std::uint64_t& most) const;
    std::string shortage(std::size_t event) const;
    bool is_over(const Event& event) const;
    std::set<std::uint64_t> next_numbers(std::size_t event, std::uint64_t count) const;
    void expire(std::size_t event);
    void close_if_sold_out(std::size_t event);
    std::uint64_t held(std::size_t event) const;
    std::uint64_t sold(std::size_t event) const;
    std::uint64_t available(std::size_t event) const;
    std::uint64_t owned(std::uint32_t uid, std::size_t event) const;
    Order* hold_of(std::uint64_t order);

    std::int64_t now_ = 0;
    std::uint64_t lsn_ = 0;
    std::vector<Event> events_;
    std::map<std::uint64_t, Order> orders_;
    std::map<std::pair<std::uint32_t, std::string>, std::uint64_t> answered_;
    std::map<std::pair<std::uint32_t, std::string>, std::pair<std::string, std::string>> refused_;
};

}  // namespace ticketd::tests
