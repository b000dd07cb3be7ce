#include "tests/support/memory_directory.h"

#include <algorithm>

#include "tests/support/power_cut.h"

namespace ticketd::tests {
namespace {

using platform::OpenMode;

std::string whole(const Content& content) {
    auto bytes = content.bytes;
    bytes.resize(content.size);
    return bytes;
}

std::error_code no_such_file() {
    return std::make_error_code(std::errc::no_such_file_or_directory);
}

}  // namespace

const char* operation_name(Operation operation) {
    switch (operation) {
        case Operation::kWrite: return "write";
        case Operation::kSync: return "sync";
        case Operation::kAllocate: return "allocate";
        case Operation::kTruncate: return "truncate";
        case Operation::kRename: return "rename";
        case Operation::kRemove: return "remove";
        case Operation::kSyncDirectory: return "sync directory";
        case Operation::kCreate: return "create";
    }
    return "?";
}

class MemoryFile final : public platform::File {
  public:
    MemoryFile(MemoryDirectory& disk, DiskImage::FileNumber file) : disk_(disk), file_(file) {}

    platform::ReadResult read_at(std::span<char> buffer, std::uint64_t offset) override {
        const auto limit = disk_.read_limit(file_, offset, buffer.size());
        buffer = buffer.first(std::min(limit, buffer.size()));
        const std::lock_guard lock{disk_.mutex_};
        const auto& [bytes, size] = disk_.image_.file(file_).content();
        if (offset >= size) return {};
        const auto length = std::min<std::uint64_t>(buffer.size(), size - offset);
        const auto there = offset < bytes.size() ? bytes.copy(buffer.data(), length, offset) : 0;
        std::fill_n(buffer.begin() + static_cast<std::ptrdiff_t>(there), length - there, '\0');
        return {length, {}};
    }

    std::error_code write_at(std::string_view bytes, std::uint64_t offset) override {
        const std::lock_guard lock{disk_.mutex_};
        const auto name = disk_.name_of(file_);
        const auto failure = disk_.admit(Operation::kWrite, name);
        if (failure.error) {
            bytes = bytes.substr(
                0, static_cast<std::size_t>(static_cast<double>(bytes.size()) * failure.landed));
        }
        if (!disk_.is_stopped_) disk_.image_.write(file_, offset, bytes);
        return disk_.done(Operation::kWrite, name, failure.error);
    }

    std::error_code sync_data() override {
        const std::lock_guard lock{disk_.mutex_};
        const auto name = disk_.name_of(file_);
        const auto failure = disk_.admit(Operation::kSync, name);
        if (disk_.is_stopped_) return failure.error;
        if (failure.error) {
            disk_.image_.fail_sync(file_);
        } else {
            disk_.image_.sync(file_);
        }
        return disk_.done(Operation::kSync, name, failure.error);
    }

    std::error_code allocate(std::uint64_t size) override {
        return resize(Operation::kAllocate, size);
    }
    std::error_code truncate(std::uint64_t size) override {
        return resize(Operation::kTruncate, size);
    }

    platform::SizeResult size() override {
        const std::lock_guard lock{disk_.mutex_};
        return {disk_.image_.file(file_).content().size, {}};
    }

    platform::FileId id() const override { return {0, file_}; }

    platform::LockResult try_lock(platform::LockKind, platform::ByteRange) override {
        const std::lock_guard lock{disk_.mutex_};
        return disk_.locks_held_ ? platform::LockResult::kHeldElsewhere
                                 : platform::LockResult::kLocked;
    }
    void unlock(platform::ByteRange) override {}

  private:
    std::error_code resize(Operation operation, std::uint64_t size) {
        const std::lock_guard lock{disk_.mutex_};
        const auto name = disk_.name_of(file_);
        const auto failure = disk_.admit(operation, name);
        if (!failure.error) {
            const auto present = disk_.image_.file(file_).content().size;
            disk_.image_.resize(file_,
                                operation == Operation::kAllocate ? std::max(present, size) : size);
        }
        return disk_.done(operation, name, failure.error);
    }

    MemoryDirectory& disk_;
    DiskImage::FileNumber file_;
};

platform::OpenResult MemoryDirectory::open(const std::string& name, OpenMode mode) {
    const std::lock_guard lock{mutex_};
    auto found = image_.find(name);
    if (mode == OpenMode::kCreateNew) {
        if (found) return {nullptr, std::make_error_code(std::errc::file_exists)};
        const auto failure = admit(Operation::kCreate, name);
        if (!failure.error) found = image_.create(name);
        done(Operation::kCreate, name, failure.error);
        if (failure.error) return {nullptr, failure.error};
    } else if (!found) {
        return {nullptr, no_such_file()};
    }
    return {std::make_unique<MemoryFile>(*this, *found), {}};
}

std::error_code MemoryDirectory::rename(const std::string& from, const std::string& to) {
    const std::lock_guard lock{mutex_};
    if (!image_.find(from)) return no_such_file();
    const auto failure = admit(Operation::kRename, to);
    if (!failure.error) image_.rename(from, to);
    return done(Operation::kRename, to, failure.error);
}

std::error_code MemoryDirectory::remove(const std::string& name) {
    const std::lock_guard lock{mutex_};
    if (!image_.find(name)) return no_such_file();
    const auto failure = admit(Operation::kRemove, name);
    if (!failure.error) image_.remove(name);
    return done(Operation::kRemove, name, failure.error);
}

std::error_code MemoryDirectory::sync() {
    const std::lock_guard lock{mutex_};
    const auto failure = admit(Operation::kSyncDirectory, "");
    if (!failure.error) image_.sync_names();
    return done(Operation::kSyncDirectory, "", failure.error);
}

platform::ListResult MemoryDirectory::list() {
    const std::lock_guard lock{mutex_};
    platform::ListResult result;
    for (const auto& [name, file] : image_.names())
        result.names.push_back(name);
    return result;
}

bool MemoryDirectory::leads_to(const std::string& name, const platform::File& file) {
    const std::lock_guard lock{mutex_};
    return image_.find(name) == file.id().inode;
}

std::unique_ptr<MemoryDirectory> MemoryDirectory::after_crash(Unsynced unsynced,
                                                              std::uint32_t seed) const {
    const auto choose = unsynced == Unsynced::kLost   ? all_lost()
                        : unsynced == Unsynced::kKept ? all_kept()
                                                      : torn(seed);
    return std::make_unique<MemoryDirectory>(image().after_power_cut(choose));
}

void MemoryDirectory::set_fault(Fault fault) {
    const std::lock_guard lock{mutex_};
    fault_ = std::move(fault);
}

void MemoryDirectory::set_read_limit(ReadLimit limit) {
    const std::lock_guard lock{mutex_};
    read_limit_ = std::move(limit);
}

std::size_t MemoryDirectory::read_limit(DiskImage::FileNumber file, std::uint64_t offset,
                                        std::size_t bytes) const {
    std::unique_lock lock{mutex_};
    if (!read_limit_) return bytes;
    const auto limit = read_limit_;
    const auto name = name_of(file);
    lock.unlock();
    return limit(name, offset, bytes);
}

std::uint64_t MemoryDirectory::operations() const {
    const std::lock_guard lock{mutex_};
    return operations_;
}

void MemoryDirectory::record() {
    const std::lock_guard lock{mutex_};
    is_recording_ = true;
    operations_ = 0;
    steps_.clear();
}

void MemoryDirectory::stop() {
    const std::lock_guard lock{mutex_};
    is_stopped_ = true;
    ++news_;
    has_news_.notify_all();
}

void MemoryDirectory::stop_after(std::uint64_t operations) {
    const std::lock_guard lock{mutex_};
    left_ = operations;
}

void MemoryDirectory::resume() {
    const std::lock_guard lock{mutex_};
    is_stopped_ = false;
    left_.reset();
}

std::uint64_t MemoryDirectory::news() const {
    const std::lock_guard lock{mutex_};
    return news_;
}

void MemoryDirectory::wait_for_news(std::uint64_t known) const {
    std::unique_lock lock{mutex_};
    has_news_.wait(lock, [&] { return news_ != known; });
}

void MemoryDirectory::tell_news() {
    const std::lock_guard lock{mutex_};
    ++news_;
    has_news_.notify_all();
}

bool MemoryDirectory::is_unsynced(const std::string& name) const {
    const std::lock_guard lock{mutex_};
    return image_.is_unsynced(name);
}

DiskImage MemoryDirectory::image() const {
    const std::lock_guard lock{mutex_};
    return image_;
}

void MemoryDirectory::replace(DiskImage image) {
    const std::lock_guard lock{mutex_};
    image_ = std::move(image);
}

void MemoryDirectory::hold_locks(bool held) {
    const std::lock_guard lock{mutex_};
    locks_held_ = held;
}

std::string MemoryDirectory::content(const std::string& name) const {
    const std::lock_guard lock{mutex_};
    return whole(image_.file(image_.names().at(name)).content());
}

void MemoryDirectory::set_content(const std::string& name, std::string bytes) {
    const std::lock_guard lock{mutex_};
    const auto size = bytes.size();
    image_.set(name, {std::move(bytes), size});
}

void MemoryDirectory::overwrite(const std::string& name, std::string bytes) {
    const std::lock_guard lock{mutex_};
    const auto file = image_.names().at(name);
    image_.resize(file, 0);
    image_.write(file, 0, bytes);
}

bool MemoryDirectory::exists(const std::string& name) const {
    const std::lock_guard lock{mutex_};
    return image_.find(name).has_value();
}

void MemoryDirectory::erase(const std::string& name) {
    const std::lock_guard lock{mutex_};
    image_.erase(name);
}

std::map<std::string, std::string> MemoryDirectory::all() const {
    const std::lock_guard lock{mutex_};
    std::map<std::string, std::string> files;
    for (const auto& [name, file] : image_.names())
        files[name] = whole(image_.file(file).content());
    return files;
}

std::string MemoryDirectory::name_of(DiskImage::FileNumber file) const {
    for (const auto& [name, held] : image_.names()) {
        if (held == file) return name;
    }
    return "";
}

MemoryDirectory::Failure MemoryDirectory::admit(Operation operation, const std::string& name) {
    if (left_ && *left_ == 0) is_stopped_ = true;
    if (is_stopped_) return {std::make_error_code(std::errc::io_error), 0};
    if (left_) --*left_;
    ++operations_;
    return fault_ ? fault_(operation, name) : Failure{};
}

std::error_code MemoryDirectory::done(Operation operation, const std::string& name,
                                      std::error_code error) {
    if (error || operation == Operation::kSyncDirectory) {
        ++news_;
        has_news_.notify_all();
    }
    if (is_recording_ && !is_stopped_) steps_.push_back({operation, name, error, image_});
    return error;
}

}  // namespace ticketd::tests
