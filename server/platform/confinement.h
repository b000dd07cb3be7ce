// Takes from the process what only somebody who has broken into it could want. A filter in the
// kernel (seccomp), through libseccomp; there is no way back.
#pragma once

#include <system_error>

namespace ticketd::platform {

/// From now on no thread can start a program or a process, open a socket or a connection, or look
/// into another process: such calls fail with EPERM. What is open stays usable, and threads can be
/// started. Programs can gain no privileges either. From any thread, once.
///
/// The error if the kernel does not have such filters, or not for all threads; then nothing is
/// taken away.
[[nodiscard]] std::error_code confine_process();

}  // namespace ticketd::platform
