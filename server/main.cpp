// ticketd: start-up, from the command line to the loop in daemon.cpp, and the offline check.
#include <spdlog/async.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <cstdio>
#include <cstdlib>
#include <exception>

#include "common/check.h"
#include "common/error_kind.h"
#include "common/progress_line.h"
#include "server/daemon.h"
#include "server/options.h"
#include "server/platform/posix_file.h"
#include "server/platform/process.h"
#include "server/store/audit.h"
#include "server/store/store_error.h"

namespace ticketd {
namespace {

/// Log lines go to stderr from a thread of their own through a bounded queue that forgets its
/// oldest, so that nobody who sells ever waits for a terminal or a full pipe.
void start_logging(const std::string& level) {
    constexpr std::size_t kQueuedLines = 8192;
    const platform::SignalsHeldBack held_back;
    spdlog::init_thread_pool(kQueuedLines, 1);
    auto sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
    auto logger =
        std::make_shared<spdlog::async_logger>("ticketd", std::move(sink), spdlog::thread_pool(),
                                               spdlog::async_overflow_policy::overrun_oldest);
    logger->set_pattern("%Y-%m-%dT%H:%M:%S.%e %l %v");
    logger->set_level(spdlog::level::from_str(level));
    logger->flush_on(spdlog::level::info);
    logger->set_error_handler([](const std::string&) {});  // a full disk for logs is no reason
    spdlog::set_default_logger(std::move(logger));
}

int verify(const std::string& path) {
    store::AuditReport report;
    try {
        ProgressLine line{"verify", STDERR_FILENO};
        const auto progress = [&line](const std::string& what, std::uint64_t done,
                                      std::uint64_t total) { line.tell(what, done, total); };
        report = store::audit_store(*platform::PosixDirectory::open_existing(path), progress);
    } catch (const store::StoreDamaged& error) {
        std::fprintf(stderr, "damaged: %s\n", error.what());
        return client_exit::kStorage;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "unreadable: %s\n", error.what());
        return client_exit::kStorage;
    }
    const auto print = [](const char* name, std::uint64_t number) {
        std::printf("%-10s %llu\n", name, static_cast<unsigned long long>(number));
    };
    print("lsn", report.lsn);
    print("events", report.events);
    print("orders", report.orders);
    print("keys", report.keys);
    print("capacity", report.capacity);
    print("available", report.available);
    print("held", report.held);
    print("sold", report.sold);
    if (report.overcommit > 0) print("overcommit", report.overcommit);
    for (const auto& notice : report.notices)
        std::printf("notice     %s\n", notice.c_str());
    for (const auto& problem : report.problems) {
        std::fprintf(stderr, "broken: %s\n", problem.c_str());
    }
    std::printf("verdict    %s\n", report.ok() ? "all guarantees hold" : "broken");
    const bool written = std::fflush(stdout) == 0;
    return report.ok() && written ? client_exit::kDone : client_exit::kStorage;
}

int print_config(const Config& config) {
    std::printf("%s\n", config_text(config).c_str());
    return std::fflush(stdout) == 0 ? client_exit::kDone : client_exit::kStorage;
}

int run(int argc, char** argv) {
    platform::open_standard_descriptors();
    platform::ignore_write_signals();
    platform::keep_files_private();
    const auto parsed = parse_options(argc, argv);
    if (const auto* exit = std::get_if<ExitNow>(&parsed)) return exit->code;
    const auto& options = std::get<Options>(parsed);
    switch (options.action) {
        case Action::kCheckConfig: return client_exit::kDone;
        case Action::kPrintConfig: return print_config(options.config);
        case Action::kVerify: return verify(options.verify_dir);
        case Action::kServe: break;
    }
    start_logging(options.config.log_level);
    const int code = serve(options);
    // The store is closed; a log that nobody reads is no reason to stay.
    if (!can_write_to_stderr()) std::_Exit(code);
    spdlog::shutdown();
    return code;
}

}  // namespace
}  // namespace ticketd

int main(int argc, char** argv) {
    try {
        return ticketd::run(argc, argv);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "ticketd: %s\n", error.what());
        return ticketd::client_exit::kInternal;
    }
}
