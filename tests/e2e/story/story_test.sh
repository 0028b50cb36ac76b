#!/usr/bin/env bash
# The acceptance test: the whole hub as processes, the story of six people played
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
  concordat tail --profile "$1" --from earliest --to "$(log_end)" --json >"$work/$1.json"
  jq -r 'select(.type | test("^concordat\\.(court|prison|police|nhs|socialwork|mappa)\\."))
    | .time[0:16] + "\t" + .type' "$work/$1.json" | sort
}
# The table has the clocks of Dundee.
expect() { # COLUMN
  awk -F'\t' -v column="$1" 'NR > 1 && $column == 1 {print $2 "\t" $4}' \
    "$here/expected.tsv" >"$work/rows"
  paste <(cut -f 1 "$work/rows" | sed 's/.*/TZ="Europe\/London" &/' |
    date -u -f - +%Y-%m-%dT%H:%M) <(cut -f 2 "$work/rows") | sort
}
log_end() { concordat log status --json | jq -r .endSequence; }
alerts_of() {
  concordat alerts --profile "$1" --json |
    jq -r '[.rule, .raisedAt[0:16], .state] | join(" ")' |
    sed -e 's/ raised$/ open/' -e 's/ shown$/ open/' | sort
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
# Of a profile: who, which rule, when, how it ended.
check_alerts() { # PROFILE, expected on stdin
  sort >"$work/expected"
  alerts_of "$1" >"$work/seen"
  check "$1 has its $(wc -l <"$work/expected") alerts and no other" \
    same "$work/expected" "$work/seen"
}
# A1 to A7, as section 4 of the story has them.
check_alerts coordinator <<'END'
R07 2025-11-20T21:15 accepted
R07 2025-11-21T23:35 accepted
R01 2025-11-22T02:05 accepted
R13 2025-11-24T17:25 closed
R17 2025-11-27T11:20 closed
R01 2025-12-05T08:40 open
END
check_alerts police <<'END'
R07 2025-11-20T21:15 accepted
R13 2025-11-24T17:25 closed
END
check_alerts nhs <<'END'
R13 2025-11-24T17:25 closed
END
check_alerts socialwork <<'END'
R07 2025-11-21T23:35 accepted
R01 2025-11-22T02:05 accepted
R17 2025-11-27T11:20 closed
R21 2025-12-03T02:00 open
R01 2025-12-05T08:40 open
END
check_alerts duty-senior <<'END'
R07 2025-11-21T23:35 accepted
R01 2025-11-22T02:05 accepted
R01 2025-12-05T08:40 open
END
check_alerts upw-manager <<'END'
R21 2025-12-03T02:00 open
END
check_alerts service-manager <<'END'
R21 2025-12-03T02:00 open
END
#   of PROFILE RULE RAISED FILTER    the one alert, through jq
of() {
  concordat alerts --profile "$1" --json |
    jq -r "select(.rule == \"$2\" and .raisedAt[0:16] == \"$3\") | $4"
}
check "nobody accepted A6, so it went to the service manager at midnight" equal \
  "$(of upw-manager R21 2025-12-03T02:00 '.escalatedAt[0:16]')" 2025-12-05T00:00
check "A1 rests on three facts for police" equal \
  "$(of police R07 2025-11-20T21:15 '.evidence | length')" 3
check "and for the co-ordinator" equal \
  "$(of coordinator R07 2025-11-20T21:15 '.evidence | length')" 3
check "A1 is to be done by 12 December" equal \
  "$(of coordinator R07 2025-11-20T21:15 '[.acceptances[].actBy | select(. != "" and . != null)] | join(" ")')" 2025-12-12
for profile in coordinator socialwork; do
  check "$profile reads in A5 what happened and not which service" equal \
    "$(of "$profile" R17 2025-11-27T11:20 '[.evidence[0:2][].words] | join("; ")')" \
    "missed a supervision appointment on 25 November; NHS Tayside: not engaging with an agreed service, 27 November"
done
evidence="$(concordat alerts --profile coordinator --json | jq -r 'select(.rule == "R17") | .evidence | length')"
check "A5 took 2.16 as evidence instead of being raised twice" equal "$evidence" 3

check "A7 says what happened in a sentence" equal \
  "$(of coordinator R01 2025-12-05T08:40 .headline)" \
  "Dundee City Council sent a breach report to the Parole Board: failed to report."
check "and A1" equal "$(of coordinator R07 2025-11-20T21:15 .headline)" \
  "Three incidents were seen by two agencies in nine days."
check "and A3" equal "$(of duty-senior R01 2025-11-22T02:05 .headline)" \
  "Police Scotland charged this person with a serious offence (violence), held for court; the outcome is not known."
check "the board is not told of police records" equal \
  "$(of nhs R13 2025-11-24T17:25 '.notShared | join(", ")')" \
  "MAPPA case papers, court orders, police records, social work records"

# Each role on duty was told once that there is something, for how many addressees it
# may answer, and never whom or what it is about; of R21 once more when it escalated.
cat >"$work/expected" <<'END'
R01 2025-11-22T02:05 duty-phone@dundee.invalid
R01 2025-11-22T02:05 on-call-co-ordinator@mappa.invalid
R01 2025-12-05T08:40 duty-phone@dundee.invalid
R01 2025-12-05T08:40 lead-officer@dundee.invalid
R01 2025-12-05T08:40 on-call-co-ordinator@mappa.invalid
R07 2025-11-20T21:15 on-call-co-ordinator@mappa.invalid
R07 2025-11-20T21:15 police-cover@police.invalid
R07 2025-11-21T23:35 duty-phone@dundee.invalid
R07 2025-11-21T23:35 on-call-co-ordinator@mappa.invalid
R13 2025-11-24T17:25 on-call-co-ordinator@mappa.invalid
R13 2025-11-24T17:25 on-call-manager@nhs.invalid
R13 2025-11-24T17:25 police-cover@police.invalid
R17 2025-11-27T11:20 co-ordinator@mappa.invalid
R17 2025-11-27T11:20 senior@dundee.invalid
R17 2025-11-27T11:20 supervising-officer@dundee.invalid
R21 2025-12-03T02:00 duty-phone@dundee.invalid
R21 2025-12-03T02:00 duty-phone@dundee.invalid
about no person duty-phone@dundee.invalid
END
mails() { find "$data/mail/new" -type f; }
# The last may still be under way.
for attempt in {1..100}; do
  (($(mails | wc -l) >= $(wc -l <"$work/expected"))) && break
  sleep 0.1
done
for profile in coordinator socialwork; do
  concordat alerts --profile "$profile" --json |
    jq -r '[.alertRef, .rule + " " + .raisedAt[0:16]] | @tsv'
done | sort -u >"$work/refs"
mails | while read -r mail; do
  printf '%s\t%s\n' "$(tail -n 1 "$mail" | grep -o 'A-[A-Z0-9]*')" \
    "$(sed -n 's/^X-RcptTo: //p' "$mail")"
done | sort | join -t $'\t' -a 1 -e 'about no person' -o 2.2,1.2 - "$work/refs" |
  tr '\t' ' ' | sort >"$work/seen"
check "each role on duty for an alert had one message" same "$work/expected" "$work/seen"
check "no message says more than that there is one" equal \
  "$(mails | xargs sed -n -e '/^Subject: /p' -e '${s/ [A-Z]* Concordat/ SEVERITY Concordat/;p}' |
    sed 's/A-[A-Z0-9]*/REF/' | sort -u | paste -s -d '|')" \
  "Subject: Concordat alert REF|You have a SEVERITY Concordat alert, reference REF. Sign in."

check "all sources send" equal \
  "$(concordat alerts feeds --profile coordinator --json |
    jq -r '[.feeds[] | select(.silentSince == "") | .title] | sort | join(", ")')" \
  "Dundee case files, NHS Tayside hospital messages"
check "and the alerts are up to date to the end of the story" equal \
  "$(concordat alerts feeds --profile coordinator --json | jq -r '"\(.time[0:16]) \(.upToDate)"')" \
  "2025-12-05T09:00 true"

check "what the edge did" equal \
  "$(concordat rejects --profile nhs --json | jq -c '.counts | [.held, .toIdentity, .published, .notInCohort, .refused, .spooled] | map(tonumber)')" \
  "[7,2,1,21,2,0]"

concordat rejects --profile socialwork --json >"$work/files"
check "the council's bad row names line and reason" equal \
  "$(jq -r '.items[] | .place + ": " + .reason' "$work/files")" \
  "line 4: 31/11/2025 is not a date"
check "the file dropped twice was taken once" equal \
  "$(jq -r '[.files[] | select(.name == "contacts-20251126.csv") | .words] | join("; ")' "$work/files")" \
  "already taken, 0 new; taken: 2 new, 1 rejected"

# Nobody says when: it happens on the story's day.
check "the liaison officer looks at what is held" \
  concordat rejects look H-1 --profile nhs
check "and the council's clerk at the bad row" \
  concordat rejects look "$(jq -r '.items[0].itemRef' "$work/files")" --profile socialwork

# What nobody may see, wherever it may have gone.
concordat tail --profile admin --from earliest --to "$(log_end)" --json >"$work/admin.json"
check "the operator sees envelopes" test -s "$work/admin.json"
check "and among them that each addressee was told" equal \
  "$(jq -r 'select(.type == "concordat.alerts.v1.AlertNotified") | .type' "$work/admin.json" | wc -l)" 22
check "and nothing dated by the machine" equal \
  "$(jq -r 'select(.time >= "2025-12-06") | .type' "$work/admin.json" | sort | uniq -c | xargs)" ""
check "not even what was done without saying when" equal \
  "$(jq -r 'select(.type | endswith("KeptItemOpened")) | .time' "$work/admin.json" | xargs)" \
  "2025-12-05T09:00:00Z 2025-12-05T09:00:00Z"
check "and neither payload nor subject" equal \
  "$(jq -r 'select(has("data") or has("subject") or has("localsubject")) | .type' "$work/admin.json" | wc -l)" 0
# As each person was registered: numbers and names.
jq -r 'select(.call == "identity.Register") | .request
    | .familyName, .givenName, (.identifiers[] | select(.scheme != "local") | .value)' \
  "$CONCORDAT_SOURCE/deploy/demo/story.jsonl" | sort -u >"$work/names"
check "there are names and numbers to look for" equal "$(wc -l <"$work/names")" 26
printf '%s\n' ALCTX orthopaed '19 Fleuchar' 'Alcohol treatment' >"$work/must-not"
cat "$work/names" >>"$work/must-not"
found="$(mails | xargs grep -i -o -h -F -f "$work/must-not" | sort -u | xargs)"
check "no message has a name, number, clinic or hospital's address" equal "$found" ""
for profile in coordinator police nhs socialwork admin duty-senior upw-manager \
  service-manager; do
  touch "$work/$profile.json"
  {
    concordat tail --profile "$profile" --from earliest --timeout 3s --json
    concordat tail --profile "$profile" --from earliest --timeout 3s
    concordat alerts --profile "$profile" --json
    concordat alerts --profile "$profile"
    concordat subscriptions --profile "$profile" --json
    for referral in R-2001 R-3001 R-4001; do
      concordat call --profile "$profile" mappa.GetReferral "{\"referralRef\":\"$referral\"}"
    done
    [[ "$profile" == nhs ]] || concordat rejects --profile "$profile" --json
  } >>"$work/$profile.json" 2>&1
  # The council's people know their own numbers of their own people.
  own='^$'
  case "$profile" in socialwork | duty-senior | upw-manager | service-manager) own='^DCC-' ;; esac
  found="$(grep -i -o -F -f "$work/must-not" "$work/$profile.json" | grep -v "$own" | sort -u | xargs)"
  check "$profile sees no name, number, clinic or hospital's address" equal "$found" ""
  [[ "$profile" == nhs ]] ||
    check "$profile never sees the service" absent ALCOHOL "$work/$profile.json"
done

# Strangers of the hospital leave no byte behind. P5 is registered, so her
# number rests sealed with identity; as sent by the hospital it is nowhere. The legal
# reference is as it was installed, and one of them is a part of a word in it.
jq -r 'select(.hl7) | .hl7[] | select(startswith("PID"))' \
  "$CONCORDAT_SOURCE/deploy/demo/story.jsonl" |
  grep -v -e 1402680015 -e 0303790016 -e 0911870012 -e 2511740036 -e CORTA |
  awk -F'|' '{split($4, id, "^"); split($6, name, "^"); print id[1]; print name[1]}' \
    >"$work/strangers"
check "there are strangers to look for" test "$(wc -l <"$work/strangers")" -ge 40
found="$(grep -r -l -a -i -F -f "$work/strangers" --exclude-dir=legal "$data" || true)"
check "no byte of a stranger is in the data directory" equal "$found" ""
# P5's as sent by her council, and everybody's: sealed, wherever they rest.
found="$(grep -r -l -a -i -F -f "$work/names" "$data" || true)"
check "no name or number lies open on disk" equal "$found" ""

check "the log verifies" concordat log verify
before="$(log_end)"
check "a second play is told that all is done" concordat demo play
rm "$data/demo/story-steps-done"
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
# For an audience: A5 is closed, so one more missed appointment is a new alert.
check "the encore plays" "$CONCORDAT_SOURCE/deploy/demo/encore" --data "$data"
alerts_of coordinator >"$work/alerts"
check "and raises R17 anew" grep -q '^R17 2025-12-05T09:05 open$' "$work/alerts"
check "beside A5, which stays closed" grep -q '^R17 2025-11-27T11:20 closed$' "$work/alerts"
# A mistake: police charge P6 and take it back; who was shown it must know.
check "the mistake plays" concordat demo play --story "$here/mistake.jsonl"
mistake() { of coordinator R01 2025-12-05T09:10 "$1"; }
check "the alert is withdrawn" equal "$(mistake '[.state, .withdrawnAt[0:16]] | join(" ")')" \
  "withdrawn 2025-12-05T09:12"
check "and says why" equal "$(mistake .withdrawnBecause)" \
  "Police Scotland took this charge back: recorded against the wrong person"
check "the co-ordinator was shown it, and has to accept that" equal "$(mistake .withdrawalToAccept)" true
check "she does" concordat alerts accept-withdrawal "$(mistake .alertRef)" --profile coordinator
concordat alerts --profile coordinator --open --json >"$work/alerts"
check "P6 ends with no open alert" equal \
  "$(jq -r --arg p6 "$(mistake .subject)" 'select(.subject == $p6) | .alertRef' "$work/alerts")" ""
check "time goes on by a day" concordat demo advance 1d
((failures == 0)) && echo "story: all as expected"
exit $((failures > 0))
