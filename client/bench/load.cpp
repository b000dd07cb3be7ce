#include "client/bench/load.h"

#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "client/bench/lane.h"
#include "client/bench/requests.h"
#include "client/connection.h"
#include "client/wait.h"
#include "common/error_kind.h"

namespace ticketd::client {
namespace {

using Problem = std::optional<Failure>;

constexpr std::chrono::milliseconds kSilence{30'000};
constexpr std::chrono::milliseconds kOpening{10'000};

class Load {
  public:
    explicit Load(const BenchOptions& options)
        : options_(options), writer_(options), unsent_(options.requests) {}

    Outcome<LoadResult> run() {
        if (auto problem = open_lanes()) return *std::move(problem);
        const auto start = Clock::now();
        if (options_.duration) end_ = start + *options_.duration;
        for (auto& lane : lanes_) {
            fill(lane, Clock::now());
            if (auto problem = flush(lane)) return *std::move(problem);
        }
        while (in_flight_ > 0) {
            if (auto problem = turn()) return *std::move(problem);
        }
        result_.elapsed = Clock::now() - start;
        return std::move(result_);
    }

  private:
    Problem open_lanes() {
        epoll_ = Descriptor{::epoll_create1(EPOLL_CLOEXEC)};
        lanes_.reserve(options_.clients);
        const Patience patience{Clock::now() + kOpening};
        while (lanes_.size() < options_.clients) {
            auto opened = Connection::open(options_.socket_path, patience);
            if (const auto* failure = failure_of(opened)) return *failure;
            lanes_.emplace_back(std::get<Connection>(std::move(opened)), options_.pipeline);
            if (auto problem = watch(lanes_.back(), EPOLL_CTL_ADD)) return problem;
        }
        return std::nullopt;
    }

    // One look at all connections that have something to say.
    Problem turn() {
        std::array<epoll_event, 256> events;  // NOLINT(*-member-init): filled by epoll_wait()
        const int ready = ::epoll_wait(epoll_.number(), events.data(), events.size(),
                                       static_cast<int>(kSilence.count()));
        if (ready == 0) {
            return Failure{"no_answer", client_exit::kUnknownOutcome,
                           "no answer for " + std::to_string(kSilence.count()) + " ms"};
        }
        if (ready < 0 && errno != EINTR) return internal("epoll_wait failed");
        const auto count = static_cast<std::size_t>(std::max(ready, 0));
        for (const auto& event : std::span{events}.first(count)) {
            if (auto problem = serve(*static_cast<Lane*>(event.data.ptr))) return problem;
        }
        return std::nullopt;
    }

    Problem serve(Lane& lane) {
        const auto before = lane.in_flight();
        const auto status = lane.read(result_.counts, result_.latencies);
        in_flight_ -= before - lane.in_flight();
        if (status == Lane::Status::kMalformed) {
            return Failure{"protocol", client_exit::kProtocol, "an answer is not JSON-RPC"};
        }
        if (status == Lane::Status::kLost) return lost(lane);
        fill(lane, Clock::now());
        return flush(lane);
    }

    void fill(Lane& lane, Clock::time_point now) {
        if (end_ && now >= *end_) unsent_ = 0;
        while (unsent_ > 0 && lane.has_room()) {
            lane.push(writer_, now);
            --unsent_;
            ++in_flight_;
        }
    }

    // Asks to be woken when the socket takes more, exactly while there is more.
    Problem flush(Lane& lane) {
        if (lane.flush() == Lane::Status::kLost) return lost(lane);
        if (lane.has_output() == lane.is_waiting_for_room()) return std::nullopt;
        lane.set_waiting_for_room(lane.has_output());
        return watch(lane, EPOLL_CTL_MOD);
    }

    Problem watch(Lane& lane, int operation) {
        epoll_event event{};
        event.events = lane.is_waiting_for_room() ? EPOLLIN | EPOLLOUT : EPOLLIN;
        event.data.ptr = &lane;  // lanes_ never grows beyond what it reserved
        if (::epoll_ctl(epoll_.number(), operation, lane.descriptor(), &event) == 0) {
            return std::nullopt;
        }
        return internal("epoll_ctl failed");
    }

    // A connection that had nothing to do any more may be closed by the daemon.
    Problem lost(Lane& lane) {
        if (lane.in_flight() > 0) {
            return Failure{"lost", client_exit::kUnreachable,
                           "a connection was lost after " +
                               std::to_string(result_.latencies.count()) + " answers"};
        }
        ::epoll_ctl(epoll_.number(), EPOLL_CTL_DEL, lane.descriptor(), nullptr);
        return std::nullopt;
    }

    static Failure internal(std::string message) {
        return {"internal", client_exit::kInternal, std::move(message)};
    }

    const BenchOptions& options_;
    RequestWriter writer_;
    std::uint64_t unsent_;
    std::size_t in_flight_ = 0;
    std::optional<Clock::time_point> end_;
    Descriptor epoll_;
    std::vector<Lane> lanes_;
    LoadResult result_;
};

}  // namespace

Outcome<LoadResult> run_load(const BenchOptions& options) {
    return Load{options}.run();
}

}  // namespace ticketd::client
