#!/bin/sh
# Prepares what a make target needs, and only what is not there yet: prepare.sh run|demo|check|test|npm ARGUMENTS...
#   .venv         Python packages, installed by pip from the hashed lock files; our own source folders on its path
#   services/web  the dashboard, built with the machine's Node.js or with the one from PyPI
#   compiled code of the measurement core, in Numba's cache
# A step that was interrupted is done again; one that is done costs milliseconds. Needs no root, compiler or uv.
set -eu
cd "$(dirname "$0")/.."
. deploy/prepare-python.sh
. deploy/prepare-web.sh

goal=${1:?usage: prepare.sh run|demo|check|test|npm}
shift
stamps=.venv/stamps
# Settings of the caller's own Python that would lead ours astray.
unset PYTHONPATH PYTHONHOME
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_USER=0 PYTHONNOUSERSITE=1

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

compile_measurement_core() {
  now="$(fingerprint services/rtp-analyzer/rtp_analyzer requirements.lock) $python_version"
  is_done compiled "$now" && return
  say "Compiling the measurement core (once, takes up to a minute) ..."
  log=.venv/prepare-compile.log
  { .venv/bin/python -m rtp_analyzer warm-up 2>&1 || echo FAILED; } | tee "$log" |
    while IFS= read -r line; do progress "  $line"; done
  [ ! -t 1 ] || printf '\r\033[K'
  if grep -q '^FAILED$' "$log"; then
    tail -n 20 "$log" >&2
    fail "the measurement core cannot be compiled, see above"
  fi
  mark_done compiled "$now"
}

mkdir -p .venv 2>/dev/null && [ -w .venv ] && [ -w services/web ] ||
  fail "this folder cannot be written ($(pwd)): copy it to one of yours, for example: cp -r . ~/voip-quality-monitor"
one_at_a_time
make_venv
mkdir -p $stamps
case $goal in
  run | demo)
    install_packages requirements.lock
    build_web
    compile_measurement_core
    ;;
  check)
    install_packages requirements.lock requirements-dev.lock
    install_web_tools
    ;;
  test)
    install_packages requirements.lock requirements-dev.lock
    install_web_tools
    build_web
    compile_measurement_core
    ;;
  npm) # in services/web
    find_node
    cd $web
    npm "$@"
    ;;
  *) fail "there is nothing to prepare for that" ;;
esac
