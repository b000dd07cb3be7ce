# Lines for people, and commands whose output matters only when they fail. To be sourced.
# shellcheck shell=bash

# Colour only where somebody sees it and nobody declined it (https://no-color.org).
if [[ -t 1 && -z "${NO_COLOR:-}" && "${TERM:-dumb}" != dumb ]]; then
    bold=$'\e[1m' red=$'\e[31m' green=$'\e[32m' plain=$'\e[0m'
else
    bold='' red='' green='' plain=''
fi

say() { printf '%s\n' "$*"; }
heading() { printf '%s%s%s\n' "$bold" "$*" "$plain"; }
good() { printf '%s%s%s\n' "$green" "$*" "$plain"; }
bad() { printf '%s%s%s\n' "$red" "$*" "$plain"; }

# fail EXIT_CODE LINE...: the reason goes to stderr, one line each.
fail() {
    local code=$1
    shift
    printf '%s\n' "$@" >&2
    exit "$code"
}

# run_logged LOG COMMAND...: keeps what the command prints in LOG and shows its end on failure.
# It reads nothing from our stdin, which belongs to whoever called the script.
run_logged() {
    local log=$1 code=0
    shift
    mkdir -p "$(dirname "$log")"
    "$@" >"$log" 2>&1 </dev/null || code=$?
    if ((code != 0)); then
        tail -n 40 "$log" >&2
        printf 'failed with exit code %d: %s\nall of its output: %s\n' "$code" "$*" "$log" >&2
    fi
    return "$code"
}
