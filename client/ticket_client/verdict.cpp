#include "client/ticket_client/verdict.h"

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

#include "client/rpc.h"

namespace ticketd::client {
namespace {

using Value = nlohmann::json;

Value parsed(std::string_view result) {
    return Value::parse(result, nullptr, false);
}

// Never copied: a copy of what is nested deep enough is the end of the stack.
const Value* member(const Value& json, const char* name) {
    if (!json.is_object()) return nullptr;
    const auto found = json.find(name);
    return found == json.end() ? nullptr : &*found;
}

bool is_positive(const Value* number) {
    return number != nullptr && number->is_number_unsigned() && *number > 0;
}

Failure silent(ErrorKind kind) {
    const auto& info = error_kind_info(kind);
    return {std::string{info.name}, info.client_exit, {}};
}

std::optional<Failure> verdict_on_stock(const Value& counts) {
    const auto* available = member(counts, "available");
    if (available == nullptr || !available->is_number_unsigned()) {
        return Failure{"protocol", client_exit::kProtocol, "the answer does not say what is left"};
    }
    // What is not open is called by what a purchase would be refused with.
    const auto* state = member(counts, "state");
    if (state != nullptr && state->is_string()) {
        const auto kind = find_error_kind(state->get_ref<const std::string&>());
        if (kind) return silent(*kind);
    }
    if (is_positive(available)) return std::nullopt;
    // What comes back pays an overcommit first.
    const auto* capacity = member(counts, "capacity");
    const auto* sold = member(counts, "sold");
    const bool is_all_sold = capacity != nullptr && sold != nullptr && *sold >= *capacity;
    const bool may_return = is_positive(member(counts, "held")) && !is_all_sold;
    return silent(may_return ? ErrorKind::kHeldOut : ErrorKind::kSoldOut);
}

std::string text_of(const Value* value) {
    return value != nullptr && value->is_string() ? value->get<std::string>() : "";
}

// A kind that only a newer daemon knows counts as its code does.
Failure failure_in(const Value& error) {
    const auto* code = member(error, "code");
    const auto* data = member(error, "data");
    const auto kind = text_of(data == nullptr ? nullptr : member(*data, "kind"));
    const RpcError told{
        code != nullptr && code->is_number_integer() ? code->get<std::int64_t>() : 0,
        kind.empty() ? "error" : kind,
        text_of(member(error, "message")),
        Retry::kNever,
        {}};
    return {told.kind, exit_code_of(told), told.message};
}

// A failure for which another one is to blame counts only if there is no other.
std::optional<Failure> verdict_on_batch(const Value& answer) {
    const int linked = error_kind_info(ErrorKind::kLinkedFailed).client_exit;
    std::optional<Failure> first;
    const auto* results = member(answer, "results");
    for (std::size_t i = 0; results != nullptr && results->is_array() && i < results->size(); ++i) {
        const auto* error = member((*results)[i], "error");
        if (error != nullptr && (!first || first->exit_code == linked)) first = failure_in(*error);
    }
    return first;
}

// Rows alone do not tell that there are more of them: text and JSON show `next` themselves.
std::optional<Failure> note_on_page(const Arguments& arguments, const Value& page) {
    const auto* next = member(page, "next");
    if (next == nullptr || !next->is_number_unsigned()) return std::nullopt;
    const auto* option = arguments.verb->verb == Verb::kOrders ? "--after " : "--from ";
    return Failure{"next", client_exit::kDone, std::string{"more with "} + option + next->dump()};
}

}  // namespace

bool is_verified(std::string_view result) {
    const auto json = parsed(result);
    const auto* ok = member(json, "ok");
    return ok != nullptr && *ok == true;
}

std::optional<Failure> verdict(const Arguments& arguments, std::string_view result) {
    if (arguments.wants_exit_code) return verdict_on_stock(parsed(result));
    if (arguments.verb->verb == Verb::kBatch) return verdict_on_batch(parsed(result));
    const bool is_page =
        arguments.verb->verb == Verb::kOrders || arguments.verb->verb == Verb::kLedgerRead;
    if (is_page && arguments.output == Output::kTsv && !arguments.is_quiet) {
        return note_on_page(arguments, parsed(result));
    }
    if (arguments.verb->verb != Verb::kLedgerVerify || is_verified(result)) return std::nullopt;
    return Failure{"ledger", client_exit::kStorage, "the ledger does not verify"};
}

}  // namespace ticketd::client
