#include "client/bench/options.h"

#include <getopt.h>

#include <array>
#include <limits>
#include <string_view>
#include <utility>

#include "client/numbers.h"
#include "common/duration.h"
#include "common/error_kind.h"
#include "common/names.h"
#include "common/socket_path.h"

namespace ticketd::client {
namespace {

using Problem = std::optional<Failure>;

constexpr std::array kLongOptions{
    option{"socket", required_argument, nullptr, 'S'},
    option{"clients", required_argument, nullptr, 'c'},
    option{"pipeline", required_argument, nullptr, 'p'},
    option{"requests", required_argument, nullptr, 'n'},
    option{"duration", required_argument, nullptr, 'd'},
    option{"method", required_argument, nullptr, 'm'},
    option{"event", required_argument, nullptr, 'e'},
    option{"quantity", required_argument, nullptr, 'Q'},
    option{"no-key", no_argument, nullptr, 'N'},
    option{"json", no_argument, nullptr, 'J'},
    option{"help", no_argument, nullptr, 'h'},
    option{"version", no_argument, nullptr, 'V'},
    option{nullptr, 0, nullptr, 0},
};

template <typename Number>
Problem set_count(Number& slot, std::string_view text, std::uint64_t most) {
    const auto number = parse_number(text);
    if (!number || *number == 0 || *number > most) {
        return usage("'" + std::string{text} + "' is no whole number from 1 to " +
                     std::to_string(most));
    }
    slot = static_cast<Number>(*number);
    return std::nullopt;
}

Problem set_method(BenchOptions& options, std::string_view name) {
    for (const auto method : {BenchMethod::kPurchase, BenchMethod::kQuery, BenchMethod::kPing}) {
        if (name == bench_method_name(method)) {
            options.method = method;
            return std::nullopt;
        }
    }
    return usage("--method is purchase, query or ping, not '" + std::string{name} + "'");
}

Problem set_duration(BenchOptions& options, std::string_view text) {
    options.duration = parse_duration(text);
    if (options.duration && options.duration->count() > 0) return std::nullopt;
    return usage("--duration needs a time with its unit, not '" + std::string{text} + "'");
}

Problem set_option(BenchOptions& options, int letter, const char* value) {
    switch (letter) {
        case 'S': options.socket_path = value; break;
        case 'c': return set_count(options.clients, value, BenchOptions::kClientsMax);
        case 'p': return set_count(options.pipeline, value, BenchOptions::kPipelineMax);
        case 'n': return set_count(options.requests, value, limits::kInteger);
        case 'Q': return set_count(options.quantity, value, limits::kQuantity);
        case 'd': return set_duration(options, value);
        case 'm': return set_method(options, value);
        case 'e':
            options.event = value;
            if (!is_event_name(options.event)) return usage("--event is no event name");
            break;
        case 'N': options.has_keys = false; break;
        case 'J': options.wants_json = true; break;
        case 'h': options.wants_help = true; break;
        case 'V': options.wants_version = true; break;
        default: break;
    }
    return std::nullopt;
}

}  // namespace

const char* bench_method_name(BenchMethod method) {
    switch (method) {
        case BenchMethod::kPurchase: return "purchase";
        case BenchMethod::kQuery: return "query";
        case BenchMethod::kPing: return "ping";
    }
    return "";
}

Outcome<BenchOptions> parse_bench_options(int argc, char* const* argv) {
    BenchOptions options;
    bool has_requests = false;
    optind = 0;
    opterr = 0;
    for (;;) {
        // NOLINTNEXTLINE(concurrency-mt-unsafe): before any other thread could exist
        const int found = ::getopt_long(argc, argv, "-:h", kLongOptions.data(), nullptr);
        if (found == -1) break;
        const std::string word = optind > 0 && optind <= argc ? argv[optind - 1] : "";
        if (found == ':') return usage(word + " needs a value");
        if (found == '?') return usage("there is no option '" + word + "'");
        if (found == 1) return usage("'" + word + "' is one too many");
        has_requests = has_requests || found == 'n';
        if (auto problem = set_option(options, found, optarg)) return *std::move(problem);
    }
    if (optind < argc) return usage(std::string{"'"} + argv[optind] + "' is one too many");
    if (options.duration && has_requests) return usage("give --requests or --duration, not both");
    if (options.duration) options.requests = std::numeric_limits<std::uint64_t>::max();
    if (options.socket_path.empty()) options.socket_path = default_socket_path();
    return options;
}

std::string bench_help() {
    return "usage: ticket-bench [OPTION]...\n"
           "Loads ticketd from many connections, each with a fixed number of requests in flight,\n"
           "and prints how fast it answered. Purchases really buy: use an event made for it.\n"
           "\n"
           "  --socket PATH       where the daemon listens\n"
           "  --clients N         connections (50)\n"
           "  --pipeline N        requests in flight on each of them (1)\n"
           "  --requests N        stop after so many requests in all (100000)\n"
           "  --duration TIME     stop after this time instead\n"
           "  --method NAME       purchase (default), query or ping\n"
           "  --event NAME        which event; not needed if there is only one\n"
           "  --quantity N        tickets in each purchase (1)\n"
           "  --no-key            purchases without a key\n"
           "  --json              print one JSON object\n"
           "  -h, --help          print this\n"
           "  --version           print the version\n"
           "\n"
           "examples:\n"
           "  ticket-bench --clients 15 --requests 20000 --event big\n"
           "  ticket-bench --pipeline 32 --duration 10s --json\n"
           "\n"
           "exit codes: 0 done (refusals are no failure), 64 usage, 69 no daemon or connection\n"
           "lost, 70 other errors among the answers, 75 no answer for 30 s, 76 protocol, 77 "
           "denied\n";
}

}  // namespace ticketd::client
