// The daemon's configuration: defaults, then the file, then the command line. The file is JSON with
// comments; config/ticketd.jsonc is its manual.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>

#include "server/net/access.h"
#include "server/net/settings.h"
#include "server/store/settings.h"

namespace ticketd {

struct Config {
    std::string data_dir;
    std::string log_level = "info";
    net::Settings net;
    net::Access access;
    store::StoreSettings store;
    /// Serve a store on a network file system all the same.
    bool allow_network_file_system = false;
    std::map<std::string, std::uint64_t> events;  ///< name to capacity, created if missing
};

/// What is wrong with the configuration, beginning with the path of the key. Exit code 78.
class ConfigError : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

/// The defaults of this user on this machine.
Config default_config();

/// Reads `file` over `config`. Unknown or repeated keys, wrong types and values out of range throw
/// ConfigError, as does a file that cannot be read.
void read_config_file(const std::string& file, Config& config);

/// Reads the text of a configuration; `origin` begins the messages about it.
void read_config_text(const std::string& text, const std::string& origin, Config& config);

/// The configuration as a file that would give it.
std::string config_text(const Config& config);

/// The path, if a socket's address can hold it. Throws ConfigError.
std::string checked_socket_path(std::string path);

/// "NAME=CAPACITY". Throws ConfigError.
std::pair<std::string, std::uint64_t> parse_event_option(const std::string& text);

/// The count in a file of the tutorial, `{"count": N}`. Throws ConfigError.
std::uint64_t read_tutorial_count(const std::string& file);

}  // namespace ticketd
