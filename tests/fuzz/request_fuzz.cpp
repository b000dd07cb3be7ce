// What a connection's bytes are taken for: message scanner, request reader and parameter checks,
// as the daemon puts them together. The input is the bytes of one connection.
//
//  - However they are cut on their way, the same messages and requests come out.
//  - They are those that the oracle finds: whatever is accepted is strict JSON of the right form,
//    and whatever is, is accepted. Ids are repeated byte for byte.
#include <algorithm>
#include <random>
#include <string>
#include <variant>
#include <vector>

#include "common/limits.h"
#include "common/message_scanner.h"
#include "server/net/message.h"
#include "server/net/params.h"
#include "server/net/service.h"
#include "tests/fuzz/finding.h"
#include "tests/fuzz/json_oracle.h"
#include "tests/fuzz/stream_oracle.h"

using namespace ticketd;
using fuzz::expect;
using fuzz::json;
using fuzz::OracleMessage;
using fuzz::OracleRequest;
using fuzz::StreamRules;

namespace {

/// What the daemon's readers made of one message.
struct Message {
    OracleMessage::Kind kind = OracleMessage::Kind::kRequests;
    bool is_batch = false;
    std::string text;
    std::vector<net::RequestResult> requests;
};

/// Reads a stream as Session and Server do.
class Reader {
  public:
    explicit Reader(const StreamRules& rules) : rules_(rules), scanner_(rules.message_bytes) {}

    void feed(std::string_view bytes) {
        pending_ += bytes;
        while (!is_closed_ && take(scanner_.scan(pending_))) {
        }
    }
    std::vector<Message> finish() {
        if (!is_closed_) take(scanner_.finish(pending_));
        return std::move(messages_);
    }

  private:
    bool take(const MessageScanner::Result& result) {
        using Kind = OracleMessage::Kind;
        expect(result.consumed <= pending_.size(), "no more is consumed than there is");
        const std::string text{result.message};
        pending_.erase(0, result.consumed);
        switch (result.status) {
            case MessageScanner::Status::kNeedMore: return false;
            case MessageScanner::Status::kMessage: read(text); return true;
            case MessageScanner::Status::kMalformed:
                messages_.push_back({Kind::kNotJson, false, {}, {}});
                return true;
            case MessageScanner::Status::kTooLarge:
                messages_.push_back({Kind::kTooLarge, false, {}, {}});
                is_closed_ = true;
                return false;
        }
        return false;
    }

    void read(const std::string& text) {
        using Kind = OracleMessage::Kind;
        auto read = net::read_message(text, rules_.batch_requests);
        Message message{Kind::kRequests, read.is_batch, text, {}};
        for (auto& part : read.parts)
            message.requests.push_back(std::move(part.request));
        const auto* fault = read.fault ? &*read.fault : nullptr;
        if (!read.is_batch) fault = std::get_if<net::RequestFault>(&message.requests[0]);
        if (read.fault) message.kind = Kind::kBadBatch;
        if (fault != nullptr && fault->kind == ErrorKind::kParseError) {
            message.kind = Kind::kNotJson;
            scanner_.skip_line();
        }
        messages_.push_back(std::move(message));
    }

    const StreamRules rules_;
    MessageScanner scanner_;
    std::string pending_;
    std::vector<Message> messages_;
    bool is_closed_ = false;
};

std::string shown(const net::RequestResult& result) {
    if (const auto* fault = std::get_if<net::RequestFault>(&result)) {
        return "fault " + fault->message + " id " + fault->envelope.id;
    }
    const auto& request = std::get<net::Request>(result);
    auto text = "request " + request.method + " id " + request.envelope.id;
    for (const auto& param : request.params) {
        text += " " + param.name + "=" + std::to_string(static_cast<int>(param.value.kind)) + ":" +
                std::to_string(param.value.number) + ":" + param.value.text;
    }
    return text;
}

std::string shown(const std::vector<Message>& messages) {
    std::string text;
    for (const auto& message : messages) {
        text += std::to_string(static_cast<int>(message.kind)) + " " + message.text + "\n";
        for (const auto& request : message.requests)
            text += "  " + shown(request) + "\n";
    }
    return text;
}

std::vector<Message> read_whole(std::string_view bytes, const StreamRules& rules) {
    Reader reader{rules};
    reader.feed(bytes);
    return reader.finish();
}

std::vector<Message> read_cut(std::string_view bytes, const StreamRules& rules,
                              std::size_t piece_bytes_max, std::mt19937& random) {
    Reader reader{rules};
    while (!bytes.empty()) {
        const auto piece = bytes.substr(0, 1 + random() % piece_bytes_max);
        reader.feed(piece);
        bytes.remove_prefix(piece.size());
    }
    return reader.finish();
}

/// True if `id` is the text of the request's id, byte for byte: put something else in its place,
/// and nothing but the id is different.
bool is_id_text(std::string_view text, const std::string& id) {
    auto expected = json::parse(text);
    expected["id"] = "put in its place";
    for (auto at = text.find(id); at != std::string_view::npos; at = text.find(id, at + 1)) {
        std::string other{text};
        other.replace(at, id.size(), "\"put in its place\"");
        const auto [verdict, value] = fuzz::judge(other);
        if (verdict == fuzz::Verdict::kJson && value == expected) return true;
    }
    return false;
}

void check_id(const net::Envelope& envelope, const OracleRequest& oracle, std::string_view text) {
    const auto id = json::parse(envelope.id);
    expect(id == oracle.id() && id.type() == oracle.id().type(), "the id is the request's", text);
    const bool has_id = oracle.verdict == fuzz::Verdict::kJson && oracle.value.is_object() &&
                        oracle.value.contains("id") && !oracle.id().is_null();
    // Repeated members leave the oracle no way to tell which one is meant.
    if (has_id && oracle.is_request) {
        expect(is_id_text(text, envelope.id), "the id is repeated byte for byte", text);
    }
}

void check_value(const net::Value& value, const json& oracle, std::string_view text) {
    using net::ValueKind;
    const auto kind = oracle.is_null()             ? ValueKind::kNull
                      : oracle.is_boolean()        ? ValueKind::kBool
                      : oracle.is_number_integer() ? ValueKind::kInteger
                      : oracle.is_number()         ? ValueKind::kNotInteger
                      : oracle.is_string()         ? ValueKind::kString
                      : oracle.is_array()          ? ValueKind::kArray
                                                   : ValueKind::kObject;
    expect(value.kind == kind, "a parameter keeps its type", text);
    if (kind == ValueKind::kString) expect(value.text == oracle, "strings are kept", text);
    if (kind == ValueKind::kInteger) {
        expect(value.is_negative != oracle.is_number_unsigned(), "signs are kept", text);
        if (!value.is_negative) expect(value.number == oracle, "numbers are kept", text);
    }
}

void check_params(const net::Request& request, const OracleRequest& oracle, std::string_view text) {
    const auto params = oracle.params();
    expect(request.by_position == params.is_array(), "params are as they were given", text);
    if (!oracle.has_repeated_params) {
        expect(request.params.size() == params.size(), "no parameter is lost", text);
        for (std::size_t i = 0; i < params.size(); ++i) {
            const auto& [name, value] = request.params[i];
            check_value(value, params.is_array() ? params.at(i) : params.at(name), text);
        }
    }
    const auto methods = net::Service::methods();
    const auto method = std::find_if(methods.begin(), methods.end(), [&](const net::Method& m) {
        return m.name == request.method;
    });
    if (method == methods.end()) return;
    const auto is_right = fuzz::has_right_params(oracle);
    if (!is_right) return;
    net::Params checked;
    const auto problem = net::check_params(request, method->params, checked);
    expect(!problem == *is_right, "right parameters are taken and no others", text);
}

void check_request(const net::RequestResult& result, const OracleRequest& oracle,
                   std::string_view text) {
    const auto* request = std::get_if<net::Request>(&result);
    expect((request != nullptr) == oracle.is_request, "requests are taken and nothing else", text);
    if (request != nullptr) {
        const auto& envelope = request->envelope;
        expect(envelope.is_version_2 == oracle.is_version_2, "the version is the request's", text);
        expect(envelope.wants_reply == oracle.wants_reply, "notifications are told", text);
        expect(request->method == oracle.method(), "the method is the request's", text);
        check_id(envelope, oracle, text);
        return check_params(*request, oracle, text);
    }
    const auto& fault = std::get<net::RequestFault>(result);
    expect(fault.envelope.wants_reply, "a refusal is told", text);
    const auto verdict = fault.kind == ErrorKind::kParseError ? fuzz::Verdict::kNotJson
                         : fault.kind == ErrorKind::kInvalidParams
                             ? fuzz::Verdict::kNumberOutOfRange
                             : fuzz::Verdict::kJson;
    expect(verdict == oracle.verdict, "the refusal says what is wrong", text);
    if (verdict == fuzz::Verdict::kJson) check_id(fault.envelope, oracle, text);
}

void check(const std::vector<Message>& messages, std::string_view bytes, const StreamRules& rules) {
    const auto oracle = fuzz::judge_stream(bytes, rules, fuzz::StreamEnd::kClosed);
    expect(messages.size() == oracle.size(), "as many messages as the oracle sees",
           shown(messages));
    for (std::size_t i = 0; i < oracle.size(); ++i) {
        const auto& message = messages[i];
        expect(message.kind == oracle[i].kind, "a message is what the oracle takes it for",
               shown(messages));
        if (message.kind != OracleMessage::Kind::kRequests) continue;
        expect(message.text == oracle[i].text, "a message ends where its value ends", message.text);
        expect(message.requests.size() == oracle[i].requests.size(), "a batch is cut rightly",
               message.text);
        for (std::size_t k = 0; k < message.requests.size(); ++k) {
            const auto& text = message.is_batch ? oracle[i].requests[k].text : message.text;
            check_request(message.requests[k], oracle[i].requests[k], text);
        }
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto bytes = fuzz::text_of(data, size);
    // The second rules are within reach of short inputs.
    for (const auto& rules :
         {StreamRules{limits::kMessageBytes, limits::kBatchRequests}, StreamRules{48, 2}}) {
        const auto whole = read_whole(bytes, rules);
        check(whole, bytes, rules);
        std::mt19937 random{static_cast<std::uint32_t>(size)};
        for (const auto piece_bytes_max : {1U, 3U, 40U}) {
            const auto cut = read_cut(bytes, rules, piece_bytes_max, random);
            expect(shown(cut) == shown(whole), "cuts change nothing",
                   shown(whole) + "--- cut\n" + shown(cut));
        }
    }
    return 0;
}
