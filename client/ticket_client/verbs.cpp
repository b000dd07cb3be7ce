#include "client/ticket_client/verbs.h"

#include <algorithm>
#include <array>

namespace ticketd::client {
namespace {

constexpr std::size_t kAnyNumber = SIZE_MAX;
constexpr std::string_view kGlobalLetters = "SJoqThV";

constexpr std::array kOptions{
    OptionInfo{'S', "socket", "PATH", "where the daemon listens"},
    OptionInfo{'J', "json", "", "the daemon's result as it is, one line; --output json"},
    OptionInfo{'o', "output", "FORMAT", "text, json, env (for a shell's eval) or tsv (for cut)"},
    OptionInfo{'q', "quiet", "", "print nothing on success"},
    OptionInfo{'T', "timeout", "TIME", "give up after this long (10s; 1s if there is no daemon)"},
    OptionInfo{'h', "help", "", "print this"},
    OptionInfo{'V', "version", "", "print the version"},
    OptionInfo{'e', "event", "NAME", "which event; not needed if there is only one"},
    OptionInfo{'m', "min", "N", "take fewer than asked for, but at least N"},
    OptionInfo{'k', "key", "KEY", "the request's key; the same key never does it twice"},
    OptionInfo{'M', "memo", "TEXT", "a note kept with the order"},
    OptionInfo{'W', "wait", "TIME", "wait in line this long for tickets, first come first served"},
    OptionInfo{'d', "dry-run", "", "only say what would come of it"},
    OptionInfo{'n', "number", "N", "so many tickets (1)"},
    OptionInfo{'K', "confirm", "", "buy the tickets if the command succeeds"},
    OptionInfo{'t', "ttl", "TIME", "hold for this long (10m; with --pid without end)"},
    OptionInfo{'p', "pid", "PID", "release it when this process of yours ends, such as $$"},
    OptionInfo{'b', "buyer", "BUYER", "the buyer's name, where the event takes names"},
    OptionInfo{'i', "serials", "LIST", "these tickets of the order: 3 or 1,4-6"},
    OptionInfo{'R', "reason", "TEXT", "a note kept with the cancellation"},
    OptionInfo{'N', "no-restock", "", "they are not sold again: the capacity shrinks"},
    OptionInfo{'s', "state", "STATE", "only orders held, sold, released, expired or cancelled"},
    OptionInfo{'a', "after", "LSN", "only orders after this LSN: the `next` of the page before"},
    OptionInfo{'l', "limit", "N", "at most N rows"},
    OptionInfo{'f', "from", "LSN", "start at this LSN"},
    OptionInfo{'c', "csv", "", "comma separated values, with a line of names first"},
    OptionInfo{'r', "per", "WHAT", "a row for each event, buyer or hour"},
    OptionInfo{'x', "exit-code", "",
               "exit 10 if none is left, 11 if the rest is on hold, 13 if not open"},
    OptionInfo{'O', "opens", "TIME", "sell from this time on: +90m, 2026-12-24T18:00:00Z, now"},
    OptionInfo{'C', "closes", "TIME", "sell until this time, likewise; never: without end"},
    OptionInfo{'L', "order-limit", "N", "at most N tickets in one order; 0: no limit of its own"},
    OptionInfo{'P', "line", "POLICY", "strict: first come first served; fit: the small may pass"},
    OptionInfo{'A', "auto-close", "YES|NO", "close when the last ticket is sold"},
    OptionInfo{'u', "buyer-limit", "N", "at most N tickets for one buyer, held or sold; 0: any"},
    OptionInfo{'U', "buyers", "WHO",
               "uid: the users of this machine; claimed: who they say (--buyer)"},
    OptionInfo{'z', "slots", "", "hand out the lowest free number, and again when it returns"},
    OptionInfo{'F', "force", "",
               "also below what is held and sold: nothing is sold till it is paid"},
    OptionInfo{'v', "void-holds", "", "give back all that is held, too"},
    OptionInfo{'g', "since", "LSN", "begin with the change after this one; 0: with the first"},
    OptionInfo{'y', "until", "WHAT", "sold-out, open or lsn=N: then end, with exit 0"},
    OptionInfo{'X', "exec", "CMD",
               "run this for each change, by sh; if it fails, end with its status"},
    OptionInfo{'D', "mirror", "FILE", "keep {\"count\": N} there, what is available of the event"},
    OptionInfo{'G', "atomic", "", "all of them or none"},
    OptionInfo{'B', "by", "N", "so many more, or with -N fewer, instead of CAPACITY"},
    OptionInfo{'I', "if-lsn", "LSN", "only if this is still the event's last change"},
    OptionInfo{'w', "wait-ready", "TIME", "keep trying this long until the daemon answers"},
};

constexpr std::array kVerbs{
    VerbInfo{Verb::kQuery, "query", "", "[EVENT]", 0, 1, "ex", "show how many tickets are left",
             "  ticket-client query\n"
             "  ticket-client --json query demo | jq .available\n"
             "  if ticket-client -q query --exit-code; then echo \"there are some\"; fi\n"},
    VerbInfo{
        Verb::kPurchase, "purchase", "buy", "[N]", 0, 1, "emWkMdb", "buy N tickets (1)",
        "  ticket-client purchase\n"
        "  ticket-client purchase 4 --min 2 --event demo\n"
        "  ticket-client purchase --wait 5m     # also before sales open\n"
        "  ticket-client purchase 4 --dry-run   # exit 0 if it would be done now\n"
        "  ticket-client buy --key \"$key\"     # again, after exit 75\n"
        "  order=$(ticket-client buy --output env) && eval \"$order\" && echo \"$TICKET_SERIALS\"\n"
        "\n"
        "Exit 10: sold out; 124: nothing came in time. Exit 75: it is not known whether the "
        "purchase\n"
        "was done; repeat it with the key that is named, and it is done once at most.\n"},
    VerbInfo{Verb::kHold, "hold", "", "[N]", 0, 1, "emWtpkMb",
             "keep N tickets (1) from others for a while",
             "  order=$(ticket-client hold 2 --ttl 5m --output env) && eval \"$order\"\n"
             "  ticket-client confirm \"$TICKET_ORDER\"    # or release it\n"
             "  ticket-client hold --pid $$               # for as long as this shell lives\n"
             "\n"
             "A hold that is not confirmed in time ends by itself and its tickets return, even if\n"
             "nobody is there any more. Exit 10: sold out; 11: the rest is on hold too.\n"},
    VerbInfo{Verb::kConfirm, "confirm", "", "ORDER [N]", 1, 2, "k",
             "buy what is held, or N of it; the rest returns",
             "  ticket-client confirm 5\n"
             "  ticket-client confirm 5 1      # of the two that are held\n"
             "\n"
             "Exit 14: too late, the hold has expired, or the order is no hold.\n"},
    VerbInfo{Verb::kRelease, "release", "", "ORDER", 1, 1, "k", "give back what is held",
             "  ticket-client release 5\n"},
    VerbInfo{Verb::kExtend, "extend", "", "ORDER", 1, 1, "tk",
             "hold for another while, from now on", "  ticket-client extend 5 --ttl 10m\n"},
    VerbInfo{
        Verb::kCancel, "cancel", "refund", "ORDER [N]", 1, 2, "iRNk",
        "give back what was bought: all of an order, or N of it",
        "  ticket-client cancel 5 --reason \"ill\"\n"
        "  ticket-client cancel 5 1            # the last of its tickets\n"
        "  ticket-client cancel 5 --serials 2,4-6\n"
        "\n"
        "What returns goes to those in line, then it is sold again. Exit 14: the order has not\n"
        "got these tickets, or is not sold (a hold is released instead).\n"},
    VerbInfo{
        Verb::kRun, "run", "", "CMD [ARG]...", 1, kAnyNumber, "enWKMb",
        "run a command while it holds N tickets (1), then give them back",
        "  ticket-client run --event ci make -j4            # instead of flock, or sem\n"
        "  ticket-client run -n 2 --wait 10m --event ci -- ./deploy.sh\n"
        "  ticket-client run --confirm -- ./print-badge.sh  # bought if it succeeds\n"
        "\n"
        "The command finds TICKET_ORDER, TICKET_EVENT and TICKET_GRANTED in its environment, and\n"
        "TICKET_SLOT if the event has slots: the numbers that are its own while it runs; no other\n"
        "TICKET_ variables. Its tickets return when its process ends, however that comes about;\n"
        "with --confirm they are bought if it exits 0, and return otherwise or when ticket-client\n"
        "ends. SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1 and SIGUSR2 are passed on to it.\n"
        "\n"
        "Exits with the command's status, or 128 and the signal that ended it, or the wait in\n"
        "line; 125: there was no ticket, no daemon, or a word here is wrong; 126: the command\n"
        "cannot be run; 127: there is no such command; 75, with --confirm: it is not known "
        "whether\n"
        "the order that is named was bought: look with `order`.\n"},
    VerbInfo{
        Verb::kBatch, "batch", "", "FILE|-", 1, 1, "G",
        "do several requests, one after another or all or none",
        "  ticket-client batch --atomic - <<'END'\n"
        "  {\"method\":\"purchase\",\"params\":{\"event\":\"flight\",\"quantity\":2}}\n"
        "  {\"method\":\"purchase\",\"params\":{\"event\":\"hotel\"}}\n"
        "  END\n"
        "\n"
        "FILE holds requests as JSON, one after another or in an array. Those that change orders\n"
        "and have no key get one, so that the whole batch can be sent again after a lost\n"
        "connection; with one that can have none, such as event.resize, it is sent once. With\n"
        "--atomic: purchase, hold, confirm, release and extend; if one cannot be done the others\n"
        "are refused as linked_failed.\n"
        "\n"
        "Exits with the code of the first request that failed by itself, which stderr tells of.\n"
        "Exit 75: it is not known what was done. Where all have keys in FILE, repeat it; where\n"
        "some were given one, the second line of stderr is the batch with all keys: repeat "
        "that.\n"},
    VerbInfo{Verb::kAbandon, "abandon", "", "KEY", 1, 1, "",
             "make sure that a purchase with this key is never done",
             "  ticket-client abandon \"$key\"     # instead of repeating, after exit 75\n"
             "\n"
             "Prints the order if the key had bought something before, else that it is abandoned:\n"
             "then no copy of the purchase, however late it arrives, buys anything.\n"},
    VerbInfo{Verb::kOrder, "order", "", "[ID]", 0, 1, "k", "show one order, by number or by key",
             "  ticket-client order 5\n"
             "  ticket-client order --key 018f2f6e-...\n"
             "\n"
             "Exit 16: there is no such order. Exit 15: the key was abandoned.\n"},
    VerbInfo{Verb::kOrders, "orders", "", "", 0, 0, "ebsal", "list orders",
             "  ticket-client orders --event demo --state sold\n"
             "  ticket-client orders --buyer 1000 --limit 10\n"
             "\n"
             "--buyer is a user's number or a buyer's name; a name of digits is put in quotes, as\n"
             "`ticket-client report` does: --buyer '\"4711\"'.\n"},
    VerbInfo{
        Verb::kWatch, "watch", "", "[EVENT]...", 0, kAnyNumber, "gyXD",
        "tell of each change as it happens",
        "  ticket-client watch                       # on a terminal a live view, else JSON lines\n"
        "  ticket-client watch demo --until sold-out --timeout 1h\n"
        "  ticket-client watch demo --since 120 | jq -r .type\n"
        "  ticket-client watch demo --exec 'echo \"$TICKET_AVAILABLE left\"'\n"
        "  ticket-client watch demo --quiet --mirror db.txt &\n"
        "\n"
        "It goes on over restarts of the daemon, without a gap: once there was a daemon it waits\n"
        "for the next one until --timeout is over, or for ever. CMD finds what has changed in\n"
        "TICKET_LSN, TICKET_TYPE, TICKET_EVENT, TICKET_AVAILABLE and so on, and no other TICKET_\n"
        "variables. Without EVENT, sold-out and open are so when any one event is so; lsn=N is so\n"
        "when all changes up to N were told, whichever event they were of.\n"
        "\n"
        "FILE is replaced by rename and keeps its mode; what is no regular file is refused (exit\n"
        "74), a symbolic link too. It never goes back to an older count.\n"
        "\n"
        "Exit 0: what --until waits for is so; 124: not within --timeout; 69: no daemon, or none\n"
        "when --timeout was over and there was nothing to wait for but changes; 75: there is one,\n"
        "and it does not answer; 130: Ctrl-C; 143: SIGTERM; a signal ends CMD's shell\n"
        "too.\n"},
    VerbInfo{Verb::kEvents, "events", "", "", 0, 0, "", "list events", "  ticket-client events\n"},
    VerbInfo{Verb::kEventCreate, "event create", "", "NAME CAPACITY", 2, 2, "OCLPAuUz",
             "create an event with this many tickets",
             "  ticket-client event create demo 2\n"
             "  ticket-client event create gala 500 --opens 2026-12-01T09:00:00Z --closes +30d\n"
             "  ticket-client event create fair 90 --buyers claimed --buyer-limit 4\n"
             "  ticket-client event create gpu 4 --slots    # numbers 1 to 4, over and over\n"},
    VerbInfo{
        Verb::kEventResize, "event resize", "", "NAME [CAPACITY]", 1, 2, "BIF",
        "change how many tickets an event has",
        "  ticket-client event resize demo 100\n"
        "  ticket-client event resize demo --by -20\n"
        "  lsn=$(ticket-client --json query demo | jq .lsn)\n"
        "  ticket-client event resize demo 100 --if-lsn \"$lsn\"   # exit 17 if it has changed\n"},
    VerbInfo{
        Verb::kEventUpdate, "event update", "", "NAME", 1, 1, "OCLPAu",
        "change when an event opens and closes, and on what terms it sells",
        "  ticket-client event update demo --opens +10m\n"
        "  ticket-client event update demo --opens now --closes never\n"
        "  ticket-client event update demo --order-limit 4 --line fit --auto-close yes\n"
        "\n"
        "Before it opens a purchase is refused with `not_open` and from when it closes on with\n"
        "`closed` (exit 13). What is not given stays.\n"},
    VerbInfo{Verb::kEventPause, "event pause", "", "NAME", 1, 1, "",
             "sell nothing of an event until it is resumed",
             "  ticket-client event pause demo     # purchases are refused: paused, exit 13\n"},
    VerbInfo{Verb::kEventResume, "event resume", "", "NAME", 1, 1, "",
             "sell again, after a pause or a close", "  ticket-client event resume demo\n"},
    VerbInfo{Verb::kEventClose, "event close", "", "NAME", 1, 1, "v", "end the sale of an event",
             "  ticket-client event close demo     # purchases are refused: closed, exit 13\n"
             "  ticket-client event close demo --void-holds\n"
             "\n"
             "Holds stay confirmable, unless they are voided.\n"},
    VerbInfo{Verb::kPing, "ping", "", "", 0, 0, "w", "ask whether the daemon answers",
             "  ticket-client ping --wait-ready 5s\n"},
    VerbInfo{Verb::kStats, "stats", "", "", 0, 0, "", "show the daemon's counters",
             "  ticket-client stats\n"},
    VerbInfo{Verb::kInfo, "info", "", "", 0, 0, "", "show version, store and limits of the daemon",
             "  ticket-client info\n"},
    VerbInfo{Verb::kLedgerRead, "ledger read", "", "", 0, 0, "fl", "list journal entries",
             "  ticket-client ledger read --from 100 --limit 20\n"},
    VerbInfo{
        Verb::kLedgerExport, "ledger export", "", "", 0, 0, "cf",
        "write the whole journal, a line for each entry",
        "  ticket-client ledger export > ledger.jsonl\n"
        "  ticket-client ledger export --csv --from 1000 > ledger.csv\n"
        "\n"
        "Each entry with its LSN, who asked for what and the counts after it: JSON, unless --csv.\n"
        "For operators and auditors; others go on buying meanwhile.\n"},
    VerbInfo{Verb::kReport, "report", "", "", 0, 0, "rf",
             "add up what was sold, cancelled, held and released",
             "  ticket-client report\n"
             "  ticket-client report --per buyer --output tsv\n"
             "  ticket-client report --per hour --from 100000\n"
             "\n"
             "The first column is called what --per says: event, buyer or hour. A buyer that is a\n"
             "number is a user; a claimed name of digits is in quotes, or in JSON a string.\n"},
    VerbInfo{Verb::kLedgerVerify, "ledger verify", "", "", 0, 0, "",
             "recompute every total from the journal",
             "  ticket-client ledger verify\n"
             "\n"
             "Exit 0 only if all guarantees hold, 74 if not. It waits as long as it takes, unless\n"
             "--timeout is given.\n"},
    VerbInfo{
        Verb::kLedgerBackup, "ledger backup", "", "DIR", 1, 1, "",
        "copy the store, as it is at one LSN, while sales go on",
        "  ticket-client ledger backup /backup/monday\n"
        "  ticketd --verify /backup/monday            # is it whole?\n"
        "\n"
        "To restore it, with the daemon stopped (the data directory must be its user's):\n"
        "\n"
        "  mv /var/lib/ticketd /var/lib/ticketd.old\n"
        "  cp -a /backup/monday /var/lib/ticketd\n"
        "  chown -R ticketd: /var/lib/ticketd\n"
        "\n"
        "Every sale confirmed before the backup began is in it, none after its `lsn` is. DIR\n"
        "must be empty or not exist. Run it as root or as the daemon's user, where the daemon\n"
        "runs: it reads the data directory. If it fails or is interrupted (exit 130), what was\n"
        "written is removed, and what cannot be removed does not pass for a store.\n"},
    VerbInfo{Verb::kCall, "call", "", "METHOD [PARAMS]", 1, 2, "",
             "call any method with parameters in JSON",
             "  ticket-client call query '{\"event\":\"demo\"}'\n"
             "  ticket-client call purchase - < params.json\n"
             "\n"
             "A call that changes something is sent again after a lost connection only if its\n"
             "parameters hold a \"key\".\n"},
};

constexpr std::array kGroups{
    VerbInfo{Verb::kEvents, "event", "", "", 0, 0, "", "what operators do with events", ""},
    VerbInfo{Verb::kLedgerRead, "ledger", "", "", 0, 0, "", "what was ever changed", ""},
};

const VerbInfo* find_in(std::span<const VerbInfo> infos, std::string_view name) {
    const auto found = std::find_if(infos.begin(), infos.end(), [name](const VerbInfo& info) {
        return info.name == name || info.alias == name;
    });
    return found == infos.end() ? nullptr : &*found;
}

}  // namespace

std::span<const VerbInfo> all_verbs() {
    return kVerbs;
}

std::span<const OptionInfo> all_options() {
    return kOptions;
}

const VerbInfo* find_verb(std::string_view name) {
    return name.empty() ? nullptr : find_in(kVerbs, name);
}

const VerbInfo* find_verb_group(std::string_view word) {
    return word.empty() ? nullptr : find_in(kGroups, word);
}

bool is_verb_prefix(std::string_view word) {
    return find_verb_group(word) != nullptr;
}

bool is_global_option(char letter) {
    return kGlobalLetters.find(letter) != std::string_view::npos;
}

}  // namespace ticketd::client
