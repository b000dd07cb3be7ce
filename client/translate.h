// What people read, in the language that the environment asks for (gettext(3), the catalogue
// ticket-client.mo beside the program, in ../share/locale). What programs read is never translated:
// error kinds, JSON, tsv, env. Not thread-safe.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

namespace ticketd::client {

/// What LANGUAGE must say for gettext to find our Chinese, or nothing for English, in the order of
/// GNU gettext: English in the locale "C" (or "POSIX", or none), else the first language of `list`
/// (LANGUAGE) that we speak, else that of the locale. Ours stands behind what was asked for, so
/// that what is started from here (`run`) still finds its own.
std::string languages_for(std::string_view locale, std::string_view list);

/// To be called once, before the first tr(). Costs nothing where no language is asked for.
void use_language_of_environment();

/// The translation, or the text itself if there is none. The text must be of a catalogue, or be
/// valid for as long as the result is used.
const char* tr(const char* text);

/// The translation with {1}, {2} and so on replaced: other languages have other orders of words.
std::string say(const char* text, std::initializer_list<std::string> values);

/// True if there is one.
bool is_translated(const char* text);

}  // namespace ticketd::client
