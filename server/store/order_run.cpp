// A run is merged block by block, so that its size costs no memory, and synced piece by piece, so
// that it holds up no sale's sync for long. The header, which says how many items there are, is
// written last.
#include "server/store/order_run.h"

#include <algorithm>
#include <cstring>

#include "common/check.h"
#include "server/store/bytes.h"
#include "server/store/checksum.h"
#include "server/store/read_range.h"
#include "server/store/store_error.h"
#include "server/store/whole_file.h"

namespace ticketd::store {
namespace {

constexpr const char* kNewOrderRun = "orders.new";
constexpr std::string_view kOrderRunMagic = "TKTDORDR";
constexpr std::string_view kOrderRunPrefix = "orders-";
constexpr std::size_t kOrderItemBytes = 16;
constexpr std::size_t kTrailerBytes = 16;
constexpr std::size_t kItemsPerBlock = (kBlockBytes - kTrailerBytes) / kOrderItemBytes;
constexpr std::size_t kHeaderSum = 48;

constexpr std::uint64_t lowest_bit(std::uint64_t number) {
    return number & (~number + 1);
}

std::uint32_t seed_of(const StoreId& store) {
    return crc32c({store.data(), store.size()});
}

std::string encode_header(const StoreId& store, std::uint64_t segment, std::uint64_t items) {
    std::string block{kOrderRunMagic};
    append_number<std::uint32_t>(block, kFormatVersion);
    append_number<std::uint32_t>(block, 0);
    block.append(store.data(), store.size());
    append_number<std::uint64_t>(block, segment);
    append_number<std::uint64_t>(block, items);
    append_number<std::uint32_t>(block, crc32c(block));
    block.resize(kBlockBytes, '\0');
    return block;
}

std::string encode_block(const StoreId& store, std::uint64_t number,
                         const std::vector<OrderItem>& items) {
    std::string block;
    block.reserve(kBlockBytes);
    for (const auto& item : items) {
        append_number<std::uint64_t>(block, item.order);
        append_number<std::uint64_t>(block, item.newest);
    }
    block.resize(kBlockBytes - kTrailerBytes, '\0');
    append_number<std::uint64_t>(block, number);
    append_number<std::uint32_t>(block, static_cast<std::uint32_t>(items.size()));
    append_number<std::uint32_t>(block, crc32c(block, seed_of(store)));
    return block;
}

/// Goes through what is to be merged, item by item.
class Cursor {
  public:
    explicit Cursor(const std::vector<OrderItem>& items) : items_(items) {}
    explicit Cursor(const OrderRun& run) : run_(&run) { refill(); }

    bool is_at_end() const { return at_ == items_.size(); }
    const OrderItem& item() const { return items_[at_]; }
    void advance() {
        if (++at_ == items_.size()) refill();
    }

  private:
    void refill() {
        if (run_ == nullptr || block_ == run_->blocks()) return;
        items_ = run_->read_block(block_++);
        at_ = 0;
    }

    const OrderRun* run_ = nullptr;
    std::uint64_t block_ = 0;
    std::vector<OrderItem> items_;
    std::size_t at_ = 0;
};

/// Writes blocks behind the place of the header.
class Writer {
  public:
    Writer(platform::File& file, const StoreId& store) : file_(file), store_(store) {}

    std::error_code add(const OrderItem& item) {
        block_.push_back(item);
        ++items_;
        return block_.size() < kItemsPerBlock ? std::error_code{} : end_block();
    }

    std::error_code finish(std::uint64_t segment) {
        if (auto error = block_.empty() ? std::error_code{} : end_block()) return error;
        if (auto error = write_piece()) return error;
        if (auto error = file_.write_at(encode_header(store_, segment, items_), 0)) return error;
        return sync();
    }

  private:
    std::error_code end_block() {
        piece_ += encode_block(store_, blocks_++, block_);
        block_.clear();
        constexpr std::size_t kPieceBytes = std::size_t{256} * 1024;
        return piece_.size() < kPieceBytes ? std::error_code{} : write_piece();
    }

    std::error_code write_piece() {
        if (piece_.empty()) return {};
        if (auto error = file_.write_at(piece_, end_)) return error;
        end_ += piece_.size();
        piece_.clear();
        return sync();
    }

    std::error_code sync() {
        if (auto error = file_.sync_data()) return failed_sync(error);
        return {};
    }

    platform::File& file_;
    const StoreId& store_;
    std::vector<OrderItem> block_;
    std::string piece_;
    std::uint64_t blocks_ = 0;
    std::uint64_t items_ = 0;
    std::uint64_t end_ = kBlockBytes;
};

// Of an order that several know of, the newest entry.
std::error_code merge(std::vector<Cursor> cursors, Writer& writer) {
    for (;;) {
        std::optional<OrderItem> next;
        for (const auto& cursor : cursors) {
            if (cursor.is_at_end()) continue;
            const auto& item = cursor.item();
            if (!next || item.order < next->order) next = item;
            if (item.order == next->order) next->newest = std::max(next->newest, item.newest);
        }
        if (!next) return {};
        if (auto error = writer.add(*next)) return error;
        for (auto& cursor : cursors) {
            if (!cursor.is_at_end() && cursor.item().order == next->order) cursor.advance();
        }
    }
}

}  // namespace

std::string order_run_name(std::uint64_t segment) {
    return numbered_name(kOrderRunPrefix, segment);
}

std::optional<std::uint64_t> order_run_segment(std::string_view file_name) {
    return number_in_name(kOrderRunPrefix, file_name);
}

std::vector<std::uint64_t> order_runs_up_to(std::uint64_t segment) {
    std::vector<std::uint64_t> segments;
    for (; segment > 0; segment -= lowest_bit(segment))
        segments.push_back(segment);
    return segments;
}

std::shared_ptr<const OrderRun> OrderRun::open(platform::Directory& directory, const StoreId& store,
                                               std::uint64_t segment) {
    const auto name = order_run_name(segment);
    auto opened = directory.open(name, platform::OpenMode::kReadOnly);
    if (opened.error == std::errc::no_such_file_or_directory) {
        throw StoreDamaged(name, 0, "missing");
    }
    require(opened.error, name);
    const auto header = read_range(*opened.file, name, 0, kBlockBytes);
    if (header.size() < kBlockBytes || !header.starts_with(kOrderRunMagic)) {
        throw StoreDamaged(name, 0, "not a file of this kind, or cut short");
    }
    const auto items = number_at<std::uint64_t>(header, 40);
    if (header != encode_header(store, segment, items)) {
        throw StoreDamaged(name, 0, "a header that does not belong there");
    }
    const std::shared_ptr<const OrderRun> run{
        new OrderRun{std::move(opened.file), store, segment, items}};
    const auto size = run->file_->size();
    require(size.error, name);
    if (size.bytes % kBlockBytes != 0 || size.bytes / kBlockBytes - 1 != run->blocks()) {
        throw StoreDamaged(name, size.bytes, "not as long as its items are");
    }
    return run;
}

std::uint64_t OrderRun::blocks() const {
    return items_ / kItemsPerBlock + (items_ % kItemsPerBlock == 0 ? 0 : 1);
}

std::vector<OrderItem> OrderRun::read_block(std::uint64_t number) const {
    TICKETD_CHECK(number < blocks());
    const auto name = order_run_name(segment_);
    const auto offset = kBlockBytes * (number + 1);
    std::string block;
    {
        const std::lock_guard lock{mutex_};
        block = read_range(*file_, name, offset, kBlockBytes);
    }
    const auto count = std::min<std::uint64_t>(kItemsPerBlock, items_ - number * kItemsPerBlock);
    std::vector<OrderItem> items;
    items.reserve(count);
    for (std::size_t i = 0; i < count && block.size() == kBlockBytes; ++i) {
        items.push_back({number_at<std::uint64_t>(block, i * kOrderItemBytes),
                         number_at<std::uint64_t>(block, i * kOrderItemBytes + 8)});
    }
    if (block != encode_block(store_, number, items)) {
        throw StoreDamaged(name, offset, "checksum mismatch");
    }
    return items;
}

// The first block that has the order, or one behind it.
std::uint64_t OrderRun::first_block_for(Lsn order) const {
    std::uint64_t begin = 0, end = blocks();
    while (begin < end) {
        const auto middle = begin + (end - begin) / 2;
        if (read_block(middle).back().order < order) {
            begin = middle + 1;
        } else {
            end = middle;
        }
    }
    return begin;
}

std::vector<OrderItem> OrderRun::find(Lsn first, Lsn last) const {
    std::vector<OrderItem> found;
    for (auto number = first_block_for(first); number < blocks(); ++number) {
        for (const auto& item : read_block(number)) {
            if (item.order > last) return found;
            if (item.order >= first) found.push_back(item);
        }
    }
    return found;
}

OrderRuns open_order_runs(platform::Directory& directory, const StoreId& store,
                          std::uint64_t segment) {
    OrderRuns runs;
    for (const auto number : order_runs_up_to(segment))
        runs.push_back(OrderRun::open(directory, store, number));
    return runs;
}

std::map<Lsn, Lsn> find_newest(const OrderRuns& runs, Lsn first, Lsn last) {
    std::map<Lsn, Lsn> newest;
    for (const auto& run : runs) {
        // Newer runs come first.
        for (const auto& item : run->find(first, last))
            newest.emplace(item.order, item.newest);
    }
    return newest;
}

std::error_code write_order_run(platform::Directory& directory, const StoreId& store,
                                std::uint64_t segment, const std::vector<OrderItem>& changed,
                                const OrderRuns& before) {
    TICKETD_CHECK(segment > 0);
    std::vector<Cursor> cursors{Cursor{changed}};
    for (const auto& run : before) {
        if (run->segment() > segment - lowest_bit(segment)) cursors.emplace_back(*run);
    }
    static_cast<void>(directory.remove(kNewOrderRun));  // left behind by a crash
    auto made = directory.open(kNewOrderRun, platform::OpenMode::kCreateNew);
    if (made.error) return made.error;
    Writer writer{*made.file, store};
    if (auto error = merge(std::move(cursors), writer)) return error;
    if (auto error = writer.finish(segment)) return error;
    if (auto error = directory.rename(kNewOrderRun, order_run_name(segment))) return error;
    if (auto error = directory.sync()) return failed_sync(error);
    return {};
}

}  // namespace ticketd::store
