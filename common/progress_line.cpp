#include "common/progress_line.h"

#include <algorithm>
#include <utility>

namespace ticketd {

ProgressLine::ProgressLine(std::string title, int descriptor, Say say, Clock::time_point start)
    : title_(std::move(title)), stream_(descriptor), say_(std::move(say)) {
    next_ = start + (stream_.is_terminal() ? kFirstAfter : kNextLineAfter);
}

ProgressLine::~ProgressLine() {
    if (shown_ > 0) stream_.write('\r' + std::string(shown_, ' ') + '\r');
}

void ProgressLine::tell(const std::string& what, std::uint64_t done, std::uint64_t total,
                        Clock::time_point now) {
    if (now < next_) return;
    next_ = now + (stream_.is_terminal() ? kRewriteAfter : kNextLineAfter);
    auto line = title_ + ": " + std::to_string(done) + " of " + std::to_string(total) + ' ' + what;
    if (total > 0) {
        const auto percent = static_cast<double>(done) * 100 / static_cast<double>(total);
        line += " (" + std::to_string(static_cast<int>(std::min(percent, 100.0))) + " %)";
    }
    if (stream_.is_terminal()) return rewrite(std::move(line));
    if (say_) return say_(line);
    stream_.write(line + '\n');
}

void ProgressLine::rewrite(std::string line) {
    // A line that reaches the last column would wrap, and what wraps cannot be rewritten.
    const auto width = std::max<std::size_t>(stream_.columns(), 2) - 1;
    if (line.size() > width) line.resize(width);
    const auto length = line.size();
    if (length < shown_) line.resize(std::min(shown_, width), ' ');
    stream_.write('\r' + line);
    shown_ = length;
}

}  // namespace ticketd
