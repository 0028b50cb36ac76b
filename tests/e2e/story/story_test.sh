#!/usr/bin/env bash
# The acceptance test: the whole hub as processes, the story of P2 and P4 played
# through its real doors, and what each profile then sees, held against
# expected.tsv. Runs on ports and in a folder of its own.
set -uo pipefail
source "$CONCORDAT_SOURCE/deploy/lib/common.sh"
source "$CONCORDAT_SOURCE/deploy/lib/processes.sh"
here="$CONCORDAT_SOURCE/tests/e2e/story"
work="$(mktemp -d)"
data="$work/data"
failures=0

concordat() { "$CONCORDAT_BIN/concordat" "$@" --data "$data"; }

#   check WHAT COMMAND…    the command must succeed
check() {
  local what="$1"
  shift
  if "$@"; then echo "ok      $what"; else
    echo "FAILED  $what"
    failures=$((failures + 1))
  fi
}
same() { diff "$1" "$2"; }
equal() { [[ "$1" == "$2" ]] || { echo "        '$1' is not '$2'" && false; }; }
absent() { ! grep -q -i -F -e "$1" "$2"; }

start() {
  setsid "$CONCORDAT_SOURCE/deploy/lib/supervise" "$CONCORDAT_BIN" "$data" \
    >>"$data/concordat.log" 2>&1 </dev/null &
  concordat demo status --wait 60s --quiet
}
stop() {
  local pid
  pid="$(running_pid supervise "$data")"
  [[ ! "$pid" ]] || stop_processes 25 "$pid"
}
clean_up() {
  stop
  if ((failures)); then tail -n 40 "$data/concordat.log"; fi
  rm -rf "$work"
}
trap clean_up EXIT

# What a profile sees of the domain, a line an event: minute and type.
see() {
  concordat tail --profile "$1" --from earliest --timeout 3s --json >"$work/$1.json"
  jq -r 'select(.type | test("^concordat\\.(court|prison|police|nhs|socialwork|mappa)\\."))
    | .time[0:16] + "\t" + .type' "$work/$1.json" | sort
}
expect() { # COLUMN
  awk -F'\t' -v column="$1" 'NR > 1 && $column == 1 {print $2 "\t" $4}' \
    "$here/expected.tsv" | sort
}
log_end() { concordat log status --json | jq -r .endSequence; }
alerts_of() {
  concordat alerts --profile "$1" --json |
    jq -r '[.rule, .raisedAt[0:16], .state] | join(" ")' | sort
}

check_views() {
  local profile column=4
  for profile in coordinator police nhs socialwork; do
    column=$((column + 1))
    see "$profile" >"$work/seen"
    expect "$column" >"$work/expected"
    check "$profile sees exactly its $(wc -l <"$work/expected") events $1" \
      same "$work/expected" "$work/seen"
  done
}

concordat keys demo --share "$CONCORDAT_SOURCE/deploy" \
  --types "$CONCORDAT_BUILD/concordat.binpb" --any-port || exit 1
check "the hub becomes healthy" start
((failures)) && exit 1
check "the story plays to its end" concordat demo play
((failures)) && exit 1

check_views "after the story"
cat >"$work/expected" <<'END'
R01 2025-12-05T08:40 raised
R13 2025-11-24T17:25 closed
R17 2025-11-27T11:20 closed
END
alerts_of coordinator | sed 's/ shown$/ raised/' >"$work/seen"
check "the co-ordinator has A4, A5 and A7" same "$work/expected" "$work/seen"
check "police have A4 alone" equal "$(alerts_of police)" "R13 2025-11-24T17:25 closed"
check "nhs has A4 alone" equal "$(alerts_of nhs)" "R13 2025-11-24T17:25 closed"
check "social work has A5 and A7" equal "$(alerts_of socialwork | cut -d' ' -f1 | xargs)" "R01 R17"
check "the duty senior has A7 alone" equal "$(alerts_of duty-senior | cut -d' ' -f1 | xargs)" "R01"
evidence="$(concordat alerts --profile coordinator --json | jq -r 'select(.rule == "R17") | .evidence | length')"
check "A5 took 2.16 as evidence instead of being raised twice" equal "$evidence" 3

check "what the edge did" equal \
  "$(concordat rejects --profile nhs --json | jq -c '.counts | [.held, .toIdentity, .published, .notInCohort, .refused, .spooled] | map(tonumber)')" \
  "[2,0,1,21,2,0]"

# What nobody may see, wherever it may have gone.
concordat tail --profile admin --from earliest --timeout 3s --json >"$work/admin.json"
check "the operator sees envelopes" test -s "$work/admin.json"
check "and neither payload nor subject" equal \
  "$(jq -r 'select(has("data") or has("subject") or has("localsubject")) | .type' "$work/admin.json" | wc -l)" 0
for profile in coordinator police nhs socialwork admin duty-senior; do
  concordat alerts --profile "$profile" --json >>"$work/$profile.json" 2>/dev/null
  for secret in 0303790016 0911870012 1708020004 1998/0990002E Balnamoon \
    Dunlappie Craigowl ALCTX; do
    check "$profile never sees $secret" absent "$secret" "$work/$profile.json"
  done
  [[ "$profile" == nhs ]] ||
    check "$profile never sees the service" absent ALCOHOL "$work/$profile.json"
done

# Strangers of the hospital leave no byte behind. P5 is registered, so her
# number rests sealed with identity; as sent by the hospital it is nowhere.
jq -r 'select(.hl7) | .hl7[] | select(startswith("PID"))' \
  "$CONCORDAT_SOURCE/deploy/demo/story.jsonl" |
  grep -v -e 0303790016 -e 0911870012 -e CORTA |
  awk -F'|' '{split($4, id, "^"); split($6, name, "^"); print id[1]; print name[1]}' \
    >"$work/strangers"
check "there are strangers to look for" test "$(wc -l <"$work/strangers")" -ge 40
found="$(grep -r -l -a -i -F -f "$work/strangers" "$data" || true)"
check "no byte of a stranger is in the data directory" equal "$found" ""
found="$(grep -r -l -a -F -e 0303790016 -e Balnamoon -e BALNAMOON "$data" || true)"
check "no name or number lies open on disk" equal "$found" ""

check "the log verifies" concordat log verify
before="$(log_end)"
check "a second play is told that all is done" concordat demo play
rm "$data/demo/steps-done"
check "playing every step again succeeds" concordat demo play
check "and changes nothing" equal "$(log_end)" "$before"

stop
check "the hub starts again on what it has" start
check_views "after a restart"
for program in "${programs[@]}"; do
  pid="$(running_pid "$program" "$data")"
  [[ ! "$pid" ]] || kill -KILL "$pid"
done
check "it comes back when every program was killed at once" \
  concordat demo status --wait 60s --quiet
check_views "after the kill"

# Beside the story: a serious charge reaches the co-ordinator although a breach
# of the same person is open, and the board learns nothing.
cat >"$work/charge" <<'EVENT'
{"specversion":"1.0","id":"beside-the-story-1","source":"urn:concordat:police-scotland:rms","type":"concordat.police.v1.ChargeRecorded","subject":"ref:pnc:1998/0990002E","time":"2025-12-05T09:00:00Z","data":{"offenceGroup":"GROUP_1","disposal":"HELD_FOR_COURT"}}
EVENT
charge_raised() {
  local attempt
  for attempt in {1..50}; do
    alerts_of coordinator >"$work/alerts"
    grep -q '^R01 2025-12-05T09:00 ' "$work/alerts" && return 0
    sleep 0.1
  done
  echo "        not in $attempt attempts" && false
}
check "police publish a charge" concordat publish --profile police --file "$work/charge"
check "the co-ordinator has R01 for it" charge_raised
see nhs >"$work/seen"
check "the board sees no charge" absent ChargeRecorded "$work/seen"
check "time goes on by a day" concordat demo advance 1d
((failures == 0)) && echo "story: all as expected"
exit $((failures > 0))
