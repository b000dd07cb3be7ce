#include "server/store/stock_file.h"

#include <algorithm>
#include <array>

#include "common/limits.h"
#include "server/store/bytes.h"
#include "server/store/checksum.h"
#include "server/store/store_error.h"

namespace ticketd::store {
namespace {

constexpr std::string_view kStockMagic = "TKTDSTCK";
constexpr std::size_t kNameOffset = 64;
constexpr std::size_t kRulesOffset = 192;
// The file grows by this many slots, with space reserved, so that writing a slot cannot run out of
// space.
constexpr std::uint64_t kGrowSlots = 64;

static_assert(kNameOffset + limits::kEventNameBytes <= kRulesOffset,
              "the name has its place in the slot");

std::string file_header(const StoreId& store) {
    std::string header{kStockMagic};
    append_number<std::uint32_t>(header, kFormatVersion);
    append_number<std::uint32_t>(header, kSlotBytes);
    append_number<std::uint64_t>(header, kSlotsOffset);
    header.append(store.data(), store.size());
    append_number<std::uint32_t>(header, crc32c(header));
    header.resize(kSlotsOffset, '\0');
    return header;
}

platform::ByteRange slot_range(EventId id) {
    return {kSlotsOffset + std::uint64_t{id} * kSlotBytes, kSlotBytes};
}

}  // namespace

std::string encode_slot(EventId id, const Event& event) {
    const auto& stock = event.stock;
    NumberBlock<kNameOffset> counts;
    counts.put<std::uint32_t>(0);  // checksum, below
    counts.put<std::uint32_t>(static_cast<std::uint32_t>(event.rules.state));
    counts.put<std::uint64_t>(stock.lsn);
    counts.put<std::uint64_t>(stock.capacity);
    counts.put<std::uint64_t>(stock.available());
    counts.put<std::uint64_t>(stock.held);
    counts.put<std::uint64_t>(stock.sold);
    counts.put<std::uint64_t>(stock.next_serial);
    counts.put<std::uint32_t>(id);
    counts.put<std::uint32_t>(static_cast<std::uint32_t>(event.name.size()));
    NumberBlock<kSlotBytes - kRulesOffset> rules;
    const auto stored = stored_rules(event.rules);
    for (auto number = stored.begin() + 1; number != stored.end(); ++number)
        rules.put<std::uint64_t>(*number);
    rules.put<std::uint64_t>(stock.overcommit);

    std::string slot;
    slot.reserve(kSlotBytes);
    slot.append(counts.view()).append(event.name).resize(kRulesOffset, '\0');
    slot.append(rules.view()).resize(kSlotBytes, '\0');
    put_number<std::uint32_t>(slot, 0, crc32c(std::string_view{slot}.substr(4)));
    return slot;
}

std::unique_ptr<StockFile> StockFile::open(platform::Directory& directory, const StoreId& store) {
    auto opened = directory.open(kStockFileName, platform::OpenMode::kReadWrite);
    if (opened.error == std::errc::no_such_file_or_directory) {
        opened = directory.open(kStockFileName, platform::OpenMode::kCreateNew);
    }
    require(opened.error, kStockFileName);
    std::unique_ptr<StockFile> stock{
        new StockFile(directory, std::move(opened.file), file_header(store))};
    require(stock->restore_header().error, kStockFileName);
    return stock;
}

StockFile::Restored StockFile::restore_header() {
    std::string present(header_.size(), '\0');
    const auto got = file_->read_at({present.data(), present.size()}, 0);
    if (got.error || present == header_) return {false, got.error};
    return {true, file_->write_at(header_, 0)};
}

StockFile::SlotLock::~SlotLock() {
    if (file_ != nullptr) file_->file_->unlock(slot_range(id_));
}

std::optional<StockFile::SlotLock> StockFile::try_lock(EventId id) {
    // A lock call that fails for another reason is treated alike: the request waits and is told
    // `busy`, nothing is done without the lock.
    if (file_->try_lock(platform::LockKind::kExclusive, slot_range(id)) !=
        platform::LockResult::kLocked) {
        return std::nullopt;
    }
    return SlotLock{*this, id};
}

StockFile::SlotState StockFile::check(EventId id) {
    std::array<char, kSlotBytes> slot{};
    const auto got = file_->read_at(slot, slot_range(id).offset);
    if (got.error) return SlotState::kUnreadable;
    const std::string_view image{slot.data(), slot.size()};
    const bool as_written = got.bytes == kSlotBytes && id < written_.size() &&
                            number_at<std::uint32_t>(image, 0) == written_[id] &&
                            crc32c(image.substr(4)) == written_[id];
    return as_written ? SlotState::kAsWritten : SlotState::kChanged;
}

std::error_code StockFile::write(EventId id, const Event& event) {
    return put(id, encode_slot(id, event));
}

std::error_code StockFile::erase(EventId id) {
    return put(id, std::string(kSlotBytes, '\0'));
}

std::error_code StockFile::reserve(EventId id) {
    if (id < allocated_slots_) return {};
    const auto slots = (id / kGrowSlots + 1) * kGrowSlots;
    if (auto error = file_->allocate(kSlotsOffset + slots * kSlotBytes)) return error;
    allocated_slots_ = slots;
    return {};
}

std::error_code StockFile::put(EventId id, std::string_view image) {
    if (auto error = reserve(id)) return error;
    if (auto error = file_->write_at(image, slot_range(id).offset)) return error;
    if (id >= written_.size()) written_.resize(std::size_t{id} + 1, 0);
    written_[id] = number_at<std::uint32_t>(image, 0);
    return {};
}

std::error_code StockFile::rebuild(const std::vector<Event>& events) {
    written_.assign(events.size(), 0);
    for (EventId id = 0; id < events.size(); ++id) {
        const auto image = encode_slot(id, events[id]);
        written_[id] = number_at<std::uint32_t>(image, 0);
        if (check(id) == SlotState::kAsWritten) continue;
        if (const auto lock = try_lock(id)) {
            if (auto error = put(id, image)) return error;
        }
    }
    const auto slots = (events.size() + kGrowSlots - 1) / kGrowSlots * kGrowSlots;
    if (auto error = file_->truncate(kSlotsOffset + events.size() * kSlotBytes)) return error;
    if (auto error = file_->allocate(kSlotsOffset + slots * kSlotBytes)) return error;
    allocated_slots_ = slots;
    return {};
}

}  // namespace ticketd::store
