#include "server/store/owner_lock.h"

#include <string>

#include "server/store/store_error.h"

namespace ticketd::store {

OwnerLock::OwnerLock(platform::Directory& directory) : directory_(directory) {
    auto opened = directory.open(kOwnerLockName, platform::OpenMode::kReadWrite);
    if (opened.error == std::errc::no_such_file_or_directory) {
        opened = directory.open(kOwnerLockName, platform::OpenMode::kCreateNew);
        if (opened.error == std::errc::file_exists) {
            opened = directory.open(kOwnerLockName, platform::OpenMode::kReadWrite);
        }
    }
    require(opened.error, kOwnerLockName);
    file_ = std::move(opened.file);
    const auto locked = file_->try_lock(platform::LockKind::kExclusive, {});
    if (locked == platform::LockResult::kHeldElsewhere) throw StoreInUse();
    if (locked == platform::LockResult::kFailed) {
        throw StoreUnavailable(std::string{kOwnerLockName} +
                               ": this file system has no record locks");
    }
    // Between the opening and the locking somebody may have replaced it.
    if (!is_held()) throw StoreInUse();
}

}  // namespace ticketd::store
