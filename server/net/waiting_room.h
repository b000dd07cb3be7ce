// Requests that wait in line for tickets: until there are some, the event opens, or their time is
// over. Who comes first is box_office::Line's affair; here it is known who they are. A request is
// decided by the store like any other when its turn comes, under the record lock; until then
// nothing of it is on disk, so a daemon that is started again has no line: clients ask again, with
// their keys.
//
// A client that comes back with its key takes the place that it had. If it is away for longer than
// limits::kLineGraceMs the place is lost; without a key at once. Event loop only.
#pragma once

#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <variant>
#include <vector>

#include "server/box_office/line.h"
#include "server/net/responder.h"
#include "server/net/session.h"
#include "server/store/store.h"

namespace ticketd::net {

class WaitingRoom {
  public:
    using Request = store::OrderRequest;
    /// Answers a request with what the store said. `is_last` is true for one of those who have
    /// asked the same: the last who is still there.
    using Tell = std::function<void(const store::ChangeResult&, const Caller&, const Responder&,
                                    bool is_last)>;

    /// `on_change` is called when serve() should be. All must outlive the room.
    WaitingRoom(asio::io_context& loop, store::Store& store, std::function<void()> on_change)
        : store_(store), on_change_(std::move(on_change)), timer_(loop) {}

    bool has_line(EventId event) const { return queues_.contains(event); }
    /// True if a request with this key waits.
    bool has(UserId uid, const std::string& key) const { return by_key_.contains({uid, key}); }
    /// Gives those in line what there is for them, before anything else is done with the event.
    void serve(EventId event);
    /// True if what is available is for those ahead of somebody who wants at least so many and
    /// came now.
    bool is_behind(EventId event, std::uint64_t least);
    /// The lines of those of the events that have one, with nobody in them who is not there, or
    /// waits in vain, after they were served; and as they are after others were served who did not
    /// join them. Nothing else may happen in between.
    store::Lines lines_of(const std::set<EventId>& events);
    void set_lines(store::Lines lines);
    std::size_t waiting() const { return deadlines_.size(); }

    /// Puts a request at its place in line, decides it if its turn is now, and lets it wait for so
    /// long if not; without a wait it is refused if tickets there are belong to others. False if
    /// another process holds the lock of the event: nothing was done. Those in line were served
    /// before, at the same instant.
    bool admit(Request request, const Caller& caller, std::chrono::milliseconds wait,
               const Responder& responder, Tell tell);

    /// At the end of a loop turn: gives those in line what there is for them.
    void serve();
    /// The key was answered otherwise: who waits with it is told.
    void settle(UserId uid, const std::string& key);
    /// A change was made (StoreEvents::on_entry).
    void note(const store::Entry& entry);
    /// Changes were taken back, and with them perhaps the event itself that somebody waits for.
    void look_again();
    /// Nothing more will come from the connection: if it is gone as a whole, whoever waits at its
    /// other end holds nobody up from now on.
    void connection_ended(std::uint64_t connection);
    /// The daemon stops: nobody waits any more, and whoever wants to is told `busy`.
    void close();

  private:
    using Time = std::chrono::steady_clock::time_point;
    using Place = box_office::Line::Place;
    struct Asker {
        Caller caller;
        Responder responder;
    };
    struct Waiter {
        Request request;
        Tell tell;
        std::vector<Asker> askers;  // the last one asked last
        Time deadline;
        std::optional<Time> away_since;
    };
    /// On what it depends whether it is worth waiting.
    struct Prospects {
        box_office::Rules rules;
        std::uint64_t capacity = 0;
        std::optional<ErrorKind> door;

        bool operator==(const Prospects&) const = default;
    };
    struct Queue {
        box_office::Line line;
        std::map<Place, Waiter> waiters;
        // By what they want at least: whoever wants most reaches a limit first.
        std::map<box_office::BuyerId, std::set<std::pair<std::uint64_t, Place>>> by_buyer;
        std::set<box_office::BuyerId> have_more;  // than when the line was looked at
        Prospects prospects;
        std::optional<Time> next_look;  // when to look again, whatever happens
    };
    using Key = std::pair<UserId, std::string>;
    using Queues = std::map<EventId, Queue>;

    static bool is_passing(const store::ChangeResult& result);
    /// What it can be told already, whoever comes before it.
    std::optional<store::ChangeResult> settled(const Request& request);
    std::optional<std::string_view> why_not(UserId uid) const;
    bool attach(const Request& request, const Caller& caller, std::chrono::milliseconds wait,
                const Responder& responder, const Tell& tell);
    std::optional<Place> whose_turn(EventId event, Queue& queue);
    /// False if nobody can be served now: another process holds the lock of the event, or the disk
    /// is far behind.
    bool serve(EventId event, Queue& queue);
    Prospects prospects(EventId event) const;
    void look_when_door_moves(EventId event, Queue& queue);
    void look_at(EventId event, Queue& queue, std::optional<Time> when);
    void forget(Queues::iterator queue);
    void settle_all(EventId event, Queue& queue);
    void settle_limited(EventId event, Queue& queue);
    box_office::BuyerId buyer_of(const Request& request) const;
    void end_overdue(Time now);
    bool is_there(EventId event, Queue& queue, Place place, Waiter& waiter);
    void forget_askers(EventId event, Place place, const Waiter& waiter);
    void look_for_absent(Time now);
    static void leave(Queue& queue, Place place, const store::ChangeResult& result);
    void finish(EventId event, Queue& queue, Place place, const store::ChangeResult& result);
    Waiter remove(EventId event, Queue& queue, Place place);
    void arm();

    store::Store& store_;
    const std::function<void()> on_change_;
    asio::steady_timer timer_;
    Queues queues_;  // none of them empty, but for a moment
    // Events whose lines something has happened to, and when to look at others, whatever happens.
    std::set<EventId> to_look_at_;
    std::set<std::pair<Time, EventId>> next_looks_;
    std::map<UserId, std::size_t> waiting_of_;
    std::map<Key, std::pair<EventId, Place>> by_key_;
    std::set<std::tuple<Time, EventId, Place>> deadlines_;
    std::set<std::tuple<std::uint64_t, EventId, Place>> asked_by_;  // connections
    Time looked_for_absent_{};
    bool is_closed_ = false;
    std::optional<Time> armed_for_;
};

}  // namespace ticketd::net
