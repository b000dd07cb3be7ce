// Loaded before the C library (LD_PRELOAD) into a daemon under test: one allocation gets no memory,
// or none does from there on. TICKETD_FAILING_ALLOCATION says which, "12" or "12+", counted over
// all threads: from the start of the program, or, if it begins with an "@", from SIGUSR2 on. The
// first that fails is told on stderr.
#include <dlfcn.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>

// The C library's own, by the names that it keeps for those who put theirs in front.
extern "C" {
void* __libc_malloc(std::size_t size);                           // NOLINT(bugprone-reserved-*)
void* __libc_calloc(std::size_t count, std::size_t size);        // NOLINT(bugprone-reserved-*)
void* __libc_realloc(void* old, std::size_t size);               // NOLINT(bugprone-reserved-*)
void* __libc_memalign(std::size_t alignment, std::size_t size);  // NOLINT(bugprone-reserved-*)
}

namespace {

std::atomic<bool> counting{false};
std::atomic<long> left{0};  // until the one that fails
bool for_ever = false;

void begin(int) {
    counting = true;
}

__attribute__((constructor)) void read_order() {
    const char* order = std::getenv("TICKETD_FAILING_ALLOCATION");  // NOLINT(concurrency-mt-unsafe)
    if (order == nullptr) return;
    const bool waits = *order == '@';
    char* end = nullptr;
    left = std::strtol(order + (waits ? 1 : 0), &end, 10);
    for_ever = *end == '+';
    if (waits) {
        static_cast<void>(std::signal(SIGUSR2, begin));
    } else {
        begin(0);
    }
}

bool is_spared(const void* caller) {
    Dl_info library{};
    return ::dladdr(caller, &library) != 0 && library.dli_fname != nullptr &&
           std::strstr(library.dli_fname, "libseccomp") != nullptr;
}

bool fails(const void* caller) {
    if (!counting || is_spared(caller)) return false;
    const auto before = left.fetch_sub(1);
    if (before == 1) {
        constexpr char kLine[] = "an allocation failed\n";
        static_cast<void>(::write(STDERR_FILENO, kLine, sizeof kLine - 1) == 0);
    }
    if (before > 1 || (before < 1 && !for_ever)) return false;
    errno = ENOMEM;
    return true;
}

}  // namespace

extern "C" {

void* malloc(std::size_t size) {
    return fails(__builtin_return_address(0)) ? nullptr : __libc_malloc(size);
}

void* calloc(std::size_t count, std::size_t size) {
    return fails(__builtin_return_address(0)) ? nullptr : __libc_calloc(count, size);
}

void* realloc(void* old, std::size_t size) {
    return fails(__builtin_return_address(0)) ? nullptr : __libc_realloc(old, size);
}

void* aligned_alloc(std::size_t alignment, std::size_t size) {
    return fails(__builtin_return_address(0)) ? nullptr : __libc_memalign(alignment, size);
}

}  // extern "C"
