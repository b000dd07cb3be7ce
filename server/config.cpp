#include "server/config.h"

#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <system_error>
#include <vector>

#include "common/names.h"
#include "common/socket_path.h"

namespace ticketd {
namespace {

using Json = nlohmann::json;

[[noreturn]] void fail(const std::string& path, const std::string& problem) {
    throw ConfigError(path + ": " + problem);
}

std::string default_data_dir() {
    if (::geteuid() == 0) return "/var/lib/ticketd";
    const auto variable = [](const char* name) {
        const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): at start-up
        return std::string{value == nullptr ? "" : value};
    };
    if (auto state = variable("XDG_STATE_HOME"); !state.empty()) return state + "/ticketd";
    return variable("HOME") + "/.local/state/ticketd";
}

/// Reads values out of the document, each with its path for messages.
class Reader {
  public:
    Reader(const Json& value, std::string path) : value_(value), path_(std::move(path)) {}

    std::uint64_t integer(std::uint64_t min, std::uint64_t max) const {
        const bool fits = value_.is_number_unsigned() && value_.get<std::uint64_t>() >= min &&
                          value_.get<std::uint64_t>() <= max;
        if (!fits) {
            fail(path_,
                 "must be an integer from " + std::to_string(min) + " to " + std::to_string(max));
        }
        return value_.get<std::uint64_t>();
    }

    void duration(std::chrono::milliseconds& target, std::int64_t min_ms,
                  std::int64_t max_ms) const {
        target = std::chrono::milliseconds{
            integer(static_cast<std::uint64_t>(min_ms), static_cast<std::uint64_t>(max_ms))};
    }

    std::set<std::uint32_t> numbers() const {
        if (!value_.is_array()) fail(path_, "must be an array of numbers");
        std::set<std::uint32_t> numbers;
        for (const auto& value : value_) {
            // The last number stands for none.
            numbers.insert(
                static_cast<std::uint32_t>(Reader{value, path_ + "[]"}.integer(0, UINT32_MAX - 1)));
        }
        return numbers;
    }

    bool flag() const {
        if (!value_.is_boolean()) fail(path_, "must be true or false");
        return value_.get<bool>();
    }

    std::string text() const {
        const auto* text = value_.get_ptr<const std::string*>();
        if (text == nullptr || text->empty() || text->find('\0') != std::string::npos) {
            fail(path_, "must be a string that is not empty and holds no NUL");
        }
        return *text;
    }

    /// Hands each member to the function of its name.
    using Members = std::map<std::string, std::function<void(const Reader&)>>;
    void object(const Members& members) const {
        each_member([&members](const std::string& name, const Reader& member) {
            const auto known = members.find(name);
            if (known == members.end()) fail(member.path_, "unknown key");
            known->second(member);
        });
    }

    template <typename Visit>
    void each_member(Visit visit) const {
        if (!value_.is_object()) fail(path_.empty() ? "configuration" : path_, "must be an object");
        for (const auto& [name, member] : value_.items()) {
            visit(name, Reader{member, path_.empty() ? name : path_ + "." + name});
        }
    }

    const std::string& path() const { return path_; }

  private:
    const Json& value_;
    std::string path_;
};

unsigned parse_mode(const std::string& text, const std::string& path) {
    unsigned mode = 0;
    const auto* last = text.data() + text.size();
    const auto [end, error] = std::from_chars(text.data(), last, mode, 8);
    if (error != std::errc{} || end != last || mode > 0777) {
        fail(path, "must be octal digits in a string, such as \"0660\"");
    }
    return mode;
}

std::string checked_level(const std::string& level, const std::string& path) {
    static const std::set<std::string> kLevels{"trace", "debug", "info",
                                               "warn",  "error", "critical"};
    if (!kLevels.contains(level)) fail(path, "must be trace, debug, info, warn, error or critical");
    return level;
}

void apply_limits(const Reader& reader, Config& config) {
    auto& net = config.net;
    const auto size = [](std::size_t& target, std::size_t min, std::size_t max) {
        return [&target, min, max](const Reader& r) { target = r.integer(min, max); };
    };
    const auto time = [](std::chrono::milliseconds& target) {
        return [&target](const Reader& r) { r.duration(target, 100, limits::kDeadlineMsMax); };
    };
    reader.object({
        {"message_bytes",
         size(net.message_bytes, limits::kMessageBytesMin, limits::kMessageBytesMax)},
        {"batch_requests", size(net.batch_requests, 1, limits::kBatchRequestsMax)},
        {"connections", size(net.connections, 1, limits::kConnectionsMax)},
        {"connections_per_uid", size(net.connections_per_uid, 1, limits::kConnectionsMax)},
        {"in_flight_per_connection", size(net.in_flight, 1, limits::kInFlightMax)},
        {"output_bytes", size(net.output_bytes, limits::kOutputBytes, limits::kOutputBytesMax)},
        {"first_byte_ms", time(net.first_byte_timeout)},
        {"message_ms", time(net.message_timeout)},
        {"idle_ms", time(net.idle_timeout)},
        {"keys", [&](const Reader& r) { config.store.keys = r.integer(1, limits::kKeysMax); }},
    });
}

net::Members members_in(const Reader& reader) {
    net::Members members;
    reader.object({{"uids", [&](const Reader& r) { members.uids = r.numbers(); }},
                   {"gids", [&](const Reader& r) { members.gids = r.numbers(); }}});
    return members;
}

void apply_access(const Reader& reader, net::Access& access) {
    reader.object({
        {"buyers", [&](const Reader& r) { access.buyers = members_in(r); }},
        {"operators", [&](const Reader& r) { access.operators = members_in(r); }},
        {"auditors", [&](const Reader& r) { access.auditors = members_in(r); }},
    });
}

nlohmann::ordered_json shown(const net::Members& members) {
    return {{"uids", members.uids}, {"gids", members.gids}};
}

void apply_events(const Reader& reader, Config& config) {
    reader.each_member([&config](const std::string& name, const Reader& capacity) {
        if (!is_event_name(name)) fail(capacity.path(), "not an event's name");
        config.events[name] = capacity.integer(0, limits::kCapacity);
    });
}

/// Parses; unlike the library alone it takes no key twice.
Json parse(const std::string& text, const std::string& origin) {
    std::vector<std::set<std::string>> names;
    const auto watch = [&](int, Json::parse_event_t event, Json& value) {
        if (event == Json::parse_event_t::object_start) names.emplace_back();
        if (event == Json::parse_event_t::object_end) names.pop_back();
        if (event == Json::parse_event_t::key &&
            !names.back().insert(value.get<std::string>()).second) {
            fail(value.get<std::string>(), "the key appears twice");
        }
        return true;
    };
    try {
        return Json::parse(text, watch, true, true);
    } catch (const Json::exception& error) {  // not JSON, or a number that no double holds
        fail(origin, error.what());
    }
}

std::string read_file(const std::string& file) {
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> stream{std::fopen(file.c_str(), "re"),
                                                                 &std::fclose};
    if (!stream) fail(file, std::generic_category().message(errno));
    std::string text;
    char part[4096];
    std::size_t got = 0;
    while ((got = std::fread(part, 1, sizeof part, stream.get())) > 0)
        text.append(part, got);
    if (std::ferror(stream.get()) != 0) fail(file, std::generic_category().message(errno));
    return text;
}

std::string octal(unsigned mode) {
    char digits[8];
    std::snprintf(digits, sizeof digits, "%04o", mode);
    return digits;
}

}  // namespace

std::string checked_socket_path(std::string path) {
    if (path.size() > kSocketPathBytes) {
        fail("socket.path", "holds at most " + std::to_string(kSocketPathBytes) + " bytes");
    }
    return path;
}

Config default_config() {
    Config config;
    config.data_dir = default_data_dir();
    config.net.socket_path = default_socket_path();
    return config;
}

void read_config_file(const std::string& file, Config& config) {
    read_config_text(read_file(file), file, config);
}

void read_config_text(const std::string& text, const std::string& origin, Config& config) {
    const auto document = parse(text, origin);
    auto& net = config.net;
    Reader{document, ""}.object({
        {"data_dir", [&](const Reader& r) { config.data_dir = r.text(); }},
        {"socket",
         [&](const Reader& socket) {
             socket.object({
                 {"path",
                  [&](const Reader& r) { net.socket_path = checked_socket_path(r.text()); }},
                 {"mode",
                  [&](const Reader& r) { net.socket_mode = parse_mode(r.text(), r.path()); }},
             });
         }},
        {"log",
         [&](const Reader& log) {
             log.object({{"level", [&](const Reader& r) {
                              config.log_level = checked_level(r.text(), r.path());
                          }}});
         }},
        {"lock_timeout_ms",
         [&](const Reader& r) { r.duration(net.lock_timeout, 1, limits::kLockTimeoutMsMax); }},
        {"key_retention_ms",
         [&](const Reader& r) {
             r.duration(config.store.key_retention, limits::kKeyRetentionMsMin,
                        limits::kKeyRetentionMsMax);
         }},
        {"allow_network_file_system",
         [&](const Reader& r) { config.allow_network_file_system = r.flag(); }},
        {"access", [&](const Reader& r) { apply_access(r, config.access); }},
        {"limits", [&](const Reader& r) { apply_limits(r, config); }},
        {"events", [&](const Reader& r) { apply_events(r, config); }},
    });
}

std::string config_text(const Config& config) {
    const auto& net = config.net;
    nlohmann::ordered_json document;
    document["data_dir"] = config.data_dir;
    document["socket"] = {{"path", net.socket_path}, {"mode", octal(net.socket_mode)}};
    document["log"] = {{"level", config.log_level}};
    document["lock_timeout_ms"] = net.lock_timeout.count();
    document["key_retention_ms"] = config.store.key_retention.count();
    document["allow_network_file_system"] = config.allow_network_file_system;
    document["access"] = nlohmann::ordered_json::object();
    if (config.access.buyers) document["access"]["buyers"] = shown(*config.access.buyers);
    document["access"]["operators"] = shown(config.access.operators);
    document["access"]["auditors"] = shown(config.access.auditors);
    document["limits"] = {
        {"message_bytes", net.message_bytes},
        {"batch_requests", net.batch_requests},
        {"connections", net.connections},
        {"connections_per_uid", net.connections_per_uid},
        {"in_flight_per_connection", net.in_flight},
        {"output_bytes", net.output_bytes},
        {"first_byte_ms", net.first_byte_timeout.count()},
        {"message_ms", net.message_timeout.count()},
        {"idle_ms", net.idle_timeout.count()},
        {"keys", config.store.keys},
    };
    document["events"] = nlohmann::ordered_json::object();
    for (const auto& [name, capacity] : config.events)
        document["events"][name] = capacity;
    return document.dump(2);
}

std::pair<std::string, std::uint64_t> parse_event_option(const std::string& text) {
    const auto equals = text.find('=');
    const auto name = text.substr(0, equals);
    if (equals == std::string::npos || !is_event_name(name)) {
        fail("--event " + text, "must be NAME=CAPACITY");
    }
    const auto digits = text.substr(equals + 1);
    std::uint64_t capacity = 0;
    const auto* last = digits.data() + digits.size();
    const auto [end, error] = std::from_chars(digits.data(), last, capacity);
    if (error != std::errc{} || end != last || capacity > limits::kCapacity) {
        fail("--event " + text,
             "the capacity must be an integer from 0 to " + std::to_string(limits::kCapacity));
    }
    return {name, capacity};
}

std::uint64_t read_tutorial_count(const std::string& file) {
    const auto document = parse(read_file(file), file);
    std::uint64_t count = 0;
    Reader{document, ""}.object(
        {{"count", [&](const Reader& r) { count = r.integer(0, limits::kCapacity); }}});
    if (!document.contains("count")) fail(file, "has no \"count\"");
    return count;
}

}  // namespace ticketd
