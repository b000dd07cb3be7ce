// What is written goes to a new file beside the old one, with a name of its own: two mirrors of one
// file replace it in turn, and neither writes into what the other has begun. A crash before the
// rename leaves that new file behind.
#include "client/ticket_client/mirror.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string_view>

#include "client/descriptor.h"
#include "client/random.h"
#include "client/streams.h"

namespace ticketd::client {
namespace {

Failure failed(const std::string& path, const std::string& why) {
    return {"output", client_exit::kStorage, path + ": " + why};
}

Failure failed(const std::string& path, int error) {
    return failed(path, ::strerrordesc_np(error));
}

std::string fresh_name(const std::string& path) {
    std::string name = path.substr(0, path.rfind('/') + 1) + ".ticket-mirror-";
    for (const auto byte : random_bytes()) {
        for (const int digit : {byte >> 4, byte & 15})
            name += "0123456789abcdef"[digit];
    }
    return name;
}

// Returns 0 or the error number.
int fill(int file, std::string_view text, const struct stat* old) {
    if (const int error = write_all(file, text); error != 0) return error;
    if (old == nullptr) return 0;
    // Not everybody may give a file away; then it is the writer's.
    if (::fchown(file, old->st_uid, old->st_gid) != 0 && errno != EPERM) return errno;
    return ::fchmod(file, old->st_mode & 0777) == 0 ? 0 : errno;
}

}  // namespace

std::optional<Failure> write_mirror(const std::string& path, std::uint64_t count) {
    struct stat old{};
    const bool is_there = ::lstat(path.c_str(), &old) == 0;
    if (!is_there && errno != ENOENT) return failed(path, errno);
    if (is_there && S_ISLNK(old.st_mode)) return failed(path, "is a link; name the file itself");
    if (is_there && !S_ISREG(old.st_mode)) return failed(path, "is no regular file");

    const auto fresh = fresh_name(path);
    const Descriptor file{::open(fresh.c_str(),
                                 O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                                 is_there ? 0600 : 0644)};
    if (!file.is_open()) return failed(path, errno);
    const auto text = R"({"count": )" + std::to_string(count) + "}\n";
    int error = fill(file.number(), text, is_there ? &old : nullptr);
    if (error == 0 && std::rename(fresh.c_str(), path.c_str()) != 0) error = errno;
    if (error == 0) return std::nullopt;
    ::unlink(fresh.c_str());
    return failed(path, error);
}

}  // namespace ticketd::client
