// The terminal that stdout is, as a place to draw on: what was there before is there again
// afterwards, and while Ctrl-Z has stopped the process. Not thread-safe; one at a time.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace ticketd::client {

class Screen {
  public:
    /// Not on a terminal that cannot move its cursor, or that nobody says anything of.
    static bool is_possible();

    Screen();
    /// Leaves `last`, if anything, on the terminal as it was before.
    ~Screen();
    Screen(const Screen&) = delete;
    Screen& operator=(const Screen&) = delete;

    /// As large as it is just now: people change that.
    struct Size {
        std::size_t columns = 80, rows = 24;
    };
    static Size size();
    /// Not if NO_COLOR is set (https://no-color.org), or the terminal is a dumb one.
    static bool has_colour();

    /// Replaces what is there. False if the terminal does not take it.
    bool draw(std::string_view frame);

  private:
    std::string last_;
};

}  // namespace ticketd::client
