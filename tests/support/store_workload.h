// Short workloads on a store: a sequence of commands from a given start, run once with or without a
// fault on the disk, and recorded: the disk after every operation, and what clients had been told
// by then. What a crash at any of them leaves is worked out later, from the record.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/memory_directory.h"
#include "tests/support/told.h"

namespace ticketd::tests {

enum class Command : std::uint8_t {
    kCreate,
    kBuyWithKey,
    kBuyMore,     ///< in a batch, then alone; and hold some
    kChange,      ///< a hold; an order; an event: its capacity, then a pause
    kAbandon,     ///< a key; and the time of all holds is up
    kRestart,     ///< clean stop, and start
    kSwitch,      ///< to the next segment; what comes next runs beside the checkpoint
    kCheckpoint,  ///< switch, and the checkpoint is written
    kExpire,      ///< keys grow old; switch and checkpoint
    kKill,        ///< the process dies during a sale, and starts on what the kernel has
    kPowerCut,    ///< the power goes during a sale; unsynced sectors are torn
};
inline constexpr std::size_t kCommands = 11;
using Commands = std::vector<Command>;
std::string text_of(const Commands& commands);

/// A disk at rest, what was told of it, and the time.
struct Start {
    DiskImage disk;
    Told told;
    std::chrono::milliseconds time{0};
};
/// No store yet.
Start empty_start();
/// A store with a past: an event, sales and abandoned keys in two segments and their runs, and an
/// end that was not clean.
Start lived_in_start();

/// From the operation with this number (from 0) on, or only that one, the disk fails.
struct Fault {
    Told::Position at = 0;
    MemoryDirectory::Failure failure;
    bool is_for_ever = false;
};

struct Recording {
    Start start;
    Commands commands;
    std::vector<MemoryDirectory::Step> steps;
    Told told;
    Told::Position last_command = 0;  ///< operations before the last command, its start
    Told::Position last_group = 0;    ///< operations before what its filling of a segment led to
    bool is_alive = true;             ///< the process had not ended by itself
    std::string problem;              ///< what the store did wrong while it ran, or ""

    /// The disk after so many operations.
    const DiskImage& disk_at(Told::Position position) const {
        return position == 0 ? start.disk : steps[position - 1].after;
    }
    /// False for operations before the last command, which a shorter workload ends with, and for
    /// the sales that only fill a segment.
    bool is_of_interest(Told::Position operation) const;
};

/// `variant` decides what is left to chance.
Recording run(const Start& start, const Commands& commands, std::uint64_t variant,
              const std::optional<Fault>& fault = {});

}  // namespace ticketd::tests
