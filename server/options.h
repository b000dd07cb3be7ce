// The command line of ticketd.
#pragma once

#include <optional>
#include <string>
#include <variant>

#include "server/config.h"

namespace ticketd {

enum class Action : std::uint8_t { kServe, kCheckConfig, kPrintConfig, kVerify };

struct Options {
    Action action = Action::kServe;
    Config config;
    std::string import_file;  ///< empty: none
    std::string verify_dir;
};

/// The process has nothing (more) to do but exit, having printed help, a version or an error.
struct ExitNow {
    int code = 0;
};

/// Reads the command line over the file over the defaults.
std::variant<Options, ExitNow> parse_options(int argc, char** argv);

}  // namespace ticketd
