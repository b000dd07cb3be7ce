// Running the daemon under strace: to watch the order of its system calls, and to make them fail.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/process.h"
#include "tests/support/sanitized.h"

namespace ticketd::testing {

/// What a line says of a call that strace made fail with EIO.
inline constexpr const char* kEio = "Input/output error";

/// False, and said so, where strace cannot be used: it is not there, may not trace, or a sanitizer
/// is in the way.
inline bool can_trace() {
    if (kIsSanitized) {
        MESSAGE("SKIPPED: strace and sanitizers do not go together");
        return false;
    }
    const std::string strace{STRACE_BINARY};
    const bool works = !strace.empty() && run({strace, "-qq", "-o", "/dev/null", "true"}).exit == 0;
    if (!works) MESSAGE("SKIPPED: no strace here, or not allowed to trace");
    return works;
}

/// strace on the program `pid` and its threads, which go on under it once this returns, or nothing
/// where that is not allowed. Its trace goes to `file`; it lets go of the program when it ends.
inline std::optional<Process> attach_strace(pid_t pid, const std::vector<std::string>& options,
                                            const std::string& file = "/dev/null") {
    const auto id = std::to_string(pid);
    std::vector<std::string> words{STRACE_BINARY, "-f", "-o", file, "-p", id};
    words.insert(words.end(), options.begin(), options.end());
    Process strace{words};
    if (!strace.wait_for_error("Process " + id + " attached")) return std::nullopt;
    return strace;
}

/// False, and said so, where strace cannot be attached to a program that runs.
inline bool can_attach() {
    const Process sleeper{{"sleep", "1000"}};
    const bool works = attach_strace(sleeper.pid(), {}).has_value();
    if (!works) MESSAGE("SKIPPED: not allowed to trace a running program");
    return works;
}

/// What strace has to be told to do this to a call, or to several, and to look at nothing else.
inline std::vector<std::string> injection(const std::string& calls, const std::string& how) {
    return {"-e", "trace=" + calls, "-e", "inject=" + calls + ":" + how};
}

/// The words before the daemon's own: its calls go to `file`.
inline std::vector<std::string> tracing(const std::string& file,
                                        const std::vector<std::string>& options) {
    std::vector<std::string> words{STRACE_BINARY, "-f", "-qq", "-o", file};
    // Other calls run at full speed then; but strace 6.1 forgets to send signals.
    const bool sends_signals = std::any_of(options.begin(), options.end(), [](const auto& option) {
        return option.find(":signal=") != std::string::npos;
    });
    if (!sends_signals) words.emplace_back("--seccomp-bpf");
    words.insert(words.end(), options.begin(), options.end());
    return words;
}

}  // namespace ticketd::testing
