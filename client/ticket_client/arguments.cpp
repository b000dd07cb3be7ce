#include "client/ticket_client/arguments.h"

#include <getopt.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>

#include "client/numbers.h"
#include "client/point_in_time.h"
#include "common/duration.h"
#include "common/error_kind.h"
#include "common/limits.h"

namespace ticketd::client {
namespace {

using namespace std::chrono_literals;

using Problem = std::optional<Failure>;

std::vector<option> long_options() {
    std::vector<option> options;
    for (const auto& info : all_options()) {
        options.push_back({info.name, info.argument.empty() ? no_argument : required_argument,
                           nullptr, info.letter});
    }
    options.push_back({nullptr, 0, nullptr, 0});
    return options;
}

std::string name_of(char letter) {
    for (const auto& info : all_options()) {
        if (info.letter == letter) return std::string{"--"} + info.name;
    }
    return std::string{"-"} + letter;
}

Problem set_number(std::optional<std::uint64_t>& slot, char letter, std::string_view text) {
    slot = parse_number(text);
    if (slot) return std::nullopt;
    return usage(name_of(letter) + " needs a whole number, not '" + std::string{text} + "'");
}

Problem set_difference(std::optional<std::int64_t>& slot, char letter, std::string_view text) {
    const bool is_negative = text.starts_with('-');
    const bool has_sign = is_negative || text.starts_with('+');
    const auto number = parse_number(text.substr(has_sign ? 1 : 0));
    if (!number || *number == 0 || *number > limits::kCapacity) {
        return usage(name_of(letter) + " needs a whole number from 1 to " +
                     std::to_string(limits::kCapacity) + ", or one with a minus, not '" +
                     std::string{text} + "'");
    }
    slot = is_negative ? -static_cast<std::int64_t>(*number) : static_cast<std::int64_t>(*number);
    return std::nullopt;
}

constexpr std::chrono::milliseconds kWaitMax{limits::kWaitMsMax}, kTtlMax{limits::kHoldMsMax};

Problem set_duration(std::optional<std::chrono::milliseconds>& slot, char letter,
                     std::string_view text, std::chrono::milliseconds least,
                     std::chrono::milliseconds most) {
    // Nothing is nothing in every unit.
    const auto ms = text == "0" ? std::optional{0.0} : read_duration_ms(text);
    const auto wrong = [&](const std::string& what) {
        return name_of(letter) + what + ", not '" + std::string{text} + "'";
    };
    if (!ms) return usage(wrong(" needs a time with its unit (250ms, 2s, 1h30m)"));
    // The daemon would say so too.
    if (*ms > static_cast<double>(most.count())) {
        return bad_input(wrong(" is at most " + duration_text(most)));
    }
    slot = std::chrono::milliseconds{std::llround(*ms)};
    if (*slot < least) return usage(wrong(" is at least " + duration_text(least)));
    return std::nullopt;
}

Problem set_socket(std::optional<std::string>& slot, std::string_view path) {
    if (path.empty()) return usage("--socket needs a path, not ''");
    slot = path;
    return std::nullopt;
}

Problem set_time(std::optional<std::int64_t>& slot, char letter, std::string_view text) {
    slot = parse_time(text, std::chrono::system_clock::now());
    if (slot) return std::nullopt;
    return usage(name_of(letter) + " needs a time (+10m, 2026-12-24T18:00:00Z, now, never), not '" +
                 std::string{text} + "'");
}

Problem set_answer(std::optional<bool>& slot, char letter, std::string_view text) {
    if (text != "yes" && text != "no") {
        return usage(name_of(letter) + " is yes or no, not '" + std::string{text} + "'");
    }
    slot = text == "yes";
    return std::nullopt;
}

// "1,4-6"
Problem set_serials(std::optional<std::vector<std::uint64_t>>& slot, char letter,
                    std::string_view text) {
    const auto wrong =
        usage(name_of(letter) + " needs serials like 1,4-6, not '" + std::string{text} + "'");
    slot.emplace();
    for (auto rest = text;;) {
        const auto part = rest.substr(0, rest.find(','));
        const auto dash = part.find('-');
        const auto first = parse_number(part.substr(0, dash));
        const auto last =
            dash == std::string_view::npos ? first : parse_number(part.substr(dash + 1));
        if (!first || !last || *first < 1 || *last < *first ||
            *last - *first >= limits::kQuantity - slot->size()) {
            return wrong;
        }
        for (auto serial = *first; serial <= *last; ++serial)
            slot->push_back(serial);
        if (part.size() == rest.size()) return std::nullopt;
        rest.remove_prefix(part.size() + 1);
    }
}

Problem set_output(Arguments& arguments, std::string_view name) {
    const auto output = output_called(name);
    if (!output) {
        return usage("--output is text, json, env or tsv, not '" + std::string{name} + "'");
    }
    arguments.output = *output;
    return std::nullopt;
}

Problem set_option(Arguments& arguments, char letter, const char* value) {
    switch (letter) {
        case 'S': return set_socket(arguments.socket, value);
        case 'J': arguments.output = Output::kJson; break;
        case 'q': arguments.is_quiet = true; break;
        case 'x': arguments.wants_exit_code = true; break;
        case 'h': arguments.show = Arguments::Show::kHelp; break;
        case 'V': arguments.show = Arguments::Show::kVersion; break;
        case 'e': arguments.event = value; break;
        case 'k': arguments.key = value; break;
        case 'M': arguments.memo = value; break;
        case 's': arguments.state = value; break;
        case 'o': return set_output(arguments, value);
        case 'T': return set_duration(arguments.timeout, letter, value, 1ms, kDurationMax);
        case 'w': return set_duration(arguments.wait_ready, letter, value, 1ms, kDurationMax);
        case 'n': return set_number(arguments.number, letter, value);
        case 'K': arguments.confirms = true; break;
        case 'd': arguments.is_dry_run = true; break;
        case 'W': return set_duration(arguments.wait, letter, value, 0ms, kWaitMax);
        case 'P': arguments.line = value; break;
        case 'A': return set_answer(arguments.auto_close, letter, value);
        case 'L': return set_number(arguments.order_limit, letter, value);
        case 't': return set_duration(arguments.ttl, letter, value, 1ms, kTtlMax);
        case 'p': return set_number(arguments.pid, letter, value);
        case 'O': return set_time(arguments.opens_ms, letter, value);
        case 'C': return set_time(arguments.closes_ms, letter, value);
        case 'm': return set_number(arguments.min, letter, value);
        case 'b': arguments.buyer = value; break;
        case 'i': return set_serials(arguments.serials, letter, value);
        case 'R': arguments.reason = value; break;
        case 'N': arguments.retires = true; break;
        case 'u': return set_number(arguments.buyer_limit, letter, value);
        case 'U': arguments.buyers = value; break;
        case 'z': arguments.has_slots = true; break;
        case 'g': return set_number(arguments.since, letter, value);
        case 'y': arguments.until = value; break;
        case 'X': arguments.exec = value; break;
        case 'D': arguments.mirror = value; break;
        case 'c': arguments.is_csv = true; break;
        case 'r': arguments.by_group = value; break;
        case 'G': arguments.is_atomic = true; break;
        case 'F': arguments.is_forced = true; break;
        case 'v': arguments.voids_holds = true; break;
        case 'a': return set_number(arguments.after, letter, value);
        case 'l': return set_number(arguments.limit, letter, value);
        case 'I': return set_number(arguments.if_lsn, letter, value);
        case 'B': return set_difference(arguments.by, letter, value);
        case 'f': return set_number(arguments.from, letter, value);
        default: break;
    }
    return std::nullopt;
}

// A verb of two words of which the second is missing.
bool is_half_a_verb(const std::vector<std::string>& words) {
    return words.size() == 1 && is_verb_prefix(words[0]);
}

std::string second_words(const std::string& first) {
    std::string all;
    for (const auto& verb : all_verbs()) {
        if (!verb.name.starts_with(first + ' ')) continue;
        all += (all.empty() ? "" : ", ") + std::string{verb.name.substr(first.size() + 1)};
    }
    return all;
}

// The words so far are the verb, then its operands; takes the verb off their front.
Problem take_verb(Arguments& arguments) {
    auto& words = arguments.operands;
    if (words.empty()) return usage("no verb given");
    if (is_half_a_verb(words)) {
        return usage(words[0] + " needs one of: " + second_words(words[0]));
    }
    std::string name = words[0];
    std::size_t used = 1;
    if (is_verb_prefix(name)) {
        name += ' ' + words[1];
        used = 2;
    }
    arguments.verb = find_verb(name);
    if (arguments.verb == nullptr) return usage("there is no verb '" + name + "'");
    words.erase(words.begin(), words.begin() + static_cast<std::ptrdiff_t>(used));
    return std::nullopt;
}

// The word in which getopt_long(3) found an option that it does not know; it is still in it if the
// word has more letters.
std::string unknown_word(int argc, char* const* argv) {
    const auto holds = [](const char* word) {
        return word[0] == '-' && (optopt == 0 || std::strchr(word, optopt) != nullptr);
    };
    const bool is_over = optind > 0 && (optind >= argc || holds(argv[optind - 1]));
    return argv[is_over ? optind - 1 : optind];
}

Failure unknown_option(const std::string& word) {
    const bool is_number = word.size() > 1 && word[1] >= '0' && word[1] <= '9';
    if (is_number) return usage("'" + word + "' is no quantity: a number here has no sign");
    return usage("there is no option '" + word + "'");
}

Problem check_verb(const Arguments& arguments, std::string_view letters) {
    const auto& verb = *arguments.verb;
    const std::string name{verb.name};
    for (const char letter : letters) {
        if (!is_global_option(letter) && verb.options.find(letter) == std::string_view::npos) {
            return usage(name_of(letter) + " does not go with " + name);
        }
    }
    const auto count = arguments.operands.size();
    if (count < verb.operands_min) return usage(name + " needs " + std::string{verb.operands});
    if (count > verb.operands_max) {
        return usage(name + ": '" + arguments.operands[verb.operands_max] + "' is one too many");
    }
    return std::nullopt;
}

}  // namespace

Outcome<Arguments> parse_arguments(int argc, char* const* argv) {
    const auto options = long_options();
    Arguments arguments;
    std::string letters;
    optind = 0;  // start afresh: tests parse more than once
    opterr = 0;  // we say it ourselves, on one line
    for (;;) {
        // The leading '-' hands over operands in their place, whatever POSIXLY_CORRECT says.
        // NOLINTNEXTLINE(concurrency-mt-unsafe): before any other thread could exist
        const int found = ::getopt_long(argc, argv, "-:n:qh", options.data(), nullptr);
        if (found == -1) break;
        const std::string word = optind > 0 && optind <= argc ? argv[optind - 1] : "";
        if (found == ':') return usage(word + " needs a value");
        if (found == '?') return unknown_option(unknown_word(argc, argv));
        if (found == 1) {
            arguments.operands.emplace_back(optarg);
            // What follows belongs to the command.
            if (arguments.operands.size() == 2 && arguments.operands[0] == "run") break;
            continue;
        }
        const auto letter = static_cast<char>(found);
        letters += letter;
        if (auto problem = set_option(arguments, letter, optarg)) return *std::move(problem);
    }
    for (int i = optind; i < argc; ++i)
        arguments.operands.emplace_back(argv[i]);

    if (arguments.show == Arguments::Show::kVersion) return arguments;
    auto& words = arguments.operands;
    if (!words.empty() && words[0] == "help") {
        arguments.show = Arguments::Show::kHelp;
        words.erase(words.begin());
    }
    const bool wants_help = arguments.show == Arguments::Show::kHelp;
    if (wants_help && words.empty()) return arguments;
    if (wants_help && is_half_a_verb(words)) {
        arguments.verb = find_verb_group(words[0]);
        return arguments;
    }
    if (auto problem = take_verb(arguments)) return *std::move(problem);
    if (wants_help) return arguments;
    if (auto problem = check_verb(arguments, letters)) return *std::move(problem);
    return arguments;
}

}  // namespace ticketd::client
