// No reply leaves before the fdatasync of what it rests on has returned (guarantee 3), read off a
// trace of the daemon's system calls.
//
// strace writes the begin of a call before the kernel runs it and the end after, so the order of
// lines is proof: a reply's send must begin below the end of an fdatasync that began below the end
// of the write of its entry. Entries are recognized by their keys, replies by ids equal to the
// keys.
#include <doctest/doctest.h>

#include <map>
#include <set>
#include <sstream>
#include <thread>

#include "tests/fault/strace.h"
#include "tests/support/daemon.h"

namespace ticketd::testing {
namespace {

using Keys = std::set<std::string>;

// "key-<digits>-" wherever it stands.
Keys keys_in(const std::string& text) {
    Keys keys;
    for (auto at = text.find("key-"); at != std::string::npos; at = text.find("key-", at + 1)) {
        const auto end = text.find('-', at + 4);
        if (end != std::string::npos) keys.insert(text.substr(at, end - at));
    }
    return keys;
}

// The LSNs that replies in `text` name; strace escapes quotes.
std::vector<std::uint64_t> lsns_in(const std::string& text) {
    const std::string mark = R"(\"lsn\":)";
    std::vector<std::uint64_t> lsns;
    for (auto at = text.find(mark); at != std::string::npos; at = text.find(mark, at + 1))
        lsns.push_back(std::stoull(text.substr(at + mark.size())));
    return lsns;
}

// Follows the trace line by line.
class Trace {
  public:
    void add(const std::string& line) {
        std::istringstream words{line};
        std::string thread, call;
        words >> thread >> call;
        const bool ends = line.find(" = ") != std::string::npos;
        if (call.starts_with("pwrite")) begins_write(thread, line);
        if (call.starts_with("fdatasync")) syncing_[thread] = written_;
        if (call.starts_with("send")) check_reply(line);
        if (!ends || line.find("= -1") != std::string::npos) return;
        if (line.find("pwrite") != std::string::npos) written_.merge(writing_[thread]);
        if (line.find("fdatasync") != std::string::npos) durable_.merge(syncing_[thread]);
    }

    std::size_t replies() const { return replies_; }
    std::size_t durable() const { return durable_.size(); }
    const std::vector<std::string>& problems() const { return problems_; }

  private:
    void begins_write(const std::string& thread, const std::string& line) {
        writing_[thread] = keys_in(line);
    }

    // LSN 1 is the event, each further entry is one key.
    void check_reply(const std::string& line) {
        for (const auto& key : keys_in(line)) {
            if (line.find("\\\"" + key) == std::string::npos) continue;
            ++replies_;
            const bool is_sale = line.find("order") != std::string::npos;
            if (is_sale && !durable_.contains(key)) problems_.push_back("too early: " + key);
        }
        for (const auto lsn : lsns_in(line)) {
            if (lsn > durable_.size() + 1) {
                problems_.push_back("LSN " + std::to_string(lsn) + " told before it was durable");
            }
        }
    }

    std::map<std::string, Keys> writing_, syncing_;
    Keys written_, durable_;
    std::size_t replies_ = 0;
    std::vector<std::string> problems_;
};

void buy(const std::string& socket, int buyer, int purchases) {
    Rpc rpc{socket};
    for (int i = 0; i < purchases; ++i) {
        const auto key = "key-" + std::to_string(buyer * 1000 + i) + "-";
        rpc.send(request_line(key, "purchase", {{"key", key}}) +
                 R"({"jsonrpc":"2.0","id":0,"method":"query"})" + "\n");
        static_cast<void>(rpc.receive());
        static_cast<void>(rpc.receive());
    }
}

TEST_SUITE_BEGIN("sync_order");

TEST_CASE("no reply leaves before the sync of what it rests on") {
    if (!can_trace()) return;
    const ScratchDirectory scratch;
    const auto file = scratch / "trace";
    constexpr int kBuyers = 8, kPurchases = 40;
    {
        DaemonOptions options;
        options.arguments = {"--event", "demo=" + std::to_string(kBuyers * kPurchases - 20)};
        options.wrapper =
            tracing(file, {"-s", "100000", "-e",
                           "trace=pwrite64,pwritev,pwritev2,write,fdatasync,fsync,sendto,sendmsg"});
        Daemon daemon{options};
        daemon.start();
        std::vector<std::thread> buyers;
        for (int i = 0; i < kBuyers; ++i)
            buyers.emplace_back([&daemon, i] { buy(daemon.socket(), i, kPurchases); });
        for (auto& buyer : buyers)
            buyer.join();
        CHECK(daemon.stop() == 0);
    }
    Trace trace;
    std::istringstream lines{read_file(file)};
    for (std::string line; std::getline(lines, line);)
        trace.add(line);
    for (const auto& problem : trace.problems())
        FAIL_CHECK(problem);
    CHECK(trace.durable() == kBuyers * kPurchases - 20);
    CHECK(trace.replies() == kBuyers * kPurchases);
}

TEST_SUITE_END();

}  // namespace
}  // namespace ticketd::testing
