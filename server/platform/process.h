// What a daemon does to its own process before anything else, and to its threads. Functions are
// called once, from main, before threads start, unless they speak of a thread.
#pragma once

#include <csignal>
#include <cstddef>
#include <cstdint>
#include <variant>
#include <vector>

#include "server/platform/file_descriptor.h"

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
    std::uint32_t pid = 0;  ///< 0: of a process that cannot be seen from here
    bool known = false;
};
PeerCredentials peer_credentials(int socket);
/// The groups of that user at that time, the main one too; nothing if the kernel does not tell.
std::vector<std::uint32_t> peer_groups(int socket);

/// Another process, told apart from a later one with the same number. Works for as long as it has
/// not been waited for, and whoever's it is.
struct ProcessHandle {
    FileDescriptor descriptor;  ///< a pidfd: readable once the process has ended
    std::uint32_t uid = 0;      ///< its real user
    std::uint64_t start = 0;    ///< when it was started, in clock ticks since boot
};
/// The number, as we count, of the process that `caller` calls `number`: in a PID namespace of its
/// own, such as a container's, it counts otherwise. There only the caller itself, those it descends
/// from, and the children of all these can be told; nothing if it is none of them, or the caller
/// cannot be seen from here (0). Looks at `looks` processes at most, some 50 µs each, and takes
/// from that what it has looked at. Any thread, any time.
std::optional<std::uint32_t> pid_as_seen_by(std::uint32_t caller, std::uint32_t number, int& looks);

/// Why there is no handle.
enum class NoProcess : std::uint8_t {
    kNone,     ///< there is no such process, or it has ended, or it cannot be seen from here
    kUnknown,  ///< without descriptors or memory nobody can tell
};
/// Any thread, any time.
std::variant<ProcessHandle, NoProcess> open_process(std::uint32_t pid);

}  // namespace ticketd::platform
