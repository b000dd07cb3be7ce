#include "server/box_office/tickets.h"

#include <algorithm>
#include <iterator>
#include <numeric>

#include "common/check.h"
#include "common/limits.h"

namespace ticketd::box_office {

bool are_numbers(const TicketNumbers& numbers, std::uint64_t most) {
    const auto is_not_before = [](std::uint64_t a, std::uint64_t b) { return a >= b; };
    return numbers.empty() ||
           (numbers.front() >= 1 && numbers.back() <= most &&
            std::adjacent_find(numbers.begin(), numbers.end(), is_not_before) == numbers.end());
}

TicketNumbers numbers_from(std::uint64_t first, std::uint64_t count) {
    TicketNumbers numbers(count);
    std::iota(numbers.begin(), numbers.end(), first);
    return numbers;
}

TicketNumbers without(const TicketNumbers& all, const TicketNumbers& some) {
    TicketNumbers rest;
    std::set_difference(all.begin(), all.end(), some.begin(), some.end(), std::back_inserter(rest));
    return rest;
}

bool has_all(const TicketNumbers& all, const TicketNumbers& some) {
    return std::includes(all.begin(), all.end(), some.begin(), some.end());
}

TicketNumbers Slots::lowest_free(std::uint64_t count) const {
    TicketNumbers numbers;
    for (std::uint64_t number = 1; numbers.size() < count; ++number) {
        if (!is_taken(number)) numbers.push_back(number);
    }
    return numbers;
}

TicketNumbers Slots::taken() const {
    TicketNumbers numbers;
    for (std::uint64_t number = 1; number <= taken_.size(); ++number) {
        if (is_taken(number)) numbers.push_back(number);
    }
    return numbers;
}

bool Slots::has_taken(const TicketNumbers& numbers) const {
    return std::all_of(numbers.begin(), numbers.end(),
                       [this](std::uint64_t number) { return is_taken(number); });
}

void Slots::take(const TicketNumbers& numbers) {
    for (const auto number : numbers) {
        TICKETD_CHECK(number >= 1 && number <= limits::kSlots && !is_taken(number));
        if (taken_.size() < number) taken_.resize(number);
        taken_[number - 1] = true;
    }
}

void Slots::give_back(const TicketNumbers& numbers) {
    TICKETD_CHECK(has_taken(numbers));
    for (const auto number : numbers)
        taken_[number - 1] = false;
    while (!taken_.empty() && !taken_.back())
        taken_.pop_back();
}

}  // namespace ticketd::box_office
