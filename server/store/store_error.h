// What can go wrong with a store for good. Thrown at start-up and by offline checks only; while
// tickets are sold, errors are values or stop the process (journal_writer.h).
#pragma once

#include <cerrno>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <system_error>

namespace ticketd::store {

/// The store's bytes contradict each other or what was acknowledged. Nothing has been changed; the
/// message names the file, the offset in bytes, and what is wrong there.
class StoreDamaged : public std::runtime_error {
  public:
    StoreDamaged(const std::string& file, std::uint64_t offset, const std::string& problem)
        : std::runtime_error(file + " at offset " + std::to_string(offset) + ": " + problem) {}
};

/// The environment failed: a call on a file returned an error.
class StoreUnavailable : public std::runtime_error {
  public:
    explicit StoreUnavailable(const std::string& problem) : std::runtime_error(problem) {}
    StoreUnavailable(const std::string& file, std::error_code error)
        : std::runtime_error(file + ": " + error.message()) {}
};

/// Another process owns the store.
class StoreInUse : public StoreUnavailable {
  public:
    StoreInUse() : StoreUnavailable("another ticketd owns this store") {}
};

/// True if the error says that there is no space: of the disk, of a quota, of a file's size.
inline bool is_out_of_space(std::error_code error) {
    return error == std::errc::no_space_on_device || error == std::errc::file_too_large ||
           error == std::error_code{EDQUOT, std::system_category()};
}

/// A failed sync, whatever its error: never one that could pass for a lack of space, which is
/// survived.
inline std::error_code failed_sync(std::error_code error) {
    return is_out_of_space(error) ? std::make_error_code(std::errc::io_error) : error;
}

/// Throws StoreUnavailable if `error` is set.
inline void require(std::error_code error, const std::string& file) {
    if (error) throw StoreUnavailable(file, error);
}

}  // namespace ticketd::store
