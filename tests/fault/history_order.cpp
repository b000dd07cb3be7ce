// The sweep goes through the moments at which an op was invoked, ended, or a daemon was found dead,
// and keeps the floor: the LSN that the ledger had certainly come to. Each op gets the lowest place
// that its floor and its answer allow; what ends raises the floor to its place. Since everything
// only ever asks for "not below", the lowest places work out if any do.
//
// Without an answer nothing is known until the daemon is dead that was asked: then the entry, if
// there is one, was made.
#include "tests/fault/history_order.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <unordered_map>

namespace ticketd::testing {
namespace {

using Kind = Place::Kind;

enum class What : std::uint8_t { kInvoked, kEnded, kDeath };

struct Moment {
    std::int64_t at_ns;
    What what;  // of things at the same time, those that then count as concurrent come first
    std::size_t op;

    bool operator<(const Moment& other) const {
        return std::tie(at_ns, what, op) < std::tie(other.at_ns, other.what, other.op);
    }
};

std::vector<Moment> moments_of(const History& history) {
    std::vector<Moment> moments;
    moments.reserve(history.ops.size() * 2 + history.deaths_ns.size());
    for (std::size_t i = 0; i < history.ops.size(); ++i) {
        moments.push_back({history.ops[i].invoked_ns, What::kInvoked, i});
        if (history.ops[i].ended_ns != kNever) {
            moments.push_back({history.ops[i].ended_ns, What::kEnded, i});
        }
    }
    for (const auto death : history.deaths_ns)
        moments.push_back({death, What::kDeath, 0});
    std::sort(moments.begin(), moments.end());
    return moments;
}

class Sweep {
  public:
    Sweep(const History& history, const std::vector<Place>& places,
          const std::vector<Maker>& makers, std::vector<std::string>& problems)
        : history_(history),
          places_(places),
          problems_(problems),
          floors_(history.ops.size(), 0),
          since_(history.ops.size(), 0) {
        for (std::size_t i = 0; i < makers.size(); ++i)
            note_unanswered(makers[i], i + 1);
    }

    std::vector<std::uint64_t> run() {
        for (const auto& moment : moments_of(history_)) {
            switch (moment.what) {
                case What::kInvoked: invoked(moment.op); break;
                case What::kEnded: ended(moment.op); break;
                case What::kDeath: death(); break;
            }
        }
        for (const auto& [op, lsn] : first_unanswered_) {
            if (floors_[op] >= lsn) complain(op, "made entry ", lsn, floors_[op]);
        }
        return std::move(floors_);
    }

  private:
    // The entry was made by one of these: at the earliest by the first, at the latest by the last.
    void note_unanswered(const Maker& maker, std::uint64_t lsn) {
        if (maker.told || maker.perhaps.empty()) return;
        const auto first = std::min_element(
            maker.perhaps.begin(), maker.perhaps.end(), [this](std::size_t a, std::size_t b) {
                return history_.ops[a].invoked_ns < history_.ops[b].invoked_ns;
            });
        const auto last = std::max_element(
            maker.perhaps.begin(), maker.perhaps.end(), [this](std::size_t a, std::size_t b) {
                return history_.ops[a].ended_ns < history_.ops[b].ended_ns;
            });
        first_unanswered_.emplace(*first, lsn);
        last_unanswered_.emplace(*last, lsn);
    }

    void invoked(std::size_t i) {
        const auto& op = history_.ops[i];
        floors_[i] = floor_;
        since_[i] = floor_;
        if (op.key.empty()) return;
        // A refusal may be that of an earlier copy, but not of one that an earlier daemon had.
        const auto& first =
            first_floor_of_key_.emplace(scoped_key(op.uid, op.key), floor_).first->second;
        since_[i] = std::max(first, floor_of_last_death_);
    }

    void ended(std::size_t i) {
        const auto& place = places_[i];
        if (const auto found = last_unanswered_.find(i); found != last_unanswered_.end()) {
            until_death_ = std::max(until_death_, found->second);
        }
        if (place.kind == Kind::kNowhere) return;
        if (place.kind == Kind::kChange) {
            if (floors_[i] >= place.first) complain(i, "made entry ", place.first, floors_[i]);
            floor_ = std::max(floor_, place.first);
            return;
        }
        const auto from = place.kind == Kind::kRemembered ? since_[i] : floors_[i];
        if (from > place.last) complain(i, "saw the ledger as it was up to ", place.last, from);
        floor_ = std::max(floor_, std::max(from, place.first));
    }

    void death() {
        floor_ = std::max(floor_, until_death_);
        floor_of_last_death_ = floor_;
    }

    void complain(std::size_t i, const char* what, std::uint64_t lsn, std::uint64_t floor) {
        problems_.push_back(name_of(history_.ops[i]) + ": " + what + std::to_string(lsn) +
                            ", but entry " + std::to_string(floor) + " was there before it began");
    }

    const History& history_;
    const std::vector<Place>& places_;
    std::vector<std::string>& problems_;
    std::vector<std::uint64_t> floors_;  // when each op was invoked
    std::vector<std::uint64_t> since_;   // the same, for a refusal that may have been remembered
    std::uint64_t floor_ = 0;
    std::uint64_t floor_of_last_death_ = 0;
    std::uint64_t until_death_ = 0;  // made by the daemon that dies next, at the latest
    std::unordered_map<std::string, std::uint64_t> first_floor_of_key_;
    std::unordered_map<std::size_t, std::uint64_t> first_unanswered_, last_unanswered_;
};

}  // namespace

std::vector<std::uint64_t> check_order(const History& history, const std::vector<Place>& places,
                                       const std::vector<Maker>& makers,
                                       std::vector<std::string>& problems) {
    return Sweep{history, places, makers, problems}.run();
}

}  // namespace ticketd::testing
