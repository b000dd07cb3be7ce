#include "tests/fault/power_cut_rig.h"

#include <dirent.h>
#include <doctest/doctest.h>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <memory>

#include "client/wait.h"
#include "tests/fault/fill.h"
#include "tests/support/process_lock.h"

namespace ticketd::testing {
namespace {

void append(Problems& to, Problems from) {
    to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
}

DaemonOptions on_disk(const LoopFileSystem& disk) {
    DaemonOptions options;
    options.data_dir = disk.path() + "/store";
    options.arguments = {"--event", "many=1000000000", "--event", "few=300"};
    return options;
}

// Names of a directory and the files they stand for.
std::map<std::string, ino_t> names_in(const std::string& path) {
    std::map<std::string, ino_t> names;
    const std::unique_ptr<DIR, int (*)(DIR*)> stream{::opendir(path.c_str()), &::closedir};
    if (!stream) return names;
    while (const dirent* entry = ::readdir(stream.get()))  // NOLINT(concurrency-mt-unsafe)
        names[static_cast<const char*>(entry->d_name)] = entry->d_ino;
    return names;
}

std::uint64_t u64_at(const std::string& bytes, std::size_t offset) {
    std::uint64_t value = 0;
    std::memcpy(&value, bytes.data() + offset, sizeof value);
    return value;
}

}  // namespace

PowerCutRig::PowerCutRig(std::uint64_t seed, LoopOptions disk)
    : seed_(seed), random_(seed), disk_(std::move(disk)), daemon_(on_disk(disk_)) {}

Buyers::Plan PowerCutRig::plan() {
    Buyers::Plan plan;
    plan.socket = daemon_.socket();
    plan.prefix = "p" + std::to_string(++plans_);
    plan.seed = random_();
    is_power_off_ = std::make_shared<std::atomic<bool>>(false);
    plan.is_power_off = is_power_off_;
    return plan;
}

void PowerCutRig::write_journal(std::size_t bytes) {
    const auto orders = fill_journal(daemon_.socket(), "many", bytes);
    auto rpc = daemon_.connect();
    ledger_.take_for_granted(rpc, orders);
}

// Its wrapper goes after it: strace would wait until the delay is over.
void PowerCutRig::end_daemon() {
    if (daemon_.is_running()) {
        const auto pid = daemon_.pid();
        const client::Descriptor end{static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))};
        ::kill(pid, SIGKILL);
        daemon_.process().kill(SIGKILL);
        CHECK(client::wait_for(end.number(), POLLIN, client::Clock::now() + kPatience) ==
              client::Waited::kReady);
    }
    const int exit = daemon_.wait();
    CHECK((exit == 74 || exit == 128 + SIGKILL));
    daemon_.options().wrapper.clear();
}

void PowerCutRig::cut_power(PowerCut cut) {
    if (is_power_off_) *is_power_off_ = true;
    disk_.cut_power(cut);
    end_daemon();
    disk_.remount();
    std::filesystem::remove_all(found());
    run({"cp", "-a", "--sparse=always", daemon_.data_dir(), found()});
}

bool PowerCutRig::survives(const ToldHistory& history) {
    Problems problems;
    try {
        daemon_.start();
        problems = audit(history);
    } catch (const std::exception& error) {
        problems.emplace_back(error.what());
    }
    if (!problems.empty()) report(problems, history);
    return problems.empty();
}

Problems PowerCutRig::audit(const ToldHistory& history) {
    auto rpc = daemon_.connect();
    auto problems = ledger_.read_on(rpc);
    append(problems, ledger_.check(history));
    append(problems, check_replays(rpc, history));
    append(problems, ledger_.check_counts(rpc));
    append(problems, check_slots(rpc));
    const auto verdict = daemon_.verify();
    if (verdict.exit != 0) problems.push_back("--verify: " + verdict.error);
    return problems;
}

// Asks again with keys that were answered, which must say the same, and with those that were not,
// which must be done once.
Problems PowerCutRig::check_replays(Rpc& rpc, const ToldHistory& history) {
    constexpr std::size_t kSample = 10;
    Problems problems;
    ToldHistory again;
    const auto ask = [&](const Ask& one) {
        const bool was_there = ledger_.has(one.key);
        const auto reply = rpc.call("purchase", one.params());
        const bool replayed = reply.contains("result") && reply["result"].contains("replayed");
        if (replayed != was_there) problems.push_back("asked again: " + reply.dump());
        again.add_reply(one, reply);
    };
    for (auto at = history.sales.size() - std::min(kSample, history.sales.size());
         at < history.sales.size(); ++at)
        ask(history.sales[at].ask);
    for (const auto& one : history.unanswered)
        ask(one);
    append(problems, ledger_.read_on(rpc));
    append(problems, ledger_.check(again));
    return problems;
}

// The counts on disk, read as docs/store_format.md says.
Problems PowerCutRig::check_slots(Rpc& rpc) const {
    Problems problems;
    const auto bytes = read_file(daemon_.data_dir() + "/stock");
    const auto events = rpc.result("events").at("events");
    for (std::size_t i = 0; i < events.size(); ++i) {
        const auto slot =
            bytes.substr(static_cast<std::size_t>(slot_offset(static_cast<int>(i))), kSlotBytes);
        const bool is_right = slot.size() == kSlotBytes && u64_at(slot, 8) == events[i].at("lsn") &&
                              u64_at(slot, 16) == events[i].at("capacity") &&
                              u64_at(slot, 24) == events[i].at("available") &&
                              u64_at(slot, 40) == events[i].at("sold");
        if (!is_right) problems.push_back("the slot says otherwise than " + events[i].dump());
    }
    return problems;
}

void PowerCutRig::report(const Problems& problems, const ToldHistory& history) {
    std::string kept = (std::filesystem::temp_directory_path() / "ticketd-cut-XXXXXX").string();
    if (::mkdtemp(kept.data()) != nullptr) {
        run({"cp", "-a", "--sparse=always", found(), kept + "/store"});
        write_file(kept + "/told.json", history.as_json().dump(1));
        write_file(kept + "/log", daemon_.log());
    }
    constexpr std::size_t kShown = 8;
    for (std::size_t i = 0; i < std::min(kShown, problems.size()); ++i)
        FAIL_CHECK(problems[i]);
    MESSAGE(problems.size() << " problems, seed " << seed_ << "; the store as it was found after "
                            << "the cut, what was told, and the log are in " << kept);
}

bool PowerCutRig::wait_for_changes(unsigned count, const std::function<bool()>& goes_on) const {
    const client::Deadline deadline = client::Clock::now() + kPatience;
    auto seen = names_in(daemon_.data_dir());
    while (count > 0) {
        if (!goes_on() || client::Clock::now() > deadline) return false;
        auto names = names_in(daemon_.data_dir());
        if (names != seen) --count;
        seen = std::move(names);
        client::pause_for(std::chrono::microseconds{20}, deadline);
    }
    return true;
}

void PowerCutRig::let_pass_up_to(std::chrono::microseconds time) {
    const std::chrono::microseconds chosen{random_() % static_cast<unsigned>(time.count() + 1)};
    client::pause_for(chosen, client::Clock::now() + kPatience);
}

}  // namespace ticketd::testing
