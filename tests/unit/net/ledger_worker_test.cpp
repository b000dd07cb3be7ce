#include "server/net/ledger_worker.h"

#include <doctest/doctest.h>

#include <atomic>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/support/store_rig.h"

using namespace ticketd;
using namespace ticketd::net;
using store::LedgerReader;
using tests::StoreRig;

namespace {

/// A worker whose thread is busy until it is let go on; what it read then is told in order.
class Worker {
  public:
    Worker() {
        worker_.run(
            0,
            [this](LedgerReader&) {
                is_free_.wait(false);
                return std::string{};
            },
            [](const std::string&) {}, fail);
    }

    void ask(std::uint64_t connection, const std::string& what) {
        ++expected_;
        worker_.run(
            connection, [what](LedgerReader&) { return what; },
            [this](const std::string& read) { told_.push_back(read); }, fail);
    }

    std::vector<std::string> told() {
        is_free_ = true;
        is_free_.notify_all();
        const auto keep_running = asio::make_work_guard(loop_);
        while (told_.size() < expected_)
            loop_.run_one();
        return told_;
    }

  private:
    static void fail(const std::string& what) { FAIL(what); }

    StoreRig rig_;
    asio::io_context loop_;
    std::atomic<bool> is_free_{false};
    std::vector<std::string> told_;
    std::size_t expected_ = 0;
    LedgerWorker worker_{loop_, rig_.disk(), rig_.store().id()};
};

}  // namespace

TEST_CASE("whoever asks the ledger for one thing does not wait for all that another asked for") {
    Worker worker;
    for (const char* const what : {"a1", "a2", "a3"})
        worker.ask(1, what);
    worker.ask(2, "b1");
    worker.ask(3, "c1");
    worker.ask(3, "c2");
    CHECK(worker.told() == std::vector<std::string>{"a1", "b1", "c1", "a2", "c2", "a3"});
}

TEST_CASE("a read that failed is told, and the next goes on") {
    StoreRig rig;
    asio::io_context loop;
    std::string failure, read;
    const auto fail = [&failure](const std::string& what) { failure = what; };
    LedgerWorker worker{loop, rig.disk(), rig.store().id()};
    worker.run(
        1, [](LedgerReader&) -> std::string { throw std::runtime_error{"damaged"}; },
        [](const std::string&) { FAIL("not to be called"); }, fail);
    worker.run(
        1, [](LedgerReader&) { return std::string{"an entry"}; },
        [&read](const std::string& what) { read = what; }, fail);
    const auto keep_running = asio::make_work_guard(loop);
    while (read.empty())
        loop.run_one();
    CHECK(failure == "damaged");
    CHECK(read == "an entry");
}
