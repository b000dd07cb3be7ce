// Who wants to be told of changes, from any LSN on, without a gap: what is past is read from the
// ledger in pieces, as fast as it is taken; what happens now comes from memory. Whoever had caught
// up and then falls behind by more than limits::kWatchedChanges is told so once, and no more.
// Nobody is told of what is not durable. Event loop only.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "server/net/ledger_worker.h"
#include "server/net/responder.h"
#include "server/store/store.h"

namespace ticketd::net {

class Watchers {
  public:
    /// What `changed` says of an entry to this subscription: a notification.
    using Tell = std::function<std::string(std::uint64_t subscription, const store::Entry&)>;

    /// `on_change` is called when serve() should be. All must outlive the watchers.
    Watchers(store::Store& store, LedgerWorker& reader, Tell tell, std::function<void()> on_change)
        : store_(store),
          reader_(reader),
          tell_(std::move(tell)),
          on_change_(std::move(on_change)) {}

    /// Tells `sink` of changes of these events, or of all if there are none, with LSNs from `next`
    /// on. The number of the subscription; nothing if there are as many as may be.
    std::optional<std::uint64_t> add(std::uint64_t connection, std::shared_ptr<ReplySink> sink,
                                     std::set<EventId> events, Lsn next);
    /// False if the connection has no such subscription.
    bool remove(std::uint64_t connection, std::uint64_t subscription);
    void connection_closed(std::uint64_t connection);
    std::size_t size() const { return watches_.size(); }

    /// A change was made (StoreEvents::on_entry).
    void note(const store::Entry& entry);
    /// At the end of a loop turn.
    void serve();
    /// True if serve() has more for somebody who has taken what there was.
    bool has_more() const;

  private:
    struct Watch {
        std::uint64_t connection = 0;
        std::shared_ptr<ReplySink> sink;  // kept until its connection ends
        std::set<EventId> events;
        Lsn next = 1;
        bool is_live = false;     // has caught up
        bool is_reading = false;  // from the ledger
    };
    using Watches = std::map<std::uint64_t, Watch>;

    static bool is_slow(const Watch& watch);
    bool is_due(const Watch& watch) const {
        return !watch.is_reading && watch.next <= store_.durable_lsn();
    }
    void read_past(std::uint64_t subscription, Watch& watch);
    void send(std::uint64_t subscription, Watch& watch, const store::Entry& entry);
    bool serve(std::uint64_t subscription, Watch& watch);
    std::size_t of_connection(std::uint64_t connection) const;
    void end(Watches::iterator watch);

    store::Store& store_;
    LedgerWorker& reader_;
    const Tell tell_;
    const std::function<void()> on_change_;
    Watches watches_;  // by subscription
    std::uint64_t last_subscription_ = 0;
    std::deque<store::Entry> recent_;  // without a gap; empty if nobody watches
};

}  // namespace ticketd::net
