#include "client/ticket_client/screen.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>

#include "client/streams.h"

namespace ticketd::client {
namespace {

// The other screen of a terminal, without a cursor; and back.
constexpr std::string_view kEnter = "\x1b[?1049h\x1b[?25l";
constexpr std::string_view kLeave = "\x1b[?25h\x1b[?1049l";

}  // namespace

Screen::Screen() {
    static_cast<void>(write_result(kEnter));
}

Screen::~Screen() {
    static_cast<void>(write_result(std::string{kLeave} + last_));
}

Screen::Size Screen::size() {
    winsize size{};
    if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0) {
        return {};
    }
    return {size.ws_col, size.ws_row};
}

bool Screen::has_colour() {
    // NOLINTBEGIN(concurrency-mt-unsafe): ticket-client has one thread
    const auto* declined = std::getenv("NO_COLOR");
    const auto* terminal = std::getenv("TERM");
    // NOLINTEND(concurrency-mt-unsafe)
    const bool is_dumb = terminal == nullptr || std::string_view{terminal} == "dumb";
    return !is_dumb && (declined == nullptr || *declined == '\0');
}

bool Screen::draw(std::string_view frame) {
    last_ = frame;
    std::string text = "\x1b[H";
    for (const char c : frame)
        text += c == '\n' ? std::string{"\x1b[K\r\n"} : std::string{c};
    return !write_result(text + "\x1b[J");
}

}  // namespace ticketd::client
