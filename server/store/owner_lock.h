// Held for the life of the process that owns the store: a write lock on the file `owner.lock`.
#pragma once

#include <memory>

#include "server/platform/file.h"

namespace ticketd::store {

inline constexpr const char* kOwnerLockName = "owner.lock";

class OwnerLock {
  public:
    /// Throws StoreInUse if another process has it. The directory must outlive it.
    explicit OwnerLock(platform::Directory& directory);

    /// True if the name still leads to the file that is locked; else another process may own the
    /// store too.
    bool is_held() const { return directory_.leads_to(kOwnerLockName, *file_); }

  private:
    platform::Directory& directory_;
    std::unique_ptr<platform::File> file_;
};

}  // namespace ticketd::store
