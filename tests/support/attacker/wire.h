// What the attacks are made of: raw sockets, no good manners. One thread.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "client/descriptor.h"

namespace ticketd::attacker {

using client::Descriptor;

/// A new connection, non-blocking; not open if the daemon could not be reached.
Descriptor connect_to(const std::string& path);

/// Takes as many bytes of `bytes` as the socket does at once; -1 if the connection is gone.
std::ptrdiff_t send_some(const Descriptor& socket, std::string_view bytes);

/// Reads and forgets what is there; false if the connection has ended.
bool discard_input(const Descriptor& socket);

/// A line to whoever started this program.
void say(const std::string& line);

/// Waits for events on the sockets for at most so long; true for each that has some.
std::vector<bool> wait_for_any(const std::vector<Descriptor>& sockets, short events,
                               int timeout_ms);

}  // namespace ticketd::attacker
