# shellcheck shell=bash
# The programs of a hub and how to find those that run on a data directory.
# Source after common.sh.

# In the order in which they start.
programs=(concordat-bus concordat-identity concordat-police concordat-nhs
  concordat-socialwork concordat-mappa concordat-alerts concordat-adapter
  concordat-gateway)
# What a demo has instead of the world outside: deploy/demo/NAME. Before the programs.
sinks=(demo-mailbox)
# Edges beside the health board's: concordat-adapter runs each, under its name.
edges=(edge-council)

#   absolute_path PATH
absolute_path() { realpath -ms -- "$1"; }

# True when process PID is PROGRAM running on DATA, and not some other process
# that has got its number since.
#   runs_on PID PROGRAM DATA
runs_on() {
  local arguments
  [[ "$1" =~ ^[0-9]+$ && -r "/proc/$1/cmdline" ]] || return 1
  mapfile -d '' -t arguments <"/proc/$1/cmdline" 2>/dev/null || return 1
  [[ " ${arguments[*]##*/} " == *" $2 "* && " ${arguments[*]} " == *" $3 "* ]]
}

# Prints the number of PROGRAM's process on DATA, or nothing.
#   running_pid PROGRAM DATA
running_pid() {
  local pid
  pid="$(cat "$2/run/$1.pid" 2>/dev/null || true)"
  if runs_on "$pid" "$1" "$2"; then printf '%s' "$pid"; fi
}

# Asks processes to stop, waits, and ends by force what has not.
#   stop_processes SECONDS PID…
stop_processes() {
  local until=$((SECONDS + $1)) pid
  shift
  kill -TERM "$@" 2>/dev/null || true
  for pid in "$@"; do
    while kill -0 "$pid" 2>/dev/null; do
      if ((SECONDS >= until)); then
        kill -KILL "$pid" 2>/dev/null || true
        break
      fi
      sleep 0.1
    done
  done
}
