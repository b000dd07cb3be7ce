// The configuration reader: any text is either a configuration within every limit, which reads back
// as itself, or a ConfigError; nothing else is thrown.
#include <string>

#include "common/limits.h"
#include "common/names.h"
#include "server/config.h"
#include "tests/fuzz/finding.h"

using namespace ticketd;
using fuzz::expect;

namespace {

bool is_within(std::chrono::milliseconds time, int min_ms, int max_ms) {
    return time.count() >= min_ms && time.count() <= max_ms;
}

void check_limits(const Config& config) {
    const auto& net = config.net;
    for (const auto& path : {config.data_dir, net.socket_path}) {
        expect(!path.empty() && path.find('\0') == std::string::npos, "paths are paths");
    }
    expect(net.socket_mode <= 0777, "the mode is one");
    expect(is_within(net.lock_timeout, 1, limits::kLockTimeoutMsMax), "lock_timeout_ms");
    for (const auto time : {net.first_byte_timeout, net.message_timeout, net.idle_timeout}) {
        expect(is_within(time, 100, limits::kDeadlineMsMax), "deadlines are in their range");
    }
    expect(net.message_bytes >= limits::kMessageBytesMin &&
               net.message_bytes <= limits::kMessageBytesMax,
           "message_bytes");
    expect(net.batch_requests >= 1 && net.batch_requests <= limits::kBatchRequestsMax, "batch");
    expect(net.connections >= 1 && net.connections <= limits::kConnectionsMax, "connections");
    expect(net.connections_per_uid >= 1 && net.connections_per_uid <= limits::kConnectionsMax,
           "connections_per_uid");
    expect(net.in_flight >= 1 && net.in_flight <= limits::kInFlightMax, "in_flight");
    expect(net.output_bytes >= limits::kOutputBytes && net.output_bytes <= limits::kOutputBytesMax,
           "output_bytes");
    const auto retention = config.store.key_retention.count();
    expect(retention >= limits::kKeyRetentionMsMin && retention <= limits::kKeyRetentionMsMax,
           "key_retention_ms");
    expect(config.store.keys >= 1 && config.store.keys <= limits::kKeysMax, "keys");
    for (const auto& [name, capacity] : config.events) {
        expect(is_event_name(name) && capacity <= limits::kCapacity, "events");
    }
}

Config defaults() {
    Config config;
    config.data_dir = "/d";
    config.net.socket_path = "/s";
    return config;
}

void read_file_text(const std::string& text) {
    auto config = defaults();
    try {
        read_config_text(text, "file", config);
    } catch (const ConfigError&) {
        return;
    }
    check_limits(config);
    auto again = defaults();
    read_config_text(config_text(config), "printed", again);
    expect(config_text(again) == config_text(config), "what is printed reads back as the same");
}

void read_option(const std::string& text) {
    try {
        const auto [name, capacity] = parse_event_option(text);
        expect(is_event_name(name) && capacity <= limits::kCapacity, "an event of --event");
    } catch (const ConfigError&) {
        return;
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto text = fuzz::expanded(fuzz::text_of(data, size));
    read_file_text(text);
    read_option(text);
    return 0;
}
