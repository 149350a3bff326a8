#!/usr/bin/env bash
# The whole study, from nothing: sets up an environment if there is none, then runs what is stale.
#   ./run_all.sh [demo|demo-large|casia|ms1m|benchmark|smoke] [--methods a,b] [--seeds 1,2] [--synthesis] [...]
#   ./run_all.sh benchmark --models name=file      the test sets alone, for networks made elsewhere
#   ./run_all.sh test [pytest options]
#   ./run_all.sh --help
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)

# True if a Python imports irlib from this very checkout; run from / so that the folder one stands
# in cannot pass for an installed package.
has_irlib() {
    [ -x "$1" ] && (cd / && HERE=$here "$1" -c '
import os, pathlib, irlib
raise SystemExit(pathlib.Path(irlib.__file__).parents[1] != pathlib.Path(os.environ["HERE"]))
') >/dev/null 2>&1
}

find_python() {
    local name
    for name in python3 python3.14 python3.13 python3.12 python3.11 python; do
        if "$name" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            command -v "$name"
            return
        fi
    done
    echo "error: no Python >= 3.11 with its venv module found; install one (Debian: python3-venv)" >&2
    return 1
}

# Makes .venv, or brings it up to the pins; a finished installation leaves a stamp.
install() {
    local stamp=$here/.venv/.installed pins
    pins=$(cat "$here/constraints.txt" "$here/pyproject.toml" | cksum)
    if [ "$(cat "$stamp" 2>/dev/null)" = "$pins $here" ] && has_irlib "$python"; then
        return
    fi
    echo "Setting up .venv (some minutes, about 6 GB) ..." >&2
    local base
    base=$(find_python)
    if ! "$python" -m pip --version >/dev/null 2>&1; then
        "$base" -m venv --clear "$here/.venv"
    fi
    "$python" -m pip install --quiet --disable-pip-version-check \
        --constraint "$here/constraints.txt" --editable "$here[test]" >&2
    echo "$pins $here" >"$stamp"
}

for prefix in "${VIRTUAL_ENV:-}" "${CONDA_PREFIX:-}"; do
    # .venv itself, also when it is active, goes through install, which follows changed pins.
    if [ -n "$prefix" ] && [ "$prefix" != "$here/.venv" ] && has_irlib "$prefix/bin/python"; then
        python=$prefix/bin/python
        break
    fi
done
if [ -z "${python:-}" ]; then
    python=$here/.venv/bin/python
    install
fi

if [ "${1:-}" = test ]; then
    shift
    cd "$here"
    if ! "$python" -c 'import pytest, xdist' 2>/dev/null; then
        echo "error: $python has no pytest or no xdist; run: $python -m pip install -e '.[test]'" >&2
        exit 1
    fi
    # A file of tests on each core, up to four; -n 0 keeps to one process.
    exec "$python" -m pytest -n auto --maxprocesses 4 --dist loadfile "$@"
fi
exec "$python" -P -m irlib "$@" # -P: no module of the folder one stands in
