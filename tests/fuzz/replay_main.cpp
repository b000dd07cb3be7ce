// A main for the fuzzers where libFuzzer is not: runs each file named, and each file in each
// directory named, once. A finding aborts, after the name of its file was printed. Finding no file
// is an error, so that a corpus that has gone astray does not count as passed.
#include <sys/resource.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "tests/support/sanitized.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

std::vector<std::filesystem::path> files_in(const std::filesystem::path& path) {
    if (!std::filesystem::is_directory(path)) return {path};
    std::vector<std::filesystem::path> files;
    for (const auto& item : std::filesystem::recursive_directory_iterator{path}) {
        if (item.is_regular_file()) files.push_back(item.path());
    }
    std::sort(files.begin(), files.end());
    return files;
}

void replay(const std::filesystem::path& file) {
    std::ifstream stream{file, std::ios::binary};
    const std::vector<char> bytes{std::istreambuf_iterator<char>{stream}, {}};
    // Said before, because a finding ends the program.
    std::printf("%s\n", file.c_str());
    std::fflush(stdout);
    // A copy of exactly this size, so that AddressSanitizer sees a read behind its end.
    const std::vector<std::uint8_t> exact{bytes.begin(), bytes.end()};
    LLVMFuzzerTestOneInput(exact.data(), exact.size());
}

// What libFuzzer does with -rss_limit_mb: an absurd length that somebody believes is a finding.
// Sanitizers reserve terabytes.
void bound_memory() {
    if (ticketd::testing::kIsSanitized) return;
    constexpr rlim_t kBytesMax = rlim_t{2} * 1024 * 1024 * 1024;
    const rlimit limit{kBytesMax, kBytesMax};
    ::setrlimit(RLIMIT_AS, &limit);
}

}  // namespace

int main(int argc, char** argv) {
    bound_memory();
    std::size_t count = 0;
    for (int i = 1; i < argc; ++i) {
        for (const auto& file : files_in(argv[i])) {
            replay(file);
            ++count;
        }
    }
    std::printf("%zu inputs\n", count);
    return count > 0 ? 0 : 1;
}
