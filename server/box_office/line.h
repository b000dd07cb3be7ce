// The line for an event: who waits for tickets, first come first served. It knows how many each
// wants at least and whether they are there; who they are, and for how long they wait, is the
// caller's part. Plain values: no clock, no sockets. Not thread-safe.
#pragma once

#include <cstdint>
#include <map>
#include <optional>

#include "server/box_office/rules.h"

namespace ticketd::box_office {

class Line {
  public:
    /// A place in the line; places further back are greater.
    using Place = std::uint64_t;

    /// So often others may pass an entry that wants more than there is (LinePolicy::kFit).
    static constexpr unsigned kPassesMax = 3;

    /// Joins at the end.
    Place join(std::uint64_t least);
    /// Goes without tickets. Precondition of this and the next two: the place is taken.
    void leave(Place place);
    /// Goes with tickets: those ahead who could have had some were passed.
    void served(Place place);
    /// Who is not there keeps the place, and others are served meanwhile.
    void set_present(Place place, bool is_present);

    bool empty() const { return waiting_.empty(); }
    std::size_t size() const { return waiting_.size(); }
    /// Whose turn it is with so many tickets available; nothing if nobody's.
    std::optional<Place> next(std::uint64_t available, LinePolicy policy) const;
    /// Who keeps everybody behind from a turn, wanting more than is available; nothing if nobody.
    std::optional<Place> blocker(std::uint64_t available, LinePolicy policy) const;

  private:
    struct Waiting {
        std::uint64_t least = 0;
        unsigned passes = 0;
        bool is_present = true;
    };
    using People = std::map<Place, Waiting>;

    /// The first who is served, or whom nobody may pass.
    People::const_iterator decisive(std::uint64_t available, LinePolicy policy) const;

    People waiting_;
    Place last_ = 0;
};

}  // namespace ticketd::box_office
