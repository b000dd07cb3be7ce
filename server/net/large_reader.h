// A thread that reads large messages for the event loop. 64 KiB of JSON take half a millisecond to
// read; on the event loop, everybody else would wait for each of them. One message after another.
#pragma once

#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <asio/thread_pool.hpp>
#include <cstddef>
#include <string_view>
#include <utility>

#include "server/net/message.h"

namespace ticketd::net {

class LargeReader {
  public:
    /// The loop must outlive the reader.
    LargeReader(asio::io_context& loop, std::size_t batch_requests_max)
        : loop_(loop), batch_requests_max_(batch_requests_max) {}
    /// Ends with the message it reads, and forgets those that wait.
    ~LargeReader() {
        thread_.stop();
        thread_.join();
    }
    LargeReader(const LargeReader&) = delete;
    LargeReader& operator=(const LargeReader&) = delete;

    /// Reads `text` and calls `done(Message)` on the loop. The bytes must stay until then, or until
    /// the reader is gone: `done` may own them.
    template <typename Done>
    void read(std::string_view text, Done done) {
        asio::post(thread_, [this, text, done = std::move(done)]() mutable {
            auto message = read_message(text, batch_requests_max_);
            asio::post(loop_, [done = std::move(done), message = std::move(message)]() mutable {
                done(std::move(message));
            });
        });
    }

  private:
    asio::io_context& loop_;
    const std::size_t batch_requests_max_;
    asio::thread_pool thread_{1};
};

}  // namespace ticketd::net
