// What the clients of a store were told, and when: each mark stands at a position in the record of
// operations on the disk, so that for a power cut at any of them it is known what must have
// survived, what may have, and what must not. With it a second, simpler reckoning of the counts.
// Not thread-safe.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "server/store/entry.h"
#include "server/store/ledger_state.h"

namespace ticketd::tests {

/// What a recovery may find, and must.
struct Expected {
    std::vector<store::Entry> entries;          ///< that may be there, the first of them with LSN 1
    Lsn durable = 0;                            ///< those up to this one have to be
    Lsn floor = 1;                              ///< keys of entries before it are forgotten
    Lsn forgettable = 0;                        ///< keys of entries up to this one may be forgotten
    std::vector<std::pair<Lsn, Lsn>> together;  ///< from one to another: all of them or none
    std::uint64_t digest = 0;                   ///< of all that

    /// The LSN of the entry that holds this key now, or 0.
    Lsn holder(UserId uid, const std::string& key) const;
};

/// What entries add up to.
struct Sum {
    std::vector<store::Event> events;
    store::Holds holds;                             ///< their buyers are {0, uid}
    std::map<Lsn, box_office::TicketNumbers> sold;  ///< what each sold order has
    std::map<Lsn, Lsn> newest;  ///< of orders that changed: the entry that says last what they are
};
/// Adds up entries from the first. Throws if one of them breaks a rule of selling: what is sold
/// follows from what was asked and what there was, serials have no gap, nothing is oversold, and
/// what is held comes back once.
Sum add_up_all(std::span<const store::Entry> entries);
/// The holds with their buyers as they are known to these books.
store::Holds with_buyers(store::Holds holds, const store::LedgerState& state);
inline std::vector<store::Event> add_up(std::span<const store::Entry> entries) {
    return add_up_all(entries).events;
}

class Told {
  public:
    /// Operations on the disk before it.
    using Position = std::uint64_t;

    /// A change was made. Nobody was told yet.
    void made(store::Entry entry, Position at) { note({at, std::move(entry)}); }
    /// The changes from one LSN to another were made as one.
    void together(Lsn first, Lsn last, Position at) { note({at, Together{first, last}}); }
    /// Everything up to this LSN may have been told.
    void durable(Lsn lsn, Position at) { note({at, Durable{lsn}}); }
    /// Changes after this LSN were refused, or are known to be lost: they must never come back.
    void taken_back_after(Lsn lsn, Position at) { note({at, TakenBack{lsn}}); }
    /// Keys of all entries so far are past their retention.
    void keys_may_go(Position at);
    /// Keys of entries before this LSN were forgotten: they may be used again.
    void keys_gone(Lsn floor, Position at) { note({at, KeysGone{floor}}); }

    /// After the last mark.
    const Expected& now() const { return now_; }
    Expected at(Position position) const;
    /// The same history, all of it before the first operation.
    Told as_past() const;

  private:
    struct Durable {
        Lsn lsn;
    };
    struct TakenBack {
        Lsn lsn;
    };
    struct KeysMayGo {
        Lsn last;
    };
    struct KeysGone {
        Lsn floor;
    };
    struct Together {
        Lsn first, last;
    };
    struct Mark {
        Position at = 0;
        std::variant<store::Entry, Durable, TakenBack, KeysMayGo, KeysGone, Together> what;
    };

    void note(Mark mark);
    static void apply(const Mark& mark, Expected& expected);

    std::vector<Mark> marks_;
    Expected now_;
};

}  // namespace ticketd::tests
