#include "tests/fault/history_audit.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "tests/fault/history_check.h"
#include "tests/fault/history_log.h"

namespace ticketd::testing {
namespace {

constexpr std::size_t kReported = 20;

void keep_evidence(const Daemon& daemon, const History& history) {
    const char* parent = std::getenv("TICKETD_EVIDENCE");  // NOLINT(concurrency-mt-unsafe)
    if (parent == nullptr) return;
    const auto directory = std::string{parent} + "/" + std::to_string(::getpid()) + "-" +
                           std::filesystem::path{daemon.scratch().path()}.filename().string();
    std::filesystem::create_directories(directory);
    std::filesystem::copy(daemon.data_dir(), directory + "/store",
                          std::filesystem::copy_options::recursive |
                              std::filesystem::copy_options::overwrite_existing);
    std::ofstream ops{directory + "/ops.jsonl"};
    for (const auto& op : history.ops)
        ops << line_of({op}) << "\n";
    std::ofstream deaths{directory + "/deaths_ns"};
    for (const auto death : history.deaths_ns)
        deaths << death << "\n";
    MESSAGE("evidence kept in " << directory);
}

std::vector<std::string> problems_of(const Daemon& daemon, const History& history,
                                     RawStore& store) {
    try {
        store = read_raw_store(daemon.data_dir(), Ending::kStopped);
    } catch (const std::exception& error) {
        return {error.what()};
    }
    auto problems = check_history(history, store.entries);
    for (auto& problem : check_slots(store.entries, store.slots))
        problems.push_back(std::move(problem));
    return problems;
}

}  // namespace

RawStore audit(Daemon& daemon, const History& history) {
    const int exit = daemon.is_running() ? daemon.stop() : 0;
    CHECK(exit == 0);
    RawStore store;
    const auto problems = problems_of(daemon, history, store);
    for (std::size_t i = 0; i < problems.size() && i < kReported; ++i)
        FAIL_CHECK(problems[i]);
    if (problems.size() > kReported) FAIL_CHECK("and " << problems.size() - kReported << " more");
    const auto verdict = daemon.verify();
    CAPTURE(verdict.error);
    CHECK(verdict.exit == 0);
    if (!problems.empty() || exit != 0 || verdict.exit != 0) keep_evidence(daemon, history);
    return store;
}

}  // namespace ticketd::testing
