#include "client/ticket_client/help.h"

#include "client/ticket_client/row_kind.h"

namespace ticketd::client {
namespace {

constexpr std::size_t kColumn = 28;

std::string line(std::string left, std::string_view right) {
    left.resize(left.size() < kColumn ? kColumn : left.size() + 2, ' ');
    return "  " + left + std::string{right} + '\n';
}

std::string call_of(const VerbInfo& verb) {
    std::string text{verb.name};
    if (!verb.operands.empty()) text += ' ' + std::string{verb.operands};
    return text;
}

std::string option_lines(std::string_view letters) {
    std::string text;
    for (const auto& option : all_options()) {
        const bool is_listed = letters.find(option.letter) != std::string_view::npos;
        if (letters.empty() ? !is_global_option(option.letter) : !is_listed) continue;
        std::string left = std::string{"--"} + option.name;
        if (option.letter == 'n' || option.letter == 'q' || option.letter == 'h') {
            left.insert(0, std::string{'-', option.letter, ',', ' '});
        }
        if (!option.argument.empty()) left.append(" ").append(option.argument);
        text += line(left, option.meaning);
    }
    return text;
}

// The names in lines of at most `kWidth` columns.
std::string column_lines(Verb verb) {
    constexpr std::size_t kWidth = 96;
    const auto kind = row_kind(verb);
    if (!kind) return {};
    std::string text = "\ncolumns of --output tsv, and what --output env sets:\n", row = " ";
    if (!kind->list.empty()) text = "\ncolumns of --output tsv:\n";
    for (const auto column : kind->columns) {
        if (row.size() + 1 + column.size() > kWidth) {
            text += row + '\n';
            row = " ";
        }
        row += ' ' + std::string{column};
    }
    return text + row + '\n';
}

std::string general_help() {
    std::string text =
        "usage: ticket-client [OPTION]... VERB [OPERAND]...\n"
        "Buys tickets from ticketd and asks it about them.\n\nverbs:\n";
    for (const auto& verb : all_verbs())
        text += line(call_of(verb), verb.summary);
    text += line("help [VERB]", "print this, or the help of a verb");
    text += "\noptions of every verb, before or after it:\n" + option_lines("");
    text +=
        "\nA TIME is 250ms, 2s, 5m, 1h30m or 7d.\n"
        "The socket is $TICKETD_SOCKET, else /run/ticketd/ticketd.sock if there is one, else\n"
        "$XDG_RUNTIME_DIR/ticketd.sock, else ticketd-UID/ticketd.sock in the temporary directory.\n"
        "\nexamples:\n"
        "  ticket-client query\n"
        "  ticket-client purchase 2 --timeout 30s\n"
        "  ticket-client purchase --help\n"
        "\nexit codes: 0 done, 10 sold out, 64 usage, 65 bad input, 69 no daemon (nothing was "
        "sent),\n"
        "75 no answer or busy (repeat with the same key), 77 denied; all of them: "
        "docs/protocol.md\n";
    return text;
}

std::string help_of_group(const VerbInfo& group) {
    std::string text = "usage: ticket-client [OPTION]... " + std::string{group.name};
    text += " VERB [OPERAND]...\n" + std::string{group.name} + ": " + std::string{group.summary};
    text += "\n\nverbs:\n";
    const auto start = std::string{group.name} + ' ';
    for (const auto& verb : all_verbs()) {
        if (verb.name.starts_with(start)) text += line(call_of(verb), verb.summary);
    }
    return text + "\nticket-client " + start +
           "VERB --help shows the options of one, with examples\n";
}

}  // namespace

std::string help_text(const VerbInfo* verb) {
    if (verb == nullptr) return general_help();
    if (is_verb_prefix(verb->name)) return help_of_group(*verb);
    std::string text = "usage: ticket-client [OPTION]... " + call_of(*verb) + '\n';
    text += std::string{verb->name} + ": " + std::string{verb->summary};
    if (!verb->alias.empty()) text += "; also " + std::string{verb->alias};
    text += "\n\n";
    if (!verb->options.empty()) text += "options:\n" + option_lines(verb->options) + '\n';
    text += "options of every verb:\n" + option_lines("") + "\nexamples:\n";
    return text + std::string{verb->details} + column_lines(verb->verb);
}

}  // namespace ticketd::client
