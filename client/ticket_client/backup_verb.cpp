#include "client/ticket_client/backup_verb.h"

#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <optional>
#include <utility>

#include "client/backup/backup.h"
#include "client/wait.h"
#include "common/error_kind.h"
#include "common/json_writer.h"
#include "common/names.h"
#include "common/progress_line.h"

namespace ticketd::client {
namespace {

constexpr std::uint64_t kMebibyte = std::uint64_t{1024} * 1024;

bool has_come(int interrupt_fd) {
    return pause_for(Clock::duration::zero(), Patience{Clock::now(), interrupt_fd}) ==
           Waited::kInterrupted;
}

std::string result_of(const std::string& directory, const BackupResult& made) {
    std::string text;
    JsonWriter{text}
        .begin_object()
        .member("directory", std::string_view{directory})
        .member("lsn", made.lsn)
        .member("files", made.files)
        .member("bytes", made.bytes)
        .end_object();
    return text;
}

}  // namespace

Outcome<std::string> back_up(const Arguments& arguments, const Request& request,
                             const CallOptions& options) {
    const auto& directory = arguments.operands[0];
    if (directory.empty() || !is_utf8(directory)) {
        return Failure{"input", client_exit::kBadInput,
                       "the directory's name is empty or not UTF-8"};
    }
    ::umask(077);  // exactly the modes that we ask for
    std::signal(SIGXFSZ, SIG_IGN);
    std::optional<ProgressLine> line;
    if (!arguments.is_quiet) line.emplace("backup", STDERR_FILENO);

    BackupPlan plan;
    plan.directory = directory;
    auto patience = options;
    plan.ask_position = [&]() -> Outcome<StorePosition> {
        const auto answered = call(request, patience);
        if (const auto* failure = failure_of(answered)) return *failure;
        // A daemon that was there and is not will be started again.
        patience.absent_timeout = patience.timeout;
        return read_position(std::get<std::string>(answered));
    };
    plan.go_on = [&](std::uint64_t done, std::uint64_t total) {
        if (line) line->tell("MiB", done / kMebibyte, total / kMebibyte);
        return !has_come(options.interrupt_fd);
    };
    const auto outcome = back_up(plan);
    if (const auto* failure = failure_of(outcome)) return *failure;
    return result_of(directory, std::get<BackupResult>(outcome));
}

}  // namespace ticketd::client
