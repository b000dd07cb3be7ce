// Waiting for what the daemon writes to its journal, synced or not.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <stdexcept>
#include <string>

#include "client/descriptor.h"
#include "client/wait.h"
#include "tests/support/process.h"

namespace ticketd::testing {

/// Waits until the first blocks of a segment hold `text`; where it stands.
inline std::size_t wait_until_written(const std::string& segment, const std::string& text) {
    const client::Deadline deadline = client::Clock::now() + kPatience;
    for (std::string bytes(512 * 1024, '\0');;) {
        const client::Descriptor file{::open(segment.c_str(), O_RDONLY | O_CLOEXEC)};
        static_cast<void>(!::pread(file.number(), bytes.data(), bytes.size(), 0));
        const auto at = bytes.find(text);
        if (at != std::string::npos) return at;
        if (client::Clock::now() > deadline) throw std::runtime_error(text + " was never written");
        client::pause_for(std::chrono::milliseconds{1}, deadline);
    }
}

}  // namespace ticketd::testing
