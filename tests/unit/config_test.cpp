#include "server/config.h"

#include <doctest/doctest.h>

#include <string>

using namespace ticketd;

namespace {

std::string problem(const std::string& text) {
    auto config = default_config();
    try {
        read_config_text(text, "file", config);
    } catch (const ConfigError& error) {
        return error.what();
    }
    return "";
}

}  // namespace

TEST_CASE("a configuration may set every key, with comments") {
    auto config = default_config();
    read_config_text(R"({
        // where
        "data_dir": "/d", "socket": {"path": "/s", "mode": "0600"}, "log": {"level": "debug"},
        "lock_timeout_ms": 5, /* limits */ "limits": {"message_bytes": 2048, "idle_ms": 1000,
                                                          "keys": 7},
        "key_retention_ms": 2000, "allow_network_file_system": true,
        "events": {"demo": 2}})",
                     "file", config);
    CHECK(config.data_dir == "/d");
    CHECK(config.net.socket_path == "/s");
    CHECK(config.net.socket_mode == 0600);
    CHECK(config.log_level == "debug");
    CHECK(config.net.lock_timeout.count() == 5);
    CHECK(config.net.message_bytes == 2048);
    CHECK(config.store.keys == 7);
    CHECK(config.store.key_retention.count() == 2000);
    CHECK(config.allow_network_file_system);
    CHECK(config.events.at("demo") == 2);
}

TEST_CASE("what is wrong is named by its path") {
    CHECK(problem(R"({"limits":{"mesage_bytes":1}})") == "limits.mesage_bytes: unknown key");
    CHECK(problem(R"({"lock_timeout_ms":"5"})").starts_with("lock_timeout_ms: must be an integer"));
    CHECK(problem(R"({"lock_timeout_ms":5.5})").starts_with("lock_timeout_ms: must be an integer"));
    CHECK(problem(R"({"lock_timeout_ms":0})").starts_with("lock_timeout_ms: must be an integer"));
    CHECK(
        problem(R"({"key_retention_ms":999})").starts_with("key_retention_ms: must be an integer"));
    CHECK(problem(R"({"allow_network_file_system":1})") ==
          "allow_network_file_system: must be true or false");
    CHECK(problem(R"({"limits":{"keys":0}})").starts_with("limits.keys: must be an integer"));
    CHECK(problem(R"({"socket":{"mode":"rw"}})").starts_with("socket.mode: "));
    CHECK(problem(R"({"data_dir":"/a\u0000/b"})").starts_with("data_dir: "));
    CHECK(problem(R"({"socket":5})") == "socket: must be an object");
    CHECK(problem(R"({"log":{"level":"loud"}})").starts_with("log.level: "));
    CHECK(problem(R"({"events":{"a b":1}})").starts_with("events.a b: "));
    CHECK(problem(R"({"data_dir":"a","data_dir":"b"})") == "data_dir: the key appears twice");
    CHECK(problem("[]") == "configuration: must be an object");
    CHECK(problem("{").starts_with("file: "));
}

TEST_CASE("a number beyond any range is a mistake in the configuration like any other") {
    CHECK(problem(R"({"lock_timeout_ms":1e999})").starts_with("file: "));
    CHECK(problem(R"({"data_dir":"/d","events":{"demo":-1e999}})").starts_with("file: "));
}

TEST_CASE("what is printed reads back as the same") {
    auto config = default_config();
    config.events["demo"] = 2;
    config.net.socket_mode = 0640;
    auto again = default_config();
    read_config_text(config_text(config), "file", again);
    CHECK(config_text(again) == config_text(config));
}

TEST_CASE("the shipped configuration is the defaults and names every key") {
    auto shipped = default_config();
    read_config_file(TICKETD_SOURCE_DIR "/config/ticketd.jsonc", shipped);
    auto defaults = default_config();
    shipped.data_dir = defaults.data_dir;
    shipped.net.socket_path = defaults.net.socket_path;
    CHECK(config_text(shipped) == config_text(defaults));
}

TEST_CASE("an event on the command line is a name and a capacity") {
    CHECK(parse_event_option("demo=2") == std::pair<std::string, std::uint64_t>{"demo", 2});
    for (const auto* text : {"demo", "=2", "demo=", "demo=-1", "demo=2x", "a b=2", "demo=1e3",
                             "demo=99999999999999999999"}) {
        CAPTURE(text);
        CHECK_THROWS_AS(parse_event_option(text), ConfigError);
    }
}
