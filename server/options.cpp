#include "server/options.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <map>
#include <string>
#include <vector>

#include "common/error_kind.h"

namespace ticketd {
namespace {

constexpr const char* kFooter = R"(
Examples:
  ticketd --data-dir /tmp/store --socket /tmp/ticketd.sock --event demo=2
  ticketd --config /etc/ticketd/ticketd.jsonc
  ticketd --verify /var/lib/ticketd

Exit codes: 0 stopped on request; 64 wrong usage; 69 the address or the store is in use;
70 no memory; 74 the disk failed or the store is damaged; 78 wrong configuration.)";

struct Arguments {
    std::string config_file, data_dir, socket_path;
    std::vector<std::string> events;
    bool check = false;
    bool print = false;
};

// A shell's variable that is not set must not stand for the default.
CLI::Validator not_empty() {
    return {[](const std::string& text) { return text.empty() ? "must not be empty" : ""; }, ""};
}

void declare(CLI::App& app, Arguments& arguments, Options& options) {
    app.footer(kFooter);
    app.set_version_flag("--version", "ticketd " TICKETD_VERSION);
    app.add_option("--config", arguments.config_file, "Configuration, JSON with comments")
        ->check(not_empty())
        ->type_name("FILE");
    app.add_option("--data-dir", arguments.data_dir, "Where the store lives; created if missing")
        ->check(not_empty())
        ->type_name("DIR");
    app.add_option("--socket", arguments.socket_path, "Where to listen")
        ->check(not_empty())
        ->type_name("PATH");
    app.add_option("--event", arguments.events,
                   "Create this event if it does not exist; may be repeated")
        ->type_name("NAME=CAPACITY")
        ->allow_extra_args(false);
    app.add_option("--import", options.import_file,
                   "Create event \"default\" from the tutorial's {\"count\": N}, once")
        ->check(not_empty())
        ->type_name("FILE");
    auto* check = app.add_flag("--check-config", arguments.check, "Check the configuration, exit");
    auto* print = app.add_flag("--print-config", arguments.print, "Print what is in force, exit");
    app.add_option("--verify", options.verify_dir,
                   "Check the store in DIR, read-only, print its totals, exit")
        ->check(not_empty())
        ->type_name("DIR")
        ->excludes(check)
        ->excludes(print);
}

void read_configuration(const Arguments& arguments, Options& options) {
    options.config = default_config();
    auto& config = options.config;
    if (!arguments.config_file.empty()) read_config_file(arguments.config_file, config);
    if (!arguments.data_dir.empty()) config.data_dir = arguments.data_dir;
    if (!arguments.socket_path.empty()) {
        config.net.socket_path = checked_socket_path(arguments.socket_path);
    }
    std::map<std::string, std::uint64_t> events;
    for (const auto& event : arguments.events) {
        const auto [name, capacity] = parse_event_option(event);
        if (!events.emplace(name, capacity).second) {
            throw CLI::ValidationError("--event", name + " is given twice");
        }
        config.events[name] = capacity;
    }
}

}  // namespace

std::variant<Options, ExitNow> parse_options(int argc, char** argv) {
    CLI::App app{
        "Sells tickets from a limited stock over a Unix socket, never more than there are."};
    Arguments arguments;
    Options options;
    declare(app, arguments, options);
    try {
        app.parse(argc, argv);
        read_configuration(arguments, options);
    } catch (const CLI::ParseError& error) {
        return ExitNow{app.exit(error) == 0 ? 0 : client_exit::kUsage};
    } catch (const ConfigError& error) {
        std::fprintf(stderr, "configuration: %s\n", error.what());
        return ExitNow{client_exit::kConfiguration};
    }
    if (arguments.check) options.action = Action::kCheckConfig;
    if (arguments.print) options.action = Action::kPrintConfig;
    if (!options.verify_dir.empty()) options.action = Action::kVerify;
    return options;
}

}  // namespace ticketd
