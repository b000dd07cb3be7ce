#!/usr/bin/env bash
# Checks the direction of the include arrows: a folder may include only folders below it, and each
# outside library has one home. Prints every violation; exits 1 if there is one.
set -euo pipefail
cd "${1:?usage: layers.sh SOURCE_DIR}"

violations=0

# only FOLDER REGEX: quoted includes in FOLDER must match REGEX.
only() {
    local found
    found=$(grep -rnE '^#include "' "$1" --include='*.h' --include='*.cpp' |
        grep -vE "#include \"($2)" || true)
    [ -z "$found" ] || { printf '%s may not include:\n%s\n' "$1" "$found"; violations=1; }
}

# home HEADER REGEX: only files matching REGEX may include the library.
home() {
    local found
    found=$(grep -rnE "^#include <$1" common server client --include='*.h' --include='*.cpp' |
        grep -vE "^($2)" || true)
    [ -z "$found" ] || { printf '<%s> has its home elsewhere:\n%s\n' "$1" "$found"; violations=1; }
}

only common 'common/'
only server/platform 'server/platform/|common/'
only server/box_office 'server/box_office/|common/'
only server/store 'server/store/|server/platform/|server/box_office/|common/'
only server/net 'server/net/|server/store/|server/platform/|server/box_office/|common/'
only client 'client/|common/'

home 'asio' 'server/net/|server/daemon\.cpp'
home 'spdlog' 'server/net/server\.cpp|server/daemon\.cpp|server/main\.cpp'
home 'CLI/' 'server/options\.cpp'
home 'sodium' 'server/store/'
home 'seccomp' 'server/platform/'
home 'nlohmann' 'server/net/request\.cpp|server/config\.cpp|client/|common/'
home 'iostream' 'nowhere'

exit "$violations"
