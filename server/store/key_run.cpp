#include "server/store/key_run.h"

#include "server/store/bytes.h"
#include "server/store/checksum.h"
#include "server/store/store_error.h"
#include "server/store/whole_file.h"

namespace ticketd::store {
namespace {

constexpr const char* kNewRunName = "keys.new";
constexpr std::string_view kKeyRunMagic = "TKTDKEYS";
constexpr std::string_view kPrefix = "keys-";
constexpr std::size_t kRunHeaderBytes = 64;
constexpr std::size_t kItemBytes = 24;

std::string encode(const StoreId& store, const KeyRun& run) {
    std::string image{kKeyRunMagic};
    image.reserve(kRunHeaderBytes + run.items.size() * kItemBytes + 4);
    append_number<std::uint32_t>(image, kFormatVersion);
    append_number<std::uint32_t>(image, 0);
    image.append(store.data(), store.size());
    append_number<std::uint64_t>(image, run.segment);
    append_number<std::uint64_t>(image, run.end_lsn);
    append_number<std::int64_t>(image, run.newest_ms);
    append_number<std::uint64_t>(image, run.items.size());
    for (const auto& item : run.items) {
        append_number<std::uint64_t>(image, item.digest.high);
        append_number<std::uint64_t>(image, item.digest.low);
        append_number<std::uint64_t>(image, item.lsn);
    }
    append_number<std::uint32_t>(image, crc32c(image));
    return image;
}

std::vector<KeyItem> take_items(std::string_view rest, Lsn end_lsn, const std::string& name) {
    std::vector<KeyItem> items;
    items.reserve(rest.size() / kItemBytes);
    for (; !rest.empty(); rest.remove_prefix(kItemBytes)) {
        const KeyItem item{{number_at<std::uint64_t>(rest, 0), number_at<std::uint64_t>(rest, 8)},
                           number_at<std::uint64_t>(rest, 16)};
        if (item.lsn == 0 || item.lsn >= end_lsn ||
            (!items.empty() && item.digest <= items.back().digest)) {
            throw StoreDamaged(name, kRunHeaderBytes + items.size() * kItemBytes,
                               "a key that makes no sense");
        }
        items.push_back(item);
    }
    return items;
}

}  // namespace

std::string key_run_name(std::uint64_t segment) {
    return numbered_name(kPrefix, segment);
}

std::optional<std::uint64_t> key_run_segment(std::string_view file_name) {
    return number_in_name(kPrefix, file_name);
}

std::error_code write_key_run(platform::Directory& directory, const StoreId& store,
                              const KeyRun& run) {
    return write_whole_file(directory, key_run_name(run.segment), kNewRunName, encode(store, run));
}

KeyRun read_key_run(platform::Directory& directory, const StoreId& store, std::uint64_t segment) {
    const auto name = key_run_name(segment);
    const auto image = read_whole_file(directory, name);
    const auto rest = check_whole_file(image, name, kKeyRunMagic, kRunHeaderBytes);
    if (rest.substr(16, store.size()) != std::string_view{store.data(), store.size()}) {
        throw StoreDamaged(name, 16, "a file of another store");
    }
    if (number_at<std::uint64_t>(rest, 32) != segment) {
        throw StoreDamaged(name, 32, "keys of another segment");
    }
    const auto count = number_at<std::uint64_t>(rest, 56);
    if (count != (rest.size() - kRunHeaderBytes) / kItemBytes ||
        (rest.size() - kRunHeaderBytes) % kItemBytes != 0) {
        throw StoreDamaged(name, 56, "a wrong number of keys");
    }
    KeyRun run{segment, number_at<std::uint64_t>(rest, 40), number_at<std::int64_t>(rest, 48), {}};
    run.items = take_items(rest.substr(kRunHeaderBytes), run.end_lsn, name);
    return run;
}

}  // namespace ticketd::store
