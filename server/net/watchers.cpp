#include "server/net/watchers.h"

#include <algorithm>

#include "common/limits.h"

namespace ticketd::net {
namespace {

// Beyond so many bytes that are not taken yet nothing more is sent.
constexpr std::size_t kUnreadMax = std::size_t{64} * 1024;
// Entries of the past that are read in one go.
constexpr Lsn kPiece = 256;

ReplyMessage notification(std::string text) {
    ReplyMessage message;
    message.notification = std::move(text);
    return message;
}

std::string lagged(std::uint64_t subscription, Lsn next) {
    return R"({"jsonrpc":"2.0","method":"lagged","params":{"subscription":)" +
           std::to_string(subscription) + R"(,"since_lsn":)" + std::to_string(next - 1) + "}}";
}

}  // namespace

std::optional<std::uint64_t> Watchers::add(std::uint64_t connection,
                                           std::shared_ptr<ReplySink> sink,
                                           std::set<EventId> events, Lsn next) {
    if (watches_.size() >= limits::kWatches ||
        of_connection(connection) >= limits::kWatchesPerConnection) {
        return std::nullopt;
    }
    sink->set_watching(true);
    const bool is_live = next > store_.state().last_lsn();
    watches_.emplace(++last_subscription_,
                     Watch{connection, std::move(sink), std::move(events), next, is_live, false});
    on_change_();
    return last_subscription_;
}

bool Watchers::remove(std::uint64_t connection, std::uint64_t subscription) {
    const auto found = watches_.find(subscription);
    if (found == watches_.end() || found->second.connection != connection) return false;
    end(found);
    return true;
}

void Watchers::connection_closed(std::uint64_t connection) {
    std::erase_if(watches_,
                  [=](const auto& watch) { return watch.second.connection == connection; });
}

std::size_t Watchers::of_connection(std::uint64_t connection) const {
    return static_cast<std::size_t>(
        std::count_if(watches_.begin(), watches_.end(),
                      [=](const auto& watch) { return watch.second.connection == connection; }));
}

void Watchers::end(Watches::iterator watch) {
    const auto connection = watch->second.connection;
    const auto sink = watch->second.sink;
    watches_.erase(watch);
    sink->set_watching(of_connection(connection) > 0);
}

// What was taken back is followed by something else with its LSN.
void Watchers::note(const store::Entry& entry) {
    if (watches_.empty()) return recent_.clear();
    while (!recent_.empty() && recent_.back().lsn >= entry.lsn)
        recent_.pop_back();
    recent_.push_back(entry);
    if (recent_.size() > limits::kWatchedChanges) recent_.pop_front();
}

void Watchers::serve() {
    for (auto at = watches_.begin(); at != watches_.end();) {
        const auto watch = at++;
        if (!serve(watch->first, watch->second)) end(watch);
    }
}

bool Watchers::is_slow(const Watch& watch) {
    return watch.sink->unread_bytes() > kUnreadMax;
}

bool Watchers::has_more() const {
    return std::any_of(watches_.begin(), watches_.end(), [this](const auto& watch) {
        return is_due(watch.second) && !is_slow(watch.second);
    });
}

// False if the subscription ends.
bool Watchers::serve(std::uint64_t subscription, Watch& watch) {
    if (!is_due(watch)) return true;
    const auto durable = store_.durable_lsn();
    const bool is_recent = !recent_.empty() && recent_.front().lsn <= watch.next;
    if (!is_recent && watch.is_live) {
        watch.sink->deliver(notification(lagged(subscription, watch.next)), 0);
        return false;
    }
    if (is_slow(watch)) return true;
    if (!is_recent) {
        read_past(subscription, watch);
        return true;
    }
    watch.is_live = true;
    while (watch.next <= durable && !is_slow(watch))
        send(subscription, watch, recent_[watch.next - recent_.front().lsn]);
    return true;
}

void Watchers::read_past(std::uint64_t subscription, Watch& watch) {
    watch.is_reading = true;
    const auto first = watch.next, last = std::min(store_.durable_lsn(), first + kPiece - 1);
    reader_.run(
        watch.connection,
        [first, last](store::LedgerReader& reader) {
            std::vector<store::Entry> entries;
            reader.visit(first, last, [&entries](const store::Entry& entry) {
                entries.push_back(entry);
                return true;
            });
            return entries;
        },
        [this, subscription](const std::vector<store::Entry>& entries) {
            const auto found = watches_.find(subscription);
            if (found == watches_.end()) return;
            found->second.is_reading = false;
            for (const auto& entry : entries)
                send(subscription, found->second, entry);
            on_change_();
        },
        [this, subscription](const std::string& what) {
            const auto found = watches_.find(subscription);
            if (found == watches_.end()) return;
            const auto why = "subscription " + std::to_string(subscription) + " ends: " + what;
            found->second.sink->deliver(error_message(ErrorKind::kInternal, why,
                                                      {{"subscription", subscription},
                                                       {"since_lsn", found->second.next - 1}}),
                                        0);
            end(found);
        });
}

void Watchers::send(std::uint64_t subscription, Watch& watch, const store::Entry& entry) {
    watch.next = entry.lsn + 1;
    const bool is_wanted =
        concerns_event(entry.type) && (watch.events.empty() || watch.events.contains(entry.event));
    if (is_wanted) watch.sink->deliver(notification(tell_(subscription, entry)), 0);
}

}  // namespace ticketd::net
