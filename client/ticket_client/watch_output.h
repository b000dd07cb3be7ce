// What `watch` makes of the changes that it hears of: a line each, a picture on a terminal, the
// mirror, a command. Where they come from is watch_verb.h. Not thread-safe.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "client/call.h"
#include "client/ticket_client/arguments.h"
#include "client/ticket_client/interrupts.h"
#include "client/ticket_client/live_view.h"
#include "client/ticket_client/output.h"
#include "client/ticket_client/screen.h"

namespace ticketd::client {

/// The exit code, if it is the end; what there was to say was said.
using End = std::optional<int>;

class WatchOutput {
  public:
    WatchOutput(const Arguments& arguments, const CallOptions& options,
                const Interrupts& interrupts);

    /// True if it has to be told what events are now, not only how they change.
    bool shows_counts() const { return live_ || arguments_.mirror; }
    /// What an event is now; left alone if newer counts of it were shown.
    End show(const Json& counts);
    /// A change, as it came and as it was read.
    End tell(const std::string& text, const Json& change);

    /// When draw_if_due() has something to do.
    std::optional<Deadline> next_frame() const;
    /// A frame every now and then, for which the daemon is asked each second how it is.
    End draw_if_due();
    /// There is no daemon to be heard of just now.
    End note_absence();

    /// It is the end: what it was like then stays on the terminal.
    void leave();
    /// Says why it is the end, and returns its exit code. It stays on the terminal.
    int report_end(const Failure& failure);

  private:
    /// On a terminal.
    struct Live {
        LiveView view;
        Screen screen;
        Deadline next_frame = Clock::now();
        Deadline next_question = Clock::now();
    };

    bool is_newest(const Json& counts);
    End print(const std::string& change);
    End execute(const std::string& change);
    End draw();
    void ask_daemon();

    const Arguments& arguments_;
    const CallOptions& options_;
    const Interrupts& interrupts_;
    const Output output_;
    Head head_ = Head::kWith;                     // that comes before the first row
    std::map<std::string, std::uint64_t> shown_;  // of each event, the LSN of the counts
    std::optional<Live> live_;
};

}  // namespace ticketd::client
