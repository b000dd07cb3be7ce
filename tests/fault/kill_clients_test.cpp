// Clients in processes of their own, of two users, killed as well as the daemon is: what each had
// begun is whole or absent, and keys of one user never meet those of another.
#include <doctest/doctest.h>

#include <filesystem>
#include <list>

#include "tests/fault/history_log.h"
#include "tests/fault/monotonic.h"
#include "tests/fault/ordeal.h"
#include "tests/support/randomness.h"

namespace ticketd::testing {
namespace {

constexpr uid_t kNobody = 65534;
constexpr std::uint32_t kClientsEach = 2;
// Between the numbers of clients of two users that use the same keys.
constexpr std::uint32_t kUsersApart = 1000;

// Processes that are started, killed and replaced; all with numbers, and logs, of their own.
class Crowd {
  public:
    Crowd(Ordeal& ordeal, std::uint64_t seed)
        : ordeal_(ordeal), random_(seed), program_(ordeal.daemon().scratch() / "client") {
        // Where everybody may run it.
        std::filesystem::copy_file(HISTORY_CLIENT_BINARY, program_);
    }

    void start_one(std::optional<uid_t> uid) {
        auto& started = uid ? others_started_ : started_;
        const auto number = started++ * kClientsEach + (uid ? kUsersApart : 0);
        const auto log = ordeal_.daemon().scratch() / ("log" + std::to_string(number));
        write_file(log, "");
        ProcessOptions options;
        options.uid = uid;
        options.stdout_path = log;
        running_.push_back({log, uid,
                            Process{{program_, ordeal_.daemon().socket(), std::to_string(number),
                                     std::to_string(random_()), uid ? "buys-only" : "is-operator"},
                                    options}});
        CHECK(running_.back().process.wait_for_error("begun"));
    }

    void kill_one_and_replace_it() {
        auto victim = std::next(running_.begin(), static_cast<long>(random_() % running_.size()));
        victim->process.kill(SIGKILL);
        victim->process.wait();
        const auto uid = victim->uid;
        take_log(*victim);
        running_.erase(victim);
        start_one(uid);
    }

    void finish() {
        for (auto& one : running_)
            one.process.kill(SIGTERM);
        for (auto& one : running_) {
            CHECK(one.process.wait() == 0);
            CAPTURE(one.process.error());
            take_log(one);
        }
        running_.clear();
    }

  private:
    struct Running {
        std::string log;
        std::optional<uid_t> uid;
        Process process;
    };

    // Of what it had begun it never got to know the end.
    void take_log(const Running& ended) {
        for (auto& op : ops_in(read_file(ended.log))) {
            if (op.ended_ns == kNever) op.ended_ns = monotonic_ns();
            ordeal_.history().ops.push_back(std::move(op));
        }
    }

    Ordeal& ordeal_;
    std::mt19937_64 random_;
    std::string program_;
    std::uint32_t started_ = 0, others_started_ = 0;
    std::list<Running> running_;
};

TEST_SUITE_BEGIN("kill_clients");

TEST_CASE("clients of two users and their daemon, all killed at random, agree in the end") {
    std::mt19937_64 random{test_seed()};
    Ordeal ordeal;
    ordeal.daemon().options().config["socket"]["mode"] = "0666";
    ordeal.daemon().scratch().open_to_all();
    ordeal.start();
    Crowd crowd{ordeal, random()};
    std::optional<uid_t> other;
    if (::geteuid() == 0) {
        other = kNobody;
    } else {
        MESSAGE("SKIPPED in part: only root can have clients of another user");
    }
    for (int i = 0; i < 2; ++i) {
        crowd.start_one(std::nullopt);
        crowd.start_one(other);
    }
    for (unsigned i = 0; i < scaled(20); ++i) {
        let_pass(std::chrono::microseconds{random() % 40'000});
        if (random() % 2 == 0) crowd.kill_one_and_replace_it();
        if (random() % 2 == 0) {
            ordeal.kill();
            ordeal.start();
        }
    }
    crowd.finish();
    const auto store = audit(ordeal.daemon(), ordeal.history());
    MESSAGE("kills: " << ordeal.kills() << ", ops: " << ordeal.history().ops.size()
                      << ", entries: " << store.entries.size());
    CHECK(store.entries.size() > 50);
}

TEST_SUITE_END();

}  // namespace
}  // namespace ticketd::testing
