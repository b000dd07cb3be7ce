#include "server/store/read_range.h"

#include "server/store/store_error.h"

namespace ticketd::store {

std::size_t read_range(platform::File& file, const std::string& name, std::span<char> buffer,
                       std::uint64_t offset) {
    std::size_t done = 0;
    for (bool is_asked_again = false;; is_asked_again = true) {
        const auto got = file.read_at(buffer.subspan(done), offset + done);
        require(got.error, name);
        done += got.bytes;
        if (done == buffer.size()) return done;
        const auto size = file.size();
        require(size.error, name);
        if (offset + done >= size.bytes) return done;
        // Once, it can have been cut when it was read and have grown again when its size was asked.
        if (is_asked_again && got.bytes == 0) {
            throw StoreUnavailable(name + ": reading stopped at offset " +
                                   std::to_string(offset + done) + " of " +
                                   std::to_string(size.bytes));
        }
    }
}

std::string read_range(platform::File& file, const std::string& name, std::uint64_t offset,
                       std::size_t length) {
    std::string bytes(length, '\0');
    bytes.resize(read_range(file, name, bytes, offset));
    return bytes;
}

}  // namespace ticketd::store
