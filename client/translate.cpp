#include "client/translate.h"

#include <libintl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <clocale>
#include <cstdlib>
#include <string>
#include <string_view>

namespace ticketd::client {
namespace {

constexpr const char* kDomain = "ticket-client";
bool is_in_use = false;

// "zh" and "zh_CN.UTF-8" are of the language "zh", "zhx" is not.
bool is_of(std::string_view language, std::string_view locale) {
    if (!locale.starts_with(language)) return false;
    const auto rest = locale.substr(language.size());
    return rest.empty() || std::string_view{"_-.@"}.find(rest[0]) != std::string_view::npos;
}

// No language: what stands in the program is English. C.UTF-8 is a locale as others are, of which
// LANGUAGE counts.
bool is_plain(std::string_view locale) {
    return locale.empty() || locale == "POSIX" || locale == "C";
}

const char* variable(const char* name) {
    const auto* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe)
    return value == nullptr ? "" : value;
}

std::string_view locale_of_environment() {
    for (const auto* name : {"LC_ALL", "LC_MESSAGES", "LANG"}) {
        const std::string_view value{variable(name)};
        if (!value.empty()) return value;
    }
    return {};
}

// "/usr/bin/ticket-client" finds its catalogues in "/usr/share/locale".
std::string catalogues() {
    std::array<char, 4096> path{};
    const auto size = ::readlink("/proc/self/exe", path.data(), path.size());
    if (size <= 0) return {};
    std::string_view program{path.data(), static_cast<std::size_t>(size)};
    for (int i = 0; i < 2; ++i)
        program = program.substr(0, program.rfind('/'));
    return std::string{program} + "/share/locale";
}

}  // namespace

std::string languages_for(std::string_view locale, std::string_view list) {
    constexpr std::string_view kOurs = ":zh_CN";
    if (is_plain(locale)) return {};
    for (std::size_t at = 0; at < list.size();) {
        const auto end = std::min(list.find(':', at), list.size());
        const auto entry = list.substr(at, end - at);
        if (is_of("en", entry) || (!entry.empty() && is_plain(entry))) return {};
        if (is_of("zh", entry)) {
            return std::string{list.substr(0, end)}.append(kOurs).append(list.substr(end));
        }
        at = end + 1;
    }
    return is_of("zh", locale) ? std::string{locale}.append(kOurs) : "";
}

void use_language_of_environment() {
    const auto languages = languages_for(locale_of_environment(), variable("LANGUAGE"));
    if (languages.empty()) return;
    // NOLINTBEGIN(concurrency-mt-unsafe): before any other thread could exist
    // The catalogue is UTF-8, and so is what we write, whatever locales the machine has got.
    if (std::setlocale(LC_MESSAGES, "C.UTF-8") == nullptr) return;
    std::setlocale(LC_CTYPE, "C.UTF-8");
    ::setenv("LANGUAGE", languages.c_str(), 1);
    // NOLINTEND(concurrency-mt-unsafe)
    ::bindtextdomain(kDomain, catalogues().c_str());
    ::bind_textdomain_codeset(kDomain, "UTF-8");
    is_in_use = true;
}

const char* tr(const char* text) {
    // The translation of nothing would be the catalogue's head.
    return is_in_use && *text != '\0' ? ::dgettext(kDomain, text) : text;
}

std::string say(const char* text, std::initializer_list<std::string> values) {
    std::string said;
    for (std::string_view rest{tr(text)}; !rest.empty();) {
        const auto at = rest[0] == '{' && rest.size() >= 3 && rest[2] == '}'
                            ? static_cast<std::size_t>(rest[1] - '1')
                            : values.size();
        if (at < values.size()) {
            said += values.begin()[at];
            rest.remove_prefix(3);
        } else {
            said += rest[0];
            rest.remove_prefix(1);
        }
    }
    return said;
}

bool is_translated(const char* text) {
    return tr(text) != text;
}

}  // namespace ticketd::client
