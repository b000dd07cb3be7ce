// The command line of ticket-bench. Not thread-safe (getopt_long(3)).
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "client/failure.h"

namespace ticketd::client {

enum class BenchMethod : std::uint8_t { kPurchase, kQuery, kPing };

struct BenchOptions {
    /// The most connections and requests in flight: what one process may open and remember.
    static constexpr std::uint64_t kClientsMax = 20'000;
    static constexpr std::uint64_t kPipelineMax = 4'096;

    std::string socket_path;
    std::size_t clients = 50;
    std::size_t pipeline = 1;
    std::uint64_t requests = 100'000;  ///< in all; no limit if there is a duration
    std::optional<std::chrono::milliseconds> duration;
    BenchMethod method = BenchMethod::kPurchase;
    std::string event;  ///< empty: the daemon's default
    std::uint64_t quantity = 1;
    bool has_keys = true;
    bool wants_json = false;
    bool wants_help = false;
    bool wants_version = false;
};

/// The failure is `usage`, exit 64.
Outcome<BenchOptions> parse_bench_options(int argc, char* const* argv);

std::string bench_help();

const char* bench_method_name(BenchMethod method);

}  // namespace ticketd::client
