#include "client/ticket_client/text.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "client/streams.h"
#include "client/ticket_client/cells.h"
#include "client/ticket_client/order_text.h"
#include "client/ticket_client/result_json.h"
#include "client/translate.h"

namespace ticketd::client {
namespace {

using Row = std::vector<std::string>;

// How wide a terminal shows it: what East Asian scripts are made of takes two columns.
std::size_t columns_of(std::string_view text) {
    std::size_t columns = 0;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        const bool begins = (byte & 0xc0U) != 0x80;
        if (begins) columns += byte >= 0xe1 ? 2 : 1;
    }
    return columns;
}

std::string aligned(const std::vector<Row>& rows) {
    std::vector<std::size_t> widths;
    for (const auto& row : rows) {
        widths.resize(std::max(widths.size(), row.size()));
        for (std::size_t i = 0; i < row.size(); ++i)
            widths[i] = std::max(widths[i], columns_of(row[i]));
    }
    std::string text;
    for (const auto& row : rows) {
        for (std::size_t i = 0; i < row.size(); ++i) {
            text += row[i];
            if (i + 1 < row.size()) text.append(widths[i] - columns_of(row[i]) + 2, ' ');
        }
        text += '\n';
    }
    return text;
}

std::string table(const Json& array) {
    const auto names = columns(array);
    if (!names) return printable(array.dump()) + '\n';
    std::vector<Row> rows{*names};
    for (auto& name : rows[0])
        name = label(name);
    for (const auto& object : array) {
        Row row;
        for (const auto& name : *names)
            row.push_back(object.contains(name) ? member_cell(name, object[name]) : "-");
        rows.push_back(std::move(row));
    }
    return aligned(rows);
}

std::string general(const Json& result) {
    if (!result.is_object()) return is_table(result) ? table(result) : cell(result) + '\n';
    std::string tables;
    std::vector<Row> lines;
    for (const auto& [name, value] : result.items()) {
        if (is_table(value)) {
            tables += table(value);
        } else if (name != "next" || !value.is_null()) {  // no `next`: this was the last page
            lines.push_back({label(name), member_cell(name, value)});
        }
    }
    const auto text = tables + aligned(lines);
    return text.empty() ? std::string{tr("ok")} + '\n' : text;
}

bool is_about_order(Verb verb) {
    return verb == Verb::kPurchase || verb == Verb::kHold || verb == Verb::kConfirm ||
           verb == Verb::kRelease || verb == Verb::kExtend || verb == Verb::kCancel;
}

// The kind of a request of a batch that failed.
std::string kind_of(const Json& error) {
    const auto data = error.find("data");
    return cell(data != error.end() && data->is_object() ? data->value("kind", Json{}) : Json{});
}

// A line for each request, as if it had been asked for alone; none if all of them had to be done or
// none, and none is: why is said on stderr. Nothing if it does not look like it.
std::optional<std::string> about_batch(const Json& result) {
    const auto results = result.is_object() ? result.find("results") : result.end();
    if (results == result.end() || !results->is_array()) return std::nullopt;
    std::string text;
    bool is_undone = results->size() == 1;
    for (const auto& one : *results) {
        const auto done = one.is_object() ? one.find("result") : one.end();
        const auto failed = one.is_object() ? one.find("error") : one.end();
        if (one.is_object() && done != one.end()) {
            const auto order = about_order(*done);
            text += order ? *order : cell(*done) + '\n';
            is_undone = false;
        } else if (one.is_object() && failed != one.end() && failed->is_object()) {
            const auto kind = kind_of(*failed);
            text += line_of({kind, 0, cell(failed->value("message", Json{}))});
            is_undone = is_undone || kind == "linked_failed";
        } else {
            return std::nullopt;
        }
    }
    return is_undone ? "" : text;
}

// "12 demo purchased: 3 of 5 available, 0 held, 2 sold"
std::optional<std::string> about_change(const Json& change) {
    const auto lsn = number_in(change, "lsn"), available = number_in(change, "available");
    const auto capacity = number_in(change, "capacity"), held = number_in(change, "held");
    const auto sold = number_in(change, "sold");
    if (!lsn || !available || !capacity || !held || !sold) return std::nullopt;
    return say("{1} {2} {3}: {4} of {5} available, {6} held, {7} sold",
               {std::to_string(*lsn), cell(change.value("event", Json{})),
                word_cell(change.value("type", Json{})), std::to_string(*available),
                std::to_string(*capacity), std::to_string(*held), std::to_string(*sold)}) +
           '\n';
}

}  // namespace

std::string result_text(Verb verb, std::string_view result) {
    auto json = read_result(result);
    if (!json) return printable(result) + '\n';
    // It stands in the head of the table.
    if (verb == Verb::kReport && json->is_object()) json->erase("per");
    if (verb == Verb::kWatch && json->is_object()) {
        if (auto text = about_change(*json)) return *std::move(text);
    }
    if (verb == Verb::kBatch) {
        if (auto text = about_batch(*json)) return *std::move(text);
    }
    if (is_about_order(verb)) {
        if (auto text = about_order(*json)) return *std::move(text);
    }
    return general(*json);
}

}  // namespace ticketd::client
