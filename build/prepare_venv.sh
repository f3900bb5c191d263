#!/usr/bin/env bash
# Makes .venv with everything setup.cfg names, or says exactly what this machine lacks. Run by make, from the root.
set -euo pipefail

fail() { printf 'cannot prepare .venv: %s\n' "$1" >&2; exit 2; }

python=${PYTHON:-python3}
bin=.venv/bin
if [ "${OS:-}" = Windows_NT ]; then bin=.venv/Scripts; fi
command -v "$python" >/dev/null || fail "there is no $python; install Python 3.11 or newer (Debian: apt-get install python3 python3-venv), or name one with PYTHON=..."
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
    || fail "$("$python" --version) is too old, 3.11 or newer is needed; name another with PYTHON=..."
if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        echo "installing Debian package python3-venv"
        apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq python3-venv >/dev/null
    else
        fail "$python has no venv module; ask root for the package python3-venv (apt-get install python3-venv)"
    fi
fi
if ! "$bin/python" -c '' 2>/dev/null; then
    rm -rf .venv
    "$python" -m venv .venv
fi
echo "installing the pinned Python packages into .venv"
"$bin/python" -m pip install --quiet --disable-pip-version-check -e '.[check,test,sandbox,freeze,docs,release]' \
    || fail "pip could not install the packages; it needs PyPI or a mirror (PIP_INDEX_URL)"
touch .venv/.ready
