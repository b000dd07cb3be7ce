#include "client/streams.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "client/descriptor.h"
#include "client/translate.h"
#include "common/error_kind.h"

namespace ticketd::client {
namespace {

constexpr std::string_view kBrokenPipe = "cannot write to stdout: nobody reads it";

Failure unreadable(const std::string& name, int error) {
    return bad_input("cannot read " + name + ": " + ::strerrordesc_np(error));
}

Outcome<std::string> read_all(int fd, const std::string& name, std::size_t bytes_max) {
    std::string text;
    std::array<char, 4096> chunk{};
    for (;;) {
        const auto got = ::read(fd, chunk.data(), chunk.size());
        if (got == 0) return text;
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return unreadable(name, errno);
        text.append(chunk.data(), static_cast<std::size_t>(got));
        if (text.size() > bytes_max) {
            return bad_input(name + " holds more than " + std::to_string(bytes_max) + " bytes");
        }
    }
}

}  // namespace

int write_all(int fd, std::string_view text) {
    while (!text.empty()) {
        const auto written = ::write(fd, text.data(), text.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return errno;
        text.remove_prefix(static_cast<std::size_t>(written));
    }
    return 0;
}

std::optional<Failure> write_result(std::string_view text) {
    const int error = write_all(STDOUT_FILENO, text);
    if (error == 0) return std::nullopt;
    if (error == EPIPE) return Failure{"output", client_exit::kStorage, std::string{kBrokenPipe}};
    return Failure{"output", client_exit::kStorage,
                   std::string{"cannot write to stdout: "} + ::strerrordesc_np(error)};
}

std::string line_of(const Failure& failure) {
    const auto* kind = failure.kind.c_str();
    // The first word stays: programs read it.
    const auto said = is_translated(kind) ? std::string{tr(kind)} + " (" + failure.message + ')'
                                          : failure.message;
    return printable(failure.kind + ": " + said) + '\n';
}

int report(const Failure& failure) {
    // Who closed the pipe knows. Where something was done the message says so, and is said.
    if (failure.message != kBrokenPipe) {
        static_cast<void>(write_all(STDERR_FILENO, line_of(failure)));
    }
    return failure.exit_code;
}

Outcome<std::string> read_input(std::size_t bytes_max) {
    return read_all(STDIN_FILENO, "stdin", bytes_max);
}

Outcome<std::string> read_file(const std::string& name, std::size_t bytes_max) {
    if (name == "-") return read_input(bytes_max);
    const Descriptor file{::open(name.c_str(), O_RDONLY | O_CLOEXEC)};
    if (file.number() < 0) return unreadable(name, errno);
    return read_all(file.number(), name, bytes_max);
}

std::string printable(std::string_view text) {
    std::string clean{text};
    for (std::size_t at = 0; at < clean.size(); ++at) {
        const auto byte = static_cast<unsigned char>(clean[at]);
        if (byte < 0x20 || byte == 0x7f) clean[at] = '?';
        // U+0080 to U+009F, control characters as well, are C2 80 to C2 9F in UTF-8.
        if (byte == 0xc2 && at + 1 < clean.size() &&
            static_cast<unsigned char>(clean[at + 1]) < 0xa0) {
            clean[at] = '?';
            clean[at + 1] = '?';
        }
    }
    return clean;
}

}  // namespace ticketd::client
