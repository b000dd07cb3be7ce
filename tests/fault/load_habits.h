// What one client of a load does, request after request.
#pragma once

#include <atomic>
#include <random>

#include "tests/fault/history_client.h"
#include "tests/fault/load.h"

namespace ticketd::testing {

class Customer {
  public:
    Customer(const Load::Plan& plan, std::uint32_t number, const std::atomic<bool>& stopping,
             std::atomic<std::uint64_t>& answered);

    /// Until stopping, or sold out, or something that no daemon may do.
    void run();

    HistoryClient& client() { return client_; }

  private:
    using Numbers = std::vector<std::uint64_t>;
    struct Known {  // an order, as it was told last
        std::uint64_t number = 0;
        std::string event;
        Numbers serials;  // if it is sold
        bool is_held = false;
    };

    void buy();
    void mix();
    void fill();

    Op purchase(const std::string& event);
    Op keyed_purchase(const std::string& event);
    /// The same request; if tickets of its event are scarce, now and then it waits for them.
    Op perhaps_waiting(Op op);
    /// Asks again and again until there is an answer other than `busy`.
    Op settle(const Op& op);
    void settle_or_leave(const Op& op);
    void ask(const Op& op);
    void ask_batch();
    void ask_again(bool changed);
    void ask_atomic();
    void create_scarce();
    void resize();
    void use_slots();
    bool return_slots();
    void hold(const std::string& event);
    void change_order();
    Op some_change(const Known& order);
    /// Keeps in mind which orders there are.
    void note(const Op& op);
    std::uint64_t below(std::uint64_t n) { return random_() % n; }

    const Load::Plan& plan_;
    const std::atomic<bool>& stopping_;
    std::atomic<std::uint64_t>& answered_;
    HistoryClient client_;
    std::mt19937_64 random_;
    std::string prefix_;  // of its keys
    std::string few_;     // an event with never more than a few tickets left
    std::string slots_;   // one that uses its few numbers again
    std::uint64_t keys_ = 0;
    std::vector<Op> asked_;      // the latest with keys
    std::vector<Known> orders_;  // the latest
    bool is_done_ = false;
};

}  // namespace ticketd::testing
