#include "server/daemon.h"

#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <asio/signal_set.hpp>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <memory>
#include <new>

#include "common/check.h"
#include "common/error_kind.h"
#include "common/progress_line.h"
#include "common/socket_path.h"
#include "server/net/listening_socket.h"
#include "server/net/server.h"
#include "server/platform/confinement.h"
#include "server/platform/posix_file.h"
#include "server/platform/process.h"
#include "server/store/store.h"
#include "server/store/store_error.h"

namespace ticketd {
namespace {

// Answers nobody and writes nothing further: what the disk holds is what recovery will find.
[[noreturn]] void stop_at_once(const std::string& what) {
    const auto line = "ticketd: stopped at once: " + what + "\n";
    write_last_line(line);
    ::_exit(client_exit::kStorage);
}

/// What the store reports from its sync thread goes to the server on the event loop.
store::StoreEvents events_for(asio::io_context& loop, net::Server*& server) {
    store::StoreEvents events;
    events.on_durable = [&loop, &server](Lsn lsn) {
        asio::post(loop, [&server, lsn] { server->on_durable(lsn); });
    };
    events.on_full = [&loop, &server](std::error_code) {
        asio::post(loop, [&server] { server->on_full(); });
    };
    events.on_keys_expired = [&loop, &server](const store::KeyFloor& floor) {
        asio::post(loop, [&server, floor] { server->on_keys_expired(floor); });
    };
    events.on_checkpoint = [&loop, &server](Lsn lsn, const store::OrderRuns& runs) {
        spdlog::debug("checkpoint at LSN {}", lsn);
        asio::post(loop, [&server, lsn, runs] { server->on_checkpoint(lsn, runs); });
    };
    events.on_entry = [&server](const store::Entry& entry) { server->on_entry(entry); };
    events.on_fatal = [](const std::string& what) { stop_at_once(what); };
    events.on_notice = [](const std::string& notice) { spdlog::warn("{}", notice); };
    return events;
}

void create_event(store::Store& store, const std::string& name, std::uint64_t capacity) {
    if (const auto existing = store.state().find_event(name)) {
        const auto present = store.state().event(*existing).stock.capacity;
        if (present != capacity) {
            spdlog::warn("event {} exists with capacity {}; left as it is", name, present);
        }
        return;
    }
    const auto result = store.create_event(::geteuid(), name, capacity);
    if (!std::holds_alternative<store::Changed>(result)) {
        throw store::StoreUnavailable("event " + name + " could not be created");
    }
    spdlog::info("event {} created with capacity {}", name, capacity);
}

void create_events(store::Store& store, const Options& options) {
    for (const auto& [name, capacity] : options.config.events)
        create_event(store, name, capacity);
    if (!options.import_file.empty() && !store.state().find_event("default")) {
        create_event(store, "default", read_tutorial_count(options.import_file));
    }
    store.end_turn();
}

/// The directory of the last-resort address is ours to make, and must be ours alone.
void prepare_socket_directory(const std::string& socket_path) {
    const auto directory = parent_directory(socket_path);
    if (directory != temporary_socket_directory()) return;
    static_cast<void>(::mkdir(directory.c_str(), 0700));
    if (!is_private_directory(directory)) {
        throw net::AddressUnavailable(directory + ": not a directory of ours alone");
    }
}

/// Keeps the connections and processes we allow below the descriptors we may have.
net::Settings within_descriptor_limit(net::Settings settings) {
    const auto limit = platform::raise_descriptor_limit();
    settings.watched_processes = std::min(settings.watched_processes, limit / 4);
    const auto reserved = limits::kDescriptorsReserved + settings.watched_processes;
    const auto usable = limit > 2 * reserved ? limit - reserved : limits::kDescriptorsReserved;
    if (settings.connections > usable) {
        spdlog::warn("{} open files are allowed, so at most {} connections", limit, usable);
        settings.connections = usable;
    }
    return settings;
}

void check_file_system(const platform::PosixDirectory& directory, const Config& config) {
    const auto kind = directory.network_file_system();
    if (!kind) return;
    if (!config.allow_network_file_system) {
        throw store::StoreUnavailable(
            "is on " + *kind + ", where locks and syncs promise too little; " +
            "allow_network_file_system in the configuration takes it all the same");
    }
    spdlog::warn("{} is on {}: locks and syncs promise less there", config.data_dir, *kind);
}

/// Once the socket is there, nothing that is left to do needs another, or another process.
void confine() {
// AddressSanitizer looks for leaks from a process that it starts.
#if !defined(TICKETD_SANITIZED) && !defined(__SANITIZE_ADDRESS__)
    if (const auto error = platform::confine_process()) {
        spdlog::warn("this kernel does not take away what is not needed: {}", error.message());
    }
#endif
}

/// The path that leads to the data directory from anywhere.
std::string absolute_path(const std::string& data_dir) {
    const std::unique_ptr<char, void (*)(void*)> path{::realpath(data_dir.c_str(), nullptr),
                                                      ::free};
    if (!path) throw store::StoreUnavailable(data_dir, {errno, std::system_category()});
    return path.get();
}

/// Makes the store ready. What takes long is told: in a line on a terminal, else in the log.
std::unique_ptr<store::Store> open_store(platform::Directory& directory,
                                         const platform::Clock& clock, store::StoreEvents events,
                                         const store::StoreSettings& settings) {
    ProgressLine line{"recovery", STDERR_FILENO,
                      [](const std::string& text) { spdlog::info("{}", text); }};
    const auto progress = [&line](const std::string& what, std::uint64_t done,
                                  std::uint64_t total) { line.tell(what, done, total); };
    return std::make_unique<store::Store>(directory, clock, std::move(events), settings, progress);
}

std::unique_ptr<net::Server> make_server(asio::io_context& loop, platform::Directory& directory,
                                         store::Store& store, const net::Settings& settings,
                                         const net::Access& access) {
    const platform::SignalsHeldBack held_back;
    return std::make_unique<net::Server>(loop, directory, store, settings, access);
}

void run(const Options& options) {
    auto settings = within_descriptor_limit(options.config.net);
    prepare_socket_directory(settings.socket_path);
    // Taken first, so that a start that cannot serve changes nothing in the store; nobody gets
    // through before listen().
    net::ListeningSocket address{settings.socket_path, settings.socket_mode};
    confine();

    const auto directory =
        platform::PosixDirectory::open_or_create_private(options.config.data_dir);
    check_file_system(*directory, options.config);
    settings.data_dir = absolute_path(options.config.data_dir);
    const platform::SystemClock clock;
    asio::io_context loop{1};  // what waits in it may hold files of the directory
    net::Server* server = nullptr;
    const auto opened =
        open_store(*directory, clock, events_for(loop, server), options.config.store);
    auto& store = *opened;
    for (const auto& notice : store.notices())
        spdlog::warn("{}", notice);

    const auto instance = make_server(loop, *directory, store, settings, options.config.access);
    server = instance.get();
    create_events(store, options);

    asio::signal_set signals{loop, SIGTERM, SIGINT, SIGHUP};
    signals.async_wait([&](const asio::error_code& error, int number) {
        if (error) return;
        spdlog::info("{}: stopping", number == SIGTERM  ? "SIGTERM"
                                     : number == SIGINT ? "SIGINT"
                                                        : "SIGHUP");
        // The second signal gets no handler: it ends the process, and recovery does the rest.
        for (const int again : {SIGTERM, SIGINT, SIGHUP}) {
            signals.remove(again);
        }
        instance->stop([&loop] { loop.stop(); });
    });
    instance->listen(address);
    spdlog::info("ticketd {} ready on {}: {} events, LSN {}", TICKETD_VERSION, settings.socket_path,
                 store.state().events().size(), store.state().last_lsn());
    loop.run();
    store.close();
    spdlog::info("stopped at LSN {}", store.state().last_lsn());
}

}  // namespace

int serve(const Options& options) {
    try {
        run(options);
        return client_exit::kDone;
    } catch (const ConfigError& error) {
        spdlog::error("configuration: {}", error.what());
        return client_exit::kConfiguration;
    } catch (const net::AddressUnavailable& error) {
        spdlog::error("{}", error.what());
        return client_exit::kUnreachable;
    } catch (const store::StoreInUse& error) {
        spdlog::error("{}: {}", options.config.data_dir, error.what());
        return client_exit::kUnreachable;
    } catch (const store::StoreDamaged& error) {
        spdlog::error("the store in {} is damaged and was not touched: {}", options.config.data_dir,
                      error.what());
        return client_exit::kStorage;
    } catch (const std::bad_alloc&) {
        spdlog::error("stopped: there is no memory");
        return client_exit::kInternal;
    } catch (const std::exception& error) {
        spdlog::error("{}: {}", options.config.data_dir, error.what());
        return client_exit::kStorage;
    }
}

}  // namespace ticketd
