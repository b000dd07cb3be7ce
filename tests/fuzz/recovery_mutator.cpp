// Changes scripts of fuzz_recovery by their lines: fields of the format get values from which
// something may overflow, files are cut and exchanged.
#include <array>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>

#include "tests/fuzz/line_mutator.h"

namespace {

using ticketd::fuzz::Lines;

class Mutator final : public ticketd::fuzz::LineMutator {
  public:
    using LineMutator::LineMutator;

    void mutate(Lines& lines) {
        const auto at = static_cast<Lines::difference_type>(pick(lines.size() + 1));
        switch (pick(7)) {
            case 0:
                if (!lines.empty()) lines.erase(lines.begin() + pick_line(lines));
                break;
            case 1: lines.push_back(one({"sum", "link"})); break;
            case 2:
                lines.insert(lines.begin(), "store " + one({"new", "stopped", "killed", "torn"}));
                break;
            default: lines.insert(lines.begin() + at, change()); break;
        }
    }

  private:
    std::string file() {
        return one({"j1", "j2", "j3", "j3", "j4", "j5", "j5", "k2", "k3", "k4", "c", "c", "s"});
    }

    // Where a field is likely to begin.
    std::string offset(std::string_view in) {
        if (in == "s")
            return std::to_string(chance(3) ? pick(48) : 4096 + pick(3) * 256 + pick(80));
        if (in[0] != 'j') return std::to_string(pick(24) * 8 + (chance(3) ? 4 : 0));
        const std::size_t block = pick(10) * 4096;
        const std::size_t within = chance(4)   ? pick(512)
                                   : chance(2) ? pick(16) * 4
                                               : 64 + pick(26) * 4;
        return std::to_string(block + within);
    }

    std::string value() {
        constexpr std::array<std::uint64_t, 14> kNumbers{0,
                                                         1,
                                                         2,
                                                         3,
                                                         100,
                                                         4096,
                                                         524288,
                                                         0x7fffffff,
                                                         0x80000000,
                                                         0xffffffff,
                                                         1'000'000'000'000,
                                                         std::uint64_t{1} << 63,
                                                         UINT64_MAX - 1,
                                                         UINT64_MAX};
        auto number = chance(3) ? pick(64) : kNumbers[pick(kNumbers.size())];
        std::string hex;
        const std::size_t count = std::size_t{1} << pick(4);
        for (std::size_t i = 0; i < count; ++i, number >>= 8) {
            std::array<char, 3> digits{};
            std::snprintf(digits.data(), digits.size(), "%02x",
                          static_cast<unsigned>(number & 255));
            hex += digits.data();
        }
        return hex;
    }

    std::string change() {
        const auto name = file();
        switch (pick(12)) {
            case 0: return "flip " + name + " " + offset(name) + " " + std::to_string(pick(8));
            case 1:
                return "cut " + name + " " +
                       (chance(2) ? offset(name) : std::to_string(pick(10) * 4096));
            case 2:
                return "grow " + name + " " + std::to_string(pick(3) * 4096 + pick(2)) + " " +
                       std::to_string(pick(3));
            case 3:
                return "block " + name + " " + std::to_string(pick(9)) + " " +
                       std::to_string(pick(9));
            case 4: return (chance(2) ? "drop " + name : "copy " + name + " " + file());
            default: return "put " + name + " " + offset(name) + " " + value();
        }
    }
};

}  // namespace

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t max_size, unsigned seed) {
    return ticketd::fuzz::mutate_lines<Mutator>(data, size, max_size, seed, 4);
}
