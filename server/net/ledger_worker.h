// A thread that reads the ledger for the event loop, so that a cold disk delays no sale. Jobs run
// one after another, those of different connections in turn; their results come back on the event
// loop.
#pragma once

#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <asio/thread_pool.hpp>
#include <exception>
#include <functional>
#include <string>
#include <utility>

#include "server/net/turns.h"
#include "server/store/ledger_reader.h"

namespace ticketd::net {

class LedgerWorker {
  public:
    /// The loop and the directory must outlive the worker.
    LedgerWorker(asio::io_context& loop, platform::Directory& directory,
                 const store::StoreId& store)
        : loop_(loop), reader_(directory, store) {}
    /// Ends the job that runs and forgets those that wait.
    ~LedgerWorker() {
        reader_.stop();
        thread_.stop();
        thread_.join();
    }
    LedgerWorker(const LedgerWorker&) = delete;
    LedgerWorker& operator=(const LedgerWorker&) = delete;

    /// For this connection runs `read(LedgerReader&)` on the thread, then `done(result)` on the
    /// loop; if reading threw, `failed(what)` instead. Only durable entries may be read.
    template <typename Read, typename Done>
    void run(std::uint64_t connection, Read read, Done done,
             std::function<void(std::string)> failed) {
        turns_.add(connection, [this, read = std::move(read), done = std::move(done),
                                failed = std::move(failed)]() mutable {
            try {
                auto result = read(reader_);
                asio::post(loop_, [done = std::move(done), result = std::move(result)]() mutable {
                    done(std::move(result));
                });
            } catch (const std::exception& error) {
                asio::post(loop_, [failed = std::move(failed), what = std::string{error.what()}] {
                    failed(what);
                });
            }
        });
        asio::post(thread_, [this] { turns_.take()(); });
    }

  private:
    asio::io_context& loop_;
    store::LedgerReader reader_;
    Turns turns_;
    asio::thread_pool thread_{1};
};

}  // namespace ticketd::net
