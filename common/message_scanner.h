// Cuts a stream of bytes into JSON values, where a value ends and not where a line ends, so that
// clients may pretty-print or leave the newline out. It follows depth, strings and escapes only;
// whether a value is valid JSON is its reader's affair. LF, CR, blanks and NUL between values are
// skipped. Used by the daemon for requests and by the client for replies.
//
// Each byte is looked at once, however the stream is cut, and no memory is held. Not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace ticketd {

class MessageScanner {
  public:
    enum class Status : std::uint8_t {
        kNeedMore,   ///< no complete value in sight
        kMessage,    ///< `message` is one complete value
        kMalformed,  ///< no JSON value can start or go on like this; the line is being skipped
        kTooLarge,   ///< a value is longer than allowed; the stream cannot be used any more
    };

    struct Result {
        Status status;
        std::string_view message;  ///< points into the scanned bytes
        std::size_t consumed;      ///< bytes at the front the caller must drop before the next call
    };

    explicit MessageScanner(std::size_t message_bytes_max) : bytes_max_(message_bytes_max) {}

    /// Scans on. `pending` starts at the first byte not yet consumed and holds at least what it
    /// held at the last call, less what was consumed.
    Result scan(std::string_view pending);

    /// The stream has ended with `pending` left over. A bare number or literal, which only the next
    /// byte could have ended, is complete now; anything else begun is malformed.
    Result finish(std::string_view pending);

    /// Drops input up to and including the next LF: for a value that proved not to be JSON.
    void skip_line() { state_ = State::kSkippingLine; }

    /// A value (or a line to be skipped) has begun and not ended: its deadline is running.
    bool in_message() const { return state_ != State::kBetween; }

  private:
    enum class State : std::uint8_t { kBetween, kNested, kString, kEscape, kScalar, kSkippingLine };

    std::size_t skip_separators(std::string_view pending);
    Result scan_value(std::string_view pending, std::size_t start);
    bool step(char c);
    Result end_value(std::string_view pending, std::size_t start, std::size_t end);
    Result malformed(std::size_t consumed);

    std::size_t bytes_max_;
    State state_ = State::kBetween;
    std::size_t depth_ = 0;
    std::size_t scanned_ = 0;  // bytes of the value begun that were looked at
};

}  // namespace ticketd
