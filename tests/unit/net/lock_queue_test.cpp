#include "server/net/lock_queue.h"

#include <doctest/doctest.h>

#include <string>

using namespace std::chrono_literals;
using ticketd::net::LockQueue;

TEST_CASE("parked requests are tried in order until the lock is free") {
    asio::io_context loop;
    LockQueue queue{loop, 10s};
    int tries_left = 3;
    std::string log;
    const auto never = [] { FAIL("must not give up"); };
    queue.park(1, [&] { return --tries_left <= 0 && (log += 'a', true); }, never);
    queue.park(1, [&] { return tries_left <= 0 && (log += 'b', true); }, never);
    CHECK(queue.has_waiting(1));
    CHECK_FALSE(queue.has_waiting(2));
    loop.run();
    CHECK(log == "ab");
    CHECK(queue.waiting() == 0);
    CHECK_FALSE(queue.has_waiting(1));
}

TEST_CASE("one event's lock delays no other event") {
    asio::io_context loop;
    LockQueue queue{loop, 50ms};
    std::string log;
    queue.park(1, [] { return false; }, [&] { log += "1 gave up "; });
    queue.park(2, [&] { return log += "2 done ", true; }, [] { FAIL("must not give up"); });
    loop.run();
    CHECK(log == "2 done 1 gave up ");
}

TEST_CASE("at the end everything that waits gives up") {
    asio::io_context loop;
    LockQueue queue{loop, 10s};
    int gave_up = 0;
    queue.park(1, [] { return false; }, [&] { ++gave_up; });
    queue.park(2, [] { return false; }, [&] { ++gave_up; });
    queue.give_up_all();
    CHECK(gave_up == 2);
    loop.run();
    CHECK(queue.waiting() == 0);
}
