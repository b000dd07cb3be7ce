# Builds one CMake preset, quietly unless it fails. To be sourced once $repository is set.
# shellcheck shell=bash

# shellcheck source=scripts/lib/output.sh
source "$(dirname "${BASH_SOURCE[0]}")/output.sh"

# build_preset NAME [TARGET...]: configures and builds into build/NAME, everything unless targets
# are named; the logs stay in build/logs.
build_preset() {
    local preset=$1 started=$SECONDS targets=()
    shift
    (($# == 0)) || targets=(--target "$@")
    local logs="${repository:?}/build/logs"
    cd "$repository" || return
    # As many jobs as processors: Ninja's own choice, two more, can exhaust a small machine's memory.
    run_logged "$logs/$preset-configure.log" cmake --preset "$preset" &&
        run_logged "$logs/$preset-build.log" cmake --build --preset "$preset" -j "$(nproc)" "${targets[@]}" ||
        return
    say "Built $preset in $((SECONDS - started)) s."
}
