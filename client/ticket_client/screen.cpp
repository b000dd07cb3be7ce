#include "client/ticket_client/screen.h"

#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "client/streams.h"

namespace ticketd::client {
namespace {

// The other screen of a terminal, without a cursor; and back.
constexpr std::string_view kEnter = "\x1b[?1049h\x1b[?25l";
constexpr std::string_view kLeave = "\x1b[?25h\x1b[?1049l";

void leave_to_shell(int);

void on_stop(void (*handler)(int)) {
    struct sigaction action{};
    if (::sigaction(SIGTSTP, nullptr, &action) != 0 || action.sa_handler == SIG_IGN) return;
    action = {};
    action.sa_handler = handler;
    action.sa_flags = SA_RESTART | SA_NODEFER | static_cast<int>(SA_RESETHAND);
    ::sigaction(SIGTSTP, &action, nullptr);
}

// The shell finds its own screen. Going on is here too; the next frame draws all of it again.
void leave_to_shell(int) {
    const int error = errno;
    static_cast<void>(write_all(STDOUT_FILENO, kLeave));
    ::raise(SIGTSTP);  // as it is by default, since the handler was reset: it stops here
    static_cast<void>(write_all(STDOUT_FILENO, kEnter));
    on_stop(leave_to_shell);
    errno = error;
}

bool is_dumb_terminal() {
    const auto* terminal = std::getenv("TERM");  // NOLINT(concurrency-mt-unsafe): one thread
    return terminal == nullptr || *terminal == '\0' || std::string_view{terminal} == "dumb";
}

}  // namespace

bool Screen::is_possible() {
    return !is_dumb_terminal();
}

Screen::Screen() {
    static_cast<void>(write_result(kEnter));
    on_stop(leave_to_shell);
}

Screen::~Screen() {
    on_stop(SIG_DFL);
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
    const auto* declined = std::getenv("NO_COLOR");  // NOLINT(concurrency-mt-unsafe): one thread
    return !is_dumb_terminal() && (declined == nullptr || *declined == '\0');
}

bool Screen::draw(std::string_view frame) {
    last_ = frame;
    std::string text = "\x1b[H";
    for (const char c : frame)
        text += c == '\n' ? std::string{"\x1b[K\r\n"} : std::string{c};
    return !write_result(text + "\x1b[J");
}

}  // namespace ticketd::client
