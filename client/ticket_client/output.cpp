#include "client/ticket_client/output.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <utility>

#include "client/ticket_client/result_json.h"
#include "client/ticket_client/row_kind.h"
#include "client/ticket_client/text.h"

namespace ticketd::client {
namespace {

constexpr std::array kNames{std::pair{std::string_view{"text"}, Output::kText},
                            std::pair{std::string_view{"json"}, Output::kJson},
                            std::pair{std::string_view{"env"}, Output::kEnv},
                            std::pair{std::string_view{"tsv"}, Output::kTsv}};

std::string plain(const Json& value) {
    if (value.is_null()) return {};
    if (value.is_string()) return value.get<std::string>();
    if (!value.is_array() || std::any_of(value.begin(), value.end(),
                                         [](const Json& part) { return part.is_structured(); })) {
        return value.dump();
    }
    std::string joined;
    for (const auto& part : value) {
        if (!joined.empty()) joined += ' ';
        joined += plain(part);
    }
    return joined;
}

// TICKET_ and the name in capitals: no member can become PATH, or anything but a name.
std::string variable(std::string_view name) {
    std::string text{"TICKET_"};
    for (const char c : name) {
        const bool is_lower = c >= 'a' && c <= 'z';
        const bool is_other = (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        text += is_lower ? static_cast<char>(c - 'a' + 'A') : is_other ? c : '_';
    }
    return text;
}

// Between single quotes a shell takes every byte as it is, but for the quote; it knows no NUL.
std::string in_quotes(std::string_view value) {
    std::string text{"'"};
    for (const char c : value) {
        if (c == '\'') {
            text += R"('\'')";
        } else if (c != '\0') {
            text += c;
        }
    }
    return text + '\'';
}

std::string assignment(std::string_view name, const Json& value) {
    return variable(name) + '=' + in_quotes(plain(value)) + '\n';
}

// What this result has not got is set too, to nothing: a shell keeps no value of the one before.
std::string env(Verb verb, const Json& result) {
    std::string text;
    for (const auto& [name, value] : result.items())
        text += assignment(name, value);
    const auto kind = row_kind(verb);
    if (!kind || !kind->list.empty()) return text;
    for (const auto column : kind->columns) {
        if (!result.contains(column)) text += assignment(column, Json{});
    }
    return text;
}

// One field of a line: what would end it is written \t, \n, \r, and a backslash doubled.
std::string field(std::string_view value) {
    std::string text;
    for (const char c : value) {
        switch (c) {
            case '\t': text += R"(\t)"; break;
            case '\n': text += R"(\n)"; break;
            case '\r': text += R"(\r)"; break;
            case '\\': text += R"(\\)"; break;
            default: text += c;
        }
    }
    return text;
}

std::string tsv_line(const std::vector<std::string>& fields) {
    std::string text;
    for (const auto& value : fields) {
        if (&value != fields.data()) text += '\t';
        text += field(value);
    }
    return text + '\n';
}

std::optional<std::string> lines(const std::vector<std::string>& names, const Json& rows,
                                 Head head) {
    auto text = head == Head::kWith ? tsv_line(names) : "";
    for (const auto& row : rows) {
        if (!row.is_object()) return std::nullopt;
        std::vector<std::string> values;
        for (const auto& name : names)
            values.push_back(row.contains(name) ? plain(row[name]) : "");
        text += tsv_line(values);
    }
    return text;
}

std::vector<std::string> names_of(const RowKind& kind, Verb verb, const Json& result) {
    std::vector<std::string> names{kind.columns.begin(), kind.columns.end()};
    const auto per = result.find("per");
    if (verb == Verb::kReport && per != result.end() && per->is_string()) names[0] = *per;
    return names;
}

// Of a verb whose rows are of no known kind, a result that begins with a list is that list, else it
// is the only row; its members are the columns.
std::optional<std::string> tsv_of_anything(const Json& result, Head head) {
    const bool is_list = !result.empty() && result.front().is_array();
    const auto rows = is_list ? result.front() : Json::array({result});
    if (rows.empty()) return "";
    if (!is_table(rows)) return std::nullopt;
    const auto names = columns(rows);
    return names ? lines(*names, rows, head) : std::nullopt;
}

std::optional<std::string> tsv(Verb verb, const Json& result, Head head) {
    const auto kind = row_kind(verb);
    if (!kind) return tsv_of_anything(result, head);
    const auto names = names_of(*kind, verb, result);
    if (kind->list.empty()) return lines(names, Json::array({result}), head);
    const auto rows = result.find(kind->list);
    if (rows == result.end() || !rows->is_array()) return std::nullopt;
    return lines(names, *rows, head);
}

}  // namespace

std::optional<Output> output_called(std::string_view name) {
    const auto* found = std::find_if(kNames.begin(), kNames.end(),
                                     [name](const auto& entry) { return entry.first == name; });
    return found == kNames.end() ? std::nullopt : std::optional{found->second};
}

std::vector<std::string> variables_of(std::string_view result) {
    std::vector<std::string> variables;
    const auto json = read_result(result);
    if (!json || !json->is_object()) return variables;
    for (const auto& [name, value] : json->items())
        variables.push_back(variable(name) + '=' + plain(value));
    return variables;
}

std::optional<std::string> formatted(Output output, Verb verb, std::string_view result, Head head) {
    if (output == Output::kText) return result_text(verb, result);
    if (output == Output::kJson) return std::string{result} + '\n';
    const auto json = read_result(result);
    if (!json || !json->is_object()) return std::nullopt;
    return output == Output::kEnv ? env(verb, *json) : tsv(verb, *json, head);
}

}  // namespace ticketd::client
