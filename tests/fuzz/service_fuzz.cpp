// The whole daemon fed with what several users send it. The input is text: each line is sent as it
// is, with its LF, over the current connection, and nothing is waited for before the next line that
// begins with '!', which is an order to the fuzzer (Script::orders). A '~' at the end of a line
// stands for leaving its LF out, and runs stand for many characters (finding.h), so that messages
// can be large. What must hold in the end is in service_check.h.
#include <charconv>
#include <map>
#include <string>
#include <utility>

#include "server/store/stock_file.h"
#include "tests/fuzz/daemon_rig.h"
#include "tests/fuzz/finding.h"
#include "tests/fuzz/service_check.h"
#include "tests/support/store_rig.h"

using namespace ticketd;
using fuzz::Conversation;
using fuzz::DaemonRig;
using fuzz::expect;
using tests::Operation;
using tests::Unsynced;

namespace {

/// An open connection.
struct Live {
    std::size_t client = 0;
    Conversation talk;
};

struct User {
    net::Caller caller;
    bool sends_newlines = true;
};
constexpr net::Caller kRoot{0, true, 0, 0, true};
constexpr User kUsers[] = {{kRoot},         {{1000, false}},        {{1000, false}},
                           {{2000, false}}, {{1000, false}, false}, {kRoot, false}};

class Script {
  public:
    Script() { start(std::make_unique<tests::MemoryDirectory>()); }

    void play(std::string_view text) {
        while (!text.empty()) {
            const auto end = text.find('\n');
            take(text.substr(0, end));
            text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
        }
    }

    /// Lets everything come to its end, and checks what is left.
    void finish() {
        close_all(0);
        check_stock_file();
        const auto disk = daemon_->stop();
        fuzz::check_conversations(ended_, fuzz::read_ledger(*disk));
    }

  private:
    using Order = void (Script::*)(unsigned argument);

    static const std::map<std::string_view, Order>& orders() {
        static const std::map<std::string_view, Order> kOrders{
            {"as", &Script::speak_as},  // go on as this user (kUsers)
            {"run", &Script::drain},    // until everything is answered
            {"turn", &Script::turn},    // the loop, once
            {"end", &Script::end},      // of what the current connection sends
            {"cut", &Script::cut},      // the current connection
            {"lock", &Script::lock},    // every slot is locked by another process
            {"unlock", &Script::unlock},
            {"full", &Script::fill},       // the disk, this many operations from now
            {"room", &Script::make_room},  // on it again
            {"fail", &Script::fail},       // one operation of the disk, so many from now
            {"kill", &Script::kill},       // a power cut: unsynced bytes are lost, kept or torn
            {"stop", &Script::restart},    // SIGTERM, and start again
            {"time", &Script::pass_time},  // so many ms
            {"back", &Script::set_back},   // the clock by so many ms
            {"scrub", &Script::scrub},
            {"spoil", &Script::spoil},  // a byte of the stock file
        };
        return kOrders;
    }

    void take(std::string_view line) {
        if (!line.starts_with('!')) return send(line);
        line.remove_prefix(1);
        const auto blank = std::min(line.find(' '), line.size());
        const auto order = orders().find(line.substr(0, blank));
        if (order == orders().end()) return;
        unsigned argument = 0;
        line.remove_prefix(std::min(blank + 1, line.size()));
        std::from_chars(line.data(), line.data() + line.size(), argument);
        (this->*order->second)(argument);
        if (daemon_->is_dead()) kill(argument);
    }

    // --- connections ---------------------------------------------------------------------------

    Live& current() {
        if (const auto found = live_.find(user_); found != live_.end()) return found->second;
        const auto& user = kUsers[user_];
        const auto settings = DaemonRig::settings();
        auto& live = live_[user_];
        live.client = daemon_->connect(user.caller);
        live.talk.caller = user.caller;
        live.talk.rules = {settings.message_bytes, settings.batch_requests, !user.sends_newlines};
        // The daemon learns from the first request whether lines can be expected.
        const std::string hello = R"({"jsonrpc":"2.0","id":"hello","method":"ping"})";
        say(live, user.sends_newlines ? hello + "\n" : hello);
        if (!user.sends_newlines) drain_one(live);
        return live;
    }

    void say(Live& live, std::string_view bytes) {
        live.talk.sent += bytes;
        daemon_->send(live.client, bytes);
    }

    void send(std::string_view line) {
        auto& live = current();
        if (live.talk.end == fuzz::StreamEnd::kClosed) return;
        auto bytes = fuzz::expanded(line);
        if (bytes.ends_with('~')) {
            bytes.pop_back();
        } else {
            bytes += '\n';
        }
        say(live, bytes);
    }

    // Whole ones; what they are is looked at in the end.
    static std::size_t count_replies(Conversation so_far) {
        so_far.was_cut_off = true;
        return fuzz::replies_in(so_far).size();
    }

    // Waits for everything that is due, and for no more.
    void drain_one(Live& live) {
        const auto due = fuzz::replies_due(live.talk);
        std::size_t count = 0;
        live.talk.received.clear();
        daemon_->run_until(
            [&] {
                if (live.talk.received.size() < daemon_->received(live.client).size()) {
                    live.talk.received = daemon_->received(live.client);
                    count = count_replies(live.talk);
                    expect(count <= due, "no more replies than requests", live.talk.received);
                }
                const bool is_ended = live.talk.end == fuzz::StreamEnd::kClosed;
                return count == due && (!is_ended || daemon_->is_closed(live.client));
            },
            "every request is answered");
    }

    void retire(Live& live, bool was_cut_off) {
        live.talk.received = daemon_->received(live.client);
        live.talk.was_cut_off = was_cut_off;
        ended_.push_back(std::move(live.talk));
    }

    void speak_as(unsigned user) {
        drain(0);
        user_ = user % std::size(kUsers);
    }
    void drain(unsigned) {
        for (auto& [user, live] : live_)
            drain_one(live);
    }
    void turn(unsigned) { daemon_->turn(); }
    void end(unsigned) {
        auto& live = current();
        live.talk.end = fuzz::StreamEnd::kClosed;
        daemon_->finish_sending(live.client);
        drain_one(live);
        if (daemon_->is_dead()) return;
        retire(live, false);
        live_.erase(user_);
    }
    void cut(unsigned) {
        auto& live = current();
        retire(live, true);
        daemon_->hang_up(live.client);
        live_.erase(user_);
    }

    // --- the world around ----------------------------------------------------------------------

    void lock(unsigned) {
        drain(0);
        daemon_->disk().hold_locks(true);
    }
    void unlock(unsigned) { daemon_->disk().hold_locks(false); }

    void fill(unsigned operations) {
        daemon_->disk().set_fault(
            [left = operations % 64](Operation operation, const std::string& name) mutable {
                // Slots are reserved before they are written.
                const bool needs_room =
                    (operation == Operation::kWrite && name != store::kStockFileName) ||
                    operation == Operation::kAllocate || operation == Operation::kCreate;
                if (left > 0) --left;
                if (left > 0 || !needs_room) return std::error_code{};
                return std::make_error_code(std::errc::no_space_on_device);
            });
    }
    void make_room(unsigned) { daemon_->disk().set_fault({}); }
    void fail(unsigned operations) {
        daemon_->allow_death();
        daemon_->disk().set_fault([left = operations % 64](Operation, const std::string&) mutable {
            return left-- == 0 ? std::make_error_code(std::errc::io_error) : std::error_code{};
        });
    }

    void start(DaemonRig::Disk disk) {
        daemon_ = std::make_unique<DaemonRig>(std::move(disk), clock_);
    }
    void kill(unsigned choice) {
        constexpr Unsynced kFates[] = {Unsynced::kLost, Unsynced::kKept, Unsynced::kTorn};
        auto disk = daemon_->kill(kFates[choice % 3], choice);
        for (auto& [user, live] : live_)
            retire(live, true);
        live_.clear();
        start(std::move(disk));
    }
    /// Lets every connection come to its end, and the daemon start again if it dies of that.
    void close_all(unsigned argument) {
        daemon_->disk().hold_locks(false);
        drain(0);
        if (!daemon_->is_dead()) daemon_->disk().set_fault({});
        while (!daemon_->is_dead() && !live_.empty()) {
            user_ = live_.begin()->first;
            end(0);
        }
        if (daemon_->is_dead()) kill(argument);
    }
    void restart(unsigned argument) {
        close_all(argument);
        start(daemon_->stop());
    }
    void pass_time(unsigned ms) { clock_.advance(std::chrono::milliseconds{ms % 1'000'000}); }
    void set_back(unsigned ms) {
        clock_.set(clock_.now().time_since_epoch() - std::chrono::milliseconds{ms % 1'000'000});
    }
    void scrub(unsigned) {
        drain(0);
        daemon_->scrub();
    }
    void spoil(unsigned byte) {
        auto bytes = daemon_->disk().content(store::kStockFileName);
        if (bytes.empty()) return;
        bytes[byte % bytes.size()] ^= 1;
        daemon_->disk().overwrite(store::kStockFileName, bytes);
    }

    void check_stock_file() {
        const auto& events = daemon_->store().state().events();
        // Slots that were spoilt or locked are mended a few at a time.
        for (std::size_t i = 0; i <= events.size(); ++i)
            daemon_->scrub();
        const auto bytes = daemon_->disk().content(store::kStockFileName);
        for (EventId id = 0; id < events.size(); ++id) {
            const auto offset = store::kSlotsOffset + std::size_t{id} * store::kSlotBytes;
            expect(bytes.substr(offset, store::kSlotBytes) == store::encode_slot(id, events[id]),
                   "the stock file shows what the ledger says", events[id].name);
        }
    }

    tests::ManualClock clock_;
    std::unique_ptr<DaemonRig> daemon_;
    std::size_t user_ = 0;
    std::map<std::size_t, Live> live_;  // by user
    std::vector<Conversation> ended_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Script script;
    script.play(fuzz::text_of(data, size));
    script.finish();
    return 0;
}
