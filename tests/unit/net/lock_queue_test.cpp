#include "server/net/lock_queue.h"

#include <doctest/doctest.h>

#include <string>

using namespace std::chrono_literals;
using ticketd::net::LockQueue;

namespace {

LockQueue::Time in(std::chrono::milliseconds time) {
    return std::chrono::steady_clock::now() + time;
}

}  // namespace

TEST_CASE("parked requests are tried in order until the lock is free") {
    asio::io_context loop;
    LockQueue queue{loop};
    int tries_left = 3;
    std::string log;
    const auto never = [] { FAIL("must not give up"); };
    queue.park(1, in(10s), [&] { return --tries_left <= 0 && (log += 'a', true); }, never);
    queue.park(1, in(10s), [&] { return tries_left <= 0 && (log += 'b', true); }, never);
    CHECK(queue.has_waiting(1));
    CHECK_FALSE(queue.has_waiting(2));
    loop.run();
    CHECK(log == "ab");
    CHECK(queue.waiting() == 0);
    CHECK_FALSE(queue.has_waiting(1));
}

TEST_CASE("one event's lock delays no other event") {
    asio::io_context loop;
    LockQueue queue{loop};
    std::string log;
    queue.park(1, in(50ms), [] { return false; }, [&] { log += "1 gave up "; });
    queue.park(
        2, in(10s), [&] { return log += "2 done ", true; }, [] { FAIL("must not give up"); });
    loop.run();
    CHECK(log == "2 done 1 gave up ");
}

TEST_CASE("at the end everything that waits gives up") {
    asio::io_context loop;
    LockQueue queue{loop};
    int gave_up = 0;
    queue.park(1, in(10s), [] { return false; }, [&] { ++gave_up; });
    queue.park(2, in(10s), [] { return false; }, [&] { ++gave_up; });
    queue.give_up_all();
    CHECK(gave_up == 2);
    loop.run();
    CHECK(queue.waiting() == 0);
}

TEST_CASE("whoever's time is over gives up behind others whose is not") {
    asio::io_context loop;
    LockQueue queue{loop};
    std::string log;
    const auto until_second_is_gone = [&] { return !log.empty() && (log += "first done", true); };
    queue.park(1, in(10s), until_second_is_gone, [] { FAIL("must not give up"); });
    queue.park(1, in(10ms), [] { return false; }, [&] { log += "second gave up "; });
    loop.run();
    CHECK(log == "second gave up first done");
    CHECK(queue.waiting() == 0);
}

TEST_CASE("once it is closed nobody waits") {
    asio::io_context loop;
    LockQueue queue{loop};
    int gave_up = 0;
    queue.park(1, in(10s), [] { return false; }, [&] { ++gave_up; });
    queue.close();
    queue.park(1, in(10s), [] { return false; }, [&] { ++gave_up; });
    CHECK(gave_up == 2);
    loop.run();
    CHECK(queue.waiting() == 0);
}
