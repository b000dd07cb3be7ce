// Held for the life of the process that owns the store: a write lock on the file `owner.lock`.
#pragma once

#include <memory>

#include "server/platform/file.h"

namespace ticketd::store {

inline constexpr const char* kOwnerLockName = "owner.lock";

class OwnerLock {
  public:
    /// Throws StoreInUse if another process has it.
    explicit OwnerLock(platform::Directory& directory);

    platform::File& file() { return *file_; }

  private:
    std::unique_ptr<platform::File> file_;
};

}  // namespace ticketd::store
