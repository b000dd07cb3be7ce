#include "client/translate.h"

#include <libintl.h>
#include <unistd.h>

#include <array>
#include <clocale>
#include <cstdlib>
#include <string>
#include <string_view>

namespace ticketd::client {
namespace {

constexpr const char* kDomain = "ticket-client";
bool is_in_use = false;

// What setlocale(3) would go by; empty if it is nothing, or nothing to translate to.
std::string language_asked_for() {
    for (const auto* name : {"LC_ALL", "LC_MESSAGES", "LANG"}) {
        const auto* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe)
        if (value == nullptr || *value == '\0') continue;
        const std::string_view locale{value};
        // English is what there is; reading a locale takes longer than a purchase.
        const bool is_plain = locale == "C" || locale == "POSIX" || locale.starts_with("C.") ||
                              locale.starts_with("en");
        const auto* list = std::getenv("LANGUAGE");  // NOLINT(concurrency-mt-unsafe)
        if (!is_plain) return value;
        return locale.starts_with("C.") && list != nullptr ? list : "";
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

void use_language_of_environment() {
    // NOLINTBEGIN(concurrency-mt-unsafe): before any other thread could exist
    const auto language = language_asked_for();
    if (language.empty()) return;
    if (std::setlocale(LC_MESSAGES, "") == nullptr || std::setlocale(LC_CTYPE, "") == nullptr) {
        // A locale that the machine has not got: the language can be had all the same.
        if (std::setlocale(LC_MESSAGES, "C.UTF-8") == nullptr) return;
        std::setlocale(LC_CTYPE, "C.UTF-8");
        const auto* list = std::getenv("LANGUAGE");
        const bool has_list = list != nullptr && *list != '\0';
        if (!has_list) ::setenv("LANGUAGE", language.substr(0, language.find('.')).c_str(), 1);
    }
    // NOLINTEND(concurrency-mt-unsafe)
    ::bindtextdomain(kDomain, catalogues().c_str());
    ::bind_textdomain_codeset(kDomain, "UTF-8");
    is_in_use = true;
}

const char* tr(const char* text) {
    return is_in_use ? ::dgettext(kDomain, text) : text;
}

bool is_translated(const char* text) {
    return tr(text) != text;
}

}  // namespace ticketd::client
