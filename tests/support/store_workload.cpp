#include "tests/support/store_workload.h"

#include <atomic>

#include "server/store/store_error.h"
#include "tests/support/power_cut.h"
#include "tests/support/store_life.h"

namespace ticketd::tests {
namespace {

constexpr std::chrono::milliseconds kBeginning{1'700'000'000'000};

class Workload {
  public:
    Workload(const Start& start, const std::optional<Fault>& fault, std::uint64_t variant)
        : disk_(start.disk), told_(start.told.as_past()), variant_(variant) {
        clock_.set(start.time);
        disk_.record();
        if (!fault) return;
        disk_.set_fault([this, fault, at = Told::Position{0}](Operation, const auto&) mutable {
            const bool fails = at == fault->at || (fault->is_for_ever && at > fault->at);
            ++at;
            if (fails) has_failed_ = true;
            return fails ? fault->failure : MemoryDirectory::Failure{};
        });
    }

    void begin_life() {
        life_ = std::make_unique<StoreLife>(disk_, clock_, told_, has_failed_);
        life_->wait_for_checkpoint();
    }

    /// Returns where the part begins that is of interest beside new kinds of operations.
    Told::Position perform(Command command) {
        const auto begin = disk_.operations();
        switch (command) {
            case Command::kCreate: life_->create_event(); break;
            case Command::kBuyWithKey: life_->buy_with_key(); break;
            case Command::kBuyMore:
                life_->buy_batch();
                life_->buy_more();
                life_->hold();
                break;
            case Command::kChange:
                life_->change_hold();
                life_->cancel_ticket();
                life_->resize_event();
                life_->reschedule_event();
                break;
            case Command::kAbandon:
                life_->abandon_key();
                life_->end_holds();
                break;
            case Command::kRestart: life_->stop_cleanly(); break;
            case Command::kSwitch: return life_->switch_segment();
            case Command::kExpire: return life_->expire_keys();
            case Command::kCheckpoint: {
                const auto last_group = life_->switch_segment();
                life_->wait_for_checkpoint();
                return last_group;
            }
            case Command::kKill:
            case Command::kPowerCut: die_during_sale(); break;
        }
        const bool is_over = command == Command::kRestart || command == Command::kKill ||
                             command == Command::kPowerCut;
        if (!is_over) return begin;
        // It may have met the failure without coming to speak of it. Without one it met its end
        // only.
        const bool was_fatal = life_->kill();
        if (has_failed_ && was_fatal) has_died_ = true;
        life_.reset();
        if (command == Command::kPowerCut) {
            disk_.replace(disk_.image().after_power_cut(torn(variant_)));
        }
        disk_.resume();
        begin_life();
        return begin;
    }

    void go_on_again() {
        if (has_failed_) life_->go_on_again();
    }

    /// True if no process ended that could have gone on.
    bool end() { return life_ != nullptr && !life_->kill() && !has_died_; }

    MemoryDirectory& disk() { return disk_; }
    const Told& told() const { return told_; }
    std::chrono::milliseconds time() const { return clock_.now().time_since_epoch(); }

  private:
    void die_during_sale() {
        disk_.stop_after(variant_ / 16 % 6);
        try {
            life_->begin_sale();
            life_->settle();
        } catch (const ProcessEnded&) {
            has_died_ = true;
        }
    }

    MemoryDirectory disk_;
    ManualClock clock_;
    Told told_;
    std::uint64_t variant_;
    std::atomic<bool> has_failed_{false};
    bool has_died_ = false;
    std::unique_ptr<StoreLife> life_;
};

const char* name_of(Command command) {
    switch (command) {
        case Command::kCreate: return "create";
        case Command::kBuyWithKey: return "buy with key";
        case Command::kBuyMore: return "buy more";
        case Command::kChange: return "change";
        case Command::kAbandon: return "abandon";
        case Command::kRestart: return "restart";
        case Command::kSwitch: return "switch";
        case Command::kCheckpoint: return "checkpoint";
        case Command::kExpire: return "expire";
        case Command::kKill: return "kill";
        case Command::kPowerCut: return "power cut";
    }
    return "?";
}

}  // namespace

std::string text_of(const Commands& commands) {
    std::string text;
    for (const auto command : commands)
        text += (text.empty() ? "" : ", ") + std::string{name_of(command)};
    return text;
}

bool Recording::is_of_interest(Told::Position operation) const {
    if (operation >= last_group) return true;
    if (operation < last_command) return false;
    const auto& step = steps[operation];
    const bool is_of_sale =
        step.operation == Operation::kWrite || step.operation == Operation::kSync;
    return !is_of_sale || (step.name != "stock" && !step.name.starts_with("journal"));
}

Recording run(const Start& start, const Commands& commands, std::uint64_t variant,
              const std::optional<Fault>& fault) {
    Recording recording{start, commands, {}, {}, 0, 0, true, ""};
    Workload workload{start, fault, variant};
    try {
        workload.begin_life();
        for (const auto command : commands) {
            recording.last_command = workload.disk().operations();
            recording.last_group = recording.last_command;
            recording.last_group = workload.perform(command);
        }
        // Where it takes the store a while to look again, one command has to do.
        if (fault && !fault->is_for_ever && commands.size() < 2) workload.go_on_again();
    } catch (const ProcessEnded&) {
        recording.is_alive = false;
    } catch (const std::exception& wrong) {
        recording.problem = wrong.what();
    }
    if (!workload.end()) recording.is_alive = false;
    recording.steps = workload.disk().steps();
    recording.told = workload.told();
    return recording;
}

Start empty_start() {
    return {{}, {}, kBeginning};
}

Start lived_in_start() {
    const auto empty = empty_start();
    Workload workload{empty, {}, 0};
    workload.begin_life();
    for (const auto command :
         {Command::kCreate, Command::kBuyWithKey, Command::kRestart, Command::kAbandon,
          Command::kBuyWithKey, Command::kRestart, Command::kBuyMore, Command::kChange}) {
        workload.perform(command);
    }
    workload.end();
    return {workload.disk().image(), workload.told().as_past(), workload.time()};
}

}  // namespace ticketd::tests
