// Says how far a long job has come: on a terminal in one line that is rewritten and, in the end,
// erased; elsewhere in a line of its own every few seconds. A job that is soon done says nothing,
// and a stream that nobody reads delays none. Not thread-safe.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

#include "common/no_wait_writer.h"

namespace ticketd {

class ProgressLine {
  public:
    using Clock = std::chrono::steady_clock;
    /// Takes a line without its end. Must not wait.
    using Say = std::function<void(const std::string&)>;

    static constexpr std::chrono::milliseconds kFirstAfter{500};      ///< on a terminal
    static constexpr std::chrono::milliseconds kRewriteAfter{100};    ///< on a terminal
    static constexpr std::chrono::milliseconds kNextLineAfter{3000};  ///< elsewhere; the first too

    /// Each line begins with `title`. If `descriptor` is no terminal, lines go to `say`; without
    /// one, to the descriptor.
    ProgressLine(std::string title, int descriptor, Say say = {},
                 Clock::time_point start = Clock::now());
    ProgressLine(const ProgressLine&) = delete;
    ProgressLine& operator=(const ProgressLine&) = delete;
    ~ProgressLine();

    /// `done` of `total` of `what` ("key runs") are done. Cheap; to be called often.
    void tell(const std::string& what, std::uint64_t done, std::uint64_t total,
              Clock::time_point now = Clock::now());

  private:
    void rewrite(std::string line);

    const std::string title_;
    const NoWaitWriter stream_;
    const Say say_;
    Clock::time_point next_;
    std::size_t shown_ = 0;  // bytes of the line on the terminal
};

}  // namespace ticketd
