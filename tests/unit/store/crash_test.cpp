// The power goes at every single operation on the disk, and again during the recovery from that,
// with unsynced bytes lost, kept or torn. Whatever was told must still be true.
#include <doctest/doctest.h>

#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "server/store/audit.h"
#include "server/store/ledger_reader.h"
#include "server/store/store_error.h"
#include "tests/support/randomness.h"
#include "tests/support/sanitized.h"
#include "tests/support/store_rig.h"

using namespace ticketd;
using namespace ticketd::store;
using tests::MemoryDirectory;
using tests::Operation;
using tests::StoreRig;
using tests::Unsynced;

namespace {

/// Every operation from the `left`-th on fails, as if nothing existed any more.
void cut_power_after(MemoryDirectory& disk, std::uint64_t left) {
    auto remaining = std::make_shared<std::uint64_t>(left);
    disk.set_fault([remaining](Operation, const std::string&) {
        if (*remaining == 0) return std::make_error_code(std::errc::io_error);
        --*remaining;
        return std::error_code{};
    });
}

/// What clients were told: key to entry, for everything that became durable before the end.
struct Acknowledged {
    std::map<std::string, Entry> sales;
    std::uint64_t capacity = 0;
};

/// Sells until the power goes or the work is done. True if it was done.
bool work(StoreRig& rig, Acknowledged& told) {
    EventId demo = 0;
    if (const auto present = rig.store().state().find_event("demo")) {
        demo = *present;
    } else {
        const auto created = rig.store().create_event(7, "demo", 6);
        if (!std::holds_alternative<Changed>(created)) return false;
        if (rig.settle() != StoreRig::Settled::kDurable) return false;
        told.capacity = 6;
    }
    int name = static_cast<int>(rig.store().state().last_lsn()) * 10;
    for (int group = 0; group < 3; ++group) {
        std::vector<Entry> made;
        for (int i = 0; i < 2; ++i) {
            const auto result = rig.buy(demo, 1, std::to_string(++name));
            if (const auto* changed = std::get_if<Changed>(&result)) made.push_back(changed->entry);
        }
        if (rig.settle() != StoreRig::Settled::kDurable) return false;
        for (const auto& entry : made)
            told.sales[entry.key] = entry;
    }
    return true;
}

void check_acknowledged(MemoryDirectory& disk, const Acknowledged& told) {
    StoreRig rig{disk.after_crash(Unsynced::kKept)};
    for (const auto& [key, entry] : told.sales) {
        const auto result = rig.buy(entry.event, entry.requested, key, entry.uid);
        REQUIRE(std::holds_alternative<Replay>(result));
        CHECK(std::get<Replay>(result).lsn == entry.lsn);
        LedgerReader reader{rig.disk(), rig.store().id()};
        CHECK(reader.entry(entry.lsn) == entry);
    }
    if (told.capacity > 0) {
        const auto& stock = rig.store().state().event(0).stock;
        CHECK(stock.capacity == told.capacity);
        CHECK(stock.sold >= told.sales.size());
    }
    const auto at_rest = rig.close();
    CHECK(audit_store(*at_rest).ok());
}

/// Opens the store on `disk` and works until the power goes after `left` operations; what the
/// disk is then.
std::unique_ptr<MemoryDirectory> run_until_cut(std::unique_ptr<MemoryDirectory> disk,
                                               std::uint64_t left, Acknowledged& told, bool& done,
                                               Unsynced unsynced, std::uint32_t seed) {
    auto* raw = disk.get();
    cut_power_after(*raw, left);
    auto before = disk->after_crash(Unsynced::kKept);
    try {
        StoreRig rig{std::move(disk)};
        done = work(rig, told);
        return rig.crash(unsynced, seed);
    } catch (const StoreDamaged& damage) {
        FAIL("refused to start: ", damage.what());
    } catch (const StoreUnavailable&) {
        // The power went during recovery. The rig took the disk with it, so do that again, by hand.
        cut_power_after(*before, left);
        try {
            const OwnerLock owner{*before};
            auto recovered = recover(*before, StoreRig::kSegmentBytes);
            StockFile::open(*before, recovered.base.store);
        } catch (const StoreUnavailable&) {
        }
        return before->after_crash(unsynced, seed);
    }
    return nullptr;
}

}  // namespace

// Within a recovery the next cut comes at most so many operations later.
constexpr unsigned kRecoveryStride = testing::kIsSanitized ? 15 : 3;

TEST_CASE("what was told survives a power cut at every operation, and another in the recovery") {
    const auto start = static_cast<std::uint32_t>(testing::test_seed());
    CAPTURE(start);
    std::mt19937 random{start};
    std::size_t cuts = 0;
    for (const auto unsynced : {Unsynced::kLost, Unsynced::kKept, Unsynced::kTorn}) {
        bool finished = false;
        for (std::uint64_t first = 0; !finished; ++first) {
            CAPTURE(first);
            Acknowledged told;
            auto disk = run_until_cut(std::make_unique<MemoryDirectory>(), first, told, finished,
                                      unsynced, static_cast<std::uint32_t>(random()));
            check_acknowledged(*disk, told);
            bool recovered = false;
            for (std::uint64_t second = 0; !recovered; second += 1 + random() % kRecoveryStride) {
                CAPTURE(second);
                auto told_again = told;
                auto twice =
                    run_until_cut(disk->after_crash(Unsynced::kKept), second, told_again, recovered,
                                  unsynced, static_cast<std::uint32_t>(random()));
                check_acknowledged(*twice, told_again);
                ++cuts;
            }
        }
    }
    MESSAGE(cuts, " power cuts");
    CHECK(cuts > (testing::kIsSanitized ? 100 : 500));
}
