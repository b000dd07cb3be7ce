#include "tests/support/disk_image.h"

#include <algorithm>

namespace ticketd::tests {
namespace {

/// To change `shared` in place, or a copy of it if others have it too. That a pointer was copied
/// before the count is read makes what others read, before they let go of it, happen before.
template <class T>
T& own(std::shared_ptr<T>& shared) {
    constexpr long kBoth = 2;  // `shared` and `counted`
    auto counted = shared;
    if (counted.use_count() > kBoth) shared = std::make_shared<T>(*counted);
    return *shared;
}

}  // namespace

std::optional<DiskImage::FileNumber> DiskImage::find(const std::string& name) const {
    const auto found = names().find(name);
    return found == names().end() ? std::nullopt : std::optional{found->second};
}

DiskImage::FileNumber DiskImage::create(const std::string& name) {
    files_.push_back(std::make_shared<DiskFile>());
    const auto number = files_.size() - 1;
    change_directory().names[name] = number;
    note({"", name, number});
    return number;
}

void DiskImage::rename(const std::string& from, const std::string& to) {
    auto& names = change_directory().names;
    const auto number = names.at(from);
    names.erase(from);
    names[to] = number;
    note({from, to, number});
}

void DiskImage::remove(const std::string& name) {
    change_directory().names.erase(name);
    note({name, "", 0});
}

void DiskImage::sync_names() {
    ++steps_;
    auto& directory = change_directory();
    directory.synced = directory.names;
    directory.unsynced.clear();
}

void DiskImage::write(FileNumber number, std::uint64_t offset, std::string_view bytes) {
    change(number).write(offset, bytes, ++steps_);
}

void DiskImage::resize(FileNumber number, std::uint64_t size) {
    change(number).resize(size, ++steps_);
}

void DiskImage::sync(FileNumber number) {
    ++steps_;
    change(number).sync();
}

void DiskImage::fail_sync(FileNumber number) {
    ++steps_;
    change(number).fail_sync();
}

void DiskImage::set(const std::string& name, Content content) {
    files_.push_back(std::make_shared<DiskFile>(std::move(content)));
    auto& directory = change_directory();
    directory.names[name] = directory.synced[name] = files_.size() - 1;
}

void DiskImage::erase(const std::string& name) {
    change_directory().names.erase(name);
    change_directory().synced.erase(name);
}

bool DiskImage::is_unsynced(const std::string& name) const {
    const auto& unsynced = directory_->unsynced;
    return std::any_of(unsynced.begin(), unsynced.end(), [&](const NameChange& change) {
        return change.made == name || change.removed == name;
    });
}

void DiskImage::visit_undecided(
    const std::function<void(const std::string&, const Undecided&)>& visit) const {
    for (const auto& change : directory_->unsynced)
        visit("", change.undecided);
    for (FileNumber number = 0; number < files_.size(); ++number) {
        if (files_[number]->is_synced() || !can_be_found(number)) continue;
        const auto holds = [number](const auto& name) { return name.second == number; };
        const auto named = std::find_if(names().begin(), names().end(), holds);
        const auto name = named == names().end() ? std::string{} : named->first;
        files_[number]->visit_undecided(
            [&](const Undecided& undecided) { visit(name, undecided); });
    }
}

DiskImage DiskImage::after_power_cut(const Choose& choose) const {
    DiskImage found;
    found.steps_ = steps_;
    found.files_ = files_;
    auto& names = found.directory_->names;
    names = directory_->synced;
    for (const auto& change : directory_->unsynced) {
        if (choose(change.undecided) == 0) continue;
        if (!change.removed.empty()) names.erase(change.removed);
        if (!change.made.empty()) names[change.made] = change.file;
    }
    for (FileNumber number = 0; number < files_.size(); ++number) {
        if (files_[number]->is_synced() || !can_be_found(number)) continue;
        found.files_[number] = std::make_shared<DiskFile>(files_[number]->after_power_cut(choose));
    }
    found.directory_->synced = names;
    return found;
}

bool DiskImage::can_be_found(FileNumber number) const {
    const auto& [names, synced, unsynced] = *directory_;
    const auto holds = [number](const auto& name) { return name.second == number; };
    return std::any_of(names.begin(), names.end(), holds) ||
           std::any_of(synced.begin(), synced.end(), holds) ||
           std::any_of(unsynced.begin(), unsynced.end(), [number](const NameChange& change) {
               return !change.made.empty() && change.file == number;
           });
}

DiskImage::Directory& DiskImage::change_directory() {
    return own(directory_);
}

DiskFile& DiskImage::change(FileNumber number) {
    return own(files_[number]);
}

void DiskImage::note(NameChange change) {
    change.undecided.steps = {++steps_};
    change_directory().unsynced.push_back(std::move(change));
}

}  // namespace ticketd::tests
