// What people read, in the language that the environment asks for (gettext(3), the catalogue
// ticket-client.mo beside the program, in ../share/locale). What programs read is never translated:
// error kinds, JSON, tsv, env. Not thread-safe.
#pragma once

namespace ticketd::client {

/// To be called once, before the first tr(). Costs nothing where no language is asked for.
void use_language_of_environment();

/// The translation, or the text itself if there is none. The text must be of a catalogue, or be
/// valid for as long as the result is used.
const char* tr(const char* text);

/// True if there is one.
bool is_translated(const char* text);

}  // namespace ticketd::client
