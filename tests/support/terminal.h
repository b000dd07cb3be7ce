// A terminal of a test's own: what is written to it can be read here, or left unread.
// Not thread-safe.
#pragma once

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <termios.h>

#include <array>
#include <stdexcept>
#include <string>

#include "client/descriptor.h"

namespace ticketd::testing {

class Terminal {
  public:
    /// Throws if there is none to be had.
    Terminal() : master_(::posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC)) {
        if (!master_.is_open() || ::unlockpt(master_.number()) != 0) {
            throw std::runtime_error("no terminal");
        }
        std::array<char, 64> name{};
        if (::ptsname_r(master_.number(), name.data(), name.size()) != 0) {
            throw std::runtime_error("no terminal");
        }
        path_ = name.data();
        slave_ = client::Descriptor{::open(path_.c_str(), O_RDWR | O_NOCTTY | O_CLOEXEC)};
        if (!slave_.is_open()) throw std::runtime_error("no terminal");
    }

    const std::string& path() const { return path_; }
    int descriptor() const { return slave_.number(); }

    void set_columns(unsigned short columns) const {
        const winsize size{24, columns, 0, 0};
        ::ioctl(master_.number(), TIOCSWINSZ, &size);
    }

    /// As Ctrl-S does: whoever writes to it waits, until it is closed.
    void stop_output() const { ::tcflow(slave_.number(), TCOOFF); }

    /// What was written to it so far.
    std::string text() const {
        std::string all;
        std::array<char, 4096> chunk;  // NOLINT(*-member-init): filled by read()
        for (;;) {
            const auto got = ::read(master_.number(), chunk.data(), chunk.size());
            if (got <= 0) return all;
            all.append(chunk.data(), static_cast<std::size_t>(got));
        }
    }

  private:
    client::Descriptor master_, slave_;
    std::string path_;
};

}  // namespace ticketd::testing
