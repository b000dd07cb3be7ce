// Counts what the daemon answered. Looks for few words in a line instead of parsing it: a load
// generator must not be slower than what it measures. Not thread-safe.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace ticketd::client {

class ReplyCounts {
  public:
    /// Counts one reply line; false if it is neither a result nor an error.
    bool add(std::string_view line);

    std::uint64_t results() const { return results_; }
    /// By kind: the ways to say that there are no tickets for this request (codes 1001 to 1004).
    const std::map<std::string, std::uint64_t>& refusals() const { return refusals_; }
    /// By kind: everything else.
    const std::map<std::string, std::uint64_t>& errors() const { return errors_; }

  private:
    void add_error(std::string_view line);

    std::uint64_t results_ = 0;
    std::map<std::string, std::uint64_t> refusals_;
    std::map<std::string, std::uint64_t> errors_;
};

}  // namespace ticketd::client
