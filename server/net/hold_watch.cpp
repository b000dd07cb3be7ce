#include "server/net/hold_watch.h"

#include <algorithm>
#include <charconv>

#include "common/limits.h"

namespace ticketd::net {
namespace {

// Lists are looked through for holds that are no more when they have grown by so much.
constexpr std::size_t kDeadAtOnce = 64;

box_office::Binding binding_to(std::uint32_t pid, std::uint64_t start) {
    return {box_office::Bind::kProcess, pid, start};
}

}  // namespace

box_office::Binding HoldWatch::named_by(std::string_view bind, const Caller& caller) {
    constexpr std::string_view kPidPrefix = "pid:";
    constexpr std::uint32_t kNoPid = UINT32_MAX;
    constexpr std::uint64_t kNoTime = 1;  // no process of a user is as old as that
    if (bind.empty()) return {};
    if (bind == "connection") return {box_office::Bind::kConnection, 0, 0};
    auto pid = caller.pid;
    if (bind.starts_with(kPidPrefix)) {
        const auto number = bind.substr(kPidPrefix.size());
        const auto read = std::from_chars(number.data(), number.data() + number.size(), pid);
        const bool is_number = read.ec == std::errc{};
        pid = is_number ? platform::pid_as_seen_by(caller.pid, pid).value_or(0) : 0;
    }
    return binding_to(pid == 0 ? kNoPid : pid, kNoTime);
}

std::variant<box_office::Binding, HoldWatch::Problem> HoldWatch::binding(std::string_view bind,
                                                                         const Caller& caller) {
    const auto named = named_by(bind, caller);
    if (named.bind != box_office::Bind::kProcess) return named;
    const auto opened = platform::open_process(named.pid);
    if (const auto* why = std::get_if<platform::NoProcess>(&opened)) {
        return *why == platform::NoProcess::kNone ? Problem::kNoProcess : Problem::kTooMany;
    }
    const auto& process = std::get<platform::ProcessHandle>(opened);
    if (process.uid != caller.uid && !caller.is_operator) return Problem::kNoProcess;
    if (!processes_.contains({named.pid, process.start}) && !has_room()) return Problem::kTooMany;
    return binding_to(named.pid, process.start);
}

bool HoldWatch::has_room() {
    if (processes_.size() >= settings_.watched_processes) forget_dead();
    return processes_.size() < settings_.watched_processes;
}

void HoldWatch::bind(Lsn order, const box_office::Binding& binding, const Caller& caller) {
    if (binding.bind == box_office::Bind::kConnection) {
        auto& orders = by_connection_[caller.connection];
        orders.push_back(order);
        if (orders.size() % kDeadAtOnce == 0) forget_dead();
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
        auto& orders = known->second->orders;
        orders.push_back(order);
        if (orders.size() % kDeadAtOnce == 0) forget_dead();
        return;
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
    forget_dead();
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
    for (auto left = std::min(kAtOnce, unwatched_.size()); left > 0; --left) {
        const auto order = unwatched_.front();
        unwatched_.pop_front();
        const auto* hold = store_.state().find_hold(order);
        if (hold != nullptr) watch(order, hold->binding);
    }
}

// Not while a change may still be taken back, which would bring a hold to life again.
void HoldWatch::forget_dead() {
    if (store_.durable_lsn() < store_.state().last_lsn()) return;
    const auto forget_in = [this](std::vector<Lsn>& orders) {
        std::erase_if(orders, [this](Lsn order) { return !store_.state().find_hold(order); });
    };
    for (auto& [connection, orders] : by_connection_)
        forget_in(orders);
    for (auto& [process, watched] : processes_)
        forget_in(watched->orders);
    std::erase_if(by_connection_, [](const auto& item) { return item.second.empty(); });
    std::erase_if(processes_, [](const auto& item) { return item.second->orders.empty(); });
}

}  // namespace ticketd::net
