#!/usr/bin/env bash
# Decodes real payloads, runs the demo over real conversations in different orders, and compares its counts with known
# ones.
# Usage: tests/shared/run.sh DIRECTORY-WITH-conversations.ndjson
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
data=$(cd "$1" && pwd)
cd "$here/../.."
TWITE_SHARED=$data cargo test --locked --quiet --test it x::shared::
cargo build --locked --quiet --release
exec python3 "$here/counts.py" target/release/twite "$data/conversations.ndjson"
