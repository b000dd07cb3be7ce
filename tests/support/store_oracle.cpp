#include "tests/support/store_oracle.h"

#include <functional>
#include <vector>

#include "server/store/audit.h"
#include "server/store/order_index.h"
#include "server/store/owner_lock.h"
#include "server/store/stock_file.h"
#include "server/store/store_error.h"
#include "tests/support/store_life.h"

namespace ticketd::tests {
namespace {

using store::Entry;
using store::Event;

std::vector<Entry> read_entries(MemoryDirectory& disk, const store::StoreId& store) {
    std::vector<Entry> entries;
    store::JournalPosition position{0, store::kBlockBytes, 1, 1, 0};
    store::LedgerState state{store, store::kNoKeys};
    store::read_journal(disk, store, position, state,
                        [&](const Entry& entry) { entries.push_back(entry); });
    return entries;
}

std::string problem_with_keys(const store::LedgerState& state, const Expected& expected) {
    const auto floor = state.key_floor().lsn;
    if (floor < expected.floor) return "keys came back that had been forgotten";
    if (floor > expected.forgettable + 1) return "keys were forgotten before their time";
    std::uint64_t held = 0;
    for (const auto& entry : expected.entries) {
        if (entry.key.empty() || entry.lsn < floor || entry.lsn > state.last_lsn()) continue;
        if (state.keys().find(state.digest(entry.uid, entry.key)) != entry.lsn) {
            return "key " + entry.key + " does not lead to its entry";
        }
        ++held;
    }
    return held == state.keys().size() ? "" : "keys that nobody used";
}

// Where the newest entry of each order that changed is said to be, and of one that did not.
std::string problem_with_orders(const store::Recovered& started, const Sum& sum) {
    store::OrderIndex index{started.order_runs};
    for (const auto& change : started.changes)
        index.changed(change.order, change.newest);
    auto expected = sum.newest;
    Lsn unchanged = 1;
    while (expected.contains(unchanged))
        ++unchanged;
    expected[unchanged] = unchanged;
    for (const auto& [order, newest] : expected) {
        if (newest_entry(index.look_up(order)) != newest) {
            return "the newest entry of order " + std::to_string(order) + " was not found";
        }
    }
    return "";
}

std::string problem_with_slots(MemoryDirectory& disk, const std::vector<Event>& events) {
    const auto bytes = disk.content(store::kStockFileName);
    for (EventId id = 0; id < events.size(); ++id) {
        const auto offset = store::kSlotsOffset + id * store::kSlotBytes;
        if (bytes.size() < offset ||
            bytes.substr(offset, store::kSlotBytes) != store::encode_slot(id, events[id])) {
            return "slot " + std::to_string(id) + " is not what the ledger says";
        }
    }
    const auto end = store::kSlotsOffset + events.size() * store::kSlotBytes;
    return bytes.find_first_not_of('\0', end) == std::string::npos ? "" : "a slot of no event";
}

bool are_equal(const std::vector<Event>& first, const std::vector<Event>& second) {
    if (first.size() != second.size()) return false;
    for (std::size_t i = 0; i < first.size(); ++i) {
        if (first[i] != second[i]) return false;
    }
    return true;
}

// All of these stores have one buyer.
bool do_buyers_add_up(const store::LedgerState& state) {
    const auto buyer = state.buyer(StoreLife::kUser, "");
    std::size_t counted = 0;
    for (EventId id = 0; id < state.events().size(); ++id) {
        const auto committed = state.event(id).stock.committed();
        if (state.buyers().tickets({id, buyer}) != committed) return false;
        if (committed > 0) ++counted;
    }
    return state.buyers().size() == counted;
}

}  // namespace

store::Recovered start_store(MemoryDirectory& disk) {
    const store::OwnerLock owner{disk};
    auto recovered = store::recover(disk, kTinySegmentBytes);
    const auto stock = store::StockFile::open(disk, recovered.base.store);
    store::require(stock->rebuild(recovered.state.events()), store::kStockFileName);
    store::require(disk.sync(), store::kStockFileName);
    return recovered;
}

std::string problem_with(MemoryDirectory& disk, const store::Recovered& started,
                         const Expected& expected) {
    const auto& state = started.state;
    if (state.last_lsn() < expected.durable) {
        return "lost: LSN " + std::to_string(expected.durable) + " was told, the last one is " +
               std::to_string(state.last_lsn());
    }
    if (state.last_lsn() > expected.entries.size()) return "entries that were refused or unasked";
    for (const auto& [first, last] : expected.together) {
        if (state.last_lsn() >= first && state.last_lsn() < last) return "a part of a batch";
    }
    const auto entries = read_entries(disk, started.base.store);
    if (entries.size() != state.last_lsn()) return "the journal has another number of entries";
    for (std::size_t i = 0; i < entries.size(); ++i) {
        if (entries[i] != expected.entries[i]) {
            return "LSN " + std::to_string(i + 1) + " is not what was told";
        }
    }
    const auto sum = add_up_all(entries);
    if (!are_equal(state.events(), sum.events)) return "counts that do not add up";
    if (state.holds() != with_buyers(sum.holds, state)) return "holds that do not add up";
    if (!do_buyers_add_up(state)) return "buyers that do not add up";
    if (auto problem = problem_with_orders(started, sum); !problem.empty()) return problem;
    if (auto problem = problem_with_keys(state, expected); !problem.empty()) return problem;
    if (auto problem = problem_with_slots(disk, state.events()); !problem.empty()) return problem;
    return "";
}

std::string problem_of_audit(MemoryDirectory& disk) {
    const auto report = store::audit_store(disk);
    return report.ok() ? "" : "audit: " + report.problems.front();
}

std::string difference(const store::Recovered& first, const store::Recovered& second) {
    if (first.state.last_lsn() != second.state.last_lsn()) return "another last LSN";
    if (!are_equal(first.state.events(), second.state.events())) return "other counts";
    if (first.state.holds() != second.state.holds()) return "other holds";
    if (first.state.buyers() != second.state.buyers()) return "other buyers";
    if (first.state.keys().size() != second.state.keys().size()) return "another number of keys";
    if (first.state.key_floor().lsn != second.state.key_floor().lsn) return "another key floor";
    return "";
}

std::uint64_t digest_of(const DiskImage& image) {
    constexpr std::uint64_t kOdd = 0x9E3779B97F4A7C15;
    std::uint64_t digest = 0;
    const auto mix = [&digest](std::uint64_t value) {
        digest = (digest ^ value) * kOdd;
        digest ^= digest >> 29;
    };
    for (const auto& [name, number] : image.names()) {
        if (name == store::kStockFileName) continue;
        mix(std::hash<std::string>{}(name));
        mix(image.file(number).digest());
    }
    return digest;
}

}  // namespace ticketd::tests
