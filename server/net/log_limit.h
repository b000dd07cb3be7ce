// Keeps what clients can provoke from filling the log: one line for each cause in ten seconds,
// which also tells how often it was met in between. Event loop only.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <utility>

namespace ticketd::net {

class LogLimit {
  public:
    static constexpr std::chrono::seconds kInterval{10};

    /// How many lines were left out since the last one, if a line may be written now.
    std::optional<std::uint64_t> admit(
        std::chrono::steady_clock::time_point now = std::chrono::steady_clock::now()) {
        if (has_logged_ && now - logged_ < kInterval) {
            ++left_out_;
            return std::nullopt;
        }
        has_logged_ = true;
        logged_ = now;
        return std::exchange(left_out_, 0);
    }

  private:
    bool has_logged_ = false;
    std::chrono::steady_clock::time_point logged_;
    std::uint64_t left_out_ = 0;
};

}  // namespace ticketd::net
