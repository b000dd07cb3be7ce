#include "tests/support/power_cut.h"

#include <algorithm>
#include <memory>
#include <random>
#include <set>
#include <vector>

namespace ticketd::tests {
namespace {

using Kind = Undecided::Kind;

struct Question {
    Undecided undecided;
    bool is_left_to_chance = false;
};

std::size_t by_chance(const Undecided& undecided, std::mt19937_64& random) {
    if (undecided.may_be_junk && random() % 8 == 0) return kJunk;
    return random() % (undecided.newest() + 1);
}

/// Answers the questions in their order: with `choose`, or by chance.
Choose in_order(const std::vector<Question>& questions, Choose choose, std::uint64_t seed) {
    auto next = std::make_shared<std::size_t>(0);
    auto random = std::make_shared<std::mt19937_64>(seed);
    return [&questions, choose = std::move(choose), next, random](const Undecided& undecided) {
        const auto& question = questions.at((*next)++);
        return question.is_left_to_chance ? by_chance(undecided, *random) : choose(undecided);
    };
}

/// The `number`-th of all combinations: one digit of a number for each question.
Choose combination(std::size_t number) {
    auto rest = std::make_shared<std::size_t>(number);
    return [rest](const Undecided& undecided) {
        const auto states = undecided.newest() + 1;
        const auto digit = *rest % states;
        *rest /= states;
        return digit;
    };
}

}  // namespace

Choose all_lost() {
    return [](const Undecided&) { return std::size_t{0}; };
}

Choose all_kept() {
    return [](const Undecided& undecided) { return undecided.newest(); };
}

Choose kept_until(std::uint64_t step) {
    return [step](const Undecided& undecided) {
        const auto& steps = undecided.steps;
        return static_cast<std::size_t>(std::upper_bound(steps.begin(), steps.end(), step) -
                                        steps.begin());
    };
}

Choose grown_without_data() {
    return [](const Undecided& undecided) {
        return undecided.kind == Kind::kSector ? 0 : undecided.newest();
    };
}

Choose names_lost() {
    return [](const Undecided& undecided) {
        return undecided.kind == Kind::kName ? 0 : undecided.newest();
    };
}

Choose torn(std::uint64_t seed) {
    auto random = std::make_shared<std::mt19937_64>(seed);
    return [random](const Undecided& undecided) { return by_chance(undecided, *random); };
}

void visit_power_cuts(const DiskImage& image, std::size_t every, std::size_t by_chance,
                      std::uint64_t seed,
                      const std::function<bool(const std::string& name)>& is_left_to_chance,
                      const std::function<void(const DiskImage&)>& visit) {
    std::vector<Question> questions;
    std::size_t combinations = 1;
    std::set<std::uint64_t> steps;
    image.visit_undecided([&](const std::string& name, const Undecided& undecided) {
        questions.push_back({undecided, is_left_to_chance(name)});
        if (questions.back().is_left_to_chance) return;
        combinations = std::min(every + 1, combinations * (undecided.newest() + 1));
        steps.insert(undecided.steps.begin(), undecided.steps.end());
    });
    const auto cut = [&](Choose choose) {
        visit(image.after_power_cut(in_order(questions, std::move(choose), ++seed)));
    };
    if (combinations <= every) {
        for (std::size_t number = 0; number < combinations; ++number)
            cut(combination(number));
    } else {
        cut(all_lost());
        cut(all_kept());
        cut(grown_without_data());
        cut(names_lost());
        for (const auto step : steps)
            cut(kept_until(step));
        for (std::size_t i = 0; i < by_chance; ++i)
            cut(torn(seed * 1'000'003 + i));
        return;
    }
    if (combinations > 1) cut(torn(seed));  // for the junk
}

}  // namespace ticketd::tests
