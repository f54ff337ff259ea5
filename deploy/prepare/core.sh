# Part of prepare.sh: compiles the measurement core ahead of the first start, which then takes seconds.

compile_measurement_core() {
  core="$(fingerprint services/rtp-analyzer/rtp_analyzer requirements.lock) $python_version"
  is_done compiled "$core" && return
  say "Compiling the measurement core (once, takes up to a minute) ..."
  log=.venv/prepare-compile.log
  { .venv/bin/python -m rtp_analyzer warm-up 2>&1 || echo FAILED; } | tee "$log" |
    while IFS= read -r line; do progress "  $line"; done
  [ ! -t 1 ] || printf '\r\033[K'
  if grep -q '^FAILED$' "$log"; then
    tail -n 20 "$log" >&2
    fail "the measurement core cannot be compiled, see above"
  fi
  mark_done compiled "$core"
}
