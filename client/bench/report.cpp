#include "client/bench/report.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <string_view>

#include "common/json_writer.h"

namespace ticketd::client {
namespace {

using Counts = std::map<std::string, std::uint64_t>;

constexpr std::array<std::pair<const char*, unsigned>, 4> kPercentiles{
    {{"p50", 500}, {"p90", 900}, {"p99", 990}, {"p99.9", 999}}};

std::uint64_t microseconds(std::chrono::nanoseconds time) {
    return static_cast<std::uint64_t>((time.count() + 500) / 1000);
}

std::uint64_t per_second(const LoadResult& result) {
    const auto ns = std::max<std::int64_t>(result.elapsed.count(), 1);
    return static_cast<std::uint64_t>(static_cast<double>(result.latencies.count()) * 1e9 /
                                      static_cast<double>(ns));
}

std::uint64_t sales(const BenchOptions& options, const LoadResult& result) {
    return options.method == BenchMethod::kPurchase ? result.counts.results() : 0;
}

std::string counted(const Counts& counts) {
    std::uint64_t sum = 0;
    std::string kinds;
    for (const auto& [kind, count] : counts) {
        sum += count;
        kinds += "  " + kind + ' ' + std::to_string(count);
    }
    return std::to_string(sum) + kinds + '\n';
}

void write_counts(JsonWriter& writer, std::string_view name, const Counts& counts) {
    writer.name(name).begin_object();
    for (const auto& [kind, count] : counts)
        writer.member(kind, count);
    writer.end_object();
}

std::string json(const BenchOptions& options, const LoadResult& result) {
    std::string text;
    JsonWriter writer{text};
    const auto sold = sales(options, result);
    writer.begin_object()
        .member("method", bench_method_name(options.method))
        .member("clients", std::uint64_t{options.clients})
        .member("pipeline", std::uint64_t{options.pipeline})
        .member("requests", result.latencies.count())
        .member("elapsed_us", microseconds(result.elapsed))
        .member("requests_per_second", per_second(result))
        .member("results", result.counts.results())
        .member("sales", sold)
        .member("tickets", sold * options.quantity);
    write_counts(writer, "refusals", result.counts.refusals());
    write_counts(writer, "errors", result.counts.errors());
    writer.name("latency_us").begin_object();
    for (const auto& [name, per_mille] : kPercentiles)
        writer.member(name, microseconds(result.latencies.percentile(per_mille)));
    writer.member("max", microseconds(result.latencies.longest())).end_object().end_object();
    return text + '\n';
}

}  // namespace

std::string report_text(const BenchOptions& options, const LoadResult& result) {
    if (options.wants_json) return json(options, result);
    std::string text = std::string{bench_method_name(options.method)} + ": " +
                       std::to_string(result.latencies.count()) + " requests over " +
                       std::to_string(options.clients) + " connections, " +
                       std::to_string(options.pipeline) + " in flight on each, " +
                       std::to_string(microseconds(result.elapsed) / 1000) + " ms\n";
    text += "requests/s  " + std::to_string(per_second(result)) + '\n';
    if (options.method == BenchMethod::kPurchase) {
        const auto sold = sales(options, result);
        text += "sales       " + std::to_string(sold) + "  tickets " +
                std::to_string(sold * options.quantity) + '\n';
        text += "refusals    " + counted(result.counts.refusals());
    }
    text += "errors      " + counted(result.counts.errors()) + "latency us";
    for (const auto& [name, per_mille] : kPercentiles) {
        text += std::string{"  "} + name + ' ' +
                std::to_string(microseconds(result.latencies.percentile(per_mille)));
    }
    return text + "  max " + std::to_string(microseconds(result.latencies.longest())) + '\n';
}

}  // namespace ticketd::client
