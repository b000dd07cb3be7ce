#include "tests/support/memory_directory.h"

#include <algorithm>

namespace ticketd::tests {

using platform::OpenMode;

class MemoryFile final : public platform::File {
  public:
    MemoryFile(MemoryDirectory& disk, std::shared_ptr<MemoryDirectory::Inode> inode)
        : disk_(disk), inode_(std::move(inode)) {}

    platform::ReadResult read_at(std::span<char> buffer, std::uint64_t offset) override {
        const auto limit = disk_.read_limit(*inode_, offset, buffer.size());
        buffer = buffer.first(std::min(limit, buffer.size()));
        const std::lock_guard lock{disk_.mutex_};
        const auto& [bytes, size] = inode_->now;
        if (offset >= size) return {};
        const auto length = std::min<std::uint64_t>(buffer.size(), size - offset);
        std::fill_n(buffer.begin(), length, '\0');
        if (offset < bytes.size()) bytes.copy(buffer.data(), length, offset);
        return {length, {}};
    }

    std::error_code write_at(std::string_view bytes, std::uint64_t offset) override {
        const std::lock_guard lock{disk_.mutex_};
        const auto error = admit(Operation::kWrite);
        if (error) bytes = bytes.substr(0, bytes.size() / 2);
        auto& now = inode_->now;
        now.bytes.resize(std::max<std::uint64_t>(now.bytes.size(), offset + bytes.size()));
        now.bytes.replace(offset, bytes.size(), bytes);
        now.size = std::max<std::uint64_t>(now.size, now.bytes.size());
        return error;
    }

    std::error_code sync_data() override {
        const std::lock_guard lock{disk_.mutex_};
        if (auto error = admit(Operation::kSync)) return error;
        inode_->synced = inode_->now;
        return {};
    }

    std::error_code allocate(std::uint64_t size) override {
        const std::lock_guard lock{disk_.mutex_};
        if (auto error = admit(Operation::kAllocate)) return error;
        inode_->now.size = std::max(inode_->now.size, size);
        return {};
    }

    std::error_code truncate(std::uint64_t size) override {
        const std::lock_guard lock{disk_.mutex_};
        if (auto error = admit(Operation::kTruncate)) return error;
        auto& now = inode_->now;
        now.bytes.resize(std::min<std::uint64_t>(now.bytes.size(), size));
        now.size = size;
        return {};
    }

    platform::SizeResult size() override {
        const std::lock_guard lock{disk_.mutex_};
        return {inode_->now.size, {}};
    }

    platform::FileId id() const override {
        return {0, reinterpret_cast<std::uintptr_t>(inode_.get())};
    }

    platform::LockResult try_lock(platform::LockKind, platform::ByteRange) override {
        const std::lock_guard lock{disk_.mutex_};
        return disk_.locks_held_ ? platform::LockResult::kHeldElsewhere
                                 : platform::LockResult::kLocked;
    }
    void unlock(platform::ByteRange) override {}

  private:
    std::error_code admit(Operation operation) {
        return disk_.admit(operation, disk_.name_of(*inode_));
    }

    MemoryDirectory& disk_;
    std::shared_ptr<MemoryDirectory::Inode> inode_;
};

platform::OpenResult MemoryDirectory::open(const std::string& name, OpenMode mode) {
    const std::lock_guard lock{mutex_};
    const auto found = names_.find(name);
    if (mode == OpenMode::kCreateNew) {
        if (found != names_.end()) return {nullptr, std::make_error_code(std::errc::file_exists)};
        if (auto error = admit(Operation::kCreate, name)) return {nullptr, error};
        names_[name] = std::make_shared<Inode>();
    } else if (found == names_.end()) {
        return {nullptr, std::make_error_code(std::errc::no_such_file_or_directory)};
    }
    return {std::make_unique<MemoryFile>(*this, names_[name]), {}};
}

std::error_code MemoryDirectory::rename(const std::string& from, const std::string& to) {
    const std::lock_guard lock{mutex_};
    if (auto error = admit(Operation::kRename, to)) return error;
    const auto found = names_.find(from);
    if (found == names_.end()) return std::make_error_code(std::errc::no_such_file_or_directory);
    names_[to] = found->second;
    names_.erase(from);
    return {};
}

std::error_code MemoryDirectory::remove(const std::string& name) {
    const std::lock_guard lock{mutex_};
    if (!names_.contains(name)) return std::make_error_code(std::errc::no_such_file_or_directory);
    if (auto error = admit(Operation::kRemove, name)) return error;
    names_.erase(name);
    return {};
}

std::error_code MemoryDirectory::sync() {
    const std::lock_guard lock{mutex_};
    if (auto error = admit(Operation::kSyncDirectory, "")) return error;
    synced_names_ = names_;
    return {};
}

platform::ListResult MemoryDirectory::list() {
    const std::lock_guard lock{mutex_};
    platform::ListResult result;
    for (const auto& [name, inode] : names_)
        result.names.push_back(name);
    return result;
}

bool MemoryDirectory::leads_to(const std::string& name, const platform::File& file) {
    const std::lock_guard lock{mutex_};
    const auto found = names_.find(name);
    return found != names_.end() &&
           reinterpret_cast<std::uintptr_t>(found->second.get()) == file.id().inode;
}

MemoryDirectory::Content MemoryDirectory::torn(const Content& synced, const Content& now,
                                               std::mt19937& random) {
    constexpr std::size_t kSector = 512;
    Content mixed{synced.bytes, random() % 2 == 0 ? now.size : std::max(now.size, synced.size)};
    mixed.bytes.resize(std::max(now.bytes.size(), synced.bytes.size()));
    for (std::size_t at = 0; at < now.bytes.size(); at += kSector) {
        if (random() % 2 == 0) continue;
        const auto length = std::min(kSector, now.bytes.size() - at);
        mixed.bytes.replace(at, length, now.bytes, at, length);
    }
    mixed.bytes.resize(std::min<std::uint64_t>(mixed.bytes.size(), mixed.size));
    return mixed;
}

std::string MemoryDirectory::whole(const Content& content) {
    auto bytes = content.bytes;
    bytes.resize(content.size);
    return bytes;
}

std::string MemoryDirectory::name_of(const Inode& inode) const {
    for (const auto& [name, held] : names_) {
        if (held.get() == &inode) return name;
    }
    return "";
}

std::unique_ptr<MemoryDirectory> MemoryDirectory::after_crash(Unsynced unsynced,
                                                              std::uint32_t seed) const {
    const std::lock_guard lock{mutex_};
    std::mt19937 random{seed};
    auto names = unsynced == Unsynced::kLost ? synced_names_ : names_;
    if (unsynced == Unsynced::kTorn && random() % 2 == 0) names = synced_names_;
    auto disk = std::make_unique<MemoryDirectory>();
    std::map<const Inode*, std::shared_ptr<Inode>> copies;
    for (const auto& [name, inode] : names) {
        auto& copy = copies[inode.get()];
        if (!copy) {
            copy = std::make_shared<Inode>();
            copy->now = unsynced == Unsynced::kLost   ? inode->synced
                        : unsynced == Unsynced::kKept ? inode->now
                                                      : torn(inode->synced, inode->now, random);
            copy->synced = copy->now;
        }
        disk->names_[name] = copy;
    }
    disk->synced_names_ = disk->names_;
    return disk;
}

void MemoryDirectory::set_fault(Fault fault) {
    const std::lock_guard lock{mutex_};
    fault_ = std::move(fault);
}

void MemoryDirectory::set_read_limit(ReadLimit limit) {
    const std::lock_guard lock{mutex_};
    read_limit_ = std::move(limit);
}

std::size_t MemoryDirectory::read_limit(const Inode& inode, std::uint64_t offset,
                                        std::size_t bytes) const {
    std::unique_lock lock{mutex_};
    if (!read_limit_) return bytes;
    const auto limit = read_limit_;
    const auto name = name_of(inode);
    lock.unlock();
    return limit(name, offset, bytes);
}

std::uint64_t MemoryDirectory::operations() const {
    const std::lock_guard lock{mutex_};
    return operations_;
}

void MemoryDirectory::hold_locks(bool held) {
    const std::lock_guard lock{mutex_};
    locks_held_ = held;
}

std::string MemoryDirectory::content(const std::string& name) const {
    const std::lock_guard lock{mutex_};
    return whole(names_.at(name)->now);
}

void MemoryDirectory::set_content(const std::string& name, std::string bytes) {
    const std::lock_guard lock{mutex_};
    auto& inode = names_[name];
    inode = std::make_shared<Inode>();
    inode->now.size = bytes.size();
    inode->now.bytes = std::move(bytes);
    inode->synced = inode->now;
    synced_names_[name] = inode;
}

void MemoryDirectory::overwrite(const std::string& name, std::string bytes) {
    const std::lock_guard lock{mutex_};
    auto& now = names_.at(name)->now;
    now.size = bytes.size();
    now.bytes = std::move(bytes);
}

bool MemoryDirectory::exists(const std::string& name) const {
    const std::lock_guard lock{mutex_};
    return names_.contains(name);
}

void MemoryDirectory::erase(const std::string& name) {
    const std::lock_guard lock{mutex_};
    names_.erase(name);
    synced_names_.erase(name);
}

std::map<std::string, std::string> MemoryDirectory::all() const {
    const std::lock_guard lock{mutex_};
    std::map<std::string, std::string> files;
    for (const auto& [name, inode] : names_)
        files[name] = whole(inode->now);
    return files;
}

std::error_code MemoryDirectory::admit(Operation operation, const std::string& name) {
    ++operations_;
    return fault_ ? fault_(operation, name) : std::error_code{};
}

}  // namespace ticketd::tests
