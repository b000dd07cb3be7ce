// A log that nobody takes: a pipe that is full, one whose reader is gone, a disk without space for
// it. Lines are dropped; the daemon neither waits nor dies, and still ends as it should.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/descriptor.h"
#include "tests/fault/strace.h"
#include "tests/support/daemon.h"

namespace ticketd::testing {
namespace {

enum class Log : std::uint8_t { kFullPipe, kClosedPipe, kFullDisk };

// Where a daemon's log goes, and what has to stay open meanwhile.
class LogStream {
  public:
    LogStream(const ScratchDirectory& scratch, Log log) {
        if (log == Log::kFullDisk) {
            path_ = "/dev/full";
            return;
        }
        path_ = scratch / "log";
        REQUIRE(::mkfifo(path_.c_str(), 0600) == 0);
        pipe_ = client::Descriptor{::open(path_.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC)};
        REQUIRE(pipe_.is_open());
        if (log == Log::kFullPipe) {
            while (::write(pipe_.number(), "x", 1) == 1) {
            }
        }
    }
    const std::string& path() const { return path_; }
    /// From now on nobody has the pipe open for reading.
    void close() { pipe_ = client::Descriptor{}; }

  private:
    std::string path_;
    client::Descriptor pipe_;
};

Daemon daemon_logging_to(const LogStream& stream) {
    DaemonOptions options;
    options.arguments = {"--event", "demo=1000000"};
    options.process.stderr_path = stream.path();
    return Daemon{options};
}

// Nobody can read that it is ready.
void start(Daemon& daemon, LogStream& stream, Log log) {
    daemon.launch();
    REQUIRE(run_client(daemon.socket(), {"ping", "--wait-ready", "30s"}).exit == 0);
    if (log == Log::kClosedPipe) stream.close();
}

// A line in the log for each: the slot is mended.
void scribble_and_ask(const Daemon& daemon, Rpc& rpc, unsigned times) {
    const client::Descriptor stock{
        ::open((daemon.data_dir() + "/stock").c_str(), O_WRONLY | O_CLOEXEC)};
    REQUIRE(stock.is_open());
    for (unsigned i = 0; i < times; ++i) {
        REQUIRE(::pwrite(stock.number(), "junk", 4, 4096 + 16) == 4);
        REQUIRE(rpc.result("query")["sold"] == 1);
    }
    REQUIRE(rpc.result("server.stats")["slots_restored"] >= times);
}

TEST_SUITE_BEGIN("log_faults");

TEST_CASE("a log that nobody takes holds nobody up, not even the stop") {
    constexpr unsigned kMoreThanQueued = 9000;
    for (const auto log : {Log::kFullPipe, Log::kClosedPipe, Log::kFullDisk}) {
        CAPTURE(static_cast<int>(log));
        const ScratchDirectory scratch;
        LogStream stream{scratch, log};
        auto daemon = daemon_logging_to(stream);
        start(daemon, stream, log);
        auto rpc = daemon.connect();
        CHECK(rpc.result("purchase")["serials"] == Json{1});
        scribble_and_ask(daemon, rpc, kMoreThanQueued);
        CHECK(rpc.result("purchase")["serials"] == Json{2});
        CHECK(daemon.stop() == 0);
        CHECK(daemon.verify().exit == 0);
    }
}

TEST_CASE("a daemon that has to stop at once does so although nobody takes its line") {
    if (!can_trace()) return;
    for (const auto log : {Log::kFullPipe, Log::kClosedPipe, Log::kFullDisk}) {
        CAPTURE(static_cast<int>(log));
        const ScratchDirectory scratch;
        LogStream stream{scratch, log};
        auto daemon = daemon_logging_to(stream);
        daemon.options().wrapper =
            tracing("/dev/null", {"-P", daemon.data_dir() + "/journal-0000000001", "-e",
                                  "trace=fdatasync", "-e", "inject=fdatasync:error=EIO:when=2"});
        start(daemon, stream, log);
        auto rpc = daemon.connect();
        CHECK(rpc.result("query")["sold"] == 0);  // once the event is synced: the first sync
        rpc.send(R"({"jsonrpc":"2.0","id":1,"method":"purchase"})"
                 "\n");
        CHECK(rpc.is_closed_by_peer());
        CHECK(daemon.wait() == 74);
        daemon.options().wrapper.clear();
        daemon.options().process = {};
        daemon.start();
        CHECK(daemon.connect().result("query")["sold"] <= 1);
    }
}

TEST_SUITE_END();

}  // namespace
}  // namespace ticketd::testing
