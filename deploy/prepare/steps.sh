# Part of prepare.sh: what every step needs. The caller sets $goal and $stamps.

say() { printf '%s\n' "$*"; }

fail() { # one sentence with the command that mends it
  printf 'make %s: %s\n' "$goal" "$*" >&2
  exit 1
}

is_done() { # step, fingerprint of what it depends on
  [ -f "$stamps/$1" ] && [ "$(cat "$stamps/$1")" = "$2" ]
}

mark_done() {
  printf '%s\n' "$2" >"$stamps/$1"
}

fingerprint() { # files and folders; what they generate does not count
  find "$@" \( -name node_modules -o -name dist -o -name __pycache__ \) -prune -o -type f -exec cksum {} + |
    LC_ALL=C sort | cksum
}

run_logged() { # name of the log, command; its output is shown only when it fails
  log=.venv/prepare-$1.log
  shift
  "$@" >"$log" 2>&1 && return
  tail -n 20 "$log" >&2
  return 1
}

one_at_a_time() { # two makes in two terminals must not install over each other; the lock ends with this process
  command -v flock >/dev/null || return 0
  exec 9>.venv/.lock
  flock -n 9 || { say "Another make prepares here, waiting for it ..." && flock 9; }
}

progress() { # one line that changes; without a terminal every tenth
  if [ -t 1 ]; then
    printf '\r\033[K%.70s' "$1"
  else
    case $1 in *0/* | *unpacking) say "$1" ;; esac
  fi
}
