# Installs the Debian packages that ticketd is built and tested with. To be sourced.
#
# Installs only what is missing, says so before, and asks only where somebody can answer: when stdin
# and stdout are terminals. Where it may not install, it names what to install and exits 69.
# shellcheck shell=bash
# shellcheck disable=SC2034 # the lists of packages are for those who source this

# shellcheck source=scripts/lib/output.sh
source "$(dirname "${BASH_SOURCE[0]}")/output.sh"

build_packages=(
    g++ cmake ninja-build    # GCC 12, CMake 3.25
    libasio-dev              # sockets and event loop of the daemon
    nlohmann-json3-dev       # JSON
    libspdlog-dev            # the daemon's log
    libcli11-dev             # the daemon's command line
    libsodium-dev            # keyed hashes of idempotency keys
    libseccomp-dev           # the daemon gives up what it does not need
    gettext                  # compiles the catalogues of ticket-client's words
    doctest-dev              # tests; CMake looks for it in every build
)
# scripts/spawn_clients is written in Python and needs nothing but its standard library.
load_packages=(python3)
# The fault tests look at the daemon's system calls; scripts/seeded_bugs patches a copy of it; a recipe
# of the manual pipes into jq.
test_packages=(strace patch e2fsprogs jq)
# scripts/fuzz alone needs these: a compiler that knows what its programs do with their input.
fuzz_packages=(clang-14 libclang-rt-14-dev)

# missing_packages NAME...: prints those that dpkg does not report as installed.
missing_packages() {
    local name status
    for name in "$@"; do
        status=$(dpkg-query --show --showformat='${db:Status-Abbrev}' "$name" 2>/dev/null || true)
        [[ $status == ?i* ]] || printf '%s\n' "$name"
    done
}

# Whether the user agrees; without a terminal nobody can be asked, and calling the script is consent.
agreed() {
    [[ -t 0 && -t 1 ]] || return 0
    local answer=''
    read -r -p 'Go on? [y/N] ' answer || true
    [[ $answer == [yY] || $answer == [yY][eE][sS] ]]
}

# install_packages LOG NAME...
install_packages() {
    local log=$1 missing
    shift
    if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
        say "This is no Debian system, so nothing is installed. Needed are: $*" >&2
        return 0
    fi
    mapfile -t missing < <(missing_packages "$@")
    ((${#missing[@]} > 0)) || return 0

    local by_hand="apt-get update && apt-get install --no-install-recommends ${missing[*]}"
    local as_root=()
    if ((EUID != 0)); then
        as_root=(sudo)
        # Without a terminal nobody can type a password; -n makes sudo refuse instead of waiting.
        [[ -t 0 ]] || as_root=(sudo -n)
        command -v sudo >/dev/null ||
            fail 69 "These packages are missing: ${missing[*]}" "Run as root: $by_hand"
    fi

    say "To be installed with ${as_root[*]:+${as_root[*]} }apt-get, and what they need:"
    say "  ${missing[*]}"
    agreed || fail 69 "Nothing was installed. Run as root: $by_hand"

    # sudo asks for its password here, where its question can still be seen.
    if ((${#as_root[@]} > 0)) && ! "${as_root[@]}" true; then
        fail 69 "sudo was refused. Run as root: $by_hand"
    fi
    local apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get
        -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0)
    run_logged "$log" "${apt[@]}" update || fail 69 "Run as root: $by_hand"
    run_logged "$log" "${apt[@]}" install --yes --no-install-recommends "${missing[@]}" ||
        fail 69 "Run as root: $by_hand"
    say "Installed."
}
