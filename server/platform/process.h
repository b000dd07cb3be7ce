// What a daemon does to its own process before anything else, and to its threads. Functions are
// called once, from main, before threads start, unless they speak of a thread.
#pragma once

#include <csignal>
#include <cstddef>
#include <cstdint>

namespace ticketd::platform {

/// Opens /dev/null on every closed descriptor of 0, 1 and 2, so that no file or socket of ours can
/// ever get a number that some library writes messages to.
void open_standard_descriptors();

/// Files made from now on are for this user alone, unless their mode is set otherwise.
void keep_files_private();

/// SIGPIPE and SIGXFSZ become errors of the call that met them.
void ignore_write_signals();

/// While it lives, threads that are started will get none of the process's signals for their whole
/// life: the thread that handles them does. What arrives meanwhile waits, if that thread is the one
/// that made it.
class SignalsHeldBack {
  public:
    SignalsHeldBack();
    SignalsHeldBack(const SignalsHeldBack&) = delete;
    SignalsHeldBack& operator=(const SignalsHeldBack&) = delete;
    ~SignalsHeldBack();

  private:
    sigset_t before_;
};

/// The calling thread, and it alone, gives way to others where processors are scarce: its niceness
/// grows by 10, for good. Where that is not allowed nothing changes.
void give_way();

/// Raises the soft limit of open files to the hard one and returns it.
std::size_t raise_descriptor_limit();

/// The user who opened the other end of a Unix socket, as the kernel recorded it at connect time.
struct PeerCredentials {
    std::uint32_t uid = 0;
    bool known = false;
};
PeerCredentials peer_credentials(int socket);

}  // namespace ticketd::platform
