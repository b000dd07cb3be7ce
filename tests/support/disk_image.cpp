#include "tests/support/disk_image.h"

#include <algorithm>

namespace ticketd::tests {

std::optional<DiskImage::FileNumber> DiskImage::find(const std::string& name) const {
    const auto found = names_.find(name);
    return found == names_.end() ? std::nullopt : std::optional{found->second};
}

DiskImage::FileNumber DiskImage::create(const std::string& name) {
    files_.push_back(std::make_shared<DiskFile>());
    const auto number = files_.size() - 1;
    names_[name] = number;
    note({"", name, number});
    return number;
}

void DiskImage::rename(const std::string& from, const std::string& to) {
    const auto number = names_.at(from);
    names_.erase(from);
    names_[to] = number;
    note({from, to, number});
}

void DiskImage::remove(const std::string& name) {
    names_.erase(name);
    note({name, "", 0});
}

void DiskImage::sync_names() {
    ++steps_;
    synced_names_ = names_;
    unsynced_names_.clear();
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
    names_[name] = synced_names_[name] = files_.size() - 1;
}

void DiskImage::erase(const std::string& name) {
    names_.erase(name);
    synced_names_.erase(name);
}

bool DiskImage::is_unsynced(const std::string& name) const {
    return std::any_of(
        unsynced_names_.begin(), unsynced_names_.end(),
        [&](const NameChange& change) { return change.made == name || change.removed == name; });
}

void DiskImage::visit_undecided(
    const std::function<void(const std::string&, const Undecided&)>& visit) const {
    for (const auto& change : unsynced_names_)
        visit("", change.undecided);
    for (FileNumber number = 0; number < files_.size(); ++number) {
        if (files_[number]->is_synced() || !can_be_found(number)) continue;
        const auto holds = [number](const auto& name) { return name.second == number; };
        const auto named = std::find_if(names_.begin(), names_.end(), holds);
        const auto name = named == names_.end() ? std::string{} : named->first;
        files_[number]->after_power_cut([&](const Undecided& undecided) {
            visit(name, undecided);
            return std::size_t{0};
        });
    }
}

DiskImage DiskImage::after_power_cut(const Choose& choose) const {
    auto names = synced_names_;
    for (const auto& change : unsynced_names_) {
        if (choose(change.undecided) == 0) continue;
        if (!change.removed.empty()) names.erase(change.removed);
        if (!change.made.empty()) names[change.made] = change.file;
    }
    std::map<FileNumber, FileNumber> renumbered;
    DiskImage found;
    for (FileNumber number = 0; number < files_.size(); ++number) {
        if (!can_be_found(number)) continue;
        const auto& file = files_[number];
        renumbered[number] = found.files_.size();
        found.files_.push_back(
            file->is_synced() ? file : std::make_shared<DiskFile>(file->after_power_cut(choose)));
    }
    for (const auto& [name, number] : names)
        found.names_[name] = renumbered.at(number);
    found.synced_names_ = found.names_;
    found.steps_ = steps_;
    return found;
}

bool DiskImage::can_be_found(FileNumber number) const {
    const auto holds = [number](const auto& name) { return name.second == number; };
    return std::any_of(names_.begin(), names_.end(), holds) ||
           std::any_of(synced_names_.begin(), synced_names_.end(), holds) ||
           std::any_of(unsynced_names_.begin(), unsynced_names_.end(),
                       [number](const NameChange& change) {
                           return !change.made.empty() && change.file == number;
                       });
}

DiskFile& DiskImage::change(FileNumber number) {
    auto& file = files_[number];
    if (file.use_count() > 1) file = std::make_shared<DiskFile>(*file);
    return *file;
}

void DiskImage::note(NameChange change) {
    change.undecided.steps = {++steps_};
    unsynced_names_.push_back(std::move(change));
}

}  // namespace ticketd::tests
