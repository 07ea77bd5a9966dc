#!/usr/bin/env bash
# Calls a desk's HTTP API with curl: asks about the persons whose numbers are typed or piped in, or reports a file.
#
#   DESK=http://127.0.0.1:7700 TOKEN_FILE=token ./desk.sh check 2026-03-31 consent.pdf < numbers.txt
#   DESK=http://127.0.0.1:7700 TOKEN_FILE=token ./desk.sh report portfolio.csv
#
# One number is asked about at once; several become a job. Token and numbers are in no argument, where other accounts of
# this machine would see them: curl reads the one from a file descriptor, the others from its standard input.
set -euo pipefail

API=${DESK:-http://127.0.0.1:7700}/api/v1
TOKEN=$(<"${TOKEN_FILE:?name the file that holds the token}")

# Send standard input to a path below the API, and print the answer; a problem document ends this program.
call() { # METHOD PATH [CURL OPTION...]
  local method=$1 path=$2 said status
  shift 2
  said=$(curl --silent --show-error --max-time 200 --request "$method" --data-binary @- --write-out '\n%{http_code}' \
    --header @<(printf 'Authorization: Bearer %s' "$TOKEN") "$@" "$API$path")
  status=${said##*$'\n'} said=${said%$'\n'*}
  if ((status >= 400)); then
    jq --raw-output '"\(.title): \(.reason) \(.field) \(.rule) \(.want)\n\(.detail)",
      (.violations[] | "row \(.row): \(.reason) \(.field) \(.rule) \(.want)")' <<<"$said" >&2
    exit 1
  fi
  printf '%s\n' "$said"
}

# Begin a job with standard input, wait for its end, and print its name.
finish() { # PATH CONTENT-TYPE
  local job state
  # The same key with the same request begins the job once, however often it is sent.
  job=$(call POST "$1" --retry 3 --header "Content-Type: $2" --header "Idempotency-Key: $(new_key)" | jq --raw-output .job)
  while state=$(call GET "/jobs/$job" </dev/null) && jq --exit-status '.state | IN("WAITING", "RUNNING")' <<<"$state" >/dev/null; do
    sleep 1
  done
  jq --exit-status '.state == "DONE"' <<<"$state" >/dev/null || { jq .problem <<<"$state" >&2; exit 1; }
  printf '%s\n' "$job"
}

new_key() { cat /proc/sys/kernel/random/uuid; }

check() { # DATE CONSENT
  local digest numbers consent
  digest=$(sha256sum <"$2" | cut --characters 1-64)
  consent=$(jq --null-input --arg date "$1" --arg digest "$digest" '{$date, $digest}')
  mapfile -t numbers
  if ((${#numbers[@]} == 1)); then
    printf '%s' "${numbers[0]}" |
      jq --raw-input --slurp --argjson consent "$consent" \
        '{person: {id_type: "CN_RESIDENT_ID", number: .}, purpose: "LOAN_APPROVAL", $consent}' |
      call POST /checks --header 'Content-Type: application/json' --header "Idempotency-Key: $(new_key)" |
      jq --raw-output '"1 \(.answer.verdict) \(.assessment.outcome)"'
    return
  fi
  local job after=0 page
  job=$(printf '%s\n' "${numbers[@]}" |
    jq --raw-input --slurp --argjson consent "$consent" \
      '{persons: (split("\n")[:-1] | map({id_type: "CN_RESIDENT_ID", number: .})), purpose: "LOAN_APPROVAL", $consent}' |
    finish /jobs/checks application/json)
  while [[ $after != null ]]; do
    page=$(call GET "/jobs/$job/answers?after=$after" </dev/null)
    jq --raw-output '.answers[] | "\(.place) \(.answer.verdict) \(.assessment.outcome)"' <<<"$page"
    after=$(jq .next <<<"$page")
  done
}

report() { # FILE
  local job
  job=$(finish /jobs/reports application/octet-stream <"$1")
  call GET "/jobs/$job" </dev/null |
    jq --raw-output '.file | "\(.rows) rows: \(.accepted) accepted, \(.repeated) known, \(.rejected_rows) rejected"'
  call GET "/jobs/$job/rejected" </dev/null |
    jq --raw-output '.rejected[] | "row \(.row): \(.reason) \(.field) \(.rule) \(.want)"'
}

case ${1:-} in
  check) check "${2:?day of the consent, YYYY-MM-DD}" "${3:?file of the signed consent}" ;;
  report) report "${2:?file to report}" ;;
  *)
    echo 'usage: desk.sh check DATE CONSENT < numbers | desk.sh report FILE' >&2
    exit 2
    ;;
esac
