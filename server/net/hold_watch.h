// Watches what holds are bound to, and tells the store when it is no more: a connection when it is
// closed, a process when it ends. After a restart no connection of before is left; processes are
// found again by their number and the time of their start. Event loop only.
#pragma once

#include <asio/io_context.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "server/box_office/hold.h"
#include "server/net/session.h"
#include "server/net/settings.h"
#include "server/platform/process.h"
#include "server/store/store.h"

namespace ticketd::net {

class HoldWatch {
  public:
    /// `on_gone` is called when the store has been told something. All must outlive the watch.
    HoldWatch(asio::io_context& loop, store::Store& store, const Settings& settings,
              std::function<void()> on_gone)
        : loop_(loop), store_(store), settings_(settings), on_gone_(std::move(on_gone)) {}

    /// Why a hold cannot be bound.
    enum class Problem : std::uint8_t {
        kNoProcess,  ///< there is none of that number, or it is somebody else's
        kTooMany,    ///< as many as may be are watched already, or descriptors are short
    };
    /// What "connection", "pid" or "pid:NUMBER" of this caller stands for.
    std::variant<box_office::Binding, Problem> binding(std::string_view bind, const Caller& caller);
    /// The same without a look at whether it lives, and so without its start: for a request that is
    /// only compared with an earlier one.
    std::variant<box_office::Binding, Problem> named_by(std::string_view bind,
                                                        const Caller& caller);

    /// A hold was made for this caller. Does nothing if it is bound to nothing.
    void bind(Lsn order, const box_office::Binding& binding, const Caller& caller);
    void connection_closed(std::uint64_t connection);
    /// After a start, or after changes were taken back: holds live that were not bound here, and
    /// what they are bound to may be no more.
    void catch_up();
    /// Every limits::kSweepMs: looks again at processes that there was no descriptor for when their
    /// holds were made, a few each time, and forgets holds that are no more.
    void look_again();

  private:
    using Process = std::pair<std::uint32_t, std::uint64_t>;  // its number and start
    struct Watched {
        asio::posix::stream_descriptor ended;
        std::vector<Lsn> orders;
    };

    bool has_room() const;
    void watch(Lsn order, const box_office::Binding& binding);
    void process_ended(const Process& process);
    void end(const std::vector<Lsn>& orders, const box_office::Binding& binding);
    template <typename Visit>
    void for_each_list(Visit visit);
    void look_for_dead();
    void forget_dead();

    asio::io_context& loop_;
    store::Store& store_;
    const Settings& settings_;
    const std::function<void()> on_gone_;
    std::unordered_map<std::uint64_t, std::vector<Lsn>> by_connection_;
    std::map<Process, std::unique_ptr<Watched>> processes_;
    std::deque<Lsn> unwatched_;         // bound to processes that look_again() looks at
    static constexpr int kLooks = 256;  // some 10 ms
    int looks_ = kLooks;                // at relatives of callers, before the next look_again()
    std::vector<Lsn> dead_;             // sorted: holds that were no more ...
    Lsn dead_as_of_ = 0;                // ... after this change
    std::size_t bound_ = 0, bound_since_ = 0;  // in all when dead ones were looked for; and since
};

}  // namespace ticketd::net
