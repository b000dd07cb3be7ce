// Writes the files of the sample stores as inputs for fuzz_store_file, into a directory that is
// made anew. They are generated, not kept in the tree, because they change with the format.
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>

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
            std::ofstream file{directory / (sample.name + "." + name), std::ios::binary};
            file << as_input(name, bytes);
            if (!file.flush()) return 74;
        }
    }
    return 0;
}
