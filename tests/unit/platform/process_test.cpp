#include "server/platform/process.h"

#include <doctest/doctest.h>
#include <sys/resource.h>

#include <algorithm>
#include <thread>

namespace ticketd::platform {
namespace {

int niceness_of_this_thread() {
    return ::getpriority(PRIO_PROCESS, 0);
}

}  // namespace

TEST_CASE("a thread that gives way does so alone") {
    constexpr int kNicest = 19;
    const int before = niceness_of_this_thread();
    int nicer = before;
    std::thread{[&] {
        give_way();
        nicer = niceness_of_this_thread();
    }}.join();
    CHECK(nicer == std::min(before + 10, kNicest));
    CHECK(niceness_of_this_thread() == before);
}

}  // namespace ticketd::platform
