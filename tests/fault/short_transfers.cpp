// Loaded before the C library (LD_PRELOAD) into a daemon under test: reads and writes at an offset
// transfer only part of what was asked, as the kernel is free to do, and are interrupted now and
// then. The same seed, TICKETD_SEED, gives the same lengths.
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdlib>

namespace {

// Any sequence will do, but each thread needs its own; xorshift.
std::uint64_t next_random() {
    static thread_local std::uint64_t state = [] {
        const char* seed = std::getenv("TICKETD_SEED");  // NOLINT(concurrency-mt-unsafe)
        return (seed == nullptr ? 0 : std::strtoull(seed, nullptr, 10)) * 2 + 1;
    }();
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

// Mostly a part, sometimes a single byte or all of it; 0: interrupted.
std::size_t part_of(std::size_t size) {
    switch (next_random() % 8) {
        case 0: return 0;
        case 1: return size < 1 ? size : 1;
        case 2: return size;
        default: return size == 0 ? 0 : next_random() % size + 1;
    }
}

ssize_t transfer(long call, int file, void* bytes, std::size_t size, off_t offset) {
    const auto part = part_of(size);
    if (part == 0 && size > 0) {
        errno = EINTR;
        return -1;
    }
    return ::syscall(call, file, bytes, part, offset);
}

}  // namespace

extern "C" {

ssize_t pread(int file, void* bytes, std::size_t size, off_t offset) {
    return transfer(SYS_pread64, file, bytes, size, offset);
}

ssize_t pread64(int file, void* bytes, std::size_t size, off64_t offset) {
    return transfer(SYS_pread64, file, bytes, size, offset);
}

ssize_t pwrite(int file, const void* bytes, std::size_t size, off_t offset) {
    return transfer(SYS_pwrite64, file, const_cast<void*>(bytes), size, offset);
}

ssize_t pwrite64(int file, const void* bytes, std::size_t size, off64_t offset) {
    return transfer(SYS_pwrite64, file, const_cast<void*>(bytes), size, offset);
}

}  // extern "C"
