#!/bin/sh
# Installs RetroSpec into .venv beside this file: sh install.sh
# Run by root it first gets from Debian what is missing: Python's venv support and Chromium, which replays
# sessions. Run by anyone else it says what to ask an administrator for. Arguments go to `pip install`
# in place of "." (the tests use: -e '.[test]').
# What RetroSpec stands on comes in the versions, and with the digests, of requirements.lock, of requirements-large.lock
# for '.[large]' and of requirements-test.lock for the tests; from wherever your pip gets packages (PIP_INDEX_URL or pip.conf).
set -eu
cd "$(dirname "$0")"
python=${PYTHON:-python3}

say() { printf 'retrospec: %s\n' "$*" >&2; }

has_python() { "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }
has_venv() { "$python" -c 'import ensurepip, venv' 2>/dev/null; }
# Playwright, which drives Chromium, needs it, and a bare Debian has none.
has_libatomic() { "$python" -c 'import ctypes; ctypes.CDLL("libatomic.so.1")' 2>/dev/null; }
has_chromium() { command -v chromium-headless-shell || command -v chromium || command -v google-chrome; }
# The headless shell replays as well in two thirds of the memory; an older Debian has the whole browser only.
a_chromium() { if apt-cache show chromium-headless-shell >/dev/null 2>&1; then echo chromium-headless-shell; else echo chromium; fi; }

has_postgres() { command -v initdb || ls /usr/lib/postgresql/*/bin/initdb; }

wanted=
has_python || wanted="$wanted python3"
has_venv || wanted="$wanted python3-venv"
has_libatomic || wanted="$wanted libatomic1"
has_chromium >/dev/null || wanted="$wanted fonts-liberation"

if [ -n "$wanted" ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    apt-get update -qq
    has_chromium >/dev/null || wanted="$wanted $(a_chromium)"
    say "getting$wanted"
    # shellcheck disable=SC2086  # a list of packages
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $wanted >/dev/null
fi
# Only the tests use a PostgreSQL server; where none can be had they skip what runs on it, and say so.
case " $* " in *test*)
    if ! has_postgres >/dev/null 2>&1 && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends postgresql; } >/dev/null ||
            say "no PostgreSQL server could be had: the tests that need one are skipped"
    fi ;;
esac

has_python || { say "$python is not Python 3.11 or newer; name one: PYTHON=/path/to/python3.11 sh install.sh"; exit 1; }
has_venv || { say "$python lacks venv; as root: apt-get install python3-venv"; exit 1; }
{ has_chromium >/dev/null && has_libatomic; } ||
    say "no browser: sessions will be judged by their text alone; as root: apt-get install chromium-headless-shell libatomic1"

.venv/bin/python -m pip --version >/dev/null 2>&1 || "$python" -m venv --clear .venv
[ $# -gt 0 ] || set -- .
say "installing; the first time takes a minute or two"
pip_install() { .venv/bin/python -m pip install --quiet --disable-pip-version-check "$@"; }
case "$*" in
. | '-e .') lock=requirements.lock ;;
'.[large]' | '.[large,otel]') lock=requirements-large.lock ;;
'-e .[test]') lock=requirements-test.lock ;;
*) lock= ;;
esac
if [ -n "$lock" ]; then
    pip_install --require-hashes -r "$lock"
    set -- --no-deps "$@"
else
    say "no lock file covers '$*': its packages come as pip finds them"
fi
pip_install "$@"
say "installed; .venv/bin/retrospec --help lists the commands"
