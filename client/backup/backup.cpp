// The steps, and why the copy is one that a daemon's own crash could have left:
//   1. read the checkpoint        always whole: the daemon replaces it by rename
//   2. copy its runs              of keys and of orders: never changed once they are written. If
//                                 one is gone, a newer checkpoint no longer counts it: back to 1,
//                                 and what was copied and still counts is kept
//   3. ask for the position       durable, and behind every checkpoint that was there before: the
//                                 daemon begins a segment before a checkpoint counts the last one
//   4. copy the segments          those before the position's own were left and never change; its
//                                 own, up to the position, does not either. What follows, and the
//                                 footer in case it was left meanwhile, stays out
//   5. write the checkpoint       last of all, and under another name until everything is durable;
//                                 recovery refuses a directory that has this other name
#include "client/backup/backup.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <utility>

#include "client/backup/copy.h"
#include "client/backup/directory.h"
#include "client/backup/store_files.h"
#include "client/call.h"
#include "common/error_kind.h"

namespace ticketd::client {
namespace {

using Problem = std::optional<Failure>;

// Each time a daemon has dropped keys meanwhile, which it does at most ten times a second, and what
// was copied is not copied again.
constexpr int kCheckpointsMax = 1000;

class Backup {
  public:
    Backup(const BackupPlan& plan, const StoreDirectory& store, CopyDirectory& copy)
        : plan_(plan), store_(store), copy_(copy) {}

    Outcome<BackupResult> run() {
        if (auto problem = copy_runs()) return *std::move(problem);
        const auto asked = plan_.ask_position();
        if (const auto* failure = failure_of(asked)) return *failure;
        const auto& position = std::get<StorePosition>(asked);
        if (auto problem = copy_segments(position)) return *std::move(problem);
        if (auto problem = copy_.commit(checkpoint_)) return *std::move(problem);
        return BackupResult{position.lsn, copy_.files(), done_ + checkpoint_.size()};
    }

  private:
    // Steps 1 and 2.
    Problem copy_runs() {
        std::string before;
        for (int i = 0; i < kCheckpointsMax; ++i) {
            if (auto problem = read_checkpoint()) return problem;
            // Nothing but a newer checkpoint may make a run disappear.
            if (checkpoint_ == before) return missing(missing_run_);
            before = checkpoint_;
            auto wanted = runs_of(head_);
            if (auto problem = forget_runs_not_in(wanted)) return problem;
            total_ = done_ + bytes_of(wanted) + bytes_of_segments(UINT64_MAX);
            const auto copied = copy_those_not_copied(wanted);
            if (const auto* failure = failure_of(copied)) return *failure;
            if (std::get<bool>(copied)) return std::nullopt;
        }
        return storage_failure(store_.path_of(kCheckpointFile), "changes too fast to be copied");
    }

    // By their names.
    using Runs = std::map<std::string, FileKind>;

    static Runs runs_of(const CheckpointHead& head) {
        Runs runs;
        for (auto segment = head.first_key_run; segment <= head.segment; ++segment)
            runs.emplace(key_run_file(segment), FileKind::kKeyRun);
        for (const auto segment : order_runs_up_to(head.segment))
            runs.emplace(order_run_file(segment), FileKind::kOrderRun);
        return runs;
    }

    Problem forget_runs_not_in(const Runs& wanted) {
        for (auto run = copied_runs_.begin(); run != copied_runs_.end();) {
            if (wanted.contains(*run)) {
                ++run;
                continue;
            }
            if (auto problem = copy_.remove(*run)) return problem;
            run = copied_runs_.erase(run);
        }
        return std::nullopt;
    }

    // False if one of them is not there any more.
    Outcome<bool> copy_those_not_copied(const Runs& wanted) {
        for (const auto& [name, kind] : wanted) {
            if (copied_runs_.contains(name)) continue;
            const auto found = store_.find(name, kind);
            if (const auto* failure = failure_of(found)) return *failure;
            const auto& file = std::get<StoreDirectory::File>(found);
            if (!file.descriptor.is_open()) {
                missing_run_ = name;
                return false;
            }
            if (auto problem = copy(name, file, file.bytes)) return *std::move(problem);
            copied_runs_.insert(name);
        }
        return true;
    }

    Problem read_checkpoint() {
        auto read = store_.read_file(kCheckpointFile, FileKind::kCheckpoint, kCheckpointBytesMax);
        if (const auto* failure = failure_of(read)) return *failure;
        checkpoint_ = std::get<std::string>(std::move(read));
        const auto head = read_checkpoint_head(checkpoint_);
        if (!head) return storage_failure(store_.path_of(kCheckpointFile), "cut short");
        head_ = *head;
        return std::nullopt;
    }

    // Step 4.
    Problem copy_segments(const StorePosition& position) {
        if (position.segment <= head_.segment || position.store_id != store_.store_id()) {
            return storage_failure(
                store_.path_of(kCheckpointFile),
                "not of what the daemon has; is its data directory another one here?");
        }
        total_ = done_ + bytes_of_segments(position.segment) + position.offset;
        for (std::uint64_t number = 1; number <= position.segment; ++number) {
            const auto name = segment_file(number);
            const auto found = store_.find(name, FileKind::kSegment);
            if (const auto* failure = failure_of(found)) return *failure;
            const auto& file = std::get<StoreDirectory::File>(found);
            if (!file.descriptor.is_open()) return missing(name);
            const auto bytes = number < position.segment ? file.bytes : position.offset;
            if (auto problem = copy(name, file, bytes)) return problem;
        }
        return std::nullopt;
    }

    Problem copy(const std::string& name, const StoreDirectory::File& file, std::uint64_t bytes) {
        const auto made = copy_.create(name);
        if (const auto* failure = failure_of(made)) return *failure;
        const int target = std::get<Descriptor>(made).number();
        const auto result =
            copy_file(file.descriptor.number(), target, bytes, [this](std::uint64_t more) {
                done_ += more;
                return plan_.go_on(done_, total_);
            });
        switch (result.copied) {
            case Copied::kAll: return std::nullopt;
            case Copied::kStopped: break;
            case Copied::kTargetFailed: return storage_failure(copy_.path_of(name), result.error);
            case Copied::kSourceFailed:
                if (result.error != 0) return storage_failure(store_.path_of(name), result.error);
                return storage_failure(store_.path_of(name), "shorter than it has to be");
        }
        return Failure{"interrupted", kInterruptedExit, "the backup was stopped"};
    }

    Failure missing(const std::string& name) const {
        return storage_failure(store_.path_of(name), "missing");
    }

    std::uint64_t bytes_of(const Runs& runs) const {
        std::uint64_t bytes = 0;
        for (const auto& [name, kind] : runs)
            bytes += copied_runs_.contains(name) ? 0 : store_.size_of(name);
        return bytes;
    }

    // Of those before `end`, as far as they are there.
    std::uint64_t bytes_of_segments(std::uint64_t end) const {
        std::uint64_t bytes = 0;
        for (std::uint64_t number = 1; number < end; ++number) {
            const auto size = store_.size_of(segment_file(number));
            if (size == 0) break;
            bytes += size;
        }
        return bytes;
    }

    const BackupPlan& plan_;
    const StoreDirectory& store_;
    CopyDirectory& copy_;
    std::string checkpoint_;
    CheckpointHead head_;
    std::set<std::string> copied_runs_;
    std::string missing_run_;
    std::uint64_t done_ = 0;
    std::uint64_t total_ = 0;
};

std::optional<std::string> bytes_of_hex(std::string_view text) {
    if (text.size() % 2 != 0) return std::nullopt;
    std::string bytes;
    for (std::size_t i = 0; i < text.size(); i += 2) {
        unsigned value = 0;
        const auto* last = text.data() + i + 2;
        const auto [end, error] = std::from_chars(text.data() + i, last, value, 16);
        if (error != std::errc{} || end != last) return std::nullopt;
        bytes += static_cast<char>(value);
    }
    return bytes;
}

}  // namespace

Outcome<StorePosition> read_position(std::string_view result) {
    const Failure strange{"protocol", client_exit::kProtocol,
                          "ledger.position was answered with something else"};
    const auto json = nlohmann::json::parse(result, nullptr, false);
    if (!json.is_object()) return strange;
    const auto text = [&json](const char* name) {
        const auto found = json.find(name);
        return found != json.end() && found->is_string() ? found->get<std::string>() : "";
    };
    bool is_whole = true;
    const auto number = [&json, &is_whole](const char* name) -> std::uint64_t {
        const auto found = json.find(name);
        const bool is_number = found != json.end() && found->is_number_unsigned();
        is_whole = is_whole && is_number;
        return is_number ? found->get<std::uint64_t>() : 0;
    };
    const auto store_id = bytes_of_hex(text("store"));
    const StorePosition position{text("data_dir"), store_id.value_or(""), number("segment"),
                                 number("offset"), number("lsn"),         number("verified_lsn")};
    is_whole = is_whole && position.data_dir.starts_with('/') && position.store_id.size() == 16;
    if (!is_whole) return strange;
    return position;
}

Outcome<BackupResult> back_up(const BackupPlan& plan) {
    const auto asked = plan.ask_position();
    if (const auto* failure = failure_of(asked)) return *failure;
    const auto& first = std::get<StorePosition>(asked);
    const auto store = StoreDirectory::open(first.data_dir, first.store_id);
    if (const auto* failure = failure_of(store)) return *failure;
    auto claimed = CopyDirectory::claim(plan.directory);
    if (const auto* failure = failure_of(claimed)) return *failure;
    auto& copy = std::get<CopyDirectory>(claimed);
    auto outcome = Backup{plan, std::get<StoreDirectory>(store), copy}.run();
    if (auto* failure = std::get_if<Failure>(&outcome)) failure->message += copy.discard();
    return outcome;
}

}  // namespace ticketd::client
