// What is left of the log of a client that was killed.
#include "tests/fault/history_log.h"

#include <doctest/doctest.h>

namespace ticketd::testing {
namespace {

TEST_SUITE_BEGIN("history");

TEST_CASE("a client killed while it writes leaves all the answers to a batch, or none") {
    std::vector<Op> ops{new_op(Deed::kPurchase, "demo"), new_op(Deed::kHold, "demo")};
    ops[1].number = 1;
    const auto begun = line_of(ops) + "\n";
    for (auto& op : ops)
        op.answer = Answer::kOk;
    const auto log = begun + line_of(ops) + "\n";
    for (auto size = begun.size(); size <= log.size(); ++size) {
        const auto left = ops_in(log.substr(0, size));
        REQUIRE(left.size() == 2);
        CHECK(left[0].answer == left[1].answer);
        CHECK((left[0].answer == Answer::kOk) == (size == log.size()));
    }
}

TEST_SUITE_END();

}  // namespace
}  // namespace ticketd::testing
