// Writes to a stream only what it takes at once: a terminal that was stopped, or a pipe that nobody
// reads, must not hold up whoever only wants to say how things are going. What is not taken is
// dropped. The flags of the descriptor stay as they are, because others may share them.
// Not thread-safe.
#pragma once

#include <string_view>

namespace ticketd {

class NoWaitWriter {
  public:
    /// `descriptor` must stay open as long as the writer is used.
    explicit NoWaitWriter(int descriptor);
    NoWaitWriter(const NoWaitWriter&) = delete;
    NoWaitWriter& operator=(const NoWaitWriter&) = delete;
    ~NoWaitWriter();

    /// Writes `text`, or part of it, or nothing.
    void write(std::string_view text) const;

    bool is_terminal() const { return is_terminal_; }
    /// Columns of the terminal; 80 if it does not say.
    std::size_t columns() const;

  private:
    int descriptor_;
    int own_ = -1;  // the same pipe or terminal, opened again, so that only we do not wait
    bool is_terminal_ = false;
    bool is_socket_ = false;
};

}  // namespace ticketd
