// Writes the files of the sample stores as inputs for fuzz_store_file, into a directory that is
// made anew. They are generated, not kept in the tree, because they change with the format.
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>

#include "server/store/bytes.h"
#include "server/store/stock_file.h"
#include "tests/fuzz/store_image.h"

using namespace ticketd;

namespace {

std::string as_input(const std::string& name, const std::string& bytes) {
    if (name == store::kStockFileName) return bytes.substr(0, bytes.find_last_not_of('\0') + 1);
    if (!store::segment_number(name)) return bytes;
    std::string kept;
    for (std::size_t at = 0; at < bytes.size(); at += store::kBlockBytes)
        kept += bytes.substr(at, fuzz::kBlockBytesKept);
    return kept;
}

/// The first entry of each group claims to be longer than its group.
std::string stretched(std::string segment) {
    constexpr std::size_t kMemoBytesAt = 98;
    constexpr std::uint16_t kMore = 4096;
    for (auto at = store::kBlockBytes; at < segment.size(); at += store::kBlockBytes) {
        const auto entry = at + store::kGroupHeaderBytes;
        const auto memo_at = entry + kMemoBytesAt;
        const auto size = store::number_at<std::uint32_t>(segment, entry);
        const auto memo_size = store::number_at<std::uint16_t>(segment, memo_at);
        store::put_number<std::uint32_t>(segment, entry, size + kMore);
        store::put_number<std::uint16_t>(segment, memo_at,
                                         static_cast<std::uint16_t>(memo_size + kMore));
    }
    return segment;
}

bool write(const std::filesystem::path& path, const std::string& bytes) {
    std::ofstream file{path, std::ios::binary};
    file << bytes;
    return !!file.flush();
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 2) {
        std::fprintf(stderr, "usage: %s DIRECTORY\n", argv[0]);
        return 64;
    }
    const std::filesystem::path directory{argv[1]};
    std::filesystem::remove_all(directory);
    std::filesystem::create_directories(directory);
    for (const auto& sample : fuzz::sample_stores()) {
        for (const auto& [name, bytes] : sample.files) {
            const auto path = directory / (sample.name + "." + name);
            if (!write(path, as_input(name, bytes))) return 74;
            if (!store::segment_number(name)) continue;
            if (!write(path.string() + ".stretched", as_input(name, stretched(bytes)))) return 74;
        }
    }
    return 0;
}
