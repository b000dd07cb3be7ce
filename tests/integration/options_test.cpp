// The command line and the configuration file.
#include <doctest/doctest.h>

#include "tests/support/daemon.h"

namespace ticketd::testing {
namespace {

Finished check_config(const std::string& text) {
    const ScratchDirectory scratch;
    write_file(scratch / "c", text);
    return run_ticketd({"--config", scratch / "c", "--check-config"});
}

TEST_SUITE_BEGIN("options");

TEST_CASE("a configuration that is right is accepted") {
    CHECK(check_config("{}").exit == 0);
    CHECK(check_config("// comment\n{ /* more */ \"log\": {\"level\": \"debug\"} }").exit == 0);
    CHECK(check_config(R"({"events":{"demo":5},"lock_timeout_ms":100})").exit == 0);
}

TEST_CASE("an option that is given empty, or an event given twice, is wrong usage") {
    for (const std::string option :
         {"--config", "--data-dir", "--socket", "--import", "--verify"}) {
        CAPTURE(option);
        const auto refused = run_ticketd({option, "", "--check-config"});
        CHECK(refused.exit == 64);
        CHECK(refused.error.find(option) != std::string::npos);
    }
    CHECK(run_ticketd({"--verify", ""}).exit == 64);
    CHECK(run_ticketd({"--event", "a=1", "--event", "a=2", "--check-config"}).exit == 64);
}

TEST_CASE("what is wrong in a configuration is named with its path") {
    struct Row {
        const char* text;
        const char* path;
    };
    for (const auto& [text, path] : std::initializer_list<Row>{
             {R"({"colour":1})", "colour"},
             {R"({"limits":{"colour":1}})", "limits.colour"},
             {R"({"socket":{"path":7}})", "socket.path"},
             {R"({"socket":{"path":""}})", "socket.path"},
             {R"({"socket":{"path":"/long-0123456789-0123456789-0123456789-0123456789-0123456789-)"
              R"(0123456789-0123456789-0123456789-0123456789-0123456789"}})",
              "socket.path"},
             {R"({"socket":{"mode":"0888"}})", "socket.mode"},
             {R"({"socket":{"mode":432}})", "socket.mode"},
             {R"({"socket":{"mode":"01777"}})", "socket.mode"},
             {R"({"socket":"/run/s"})", "socket"},
             {R"({"log":{"level":"loud"}})", "log.level"},
             {R"({"lock_timeout_ms":0})", "lock_timeout_ms"},
             {R"({"lock_timeout_ms":60001})", "lock_timeout_ms"},
             {R"({"lock_timeout_ms":1.5})", "lock_timeout_ms"},
             {R"({"lock_timeout_ms":"5"})", "lock_timeout_ms"},
             {R"({"lock_timeout_ms":true})", "lock_timeout_ms"},
             {R"({"limits":{"message_bytes":1023}})", "limits.message_bytes"},
             {R"({"limits":{"connections":0}})", "limits.connections"},
             {R"({"limits":{"connections":-1}})", "limits.connections"},
             {R"({"limits":{"idle_ms":99999999999}})", "limits.idle_ms"},
             {R"({"events":{"a/b":5}})", "events.a/b"},
             {R"({"events":{"demo":-5}})", "events.demo"},
             {R"({"events":{"demo":1000000000001}})", "events.demo"},
             {R"({"log":{"level":"info","level":"debug"}})", "level"},
             {R"([])", "configuration"},
         }) {
        CAPTURE(text);
        const auto refused = check_config(text);
        CHECK(refused.exit == 78);
        CHECK(refused.error.find(std::string{path} + ": ") != std::string::npos);
    }
    CHECK(check_config("{").exit == 78);
    CHECK(check_config("").exit == 78);
    CHECK(run_ticketd({"--config", "/nonexistent/c", "--check-config"}).exit == 78);
}

TEST_CASE("a wrong configuration keeps the daemon from starting") {
    const ScratchDirectory scratch;
    write_file(scratch / "c", R"({"colour":1})");
    const auto refused = run_ticketd(
        {"--config", scratch / "c", "--data-dir", scratch / "store", "--socket", scratch / "s"});
    CHECK(refused.exit == 78);
    CHECK_FALSE(std::filesystem::exists(scratch / "store"));
}

TEST_CASE("what is printed is what is in force, and can be read back") {
    const ScratchDirectory scratch;
    write_file(scratch / "c", R"({"data_dir":"/from/file","events":{"a":1,"b":2},
        "socket":{"mode":"0600"},"limits":{"batch_requests":7}})");
    const auto printed = run_ticketd({"--config", scratch / "c", "--data-dir", "/from/line",
                                      "--event", "b=3", "--print-config"});
    REQUIRE(printed.exit == 0);
    const auto config = Json::parse(printed.output);
    CHECK(config["data_dir"] == "/from/line");
    CHECK(config["events"] == Json{{"a", 1}, {"b", 3}});
    CHECK(config["socket"]["mode"] == "0600");
    CHECK(config["limits"]["batch_requests"] == 7);
    CHECK(config["lock_timeout_ms"] == 3000);
    write_file(scratch / "again", printed.output);
    CHECK(run_ticketd({"--config", scratch / "again", "--print-config"}).output == printed.output);
}

TEST_CASE("the configuration that is shipped is valid and says the defaults") {
    const std::string shipped = TICKETD_SOURCE_DIR "/config/ticketd.jsonc";
    if (!std::filesystem::exists(shipped)) {
        MESSAGE("SKIPPED: no " << shipped);
        return;
    }
    CHECK(run_ticketd({"--config", shipped, "--check-config"}).exit == 0);
    const auto limits = [](const std::vector<std::string>& arguments) {
        return Json::parse(run_ticketd(arguments).output)["limits"];
    };
    CHECK(limits({"--config", shipped, "--print-config"}) == limits({"--print-config"}));
}

TEST_CASE("help, version and wrong usage have their exit codes") {
    CHECK(run_ticketd({"--help"}).exit == 0);
    CHECK(run_ticketd({"--help"}).output.find("--data-dir") != std::string::npos);
    CHECK(run_ticketd({"--version"}).output == "ticketd " TICKETD_VERSION "\n");
    CHECK(run_ticketd({"--colour"}).exit == 64);
    CHECK(run_ticketd({"--data-dir"}).exit == 64);
    for (const auto* event : {"demo", "demo=", "=5", "demo=-1", "demo=x", "a/b=5", "demo=5x",
                              "demo=18446744073709551617"}) {
        CAPTURE(event);
        CHECK(run_ticketd({"--event", event, "--check-config"}).exit == 78);
    }
}

TEST_SUITE_END();

}  // namespace
}  // namespace ticketd::testing
