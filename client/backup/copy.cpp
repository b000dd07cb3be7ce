#include "client/backup/copy.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace ticketd::client {
namespace {

// At once: a few milliseconds' worth, because only between two steps an interrupt is noticed.
constexpr std::uint64_t kStepBytes = std::uint64_t{4} * 1024 * 1024;

struct Step {
    std::uint64_t bytes = 0;
    CopyResult result;
};

// EBADF and such cannot be; what remains says that these two files cannot be copied that way.
bool is_about_the_way(int error) {
    return error == EXDEV || error == EINVAL || error == ENOSYS || error == EOPNOTSUPP ||
           error == EPERM;
}

Step copy_through_memory(int source, int target, std::uint64_t offset, std::uint64_t bytes) {
    std::array<char, 64 * 1024> buffer;  // NOLINT(*-member-init): filled by pread()
    Step step;
    while (step.bytes < bytes) {
        const auto size = std::min<std::uint64_t>(buffer.size(), bytes - step.bytes);
        const auto at = static_cast<off_t>(offset + step.bytes);
        const auto got = ::pread(source, buffer.data(), size, at);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) {
            step.result = {Copied::kSourceFailed, got < 0 ? errno : 0};
            return step;
        }
        const auto put = ::pwrite(target, buffer.data(), static_cast<std::size_t>(got), at);
        if (put < 0 && errno == EINTR) continue;
        if (put < 0) {
            step.result = {Copied::kTargetFailed, errno};
            return step;
        }
        step.bytes += static_cast<std::uint64_t>(put);
    }
    return step;
}

// Nothing copied and no error: try the other way.
Step copy_in_kernel(int source, int target, std::uint64_t offset, std::uint64_t bytes) {
    auto from = static_cast<off_t>(offset), to = from;
    const auto got = ::copy_file_range(source, &from, target, &to, bytes, 0);
    if (got >= 0) return {static_cast<std::uint64_t>(got), {}};
    if (errno == EINTR || is_about_the_way(errno)) return {};
    return {0, {errno == EIO ? Copied::kSourceFailed : Copied::kTargetFailed, errno}};
}

}  // namespace

CopyResult copy_file(int source, int target, std::uint64_t bytes, const GoOn& go_on) {
    for (std::uint64_t done = 0; done < bytes;) {
        const auto size = std::min(kStepBytes, bytes - done);
        auto step = copy_in_kernel(source, target, done, size);
        if (step.bytes == 0 && step.result.copied == Copied::kAll) {
            step = copy_through_memory(source, target, done, size);
        }
        if (step.result.copied != Copied::kAll) return step.result;
        done += step.bytes;
        if (!go_on(step.bytes)) return {Copied::kStopped, 0};
    }
    if (::fdatasync(target) != 0) return {Copied::kTargetFailed, errno};
    // The daemon's files are worth more in the page cache than a copy that nobody will read soon.
    static_cast<void>(::posix_fadvise(target, 0, 0, POSIX_FADV_DONTNEED));
    return {};
}

}  // namespace ticketd::client
