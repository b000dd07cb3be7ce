// While others misbehave, a well-behaved client waits little longer than it does when all is quiet,
// and the daemon's memory, descriptors and CPU time stay bounded.
#include <doctest/doctest.h>

#include <cmath>
#include <iomanip>
#include <sstream>

#include "tests/support/hostile.h"

namespace ticketd::testing {
namespace {

using namespace std::chrono_literals;
using std::chrono::microseconds;

struct Attack {
    const char* name;
    std::vector<std::string> words;
    /// Whether the daemon has nothing to do for it once it is at full strength, or it keeps a core
    /// busy for as long as it lasts.
    enum class Kind : std::uint8_t { kIdle, kBusy } kind;
};

// Below this a p99 says more about the machine, where on two cores everybody also waits for
// everybody's time slice, than about the daemon.
constexpr microseconds kFloor = 8ms;
constexpr int kRounds = 8;
constexpr int kPurchases = 300;
// The journal keeps its next segment open as well, for a while.
constexpr std::size_t kStoreDescriptors = 2;

std::string figures(const Latency& latency) {
    std::ostringstream text;
    text << std::fixed << std::setprecision(2) << static_cast<double>(latency.median.count()) / 1000
         << "/" << static_cast<double>(latency.p99.count()) / 1000 << " ms";
    return text.str();
}

std::string figures(const Usage& before, const Usage& during, double share) {
    std::ostringstream text;
    text << "memory " << before.resident_kib << " to " << during.resident_kib
         << " KiB; descriptors " << before.descriptors << " to " << during.descriptors
         << "; CPU beside purchases " << std::lround(share * 100) << " %";
    return text.str();
}

class Attacked {
  public:
    Attacked()
        : daemon_(open_daemon({"demo=1000000000"}, kPatientConfig)),
          decoy_(open_daemon({"demo=1"}, kPatientConfig)),
          good_(daemon_.connect()) {}

    // Whether the others' p99 stayed within twice its quiet value. An attack that keeps a core busy
    // makes everybody wait for that core, also those who have nothing to do with the daemon; so
    // for such an attack it is quiet too while it goes on against another daemon.
    bool run(const Attack& attack) {
        auto line = "p50/p99 " + figures(measure_quiet()) + " quiet, ";
        if (attack.kind == Attack::Kind::kBusy) {
            const auto elsewhere = start(decoy_, attack);
            line += figures(measure_quiet()) + " while another daemon is attacked, ";
        }
        const auto before = usage_of(daemon_.pid());
        auto attacker = start(daemon_, attack);
        const auto attacked = measure_purchases(good_, kPurchases);
        const auto share = cpu_share(daemon_.pid(), 300ms);
        const auto during = usage_of(daemon_.pid());
        MESSAGE(std::string{attack.name} << ": " << line << figures(attacked) << " attacked; "
                                         << figures(before, during, share));
        CHECK(during.resident_kib - before.resident_kib < 128 * 1024);
        if (attack.kind == Attack::Kind::kIdle) CHECK(share < 0.05);
        attacker.kill(SIGKILL);
        attacker.wait();
        good_.wait_for_stat("connections", 1);
        wait_for_descriptors_at_most(daemon_.pid(), before.descriptors + kStoreDescriptors);
        return attacked.p99 <= std::max(2 * quiet_p99_, kFloor);
    }

    void check(const Attack& attack) {
        const std::string name = attack.name;
        CAPTURE(name);
        bool passed = false;
        for (int round = 0; round < kRounds && !passed; ++round)
            passed = run(attack);
        CHECK(passed);
    }

    Rpc& good() { return good_; }

  private:
    Latency measure_quiet() {
        const auto quiet = measure_purchases(good_, kPurchases);
        quiet_p99_ = std::max(quiet_p99_, quiet.p99);
        return quiet;
    }

    static Process start(const Daemon& daemon, const Attack& attack) {
        auto attacker = start_attacker(daemon, attack.words);
        REQUIRE(attacker.wait_for_output("ready"));
        return attacker;
    }

    // The deadlines have tests of their own; here nobody is dropped for silence.
    inline static const Json kPatientConfig{
        {"limits", {{"first_byte_ms", 600'000}, {"message_ms", 600'000}}}};

    Daemon daemon_, decoy_;
    Rpc good_;
    // The worst so far: what else the machine does comes and goes.
    microseconds quiet_p99_{0};
};

constexpr auto kIdle = Attack::Kind::kIdle;
constexpr auto kBusy = Attack::Kind::kBusy;
const std::string kOneTicket = R"({"jsonrpc":"2.0","id":1,"method":"purchase"})";
const std::string kThousandTickets =
    R"({"jsonrpc":"2.0","id":1,"method":"purchase","params":{"quantity":1000}})";

TEST_SUITE_BEGIN("hostile_latency");

TEST_CASE("clients that say nothing, or too little, cost the others nothing") {
    Attacked daemon;
    daemon.check({"2000 silent connections", {"silent", "2000"}, kIdle});
    daemon.check({"500 connections, one byte a second each", {"drip", "500"}, kIdle});
    daemon.check({"half a message, then close", {"half", "10"}, kBusy});
}

TEST_CASE("clients that never read cost the others nothing") {
    Attacked daemon;
    daemon.check({"100 buyers who never read", {"deaf", "100", kOneTicket}, kIdle});
    daemon.check({"100 large orders, never read", {"deaf", "100", kThousandTickets}, kIdle});
}

TEST_CASE("a crowd that is refused and comes again at once costs the others little") {
    Attacked daemon;
    daemon.check({"crowd beyond the limit", {"crowd", "2100"}, kBusy});
}

TEST_CASE("bombs cost the others little") {
    Attacked daemon;
    for (const std::string bomb : {"depth", "members", "digits", "fraction", "exponent", "escapes",
                                   "id", "batch", "lines", "pings", "notifications"}) {
        daemon.check({bomb.c_str(), {"bomb", "20", bomb}, kBusy});
    }
    CHECK(daemon.good().result("ledger.verify")["ok"] == true);
}

TEST_CASE("descriptors, credentials and urgent bytes cost the others little") {
    Attacked daemon;
    daemon.check({"descriptors, urgent bytes", {"ancillary", "20"}, kBusy});
}

TEST_SUITE_END();

}  // namespace
}  // namespace ticketd::testing
