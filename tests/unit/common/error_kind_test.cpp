#include "common/error_kind.h"

#include <doctest/doctest.h>

using namespace ticketd;

TEST_CASE("kinds are found by their wire name") {
    CHECK(find_error_kind("sold_out") == ErrorKind::kSoldOut);
    CHECK(find_error_kind("storage_full") == ErrorKind::kStorageFull);
    CHECK_FALSE(find_error_kind("Sold_out").has_value());
}

TEST_CASE("codes, retries and exit codes are those of the contract") {
    const auto check = [](ErrorKind kind, int code, Retry retry, int exit) {
        const auto& info = error_kind_info(kind);
        CAPTURE(info.name);
        CHECK(info.code == code);
        CHECK(info.retry == retry);
        CHECK(info.client_exit == exit);
    };
    check(ErrorKind::kSoldOut, 1001, Retry::kNewKey, 10);
    check(ErrorKind::kNeverSatisfiable, 1001, Retry::kNewKey, 10);
    check(ErrorKind::kLimitReached, 1003, Retry::kNever, 12);
    check(ErrorKind::kKeyMismatch, 1006, Retry::kNever, 15);
    check(ErrorKind::kNotFound, 1007, Retry::kNever, 16);
    check(ErrorKind::kCapacityBelowCommitted, 1008, Retry::kNever, 17);
    check(ErrorKind::kBusy, 1011, Retry::kSameKey, 75);
    check(ErrorKind::kDenied, 1012, Retry::kNever, 77);
    check(ErrorKind::kStorageFull, 1013, Retry::kSameKey, 74);
    check(ErrorKind::kInvalidParams, -32602, Retry::kNever, 65);
}
