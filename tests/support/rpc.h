// A JSON-RPC connection for tests that want the bytes: what is sent is sent as given, what comes is
// seen as it came. Every wait has a deadline; what goes wrong throws, which fails the test.
// Not thread-safe.
#pragma once

#include <chrono>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "client/descriptor.h"
#include "tests/support/process.h"

namespace ticketd::testing {

using Json = nlohmann::json;

/// One request, as it goes over the wire.
std::string request_line(const Json& id, std::string_view method, const Json& params);

/// Of a refusal; "" for a result.
std::string kind_of(const Json& reply);

class Rpc {
  public:
    /// Connects at once. Throws if nobody listens.
    explicit Rpc(const std::string& socket_path);

    void send(std::string_view bytes);
    /// Sends what the daemon takes without waiting; the number of bytes.
    std::size_t try_send(std::string_view bytes);
    /// No more bytes will be sent.
    void end_input();

    /// The bytes up to and without the next LF.
    std::string line();
    /// The next line, parsed.
    Json receive() { return Json::parse(line()); }
    /// Exactly this many bytes.
    std::string bytes(std::size_t count);
    /// Waits until the daemon closes; false if bytes come instead or nothing happens.
    bool is_closed_by_peer(std::chrono::milliseconds patience = kPatience);
    /// True if something can be read, or becomes readable in time.
    bool has_input(std::chrono::milliseconds patience);

    /// Sends one request and returns the reply to it.
    Json call(std::string_view method, const Json& params = Json::object());
    /// The result; an error throws.
    Json result(std::string_view method, const Json& params = Json::object());
    /// The error; a result throws.
    Json error(std::string_view method, const Json& params = Json::object());
    /// The `data.kind` of the error, or "" if there is a result.
    std::string kind(std::string_view method, const Json& params = Json::object());

    /// Asks for `server.stats` until the number called `name` is `value`. Throws if it never is.
    void wait_for_stat(const std::string& name, std::uint64_t value);

    int descriptor() const { return socket_.number(); }

  private:
    bool read_more(std::chrono::steady_clock::time_point deadline);

    client::Descriptor socket_;
    std::string pending_;
    int last_id_ = 0;
};

}  // namespace ticketd::testing
