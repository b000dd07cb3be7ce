#include "tests/fault/load.h"

#include <doctest/doctest.h>

#include <map>
#include <mutex>
#include <random>

#include "client/call.h"

namespace ticketd::testing {
namespace {

using client::failure_of;

// What call() says of an error of the server, which keeps only its kind.
bool is_final_refusal(const std::string& kind) {
    return kind == "sold_out" || kind == "insufficient" || kind == "never_satisfiable";
}

struct Ledger {
    std::map<std::string, Json> sales_by_key;
    std::set<std::uint64_t> serials;
    std::uint64_t sold = 0;
    std::vector<std::string> problems;
};

void add_entry(Ledger& ledger, const Json& entry, const std::string& event) {
    if (!entry.contains("granted") || entry.at("event") != event) return;
    const auto granted = entry.at("granted").get<std::uint64_t>();
    const auto first = entry.at("first_serial").get<std::uint64_t>();
    ledger.sold += granted;
    for (auto serial = first; serial < first + granted; ++serial) {
        if (!ledger.serials.insert(serial).second) ledger.problems.push_back("serial twice");
    }
    if (!ledger.sales_by_key.emplace(entry.value("key", ""), entry).second) {
        ledger.problems.push_back("key twice: " + entry.dump());
    }
}

Ledger read_ledger(Rpc& rpc, const std::string& event) {
    Ledger ledger;
    for (Json from = 1; !from.is_null();) {
        const auto page = rpc.result("ledger.read", {{"from_lsn", from}, {"limit", 1000}});
        for (const auto& entry : page.at("entries"))
            add_entry(ledger, entry, event);
        from = page.at("next");
    }
    return ledger;
}

// One acknowledged sale against the ledger; what is wrong, or "".
std::string problem_with(const Told& told, const Ledger& ledger) {
    const auto found = ledger.sales_by_key.find(told.key);
    if (told.order == 0) {
        return found == ledger.sales_by_key.end() ? "" : "refused, but sold: " + told.key;
    }
    if (found == ledger.sales_by_key.end()) return "acknowledged, but lost: " + told.key;
    const auto& entry = found->second;
    if (entry.at("order") != told.order) return "another order: " + told.key;
    if (entry.at("granted") != told.serials.size()) return "another quantity: " + told.key;
    if (entry.at("first_serial") != told.serials.front()) return "other serials: " + told.key;
    return "";
}

}  // namespace

Load::Load(Plan plan) : plan_(std::move(plan)), buyers_(static_cast<std::size_t>(plan_.buyers)) {
    for (int i = 0; i < plan_.buyers; ++i) {
        auto& buyer = buyers_[static_cast<std::size_t>(i)];
        buyer.thread = std::thread{[this, &buyer, i] { run(buyer, i); }};
    }
}

Load::~Load() {
    stopping_ = true;
    join();
}

void Load::join() {
    for (auto& buyer : buyers_) {
        if (buyer.thread.joinable()) buyer.thread.join();
    }
}

void Load::finish() {
    stopping_ = true;
    join();
}

void Load::wait_until_sold_out() {
    join();
}

void Load::run(Buyer& buyer, int number) {
    std::mt19937_64 random{plan_.seed + static_cast<std::uint64_t>(number)};
    const auto prefix = "b" + std::to_string(number) + "-";
    for (int i = 0; !stopping_; ++i) {
        const auto quantity = random() % plan_.quantity_max + 1;
        const auto told = ask(buyer, prefix + std::to_string(i), quantity);
        if (!told) return;
        buyer.told.push_back(*told);
        ++answered_;
        if (told->refusal == "sold_out") return;
    }
}

// Asks until there is an answer; nothing if there is none in a long time.
std::optional<Told> Load::ask(Buyer& buyer, const std::string& key, std::uint64_t quantity) {
    const Json params{{"event", plan_.event}, {"quantity", quantity}, {"key", key}};
    const client::Request request{"purchase", params.dump(), client::Nature::kKeyed, {}};
    client::CallOptions options;
    options.socket_path = plan_.socket;
    options.timeout = options.absent_timeout = kPatience;
    const auto outcome = client::call(request, options);
    Told told;
    told.key = key;
    if (const auto* failure = failure_of(outcome)) {
        told.refusal = failure->kind;
        if (is_final_refusal(failure->kind)) return told;
        buyer.problems.push_back(key + ": " + failure->kind + ": " + failure->message);
        return std::nullopt;
    }
    const auto result = Json::parse(std::get<std::string>(outcome));
    told.order = result.at("order");
    told.serials = result.at("serials").get<std::vector<std::uint64_t>>();
    told.replayed = result.value("replayed", false);
    return told;
}

std::vector<Told> Load::told() const {
    std::vector<Told> all;
    for (const auto& buyer : buyers_)
        all.insert(all.end(), buyer.told.begin(), buyer.told.end());
    return all;
}

std::vector<std::string> Load::problems() const {
    std::vector<std::string> all;
    for (const auto& buyer : buyers_)
        all.insert(all.end(), buyer.problems.begin(), buyer.problems.end());
    return all;
}

void audit_against_ledger(const std::string& socket, const std::vector<Told>& told,
                          const std::string& event) {
    Rpc rpc{socket};
    const auto ledger = read_ledger(rpc, event);
    for (const auto& problem : ledger.problems)
        FAIL_CHECK(problem);
    std::uint64_t acknowledged = 0;
    std::size_t sales = 0;
    for (const auto& one : told) {
        const auto problem = problem_with(one, ledger);
        if (!problem.empty()) FAIL_CHECK(problem);
        acknowledged += one.serials.size();
        sales += one.order != 0 ? 1 : 0;
    }
    CHECK(sales == ledger.sales_by_key.size());
    CHECK(acknowledged == ledger.sold);
    const auto counts = rpc.result("query", {{"event", event}});
    CHECK(counts["sold"] == ledger.sold);
    CHECK(counts["capacity"] == counts["available"].get<std::uint64_t>() +
                                    counts["held"].get<std::uint64_t>() +
                                    counts["sold"].get<std::uint64_t>());
    if (!ledger.serials.empty()) CHECK(*ledger.serials.rbegin() == ledger.serials.size());
    CHECK(rpc.result("ledger.verify")["ok"] == true);
}

}  // namespace ticketd::testing
