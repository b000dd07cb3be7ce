#include "tests/support/disk_file.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace ticketd::tests {
namespace {

constexpr std::array<char, kSectorBytes> kZeros{};

bool is_zero(std::string_view bytes) {
    return std::memcmp(bytes.data(), kZeros.data(), bytes.size()) == 0;
}

/// The whole sector, with zeros for what is behind the end.
std::string sector_of(const Content& content, std::uint64_t sector) {
    std::string image;
    const auto start = sector * kSectorBytes;
    if (start < content.bytes.size()) image = content.bytes.substr(start, kSectorBytes);
    image.resize(kSectorBytes, '\0');
    return image;
}

/// Puts bytes at an offset, without growing for zeros.
void put(std::string& bytes, std::uint64_t offset, std::string_view piece) {
    if (offset >= bytes.size()) {
        while (piece.size() >= kSectorBytes && is_zero(piece.substr(piece.size() - kSectorBytes)))
            piece.remove_suffix(kSectorBytes);
        if (piece.empty()) return;
    }
    if (bytes.size() < offset + piece.size()) bytes.resize(offset + piece.size(), '\0');
    bytes.replace(offset, piece.size(), piece);
}

void cut(Content& content, std::uint64_t size) {
    content.size = size;
    if (content.bytes.size() > size) content.bytes.resize(size);
}

}  // namespace

std::uint64_t DiskFile::digest() const {
    if (digest_ == 0) {
        const std::string_view bytes = now_.bytes;
        const auto used = bytes.substr(0, bytes.find_last_not_of('\0') + 1);
        digest_ = std::hash<std::string_view>{}(used) * 31 + now_.size + 1;
    }
    return digest_;
}

void DiskFile::write(std::uint64_t offset, std::string_view bytes, std::uint64_t step) {
    if (bytes.empty()) return;
    digest_ = 0;
    const auto end = offset + bytes.size();
    for (auto sector = offset / kSectorBytes; sector * kSectorBytes < end; ++sector) {
        const auto start = sector * kSectorBytes;
        const auto from = std::max<std::uint64_t>(start, offset);
        const auto piece = bytes.substr(from - offset, start + kSectorBytes - from);
        if (start >= now_.bytes.size() && is_zero(piece) && !sectors_.contains(sector)) continue;
        auto image = sector_of(now_, sector);
        image.replace(from - start, piece.size(), piece);
        note(sector, std::move(image), step);
    }
    put(now_.bytes, offset, bytes);
    if (end > now_.size) resize(end, step);
}

void DiskFile::resize(std::uint64_t size, std::uint64_t step) {
    if (size == now_.size) return;
    digest_ = 0;
    for (auto sector = size / kSectorBytes; sector * kSectorBytes < now_.bytes.size(); ++sector) {
        auto image = sector_of(now_, sector);
        const auto start = sector * kSectorBytes;
        const auto kept = size > start ? size - start : 0;
        image.replace(kept, kSectorBytes - kept, kSectorBytes - kept, '\0');
        note(sector, std::move(image), step);
    }
    cut(now_, size);
    sizes_.push_back(size);
    size_undecided_.steps.push_back(step);
}

void DiskFile::note(std::uint64_t sector, std::string image, std::uint64_t step) {
    const auto found = sectors_.find(sector);
    if (found == sectors_.end()) {
        if (image == sector_of(now_, sector)) return;  // it says so already, on the disk too
        auto& fresh = sectors_[sector];
        fresh.undecided.may_be_junk = is_zero(sector_of(synced_, sector));
        fresh.undecided.steps = {step};
        fresh.versions = {std::move(image)};
        return;
    }
    auto& [versions, undecided, is_dirty] = found->second;
    is_dirty = true;
    if (image == versions.back()) return;
    versions.push_back(std::move(image));
    undecided.steps.push_back(step);
}

void DiskFile::sync() {
    for (auto at = sectors_.begin(); at != sectors_.end();) {
        if (!at->second.is_dirty) {
            ++at;
            continue;
        }
        put(synced_.bytes, at->first * kSectorBytes, at->second.versions.back());
        at = sectors_.erase(at);
    }
    cut(synced_, now_.size);
    sizes_.clear();
    size_undecided_.steps.clear();
}

// The size stays what the next sync will settle: it is the file system's own, which a failed write
// of data does not make clean.
void DiskFile::fail_sync() {
    for (auto& [number, sector] : sectors_)
        sector.is_dirty = false;
}

void DiskFile::visit_undecided(const std::function<void(const Undecided&)>& visit) const {
    if (!sizes_.empty()) visit(size_undecided_);
    for (const auto& [number, sector] : sectors_)
        visit(sector.undecided);
}

Content DiskFile::after_power_cut(const Choose& choose) const {
    auto left = synced_;
    auto size = synced_.size;
    if (!sizes_.empty()) {
        const auto choice = choose(size_undecided_);
        if (choice > 0) size = sizes_.at(choice - 1);
    }
    for (const auto& [number, sector] : sectors_) {
        const auto choice = choose(sector.undecided);
        if (choice == 0) continue;
        const auto image =
            choice == kJunk ? std::string(kSectorBytes, '\x5a') : sector.versions.at(choice - 1);
        put(left.bytes, number * kSectorBytes, image);
    }
    cut(left, size);
    return left;
}

}  // namespace ticketd::tests
