// How a fuzzer reports what must not be: it says what and aborts, which libFuzzer, the replaying
// main and ctest all take for a failure.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

namespace ticketd::fuzz {

[[noreturn]] inline void finding(const std::string& what) {
    std::fprintf(stderr, "finding: %s\n", what.c_str());
    std::fflush(stderr);
    std::abort();
}

/// A finding unless `holds`. `what` is a sentence that is false then.
inline void expect(bool holds, std::string_view what) {
    if (!holds) finding("not true: " + std::string{what});
}

inline void expect(bool holds, std::string_view what, std::string_view about) {
    if (!holds) finding("not true: " + std::string{what} + ": " + std::string{about});
}

inline std::string_view text_of(const std::uint8_t* data, std::size_t size) {
    return {reinterpret_cast<const char*>(data), size};
}

/// Lets short inputs stand for long ones: DEL, a character and a digit d stand for that character
/// 4^d times.
inline std::string expanded(std::string_view text) {
    constexpr std::size_t kBytesMax = 256 * 1024;
    std::string out;
    for (std::size_t at = 0; at < text.size() && out.size() < kBytesMax; ++at) {
        const bool is_run = text[at] == '\x7f' && at + 2 < text.size() && text[at + 2] >= '0' &&
                            text[at + 2] <= '8';
        if (!is_run) {
            out += text[at];
            continue;
        }
        out.append(std::size_t{1} << (2 * (text[at + 2] - '0')), text[at + 1]);
        at += 2;
    }
    return out;
}

}  // namespace ticketd::fuzz
