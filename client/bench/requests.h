// Writes the requests of a load run. A request is a text made once, in which only the digits of its
// number change: the id, and the end of the key, which is unique over all runs. Not thread-safe.
#pragma once

#include <cstdint>
#include <string>

#include "client/bench/options.h"

namespace ticketd::client {

class RequestWriter {
  public:
    explicit RequestWriter(const BenchOptions& options);

    /// Appends the next request, ended by LF.
    void append_next(std::string& out);

  private:
    static constexpr std::size_t kDigits = 15;

    void put_digits(std::size_t at);

    std::string line_;
    std::size_t id_at_ = 0;
    std::size_t key_at_ = 0;                      // zero: no key
    std::uint64_t number_ = 100'000'000'000'000;  // has kDigits digits from the start
};

}  // namespace ticketd::client
