// An outside process that holds a record lock on the stock file, of either kind and any range.
#pragma once

#include <fcntl.h>
#include <sys/types.h>

#include <cstdint>
#include <string>

#include "client/descriptor.h"

namespace ticketd::testing {

/// Where the documented layout puts slot `id` (docs/store_format.md).
inline constexpr off_t kSlotBytes = 256;
inline constexpr off_t slot_offset(int id) {
    return 4096 + kSlotBytes * id;
}

class LockHolder {
  public:
    enum class Kind : std::uint8_t { kClassic, kOpenFile };
    struct Lock {
        Kind kind = Kind::kClassic;
        short type = F_WRLCK;
        off_t start = 0;
        off_t length = 0;  ///< 0: to the end, however far that is
    };

    /// A child process takes the lock, waiting for it, and keeps it. Throws if it cannot.
    LockHolder(const std::string& file, const Lock& lock);
    LockHolder(const LockHolder&) = delete;
    LockHolder& operator=(const LockHolder&) = delete;
    ~LockHolder() { release(); }

    /// Ends the child (kill -9) and with it the lock.
    void release();

  private:
    pid_t pid_ = -1;
};

}  // namespace ticketd::testing
