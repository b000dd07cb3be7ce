// Names and bytes become durable in the right order, read off a trace of the daemon's system calls
// through a start, two changes of segment, a recovery with a torn tail, and a stop.
//
// Power cuts alone do not show all of this: ext4's next fdatasync of a file happens to carry its
// name along, other file systems' does not. The rules:
//   1. a file is synced before it is renamed to its final name;
//   2. whoever renames syncs the directory before it changes anything else on the disk;
//   3. a segment is synced before the next one gets its name and, with its footer and size, before
//      the next one is written to;
//   4. a torn tail is cut off only when its copy is durable, bytes and name;
//   5. nothing is written to a segment before what was written to it last is synced;
//   6. nobody is listened to before every name is durable, that of the data directory too.
#include <doctest/doctest.h>

#include <map>
#include <regex>
#include <set>
#include <sstream>

#include "common/limits.h"
#include "tests/fault/fill.h"
#include "tests/fault/strace.h"
#include "tests/support/daemon.h"

namespace ticketd::testing {
namespace {

// One system call, as strace -f -y shows it, possibly in two lines.
struct Call {
    std::string name;
    std::string arguments;
    std::string result;

    bool succeeded() const { return !result.empty() && result[0] != '-'; }
    /// The file behind the first argument: what stands in its angle brackets.
    std::string file() const {
        const auto open = arguments.find('<');
        return open == std::string::npos
                   ? ""
                   : arguments.substr(open + 1, arguments.find('>', open) - open - 1);
    }
    /// The nth text in quotes.
    std::string text(std::size_t n) const {
        std::size_t at = 0, end = 0;
        for (std::size_t i = 0; i <= n; ++i) {
            at = arguments.find('"', end == 0 ? 0 : end + 1);
            if (at == std::string::npos) return "";
            end = arguments.find('"', at + 1);
        }
        return arguments.substr(at + 1, end - at - 1);
    }
};

class NameTrace {
  public:
    explicit NameTrace(std::string directory) : directory_(std::move(directory)) {}

    void add(const std::string& line) {
        static const std::regex kLine{
            R"(^(\d+) +(?:<\.\.\. )?(\w+)(?: resumed>|\()(.*?)( <unfinished \.\.\.>|\) += (.*))$)"};
        std::smatch parts;
        if (!std::regex_match(line, parts, kLine)) return;  // signals, exits
        const auto thread = parts[1].str();
        auto& call = calls_[thread];
        if (line.find(" resumed>") == std::string::npos) {
            call = {parts[2], parts[3], ""};
            begin(thread, call);
        }
        if (!parts[5].matched) return;
        call.result = parts[5];
        if (call.succeeded()) end(thread, call);
    }

    std::size_t segment_writes() const { return segment_writes_; }
    std::size_t renames() const { return renames_; }
    std::size_t listens() const { return listens_; }
    std::size_t torn_copies() const { return torn_copies_; }
    const std::set<std::string>& problems() const { return problems_; }

  private:
    static constexpr std::string_view kSegment = "journal-";

    void begin(const std::string& thread, const Call& call) {
        const bool changes = call.name == "pwrite64" || call.name == "renameat" ||
                             call.name == "unlinkat" || call.name == "ftruncate" ||
                             call.name == "fallocate" || call.name == "listen" ||
                             call.arguments.find("O_CREAT") != std::string::npos;
        if (changes && renaming_.contains(thread)) problem(call, "the rename before is not synced");
        if (call.name == "renameat") begin_rename(call);
        if (call.name == "pwrite64") begin_write(call);
        if (call.name == "ftruncate" && is_ours(call.file())) {
            for (const auto& name : unsynced_names_)
                if (name.starts_with("torn-")) problem(call, "the copy's name is not synced");
            for (const auto& [file, dirty] : dirty_)
                if (dirty && file.find("/torn-") != std::string::npos)
                    problem(call, "the copy is not synced");
        }
        if (call.name == "listen") {
            ++listens_;
            if (!unsynced_names_.empty())
                problem(call, *unsynced_names_.begin() + " is not synced");
        }
    }

    void begin_rename(const Call& call) {
        ++renames_;
        if (dirty_[directory_ + "/" + call.text(0)]) problem(call, "renamed before it was synced");
        const auto name = directory_ + "/" + call.text(1);
        if (is_segment(name)) check_other_segments(call, name);
    }

    void begin_write(const Call& call) {
        if (!is_segment(call.file())) return;
        ++segment_writes_;
        check_other_segments(call, call.file());
        if (dirty_[call.file()]) problem(call, "what was written before is not synced");
    }

    void check_other_segments(const Call& call, const std::string& name) {
        for (const auto& [file, dirty] : dirty_)
            if (dirty && file != name && is_segment(file)) problem(call, file + " is not synced");
    }

    void end(const std::string& thread, const Call& call) {
        if (call.name == "renameat") {
            renaming_.insert(thread);
            unsynced_names_.insert(call.text(1));
        }
        if (call.name == "mkdir" && call.text(0) == directory_) unsynced_names_.insert(directory_);
        if (call.name == "openat" && call.arguments.find("O_CREAT") != std::string::npos &&
            is_ours(call.file() + "/")) {
            unsynced_names_.insert(call.text(0));
            if (call.text(0).starts_with("torn-")) ++torn_copies_;
        }
        // Space that is reserved alone need not last.
        if (call.name == "pwrite64" || call.name == "ftruncate") dirty_[call.file()] = true;
        if (call.name == "fdatasync" || call.name == "fsync") dirty_[call.file()] = false;
        if (call.name != "fsync") return;
        if (call.file() == directory_) {
            renaming_.erase(thread);
            std::erase_if(unsynced_names_, [this](const auto& name) { return name != directory_; });
        } else if (directory_.starts_with(call.file() + "/")) {
            unsynced_names_.erase(directory_);
        }
    }

    bool is_segment(const std::string& file) const {
        return file.starts_with(directory_ + "/" + std::string{kSegment});
    }
    bool is_ours(const std::string& file) const { return file.starts_with(directory_ + "/"); }
    void problem(const Call& call, const std::string& what) {
        const auto names = call.name == "pwrite64" ? "" : call.text(0) + ", " + call.text(1);
        problems_.insert(call.name + "(" + names + ") on " + call.file() + ": " + what);
    }

    std::string directory_;
    std::map<std::string, Call> calls_;  // by thread
    std::set<std::string> renaming_;     // threads that have not synced the directory yet
    std::set<std::string> unsynced_names_;
    std::map<std::string, bool> dirty_;  // by path
    std::size_t segment_writes_ = 0;
    std::size_t renames_ = 0, listens_ = 0, torn_copies_ = 0;
    std::set<std::string> problems_;
};

TEST_SUITE_BEGIN("sync_order");

TEST_CASE("names and bytes become durable in the right order") {
    if (!can_trace()) return;
    DaemonOptions options;
    options.arguments = {"--event", "demo=1000000000"};
    Daemon daemon{options};
    const auto calls =
        "trace=mkdir,openat,renameat,unlinkat,fsync,fdatasync,pwrite64,ftruncate,"
        "fallocate,listen";
    const auto trace_to = [&](const std::string& name) {
        const auto file = daemon.scratch() / name;
        daemon.options().wrapper = tracing(file, {"-y", "-e", calls});
        daemon.start();
        return file;
    };
    const auto first = trace_to("first");
    fill_journal(daemon.socket(), "demo", 2 * limits::kSegmentBytes);
    daemon.kill_hard();
    write_file(daemon.data_dir() + "/journal-0000000003",
               read_file(daemon.data_dir() + "/journal-0000000003") + "torn");
    const auto second = trace_to("second");
    daemon.connect().result("purchase");
    CHECK(daemon.stop() == 0);

    NameTrace trace{daemon.data_dir()};
    for (const auto& file : {first, second}) {
        std::istringstream lines{read_file(file)};
        for (std::string line; std::getline(lines, line);)
            trace.add(line);
    }
    for (const auto& problem : trace.problems())
        FAIL_CHECK(problem);
    CHECK(trace.segment_writes() > 50);
    CHECK(trace.renames() >= 10);  // 4 segments, their key runs, the first and the last checkpoint
    CHECK(trace.listens() == 2);
    CHECK(trace.torn_copies() == 1);
}

TEST_SUITE_END();

}  // namespace
}  // namespace ticketd::testing
