// What the mutators of scripts share: a script is changed by its lines, and sometimes by its bytes,
// as libFuzzer does. Not part of what corpora replay.
#pragma once

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <random>
#include <string>
#include <string_view>
#include <vector>

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t max_size);

namespace ticketd::fuzz {

using Lines = std::vector<std::string>;

class LineMutator {
  public:
    explicit LineMutator(unsigned seed) : random_(seed) {}

    bool chance(std::size_t of) { return pick(of) == 0; }

  protected:
    std::size_t pick(std::size_t count) { return random_() % count; }
    Lines::difference_type pick_line(const Lines& lines) {
        return static_cast<Lines::difference_type>(pick(lines.size()));
    }
    std::string one(std::initializer_list<std::string_view> of) {
        return std::string{of.begin()[pick(of.size())]};
    }

  private:
    std::mt19937 random_;
};

inline Lines split(std::string_view text) {
    Lines lines;
    while (!text.empty()) {
        const auto end = std::min(text.find('\n'), text.size());
        lines.emplace_back(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return lines;
}

inline std::string join(const Lines& lines) {
    std::string text;
    for (const auto& line : lines)
        text += line + "\n";
    return text;
}

/// LLVMFuzzerCustomMutator() for a LineMutator with `void mutate(Lines&)`; one in `bytes_one_in`
/// changes is left to libFuzzer.
template <typename Mutator>
std::size_t mutate_lines(std::uint8_t* data, std::size_t size, std::size_t max_size, unsigned seed,
                         std::size_t bytes_one_in) {
    Mutator mutator{seed};
    if (mutator.chance(bytes_one_in)) return LLVMFuzzerMutate(data, size, max_size);
    auto lines = split({reinterpret_cast<const char*>(data), size});
    mutator.mutate(lines);
    auto text = join(lines);
    text.resize(std::min(text.size(), max_size));
    std::copy(text.begin(), text.end(), data);
    return text.size();
}

}  // namespace ticketd::fuzz
