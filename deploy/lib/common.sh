# shellcheck shell=bash
# Shared by deploy/up, deploy/down and tests/run. Source it; it does nothing by
# itself. Needs bash and a bare Debian 12.

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)"
script="$(basename "$0")"

# Builds in other folders share what they compiled (deploy/cmake/Precompiled.cmake).
export CCACHE_BASEDIR="$root" CCACHE_NOHASHDIR=1
export CCACHE_PCH_EXTSUM=1 CCACHE_SLOPPINESS=pch_defines,time_macros

say() { printf '%s: %s\n' "$script" "$*"; }

# One line that says what failed and where to read on, then the end.
fail() {
  printf '%s: failed: %s\n' "$script" "$*" >&2
  exit 1
}

# Runs a long step with its output in a log file, and says every few seconds how
# far it is: the last line of the form [n/m], else the time it has taken.
#   step TITLE LOG COMMAND…
step() {
  local title="$1" log="$2"
  shift 2
  local started=$SECONDS last=$SECONDS pid code=0
  mkdir -p "$(dirname "$log")"
  say "$title"
  "$@" >"$log" 2>&1 </dev/null &
  pid=$!
  step_pid=$pid
  while kill -0 "$pid" 2>/dev/null; do
    sleep 0.2
    if ((SECONDS - last >= 10)); then
      last=$SECONDS
      local at
      at="$(tr '\r' '\n' <"$log" | grep -aoE '^\[[0-9]+/[0-9]+\]' | tail -1 || true)"
      printf '  %s %s (%d s)\n' "$title" "$at" $((SECONDS - started))
    fi
  done
  wait "$pid" || code=$?
  step_pid=
  if ((code != 0)); then
    local why
    why="$(grep -aiE -m1 '(^|[ :])(error|E|fatal|FAILED)[: ]' "$log" || tail -n 1 "$log")"
    tail -n 25 "$log" >&2
    fail "$title (${why:0:200}); all of it in $log"
  fi
}
step_pid=
