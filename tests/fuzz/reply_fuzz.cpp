// What the client makes of a server's bytes, however hostile: the scanner and the reply reader, the
// text shown for a result, the counts of ticket-bench, and a whole call over a real socket. The
// input, expanded (finding.h), is the bytes that the server sends.
//
//  - A reply that is taken is JSON, and its result is the server's own text.
//  - What is shown is printable lines, whatever is in the result, and an exit code of the contract.
//  - A call ends, with an answer or with what went wrong.
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <set>
#include <sstream>
#include <string>
#include <variant>

#include "client/bench/replies.h"
#include "client/connection.h"
#include "client/rpc.h"
#include "client/streams.h"
#include "client/ticket_client/output.h"
#include "client/ticket_client/text.h"
#include "client/ticket_client/verbs.h"
#include "client/ticket_client/verdict.h"
#include "common/message_scanner.h"
#include "tests/fuzz/finding.h"
#include "tests/fuzz/json_oracle.h"

using namespace ticketd;
using fuzz::expect;
using fuzz::json;

namespace {

void check_text(std::string_view text, std::string_view result) {
    expect(text.ends_with('\n'), "what is shown ends its line", result);
    for (const char c : text) {
        const bool is_control = (c >= '\0' && c < ' ') || c == '\x7f';
        expect(!is_control || c == '\n', "what is shown cannot steer a terminal", result);
    }
    expect(
        json::accept(json(std::string{text}).dump(-1, ' ', false, json::error_handler_t::strict)),
        "what is shown is UTF-8", result);
}

// A line cannot break out of its quotes, nor name anything but a variable of ours.
void check_env(const std::string& result) {
    const auto text = client::formatted(client::Output::kEnv, client::Verb::kCall, result);
    if (!text) return;
    bool is_quoted = false;
    bool is_escape = false;  // the \' between two pairs of quotes
    std::string outside;
    for (const char c : *text) {
        expect(c != '\0', "a shell knows no NUL", result);
        if (is_escape) {
            expect(c == '\'', "only a quote is escaped", result);
            is_escape = false;
        } else if (c == '\'') {
            is_quoted = !is_quoted;
        } else if (!is_quoted && c == '\\') {
            is_escape = true;
        } else if (!is_quoted) {
            outside += c;
        }
    }
    expect(!is_quoted && !is_escape, "quotes are closed", result);
    std::istringstream lines{outside};
    for (std::string line; std::getline(lines, line);) {
        const bool is_ours =
            line.starts_with("TICKET_") && line.ends_with('=') &&
            line.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") == line.size() - 1;
        expect(is_ours, "only our names are set", result);
    }
}

// Every line has as many fields.
void check_tsv(const std::string& result) {
    const auto text = client::formatted(client::Output::kTsv, client::Verb::kCall, result);
    if (!text || text->empty()) return;
    expect(text->ends_with('\n'), "a line is ended", result);
    std::set<std::ptrdiff_t> tabs;
    std::istringstream lines{*text};
    for (std::string line; std::getline(lines, line);)
        tabs.insert(std::count(line.begin(), line.end(), '\t'));
    expect(tabs.size() == 1, "every line has as many fields", result);
}

void check_result(const std::string& result) {
    expect(json::accept(result), "a result is JSON", result);
    for (const auto verb : {client::Verb::kPurchase, client::Verb::kQuery}) {
        check_text(client::result_text(verb, result), result);
    }
    check_env(result);
    check_tsv(result);
    const auto value = json::parse(result);
    const bool ok = value.is_object() && value.contains("ok") && value["ok"] == true;
    // Repeated members leave it open which one counts.
    if (ok != client::is_verified(result)) {
        expect(result.find("\"ok\"") != result.rfind("\"ok\"") ||
                   result.find("\\u") != std::string::npos,
               "a ledger is verified if the server says so", result);
    }
}

void check_error(const client::RpcError& error) {
    static const std::set<int> kExits{10, 11, 12, 13, 14, 15, 16, 17,
                                      18, 65, 70, 74, 75, 76, 77, 124};
    expect(kExits.contains(client::exit_code_of(error)), "exit codes are those of the contract");
    const auto is_word = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
    };
    expect(!error.kind.empty() && std::all_of(error.kind.begin(), error.kind.end(), is_word),
           "a kind is a word", error.kind);
    expect(error.data.empty() || json::accept(error.data), "data is JSON", error.data);
}

void check_message(const std::string& message) {
    const auto reply = client::parse_reply(message);
    const bool is_notification = client::is_notification(message);
    client::ReplyCounts counts;
    counts.add(message);
    if (!reply) return;
    expect(json::accept(message) && !is_notification, "a reply is JSON and no notification",
           message);
    expect(reply->id.empty() || json::accept(reply->id), "an id is JSON", message);
    if (const auto* result = std::get_if<std::string>(&reply->answer)) return check_result(*result);
    check_error(std::get<client::RpcError>(reply->answer));
}

void read_messages(std::string_view bytes) {
    MessageScanner scanner{1024 * 1024};
    for (;;) {
        const auto result = scanner.scan(bytes);
        const std::string message{result.message};
        bytes.remove_prefix(result.consumed);
        if (result.status == MessageScanner::Status::kTooLarge) return;
        if (result.status == MessageScanner::Status::kNeedMore) break;
        if (result.status == MessageScanner::Status::kMessage) check_message(message);
    }
    const std::string rest{bytes};
    check_message(rest);
}

/// A socket that one call after another connects to.
class Listener {
  public:
    Listener() {
        std::string pattern = "/tmp/ticketd-fuzz-XXXXXX";
        directory_ = ::mkdtemp(pattern.data());
        socket_ = client::Descriptor{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        path().copy(static_cast<char*>(address.sun_path), sizeof address.sun_path - 1);
        const void* generic = &address;
        expect(
            ::bind(socket_.number(), static_cast<const sockaddr*>(generic), sizeof address) == 0 &&
                ::listen(socket_.number(), 1) == 0,
            "the fuzzer can listen");
    }
    ~Listener() {
        ::unlink(path().c_str());
        ::rmdir(directory_.c_str());
    }
    Listener(const Listener&) = delete;
    Listener& operator=(const Listener&) = delete;

    std::string path() const { return directory_ + "/s"; }
    client::Descriptor accept() {
        return client::Descriptor{::accept4(socket_.number(), nullptr, nullptr, SOCK_CLOEXEC)};
    }

  private:
    std::string directory_;
    client::Descriptor socket_;
};

/// How a call ends whose server has sent `bytes` and hung up.
std::string call(std::string_view bytes) {
    static Listener listener;
    auto opened = client::Connection::try_open(listener.path());
    expect(std::holds_alternative<client::Connection>(opened), "the fuzzer can connect");
    auto& connection = std::get<client::Connection>(opened);
    const auto server = listener.accept();
    const auto sent = ::send(server.number(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    expect(sent == static_cast<ssize_t>(bytes.size()), "the fuzzer can send");
    ::shutdown(server.number(), SHUT_WR);
    const auto patience = client::Clock::now() + std::chrono::seconds{10};
    const auto answered = connection.call("query", "{}", patience);
    if (const auto* status = std::get_if<client::IoStatus>(&answered)) {
        expect(*status == client::IoStatus::kLost || *status == client::IoStatus::kMalformed,
               "a call ends when the server hangs up");
        return "status " + std::to_string(static_cast<int>(*status));
    }
    const auto& answer = std::get<client::Answer>(answered);
    if (const auto* result = std::get_if<std::string>(&answer)) return "result " + *result;
    const auto& error = std::get<client::RpcError>(answer);
    check_error(error);
    return "error " + error.kind + ": " + client::printable(error.message);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto bytes = fuzz::expanded(fuzz::text_of(data, size));
    read_messages(bytes);
    // More than a socket takes at once would have to be read meanwhile.
    if (bytes.size() <= 160 * 1024) call(bytes);
    return 0;
}
