#include "tests/fault/ordeal.h"

#include <unistd.h>

#include "client/wait.h"
#include "tests/fault/monotonic.h"
#include "tests/fault/strace.h"

namespace ticketd::testing {
namespace {

// Every history has the making of its events in it: as requests of this client, unanswered.
constexpr std::uint32_t kFirstClient = 1000;

DaemonOptions options_for(const std::vector<std::string>& events) {
    DaemonOptions options;
    for (const auto& event : events)
        options.arguments.insert(options.arguments.end(), {"--event", event});
    return options;
}

Op creation(const std::string& event, std::uint64_t number) {
    Op op;
    op.client = kFirstClient;
    op.number = number;
    op.deed = Deed::kCreate;
    op.uid = ::geteuid();
    op.event = event.substr(0, event.find('='));
    op.capacity = std::stoull(event.substr(event.find('=') + 1));
    op.invoked_ns = monotonic_ns();
    return op;
}

}  // namespace

void let_pass(std::chrono::microseconds time) {
    client::pause_for(time, client::Clock::now() + kPatience);
}

Ordeal::Ordeal(const std::vector<std::string>& events) : daemon_(options_for(events)) {
    for (const auto& event : events)
        history_.ops.push_back(creation(event, history_.ops.size()));
}

Load::Plan Ordeal::plan(Habit habit, int buyers, std::uint64_t seed) {
    Load::Plan plan;
    plan.socket = daemon_.socket();
    plan.habit = habit;
    plan.buyers = buyers;
    plan.seed = seed;
    plan.first_client = clients_;
    clients_ += static_cast<std::uint32_t>(buyers);
    return plan;
}

void Ordeal::collect(Load& load) {
    load.finish();
    for (const auto& problem : load.problems())
        FAIL_CHECK(problem);
    load.move_ops_to(history_);
}

void Ordeal::fill_segment(std::uint64_t offset, std::uint64_t seed) {
    Load load{plan(Habit::kFill, 2, seed)};
    while (raw_journal_end(daemon_.data_dir()).offset < offset && load.problems().empty())
        let_pass(std::chrono::milliseconds{5});
    collect(load);
}

void Ordeal::kill() {
    daemon_.send_signal(SIGKILL);
    note_death();
}

void Ordeal::stop(int signal, bool again) {
    daemon_.send_signal(signal);
    if (again) daemon_.send_signal(signal);
    const int exit = daemon_.wait();
    CHECK((exit == 0 || (again && exit == 128 + signal)));
    history_.deaths_ns.push_back(monotonic_ns());
}

void Ordeal::freeze(std::chrono::microseconds time) const {
    daemon_.send_signal(SIGSTOP);
    let_pass(time);
    daemon_.send_signal(SIGCONT);
}

int Ordeal::note_death() {
    const int exit = daemon_.wait();
    history_.deaths_ns.push_back(monotonic_ns());
    daemon_.options().wrapper.clear();
    ++kills_;
    return exit;
}

Process Ordeal::attach(const std::vector<std::string>& options) {
    auto strace = attach_strace(daemon_.pid(), options);
    REQUIRE(strace);
    return std::move(*strace);
}

void Ordeal::kill_while_starting(std::chrono::microseconds after) {
    daemon_.launch();
    let_pass(after);
    kill();
}

void Ordeal::kill_at_start_call(int call) {
    if (!start_traced(injection(kStartCalls, "signal=SIGKILL:when=" + std::to_string(call)))) {
        note_death();
    } else {
        kill();
    }
}

bool Ordeal::start_traced(const std::vector<std::string>& options) {
    daemon_.options().wrapper = tracing("/dev/null", options);
    daemon_.launch();
    return daemon_.process().wait_for_error(" ready on ");
}

}  // namespace ticketd::testing
