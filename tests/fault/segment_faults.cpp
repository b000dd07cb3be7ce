#include "tests/fault/segment_faults.h"

#include <doctest/doctest.h>

#include "client/wait.h"
#include "tests/fault/fill.h"
#include "tests/fault/injector.h"

namespace ticketd::testing {

std::vector<std::string> options_of(const Daemon& daemon, const Fault& fault) {
    const std::string file{fault.file};
    auto options = injection(fault.call, fault.inject);
    options.insert(options.end(), {"-P", daemon.data_dir() + (file == "." ? "" : "/" + file)});
    if (file != ".") options.insert(options.end(), {"-P", file});
    return options;
}

Bought buy(Rpc& rpc, int patience) {
    Bought bought;
    while (!bought.is_sold && bought.refused < patience) {
        rpc.send(R"({"jsonrpc":"2.0","id":1,"method":"purchase"})"
                 "\n");
        if (rpc.is_closed_by_peer()) {
            bought.is_closed = true;
            break;
        }
        const auto reply = rpc.receive();
        bought.is_sold = reply.contains("result");
        if (bought.is_sold) break;
        ++bought.refused;
        CHECK(reply["error"]["data"]["kind"] == "storage_full");
        CHECK(reply["error"]["data"]["retry"] == "same_key");
        CHECK(rpc.result("query").contains("sold"));
        client::pause_for(std::chrono::milliseconds{20}, client::Clock::now() + kPatience);
    }
    return bought;
}

void check_next_daemon(Daemon& daemon, std::uint64_t sold_at_least, std::uint64_t sold_at_most) {
    const auto verdict = daemon.verify();
    CAPTURE(verdict.error);
    CHECK(verdict.exit == 0);
    daemon.start();
    auto rpc = daemon.connect();
    const auto sold = rpc.result("query")["sold"].get<std::uint64_t>();
    CHECK(sold >= sold_at_least);
    CHECK(sold <= sold_at_most);
    CHECK(rpc.result("purchase")["serials"] == Json{sold + 1});
    CHECK(rpc.result("ledger.verify")["ok"] == true);
    CHECK(daemon.stop() == 0);
}

void check_stopped(Daemon& daemon, const Fault& fault) {
    CHECK(daemon.wait() == 74);
    const auto& log = daemon.log();
    CAPTURE(log);
    const auto at = log.find("stopped at once: ");
    REQUIRE(at != std::string::npos);
    CHECK(log.substr(at, log.find('\n', at) - at).find(fault.says) != std::string::npos);
    CHECK(log.find("stopped at once: ", at + 1) == std::string::npos);
}

void check_goes_on(Daemon& daemon, std::uint64_t sold) {
    CAPTURE(daemon.log());
    CHECK(Injector::injected(daemon) > 0);
    auto rpc = daemon.connect();
    CHECK(rpc.result("query")["sold"] == sold);
    CHECK(buy(rpc, 100).is_sold);
    CHECK(daemon.stop() == 0);
    check_next_daemon(daemon, sold + 1, sold + 1);
}

Daemon daemon_with_room(std::uint64_t room, std::uint64_t& sold) {
    auto daemon = Daemon::with_events({"demo=1000000000"});
    sold = fill_segment(daemon.socket(), "demo", room);
    return daemon;
}

}  // namespace ticketd::testing
