// One function for each way of being a bad client. Each prints "ready" when it is at full strength
// and goes on until it is killed, unless it says otherwise.
#pragma once

#include <string>

namespace ticketd::attacker {

/// Connects and says nothing. When the daemon has dropped all of them: prints "dropped", ends.
void silent(const std::string& socket, std::size_t connections);
/// Begins a message and sends one byte of it a second. Ends like silent().
void drip(const std::string& socket, std::size_t connections);
/// Sends half a message and hangs up, again and again; so many connections at a time.
void half(const std::string& socket, std::size_t connections);
/// Asks for as much as the daemon takes and never reads.
void deaf(const std::string& socket, std::size_t connections, const std::string& request);
/// Keeps so many connections, and when the daemon refuses more, tries again and again at once.
/// After "ready" it prints "kept N".
void crowd(const std::string& socket, std::size_t connections);
/// Sends bombs as fast as the daemon takes them and reads the answers; `name` is one of
/// payloads.h, or "all" for each in turn.
void bomb(const std::string& socket, std::size_t connections, const std::string& name);
/// Sends requests that carry descriptors, forged credentials and urgent bytes.
void ancillary(const std::string& socket, std::size_t connections);

}  // namespace ticketd::attacker
