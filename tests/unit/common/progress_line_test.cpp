#include "common/progress_line.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <vector>

#include "tests/support/terminal.h"

namespace ticketd {
namespace {

using namespace std::chrono_literals;
using testing::Terminal;

const ProgressLine::Clock::time_point kStart{};

struct Pipe {
    client::Descriptor read, write;
};

Pipe make_pipe() {
    int ends[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    return {client::Descriptor{ends[0]}, client::Descriptor{ends[1]}};
}

std::string read_some(int fd) {
    std::string text(4096, '\0');
    const auto got = ::read(fd, text.data(), text.size());
    text.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    return text;
}

}  // namespace

TEST_CASE("progress: a job that is soon done says nothing") {
    const Terminal terminal;
    std::vector<std::string> said;
    {
        ProgressLine on_terminal{"job", terminal.descriptor(), {}, kStart};
        const auto pipe = make_pipe();
        const auto say = [&](const std::string& line) { said.push_back(line); };
        ProgressLine elsewhere{"job", pipe.write.number(), say, kStart};
        for (int i = 0; i < 100; ++i) {
            on_terminal.tell("things", 1, 2, kStart + 499ms);
            elsewhere.tell("things", 1, 2, kStart + 2999ms);
        }
    }
    CHECK(terminal.text().empty());
    CHECK(said.empty());
}

TEST_CASE("progress: on a terminal one line is rewritten, and erased in the end") {
    const Terminal terminal;
    {
        ProgressLine line{"recovery", terminal.descriptor(), {}, kStart};
        line.tell("key runs", 998, 1000, kStart + 500ms);
        CHECK(terminal.text() == "\rrecovery: 998 of 1000 key runs (99 %)");
        line.tell("key runs", 999, 1000, kStart + 599ms);
        CHECK(terminal.text().empty());
        line.tell("things", 1, 3, kStart + 600ms);
        CHECK(terminal.text() == "\rrecovery: 1 of 3 things (33 %)       ");
        line.tell("things", 2, 3, kStart + 700ms);
        CHECK(terminal.text() == "\rrecovery: 2 of 3 things (66 %)");
    }
    CHECK(terminal.text() == "\r" + std::string(30, ' ') + "\r");
}

TEST_CASE("progress: elsewhere there is a line every few seconds") {
    const auto pipe = make_pipe();
    std::vector<std::string> said;
    ProgressLine line{"job", pipe.write.number(),
                      [&](const std::string& text) { said.push_back(text); }, kStart};
    for (int i = 0; i <= 100; ++i)
        line.tell("things", static_cast<std::uint64_t>(i), 100, kStart + i * 100ms);
    CHECK(said == std::vector<std::string>{"job: 30 of 100 things (30 %)",
                                           "job: 60 of 100 things (60 %)",
                                           "job: 90 of 100 things (90 %)"});
}

TEST_CASE("progress: without anybody to tell, lines go to the stream itself") {
    const auto pipe = make_pipe();
    {
        ProgressLine line{"job", pipe.write.number(), {}, kStart};
        line.tell("things", 0, 0, kStart + 3s);
        line.tell("things", 3, 2, kStart + 6s);
    }
    CHECK(read_some(pipe.read.number()) == "job: 0 of 0 things\njob: 3 of 2 things (100 %)\n");
}

TEST_CASE("progress: a line never reaches the last column, where it would wrap") {
    const Terminal terminal;
    terminal.set_columns(16);
    ProgressLine line{"recovery", terminal.descriptor(), {}, kStart};
    line.tell("key runs", 1, 4, kStart + 1s);
    CHECK(terminal.text() == "\rrecovery: 1 of ");
    terminal.set_columns(8);
    line.tell("key runs", 2, 4, kStart + 2s);
    CHECK(terminal.text() == "\rrecover");
}

// A writer that waits hangs here, until the test's own time limit.
TEST_CASE("progress: a stream that nobody reads holds nobody up") {
    const Terminal terminal;
    const auto pipe = make_pipe();
    {
        ProgressLine on_terminal{"job", terminal.descriptor(), {}, kStart};
        ProgressLine on_pipe{"job", pipe.write.number(), {}, kStart};
        for (int i = 1; i <= 5000; ++i) {
            on_terminal.tell("things", 1, 2, kStart + i * 3s);
            on_pipe.tell("things", 1, 2, kStart + i * 3s);
        }
    }
    CHECK_FALSE(terminal.text().empty());
    const auto line = read_some(pipe.read.number());
    CHECK(line.starts_with("job: 1 of 2 things (50 %)\njob: "));
    CHECK((::fcntl(terminal.descriptor(), F_GETFL) & O_NONBLOCK) == 0);
    CHECK((::fcntl(pipe.write.number(), F_GETFL) & O_NONBLOCK) == 0);
}

TEST_CASE("progress: nobody at the other end, or no stream at all, is no reason to fail") {
    auto pipe = make_pipe();
    ProgressLine line{"job", pipe.write.number(), {}, kStart};
    pipe.read = {};
    line.tell("things", 1, 2, kStart + 3s);
    ProgressLine nowhere{"job", -1, {}, kStart};
    nowhere.tell("things", 1, 2, kStart + 3s);
}

TEST_CASE("progress: lines in a file go behind what it has") {
    std::FILE* file = std::tmpfile();
    REQUIRE(file != nullptr);
    REQUIRE(std::fputs("before\n", file) >= 0);
    REQUIRE(std::fflush(file) == 0);
    ProgressLine line{"job", ::fileno(file), {}, kStart};
    line.tell("things", 1, 2, kStart + 3s);
    std::rewind(file);
    CHECK(read_some(::fileno(file)) == "before\njob: 1 of 2 things (50 %)\n");
    std::fclose(file);
}

}  // namespace ticketd
