#include "client/bench/lane.h"

#include <sys/socket.h>

#include <array>
#include <cerrno>

namespace ticketd::client {

void Lane::push(RequestWriter& writer, Clock::time_point now) {
    writer.append_next(output_);
    sent_at_[(oldest_ + in_flight_) % sent_at_.size()] = now;
    ++in_flight_;
}

Lane::Status Lane::flush() {
    while (has_output()) {
        const auto sent = ::send(descriptor(), output_.data() + output_at_,
                                 output_.size() - output_at_, MSG_NOSIGNAL);
        if (sent >= 0) {
            output_at_ += static_cast<std::size_t>(sent);
        } else if (errno == EAGAIN || errno == ENOBUFS) {
            return Status::kOk;
        } else if (errno != EINTR) {
            return Status::kLost;
        }
    }
    output_.clear();
    output_at_ = 0;
    return Status::kOk;
}

Lane::Status Lane::read(ReplyCounts& counts, Histogram& latencies) {
    constexpr std::size_t kReplyBytes = std::size_t{1024} * 1024;
    std::array<char, 65'536> chunk;  // NOLINT(*-member-init): filled by recv()
    const auto got = ::recv(descriptor(), chunk.data(), chunk.size(), 0);
    if (got == 0) return Status::kLost;
    if (got < 0) return errno == EAGAIN || errno == EINTR ? Status::kOk : Status::kLost;
    const std::string_view text{chunk.data(), static_cast<std::size_t>(got)};
    if (begun_.empty()) return take_lines(text, counts, latencies);

    const auto joined = std::exchange(begun_, {}).append(text);
    if (joined.size() > kReplyBytes) return Status::kMalformed;
    return take_lines(joined, counts, latencies);
}

Lane::Status Lane::take_lines(std::string_view text, ReplyCounts& counts, Histogram& latencies) {
    const auto now = Clock::now();
    while (!text.empty()) {
        const auto newline = text.find('\n');
        if (newline == std::string_view::npos) {
            begun_ = text;
            break;
        }
        const auto line = text.substr(0, newline);
        text.remove_prefix(newline + 1);
        if (line.empty()) continue;
        if (in_flight_ == 0 || !counts.add(line)) return Status::kMalformed;
        latencies.add(now - sent_at_[oldest_]);
        oldest_ = (oldest_ + 1) % sent_at_.size();
        --in_flight_;
    }
    return Status::kOk;
}

}  // namespace ticketd::client
