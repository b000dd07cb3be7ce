// Tickets by their numbers: which of them an order has, and which numbers of an event are free
// where they are used again (licences, ports, places). Plain values; not thread-safe.
#pragma once

#include <cstdint>
#include <vector>

namespace ticketd::box_office {

/// Numbers of tickets, from 1, ascending, each once.
using TicketNumbers = std::vector<std::uint64_t>;

/// True if they are in order and every one is from 1 to `most`.
bool are_numbers(const TicketNumbers& numbers, std::uint64_t most);
/// `count` numbers from `first` on.
TicketNumbers numbers_from(std::uint64_t first, std::uint64_t count);
/// Those of `all` that are not among `some`.
TicketNumbers without(const TicketNumbers& all, const TicketNumbers& some);
/// True if every one of `some` is among `all`.
bool has_all(const TicketNumbers& all, const TicketNumbers& some);

/// The numbers of an event that somebody has, of those that are handed out again when they return.
/// At most limits::kSlots.
class Slots {
  public:
    /// The lowest `count` that nobody has.
    TicketNumbers lowest_free(std::uint64_t count) const;
    TicketNumbers taken() const;
    bool has_taken(const TicketNumbers& numbers) const;
    /// Precondition: nobody has them.
    void take(const TicketNumbers& numbers);
    /// Precondition: all are taken.
    void give_back(const TicketNumbers& numbers);

    bool operator==(const Slots&) const = default;

  private:
    bool is_taken(std::uint64_t number) const {
        return number <= taken_.size() && taken_[number - 1];
    }

    std::vector<bool> taken_;  // by number, from 1; the last one is true
};

}  // namespace ticketd::box_office
