#include "server/store/checkpoint.h"

#include "common/limits.h"
#include "common/names.h"
#include "server/store/bytes.h"
#include "server/store/checksum.h"
#include "server/store/store_error.h"

namespace ticketd::store {
namespace {

constexpr const char* kNewName = "checkpoint.new";
constexpr std::string_view kMagic = "TKTDCKPT";
constexpr std::size_t kHeaderBytes = 96;
constexpr std::size_t kEventFixedBytes = 48;
constexpr std::size_t kKeyBytes = 24;

std::string encode(const StoreId& store, const JournalPosition& position, Stop stop,
                   const LedgerState& state) {
    std::string image{kMagic};
    append_number<std::uint32_t>(image, kFormatVersion);
    append_number<std::uint32_t>(image, static_cast<std::uint32_t>(stop));
    image.append(store.data(), store.size());
    append_number<std::uint64_t>(image, position.segment);
    append_number<std::uint64_t>(image, position.offset);
    append_number<std::uint64_t>(image, position.group);
    append_number<std::uint64_t>(image, position.lsn);
    append_number<std::uint32_t>(image, position.chain);
    append_number<std::uint32_t>(image, static_cast<std::uint32_t>(state.events().size()));
    append_number<std::int64_t>(image, state.last_time_ms());
    append_number<std::uint64_t>(image, state.keys().size());
    append_number<std::uint64_t>(image, 0);
    for (const auto& event : state.events()) {
        append_number<std::uint64_t>(image, event.stock.capacity);
        append_number<std::uint64_t>(image, event.stock.held);
        append_number<std::uint64_t>(image, event.stock.sold);
        append_number<std::uint64_t>(image, event.stock.next_serial);
        append_number<std::uint64_t>(image, event.stock.lsn);
        append_number<std::uint64_t>(image, event.name.size());
        image += event.name;
    }
    for (const auto& item : state.keys().slots()) {
        if (item.lsn == 0) continue;
        append_number<std::uint64_t>(image, item.digest.high);
        append_number<std::uint64_t>(image, item.digest.low);
        append_number<std::uint64_t>(image, item.lsn);
    }
    append_number<std::uint32_t>(image, crc32c(image));
    return image;
}

[[noreturn]] void damaged(std::size_t offset, const std::string& problem) {
    throw StoreDamaged(kCheckpointName, offset, problem);
}

std::string read_all(platform::Directory& directory) {
    auto opened = directory.open(kCheckpointName, platform::OpenMode::kReadOnly);
    require(opened.error, kCheckpointName);
    const auto size = opened.file->size();
    require(size.error, kCheckpointName);
    std::string image(size.bytes, '\0');
    const auto got = opened.file->read_at({image.data(), image.size()}, 0);
    require(got.error, kCheckpointName);
    image.resize(got.bytes);
    return image;
}

std::vector<Event> take_events(std::string_view& rest, std::size_t count, Lsn last_lsn) {
    if (count > limits::kEvents) damaged(68, "more events than there can be");
    std::vector<Event> events;
    for (std::size_t i = 0; i < count; ++i) {
        if (rest.size() < kEventFixedBytes) damaged(kHeaderBytes, "events cut short");
        const box_office::Stock stock{
            number_at<std::uint64_t>(rest, 0), number_at<std::uint64_t>(rest, 8),
            number_at<std::uint64_t>(rest, 16), number_at<std::uint64_t>(rest, 24),
            number_at<std::uint64_t>(rest, 32)};
        const auto name_size = number_at<std::uint64_t>(rest, 40);
        rest.remove_prefix(kEventFixedBytes);
        if (name_size > rest.size()) damaged(kHeaderBytes, "events cut short");
        const std::string name{rest.substr(0, name_size)};
        rest.remove_prefix(name_size);
        if (!is_sound(stock) || !is_event_name(name) || stock.lsn > last_lsn) {
            damaged(kHeaderBytes, "an event that makes no sense");
        }
        events.push_back({name, stock});
    }
    return events;
}

KeyIndex take_keys(std::string_view& rest, std::uint64_t count, Lsn last_lsn) {
    if (count != rest.size() / kKeyBytes || rest.size() % kKeyBytes != 0) {
        damaged(80, "a wrong number of keys");
    }
    KeyIndex keys;
    for (; !rest.empty(); rest.remove_prefix(kKeyBytes)) {
        const KeyDigest digest{number_at<std::uint64_t>(rest, 0),
                               number_at<std::uint64_t>(rest, 8)};
        const auto lsn = number_at<std::uint64_t>(rest, 16);
        if (lsn == 0 || lsn > last_lsn || keys.find(digest)) {
            damaged(kHeaderBytes, "a key that makes no sense");
        }
        keys.insert(digest, lsn);
    }
    return keys;
}

}  // namespace

void write_checkpoint(platform::Directory& directory, const StoreId& store,
                      const JournalPosition& position, Stop stop, const LedgerState& state) {
    static_cast<void>(directory.remove(kNewName));  // left behind by a crash
    auto made = directory.open(kNewName, platform::OpenMode::kCreateNew);
    require(made.error, kNewName);
    require(made.file->write_at(encode(store, position, stop, state), 0), kNewName);
    require(made.file->sync_data(), kNewName);
    require(directory.rename(kNewName, kCheckpointName), kCheckpointName);
    require(directory.sync(), kCheckpointName);
}

Checkpoint read_checkpoint(platform::Directory& directory) {
    const auto image = read_all(directory);
    if (image.size() < kHeaderBytes + 4 || !image.starts_with(kMagic)) {
        damaged(0, "not a checkpoint");
    }
    const auto version = number_at<std::uint32_t>(image, 8);
    if (version != kFormatVersion) {
        damaged(8, "format version " + std::to_string(version) + ", this program knows " +
                       std::to_string(kFormatVersion));
    }
    std::string_view rest{image};
    rest.remove_suffix(4);
    if (crc32c(rest) != number_at<std::uint32_t>(image, rest.size())) {
        damaged(rest.size(), "checksum mismatch");
    }
    StoreId store{};
    rest.copy(store.data(), store.size(), 16);
    const JournalPosition position{
        number_at<std::uint64_t>(rest, 32), number_at<std::uint64_t>(rest, 40),
        number_at<std::uint64_t>(rest, 48), number_at<std::uint64_t>(rest, 56),
        number_at<std::uint32_t>(rest, 64)};
    const auto stop = number_at<std::uint32_t>(rest, 12);
    if (position.lsn == 0 || stop > 1) damaged(12, "a position that makes no sense");
    const auto event_count = number_at<std::uint32_t>(rest, 68);
    const auto last_time_ms = number_at<std::int64_t>(rest, 72);
    const auto key_count = number_at<std::uint64_t>(rest, 80);
    rest.remove_prefix(kHeaderBytes);

    Checkpoint checkpoint{store, position, static_cast<Stop>(stop), LedgerState{store}};
    auto events = take_events(rest, event_count, position.lsn - 1);
    auto keys = take_keys(rest, key_count, position.lsn - 1);
    checkpoint.state.restore(std::move(events), std::move(keys), position.lsn - 1, last_time_ms);
    return checkpoint;
}

}  // namespace ticketd::store
