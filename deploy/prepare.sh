#!/bin/sh
# Prepares what a make target needs, and only what is not there yet: prepare.sh run|demo|bench|check|test|npm ARGUMENTS...
#   .venv         Python packages, installed by pip from the hashed lock files; our own source folders on its path
#   services/web  the dashboard, built with the machine's Node.js or with the one from PyPI
#   compiled code of the measurement core, in Numba's cache
# A step that was interrupted is done again; one that is done costs milliseconds. Needs no root, compiler or uv.
set -eu
cd "$(dirname "$0")/.."
. deploy/prepare/steps.sh
. deploy/prepare/python.sh
. deploy/prepare/web.sh
. deploy/prepare/core.sh

goal=${1:?usage: prepare.sh run|demo|bench|check|test|npm}
shift
stamps=.venv/stamps
# Settings of the caller's own Python that would lead ours astray.
unset PYTHONPATH PYTHONHOME
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_USER=0 PYTHONNOUSERSITE=1

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
  bench)
    install_packages requirements.lock requirements-dev.lock
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
