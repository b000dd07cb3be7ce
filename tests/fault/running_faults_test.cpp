// What a daemon that sells does when one of its system calls fails, as a table. Each row is met by
// buying one ticket after the other. What was told before and after holds, also for the next
// daemon, which nothing disturbs.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <optional>
#include <system_error>
#include <vector>

#include "client/wait.h"
#include "tests/fault/fault_row.h"
#include "tests/fault/injector.h"
#include "tests/support/daemon.h"

namespace ticketd::testing::running {
namespace {

enum class Ending : std::uint8_t {
    kGoesOn,    ///< nobody notices
    kWaits,     ///< `storage_full` while it lasts; queries are answered, sales resume by themselves
    kBusy,      ///< `busy` while it lasts; other requests are answered, sales resume by themselves
    kInternal,  ///< what has to be read cannot be answered while it lasts; sales go on
    kStops,     ///< the daemon ends at once with exit 74 and one line; nobody is answered
};

using RunningFault = FaultRow<Ending>;

constexpr auto kGoesOn = Ending::kGoesOn;
constexpr auto kWaits = Ending::kWaits;
constexpr auto kBusy = Ending::kBusy;
constexpr auto kInternal = Ending::kInternal;
constexpr auto kStops = Ending::kStops;

const std::string kJournal = "journal-0000000001";

const std::array kFaults{
    // Writing a group. No space is survived; part of the group may have landed all the same.
    RunningFault{"journal", "pwrite64", "error=ENOSPC:when=1..3", kWaits, ""},
    RunningFault{"journal", "pwrite64", "error=EDQUOT:when=2", kWaits, ""},
    RunningFault{"journal", "pwrite64", "error=EFBIG:when=3", kWaits, ""},
    RunningFault{"journal", "pwrite64", "error=ENOSPC:when=2+", kWaits, ""},
    RunningFault{"journal", "pwrite64", "error=EINTR:when=1..9", kGoesOn, ""},
    RunningFault{"journal", "pwrite64", "error=EIO:when=1", kStops,
                 "write failed: Input/output error"},
    RunningFault{"journal", "pwrite64", "error=EIO:when=3+", kStops,
                 "write failed: Input/output error"},
    RunningFault{"journal", "pwrite64", "error=EROFS:when=2", kStops,
                 "write failed: Read-only file"},
    RunningFault{"journal", "pwrite64", "error=EAGAIN:when=2", kStops, "write failed: "},

    // Making it durable. Whatever the reason, nothing that was written can be trusted after that.
    RunningFault{"journal", "fdatasync", "error=EIO:when=1", kStops,
                 "sync failed: Input/output error"},
    RunningFault{"journal", "fdatasync", "error=EIO:when=4", kStops,
                 "sync failed: Input/output error"},
    RunningFault{"journal", "fdatasync", "error=EIO:when=2+", kStops,
                 "sync failed: Input/output error"},
    RunningFault{"journal", "fdatasync", "error=ENOSPC:when=1", kStops,
                 "sync failed: No space left"},
    RunningFault{"journal", "fdatasync", "error=EDQUOT:when=2", kStops, "sync failed: Disk quota"},
    RunningFault{"journal", "fdatasync", "error=EINTR:when=2", kStops, "sync failed: Interrupted"},

    // The record lock and the slot under it.
    RunningFault{"stock", "fcntl", "error=EINTR:when=1..9", kGoesOn, ""},
    RunningFault{"stock", "fcntl", "error=ENOLCK:when=1", kGoesOn, ""},  // it asks again
    RunningFault{"stock", "fcntl", "error=ENOLCK:when=2", kGoesOn, ""},  // an unlock
    RunningFault{"stock", "fcntl", "error=ENOLCK:when=1+", kBusy, ""},
    RunningFault{"stock", "fcntl", "error=EINVAL:when=1+", kBusy, ""},
    RunningFault{"stock", "fcntl", "error=EBADF:when=1+", kBusy, ""},
    RunningFault{"stock", "fcntl", "error=EDEADLK:when=1+", kBusy, ""},
    RunningFault{"stock", "pread64", "error=EINTR:when=1..9", kGoesOn, ""},
    RunningFault{"stock", "pread64", "error=EIO:when=2", kStops, "stock: "},
    RunningFault{"stock", "pwrite64", "error=EINTR:when=1..9", kGoesOn, ""},
    RunningFault{"stock", "pwrite64", "error=EIO:when=2", kStops, "stock: Input/output error"},

    // Looking up what was sold.
    RunningFault{"journal", "pread64", "error=EINTR:when=1..9", kGoesOn, ""},
    RunningFault{"journal", "pread64", "retval=0:when=1", kGoesOn, ""},
    RunningFault{"journal", "pread64", "retval=0:when=1+", kInternal, ""},
    RunningFault{"journal", "pread64", "error=EIO:when=1+", kInternal, ""},
    RunningFault{"journal", "openat", "error=EMFILE:when=1+", kInternal, ""},
    RunningFault{"journal", "openat", "error=ENOMEM:when=1+", kInternal, ""},

    // Looking whether the files are still in their places.
    RunningFault{"journal", "statx", "error=EACCES:when=2", kStops, "removed or replaced"},
};

std::vector<std::string> options_of(const Daemon& daemon, const RunningFault& fault) {
    const auto file = fault.file == std::string{"journal"} ? kJournal : std::string{fault.file};
    auto options = injection(fault.call, fault.inject);
    options.insert(options.end(), {"-P", daemon.data_dir() + "/" + file, "-P", file});
    return options;
}

std::string purchase_with_key(int number) {
    const Json params{{"event", "demo"}, {"key", "k" + std::to_string(number)}};
    return request_line(1, "purchase", params);
}

// What one purchase after the other came to, with the keys k0, k1, …
struct Purchases {
    int sold = 0;          ///< answered with a sale
    int storage_full = 0;  ///< refusals on the way
    int busy = 0;
    bool is_closed = false;  ///< no answer: the connection ended
};

// Asks with one key until it is sold, or refused `patience` times.
void buy_one(Rpc& rpc, Purchases& bought, int patience) {
    for (int refused = 0; refused < patience; ++refused) {
        rpc.send(purchase_with_key(bought.sold));
        if (rpc.is_closed_by_peer()) {
            bought.is_closed = true;
            return;
        }
        const auto reply = rpc.receive();
        if (reply.contains("result")) {
            CHECK(reply["result"]["serials"] == Json{++bought.sold});
            CHECK_FALSE(reply["result"].contains("replayed"));
            return;
        }
        CHECK(reply["error"]["data"]["retry"] == "same_key");
        const auto kind = reply["error"]["data"]["kind"];
        CHECK((kind == "storage_full" || kind == "busy"));
        ++(kind == "busy" ? bought.busy : bought.storage_full);
        if (kind == "storage_full")
            CHECK(rpc.result("query", {{"event", "demo"}})["sold"] == bought.sold);
        CHECK(rpc.result("ping").is_object());
        client::pause_for(std::chrono::milliseconds{20}, client::Clock::now() + kPatience);
    }
}

Purchases buy(Rpc& rpc, int tickets, int patience) {
    Purchases bought;
    while (bought.sold < tickets && !bought.is_closed) {
        const auto before = bought.sold;
        buy_one(rpc, bought, patience);
        if (bought.sold == before) break;
    }
    return bought;
}

// The next daemon has all of it, and carries out what was not answered, once.
void check_next_daemon(Daemon& daemon, int sold) {
    CHECK(daemon.verify().exit == 0);
    daemon.start();
    auto rpc = daemon.connect();
    for (int i = 0; i <= sold; ++i) {
        rpc.send(purchase_with_key(i));
        CHECK(rpc.receive().at("result").at("serials") == Json{i + 1});
    }
    CHECK(rpc.result("query", {{"event", "demo"}})["sold"] == sold + 1);
    CHECK(rpc.result("ledger.verify")["ok"] == true);
    CHECK(daemon.stop() == 0);
}

void check_stops(Daemon& daemon, const Purchases& bought, const RunningFault& fault) {
    CHECK(bought.is_closed);
    CHECK(daemon.wait() == 74);
    const auto line = daemon.log().find("stopped at once: ");
    REQUIRE(line != std::string::npos);
    const auto said = daemon.log().substr(line);
    CHECK(said.find(fault.says) != std::string::npos);
    CHECK(std::count(said.begin(), said.end(), '\n') == 1);
}

void check_nothing_is_read(Daemon& daemon, Rpc& rpc) {
    CHECK(rpc.kind("order", {{"key", "k0"}}) == "internal");
    auto watcher = daemon.connect();
    watcher.result("watch", {{"since_lsn", 0}});
    const auto end = watcher.receive();
    CHECK(end["id"] == nullptr);
    const auto& data = end.at("error").at("data");
    CHECK(data.at("kind") == "internal");
    CHECK(data.at("subscription") == 1);
    CHECK(data.at("since_lsn") == 0);
    CHECK(watcher.kind("unwatch", {{"subscription", 1}}) == "not_found");
    const auto watching = client(daemon, {"watch", "--since", "0", "--timeout", "10s"});
    CHECK(watching.exit == 70);
    CHECK(watching.error.find("subscription 2 ends: ") != std::string::npos);
}

void check_row(const RunningFault& fault) {
    auto daemon = Daemon::with_events({"demo=1000", "other=10"}, {{"lock_timeout_ms", 100}});
    auto rpc = daemon.connect();
    rpc.result("query", {{"event", "other"}});  // both events are durable
    Purchases bought;
    {
        const Injector injector{daemon, options_of(daemon, fault)};
        bought = buy(rpc, 8, 3);
        if (fault.outcome == kStops) check_stops(daemon, bought, fault);
        if (fault.outcome == kInternal) check_nothing_is_read(daemon, rpc);
        if (fault.outcome == kGoesOn) CHECK(rpc.kind("order", {{"key", "k0"}}).empty());
    }
    if (fault.outcome == kStops) return check_next_daemon(daemon, bought.sold);
    CHECK(Injector::injected(daemon) > 0);
    CHECK_FALSE(bought.is_closed);
    CHECK((bought.storage_full > 0) == (fault.outcome == kWaits));
    CHECK((bought.busy > 0) == (fault.outcome == kBusy));
    while (bought.sold < 8)
        buy_one(rpc, bought, 100);
    CHECK(rpc.result("order", {{"key", "k0"}})["serials"] == Json{1});
    CHECK(rpc.result("ledger.verify")["ok"] == true);
    CHECK(daemon.stop() == 0);
    check_next_daemon(daemon, bought.sold);
}

// What takes a group off a full disk again, durably, and reserves its space anew.
struct CutFault {
    const char* call;
    const char* inject;
    Ending outcome;
};
const std::array kCutFaults{
    CutFault{"ftruncate", "error=EIO:when=1", kStops},
    CutFault{"ftruncate", "error=EINTR:when=1", kStops},
    CutFault{"fdatasync", "error=EIO:when=1", kStops},
    CutFault{"fdatasync", "error=ENOSPC:when=1+", kStops},
    CutFault{"fallocate", "error=ENOSPC:when=1..2", kWaits},
    CutFault{"fallocate", "error=EIO:when=1..2", kWaits},
};

void check_cut(const CutFault& cut) {
    auto daemon = Daemon::with_events({"demo=1000"});
    auto rpc = daemon.connect();
    rpc.result("query");  // the event is durable
    Purchases bought;
    {
        const std::string call{cut.call};
        const Injector injector{
            daemon,
            {"-P", daemon.data_dir() + "/" + kJournal, "-e", "trace=pwrite64," + call, "-e",
             "inject=pwrite64:error=ENOSPC:when=1", "-e", "inject=" + call + ":" + cut.inject}};
        bought = buy(rpc, 3, 100);
        const RunningFault fault{"", "", "", kStops,
                                 "a group that found no space cannot be taken back"};
        if (cut.outcome == kStops) check_stops(daemon, bought, fault);
    }
    if (cut.outcome == kWaits) {
        CHECK(Injector::injected(daemon) > 0);
        CHECK(bought.storage_full > 0);
        CHECK(bought.sold == 3);
        CHECK(daemon.stop() == 0);
    }
    check_next_daemon(daemon, bought.sold);
}

// Who is there already buys on; who comes is served when there are descriptors again.
void check_accepting(const std::string& error, const std::string& when) {
    auto daemon = Daemon::with_events({"demo=1000"});
    auto rpc = daemon.connect();
    rpc.result("query");
    std::optional<Rpc> newcomer;
    {
        const Injector injector{
            daemon,
            {"-e", "trace=accept4", "-e", "inject=accept4:error=" + error + ":when=" + when}};
        newcomer.emplace(daemon.connect());
        CHECK(buy(rpc, 3, 1).sold == 3);
        newcomer->send(purchase_with_key(3));
        if (when.find('+') == std::string::npos) CHECK(newcomer->has_input(kPatience));
    }
    CHECK(Injector::injected(daemon) > 0);
    CHECK(newcomer->receive()["result"]["serials"] == Json{4});
    CHECK(daemon.connect().result("query")["sold"] == 4);
    CHECK(daemon.stop() == 0);
    check_next_daemon(daemon, 4);
}

// The daemon may have ended by then.
void ask(Rpc& rpc, int key) {
    try {
        rpc.send(purchase_with_key(key));
    } catch (const std::system_error&) {
        MESSAGE("not asked: " << key);
    }
}

TEST_SUITE_BEGIN("running_faults");

TEST_CASE("a system call that fails while tickets are sold does what the table says") {
    if (!can_trace() || !can_attach()) return;
    for (const auto& fault : kFaults) {
        const auto row = name_of(fault);
        CAPTURE(row);
        check_row(fault);
    }
}

TEST_CASE("nobody who waits for a sync that fails is answered, and each can ask again") {
    if (!can_trace() || !can_attach()) return;
    constexpr int kBuyers = 12;
    for (const std::string when : {"1", "1+"}) {
        auto daemon = Daemon::with_events({"demo=1000"});
        daemon.connect().result("query");
        std::vector<Rpc> buyers;
        for (int i = 0; i < kBuyers; ++i)
            buyers.push_back(daemon.connect());
        {
            const Injector injector{
                daemon,
                {"-P", daemon.data_dir() + "/" + kJournal, "-e", "trace=fdatasync", "-e",
                 "inject=fdatasync:error=EIO:when=" + when}};
            int key = 0;
            for (auto& buyer : buyers)
                ask(buyer, key++);
            for (auto& buyer : buyers)
                CHECK(buyer.is_closed_by_peer());
            CHECK(daemon.wait() == 74);
        }
        CHECK(daemon.verify().exit == 0);
        daemon.start();
        auto rpc = daemon.connect();
        for (int i = 0; i < kBuyers; ++i) {
            rpc.send(purchase_with_key(i));
            CHECK(rpc.receive().contains("result"));
        }
        CHECK(rpc.result("query")["sold"] == kBuyers);
        CHECK(rpc.result("ledger.verify")["ok"] == true);
    }
}

TEST_CASE("a group that cannot be taken off a full disk stops the daemon") {
    if (!can_trace() || !can_attach()) return;
    for (const auto& cut : kCutFaults) {
        const auto row = std::string{cut.call} + " " + cut.inject;
        CAPTURE(row);
        check_cut(cut);
    }
}

TEST_CASE("a daemon that cannot accept sells on and accepts later") {
    if (!can_trace() || !can_attach()) return;
    for (const std::string error : {"EMFILE", "ENFILE", "ECONNABORTED", "ENOMEM"}) {
        for (const std::string when : {"1", "1..4", "1+"}) {
            CAPTURE(error);
            CAPTURE(when);
            check_accepting(error, when);
        }
    }
}

TEST_SUITE_END();

}  // namespace
}  // namespace ticketd::testing::running
