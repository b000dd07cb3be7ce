#include "server/net/hold_watch.h"

#include <algorithm>
#include <charconv>

#include "common/limits.h"

namespace ticketd::net {
namespace {

// The lists are looked through for holds that are no more when they have grown by so many, and by a
// quarter.
constexpr std::size_t kGrowth = 64;

box_office::Binding binding_to(std::uint32_t pid, std::uint64_t start) {
    return {box_office::Bind::kProcess, pid, start};
}

}  // namespace

std::variant<box_office::Binding, HoldWatch::Problem> HoldWatch::named_by(std::string_view bind,
                                                                          const Caller& caller) {
    using box_office::Binding;
    constexpr std::string_view kPidPrefix = "pid:";
    constexpr std::uint64_t kNoTime = 1;  // no process of a user is as old as that
    if (bind.empty()) return Binding{};
    if (bind == "connection") return Binding{box_office::Bind::kConnection, 0, 0};
    auto pid = caller.pid;
    if (bind.starts_with(kPidPrefix)) {
        const auto number = bind.substr(kPidPrefix.size());
        const auto read = std::from_chars(number.data(), number.data() + number.size(), pid);
        const bool is_number = read.ec == std::errc{};
        pid = is_number ? platform::pid_as_seen_by(caller.pid, pid, looks_).value_or(0) : 0;
    }
    if (pid == 0) return looks_ > 0 ? Problem::kNoProcess : Problem::kTooMany;
    return binding_to(pid, kNoTime);
}

std::variant<box_office::Binding, HoldWatch::Problem> HoldWatch::binding(std::string_view bind,
                                                                         const Caller& caller) {
    const auto found = named_by(bind, caller);
    const auto* named = std::get_if<box_office::Binding>(&found);
    if (named == nullptr || named->bind != box_office::Bind::kProcess) return found;
    const auto opened = platform::open_process(named->pid);
    if (const auto* why = std::get_if<platform::NoProcess>(&opened)) {
        return *why == platform::NoProcess::kNone ? Problem::kNoProcess : Problem::kTooMany;
    }
    const auto& process = std::get<platform::ProcessHandle>(opened);
    if (process.uid != caller.uid && !caller.is_operator) return Problem::kNoProcess;
    if (!processes_.contains({named->pid, process.start}) && !has_room()) return Problem::kTooMany;
    return binding_to(named->pid, process.start);
}

bool HoldWatch::has_room() const {
    return processes_.size() < settings_.watched_processes;
}

void HoldWatch::bind(Lsn order, const box_office::Binding& binding, const Caller& caller) {
    if (binding.bind != box_office::Bind::kNothing) ++bound_since_;
    if (binding.bind == box_office::Bind::kConnection) {
        by_connection_[caller.connection].push_back(order);
    } else if (binding.bind == box_office::Bind::kProcess) {
        watch(order, binding);
    }
}

// If it has ended since it was looked at, so has the hold. It may have waited in line since then:
// that there is a descriptor for it is not certain.
void HoldWatch::watch(Lsn order, const box_office::Binding& binding) {
    const Process process{binding.pid, binding.process_start};
    const auto known = processes_.find(process);
    if (known != processes_.end()) {
        return known->second->orders.push_back(order);
    }
    auto opened = platform::open_process(binding.pid);
    auto* const handle = std::get_if<platform::ProcessHandle>(&opened);
    const bool is_unknown =
        handle == nullptr && std::get<platform::NoProcess>(opened) == platform::NoProcess::kUnknown;
    const bool lives = handle != nullptr && handle->start == binding.process_start;
    if (!lives && !is_unknown) return end({order}, binding);
    if (is_unknown || !has_room()) return unwatched_.push_back(order);
    auto watched = std::make_unique<Watched>(
        Watched{asio::posix::stream_descriptor{loop_, handle->descriptor.release()}, {order}});
    watched->ended.async_wait(asio::posix::descriptor_base::wait_read,
                              [this, process](const asio::error_code& error) {
                                  if (!error) process_ended(process);
                              });
    processes_.emplace(process, std::move(watched));
}

void HoldWatch::connection_closed(std::uint64_t connection) {
    const auto found = by_connection_.find(connection);
    if (found == by_connection_.end()) return;
    end(found->second, {box_office::Bind::kConnection, 0, 0});
    by_connection_.erase(found);
}

void HoldWatch::process_ended(const Process& process) {
    const auto found = processes_.find(process);
    if (found == processes_.end()) return;
    end(found->second->orders, binding_to(process.first, process.second));
    processes_.erase(found);
}

void HoldWatch::end(const std::vector<Lsn>& orders, const box_office::Binding& binding) {
    for (const auto order : orders) {
        const auto* hold = store_.state().find_hold(order);
        if (hold != nullptr && hold->binding == binding) store_.note_gone(order);
    }
    on_gone_();
}

void HoldWatch::catch_up() {
    dead_.clear();
    unwatched_.clear();
    std::vector<Lsn> bound;
    for (const auto& [connection, orders] : by_connection_)
        bound.insert(bound.end(), orders.begin(), orders.end());
    for (const auto& [process, watched] : processes_)
        bound.insert(bound.end(), watched->orders.begin(), watched->orders.end());
    std::sort(bound.begin(), bound.end());
    for (const auto& [order, hold] : store_.state().holds()) {
        if (std::binary_search(bound.begin(), bound.end(), order)) continue;
        if (hold.binding.bind == box_office::Bind::kConnection) end({order}, hold.binding);
        if (hold.binding.bind == box_office::Bind::kProcess) watch(order, hold.binding);
    }
}

void HoldWatch::look_again() {
    constexpr std::size_t kAtOnce = 64;
    looks_ = kLooks;
    forget_dead();
    const bool is_full = !has_room();
    if (dead_.empty() && (is_full || bound_since_ >= kGrowth + bound_ / 4)) look_for_dead();
    for (auto left = std::min(kAtOnce, unwatched_.size()); left > 0; --left) {
        const auto order = unwatched_.front();
        unwatched_.pop_front();
        const auto* hold = store_.state().find_hold(order);
        if (hold != nullptr) watch(order, hold->binding);
    }
}

template <typename Visit>
void HoldWatch::for_each_list(Visit visit) {
    for (auto& [connection, orders] : by_connection_)
        visit(orders);
    for (auto& [process, watched] : processes_)
        visit(watched->orders);
}

void HoldWatch::look_for_dead() {
    bound_ = bound_since_ = 0;
    for_each_list([this](const std::vector<Lsn>& orders) {
        bound_ += orders.size();
        for (const auto order : orders) {
            if (!store_.state().find_hold(order)) dead_.push_back(order);
        }
    });
    std::sort(dead_.begin(), dead_.end());
    dead_as_of_ = store_.state().last_lsn();
}

// Not while their end may still be taken back, which would bring them to life again.
void HoldWatch::forget_dead() {
    if (dead_.empty() || store_.durable_lsn() < dead_as_of_) return;
    for_each_list([this](std::vector<Lsn>& orders) {
        std::erase_if(orders, [this](Lsn order) {
            return std::binary_search(dead_.begin(), dead_.end(), order);
        });
    });
    dead_.clear();
    std::erase_if(by_connection_, [](const auto& item) { return item.second.empty(); });
    std::erase_if(processes_, [](const auto& item) { return item.second->orders.empty(); });
}

}  // namespace ticketd::net
