#!/usr/bin/env bash
# The whole hub as processes, on ports and in a folder of its own, with the story
# played; then people at its console in a browser (*.test.mjs).
#   console_test.sh [FILE…]    default: every *.test.mjs beside it, in order
set -uo pipefail
source "$CONCORDAT_SOURCE/deploy/lib/common.sh"
source "$CONCORDAT_SOURCE/deploy/lib/processes.sh"
here="$CONCORDAT_SOURCE/tests/e2e/console"
work="$(mktemp -d)"
data="$work/data"
code=1

concordat() { "$CONCORDAT_BIN/concordat" "$@" --data "$data"; }
clean_up() {
  local pid
  pid="$(running_pid supervise "$data")"
  [[ ! "$pid" ]] || stop_processes 25 "$pid"
  ((code == 0)) || tail -n 40 "$data/concordat.log"
  rm -rf "$work"
}
trap clean_up EXIT

"$CONCORDAT_SOURCE/gateway/console/build" || exit 1
ln -sfn "$CONCORDAT_SOURCE/gateway/console/dist" "$CONCORDAT_BUILD/console"
concordat keys demo --share "$CONCORDAT_SOURCE/deploy" \
  --types "$CONCORDAT_BUILD/concordat.binpb" --any-port || exit 1
setsid "$CONCORDAT_SOURCE/deploy/lib/supervise" "$CONCORDAT_BIN" "$data" \
  >>"$data/concordat.log" 2>&1 </dev/null &
concordat demo status --wait 60s --quiet || exit 1
concordat demo play >/dev/null || exit 1

files=("$@")
((${#files[@]})) || files=("$here"/*.test.mjs)
export CONCORDAT_DATA="$data" CONCORDAT_WORK="$work"
code=0
for file in "${files[@]}"; do
  node --test --test-reporter=spec "$file" || code=1
done
exit "$code"
