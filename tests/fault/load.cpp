#include "tests/fault/load.h"

#include <iterator>
#include <utility>

#include "tests/fault/load_habits.h"
#include "tests/support/process.h"

namespace ticketd::testing {

Load::Load(Plan plan) : plan_(std::move(plan)), clients_(static_cast<std::size_t>(plan_.buyers)) {
    for (std::size_t i = 0; i < clients_.size(); ++i) {
        auto& client = clients_[i];
        const auto number = plan_.first_client + static_cast<std::uint32_t>(i);
        client.thread = std::thread{[this, &client, number] {
            Customer customer{plan_, number, stopping_, answered_};
            customer.run();
            client.ops = std::move(customer.client().ops());
            client.problems = customer.client().problems();
        }};
    }
}

Load::~Load() {
    finish();
}

void Load::join() {
    for (auto& client : clients_) {
        if (client.thread.joinable()) client.thread.join();
    }
}

bool Load::wait_for_answers(std::uint64_t count) const {
    const auto until = answered_ + count;
    const auto deadline = client::Clock::now() + kPatience;
    while (answered_ < until && client::Clock::now() < deadline)
        client::pause_for(std::chrono::microseconds{200}, deadline);
    return answered_ >= until;
}

void Load::finish() {
    stopping_ = true;
    join();
}

void Load::wait_until_sold_out() {
    join();
}

void Load::move_ops_to(History& history) {
    for (auto& client : clients_) {
        history.ops.insert(history.ops.end(), std::make_move_iterator(client.ops.begin()),
                           std::make_move_iterator(client.ops.end()));
        client.ops.clear();
    }
}

std::vector<std::string> Load::problems() const {
    std::vector<std::string> all;
    for (const auto& client : clients_)
        all.insert(all.end(), client.problems.begin(), client.problems.end());
    return all;
}

}  // namespace ticketd::testing
