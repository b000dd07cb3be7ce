// A file system of a few megabytes of a test's own (a tmpfs; root only).
#pragma once

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <unistd.h>

#include <string>

#include "client/descriptor.h"
#include "tests/support/process_scratch.h"

namespace ticketd::testing {

class SmallDisk {
  public:
    explicit SmallDisk(const std::string& size = "48m")
        : mounted_(::mount("tmpfs", path().c_str(), "tmpfs", 0, ("size=" + size).c_str()) == 0) {}
    SmallDisk(const SmallDisk&) = delete;
    SmallDisk& operator=(const SmallDisk&) = delete;
    ~SmallDisk() {
        if (mounted_) ::umount2(path().c_str(), MNT_DETACH);
    }

    /// False, and said so, where that is not allowed.
    bool is_mounted() const {
        if (!mounted_) MESSAGE("SKIPPED: no file system can be mounted here");
        return mounted_;
    }
    const std::string& path() const { return directory_.path(); }

    /// Takes all the room there is.
    void fill() const {
        const client::Descriptor fd{
            ::open(ballast().c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600)};
        const std::string block(4096, 'b');
        while (::write(fd.number(), block.data(), block.size()) > 0) {
        }
    }
    void make_room() const { ::unlink(ballast().c_str()); }

  private:
    std::string ballast() const { return path() + "/ballast"; }

    ScratchDirectory directory_;
    bool mounted_;
};

}  // namespace ticketd::testing
