#!/usr/bin/env bash
# Decodes real payloads, runs the demo over real conversations in different orders, and compares its counts with known
# ones.
# Usage: tests/shared/run.sh DIRECTORY-WITH-conversations.ndjson
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
data=$(cd "$1" && pwd)
cd "$here/../.."
TWITE_SHARED=$data cargo test --locked --quiet --test it x::shared::
# Optimised a little, which is quick to build: a debug build takes half a minute for each of the runs.
CARGO_PROFILE_RELEASE_OPT_LEVEL=1 CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 \
  cargo build --locked --quiet --release --target-dir target/ci-release
exec python3 "$here/counts.py" target/ci-release/release/twite "$data/conversations.ndjson"
