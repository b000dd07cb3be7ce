// ticket-bench: how fast does ticketd answer? See bench_help().
#include <sys/resource.h>

#include <csignal>
#include <exception>

#include "client/bench/load.h"
#include "client/bench/options.h"
#include "client/bench/report.h"
#include "client/streams.h"
#include "common/error_kind.h"

namespace {

using namespace ticketd::client;

int show(const std::string& text) {
    const auto failure = write_result(text);
    return failure ? report(*failure) : ticketd::client_exit::kDone;
}

// Each connection is a descriptor; the usual soft limit of 1024 would be the smaller number.
void allow_many_connections() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    limit.rlim_cur = limit.rlim_max;
    static_cast<void>(::setrlimit(RLIMIT_NOFILE, &limit));
}

int run(int argc, char** argv) {
    const auto parsed = parse_bench_options(argc, argv);
    if (const auto* failure = failure_of(parsed)) return report(*failure);
    const auto& options = std::get<BenchOptions>(parsed);
    if (options.wants_help) return show(bench_help());
    if (options.wants_version) return show("ticket-bench " TICKETD_VERSION "\n");

    allow_many_connections();
    const auto outcome = run_load(options);
    if (const auto* failure = failure_of(outcome)) return report(*failure);
    const auto& result = std::get<LoadResult>(outcome);
    if (const int code = show(report_text(options, result)); code != 0) return code;
    if (result.counts.errors().empty()) return ticketd::client_exit::kDone;
    return report({"errors", ticketd::client_exit::kInternal,
                   "some answers were neither results nor refusals"});
}

}  // namespace

int main(int argc, char** argv) {
    std::signal(SIGPIPE, SIG_IGN);
    try {
        return run(argc, argv);
    } catch (const std::exception& error) {
        return report({"internal", ticketd::client_exit::kInternal, error.what()});
    }
}
