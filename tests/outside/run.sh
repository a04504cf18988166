#!/usr/bin/env bash
# Proves the simulator faithful from outside: public clients, unmodified, read and answer through it, and with a path to
# X's specification as argument, its answers are validated against that. Needs Python 3.10 or later and pip.
#
#   tests/outside/run.sh [openapi.json [conversations…]]
#
# Further files of conversations are loaded and validated too, besides those in examples/.
# TWITE names the binary, if it is not target/debug/twite; VENV the place for the Python packages.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
twite=${TWITE:-$root/target/debug/twite}
venv=${VENV:-$root/target/outside-venv}
files=()
for file in "$@"; do files+=("$(realpath "$file")"); done

[ -x "$venv/bin/python" ] || python3 -m venv "$venv"
"$venv/bin/pip" install --quiet --disable-pip-version-check --requirement "$here/requirements.txt"

started=$(mktemp)
"$twite" sim --listen 127.0.0.1:0 --no-limits --format json >"$started" &
sim=$!
trap 'kill "$sim" 2>/dev/null || true; rm -f "$started"' EXIT
for _ in $(seq 100); do
  [ -s "$started" ] && break
  kill -0 "$sim" || exit 3
  sleep 0.1
done
TWITE_SIM=$(cat "$started")
export TWITE_SIM PYTHONDONTWRITEBYTECODE=1

cd "$here"
"$venv/bin/python" with_xdk.py
"$venv/bin/python" with_tweepy.py
if [ "${#files[@]}" -gt 0 ]; then
  "$venv/bin/python" against_specification.py "${files[@]}" "$root"/examples/conversations/*.ndjson
else
  echo "no specification given: answers were not validated against it"
fi
