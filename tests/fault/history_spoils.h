// Ways to spoil a right history so that no daemon can have made it.
#pragma once

#include <functional>
#include <random>
#include <string>
#include <vector>

#include "tests/fault/history_scene.h"

namespace ticketd::testing {

using Random = std::mt19937_64;

struct Spoil {
    std::string name;
    /// False if the history has nothing to spoil.
    bool (*spoil)(Scene&, Random&);
};

/// Of answers, entries and their order.
std::vector<Spoil> spoils_of_ledger();
/// Of the line and of slots.
std::vector<Spoil> spoils_of_scarcity();

/// The index of an op by chance for which `fits` holds; the number of ops if there is none.
std::size_t pick(const Scene& scene, Random& random, const std::function<bool(const Op&)>& fits);

/// True if no other op has its key: those with one key that wait are all told of the same entry.
bool has_own_key(const Scene& scene, const Op& sale);

bool has_timed_out(const Op& op);

}  // namespace ticketd::testing
