# Part of prepare.sh: finds a Python, makes .venv with it (or takes the one that uv made), installs the locked packages.

# Version, whether it is one of ours, whether it can make environments: "3.11.2 yes yes".
python_probe='
import sys
v = sys.version_info
try:
    import ensurepip, venv
    complete = "yes"
except ImportError:
    complete = "no"
print("%d.%d.%d" % v[:3], "yes" if (3, 11) <= v[:2] < (3, 14) else "no", complete)
'

probe() { "$1" -c "$python_probe" 2>/dev/null || echo "none no no"; } # pyenv has commands that exist but do not run

find_python() { # sets $python
  lacking='' wrong=''
  for candidate in ${VQM_PYTHON:-python3.12 python3.11 python3.13 python3}; do
    set -- $(probe "$candidate")
    case "$1 $2 $3" in
      none*) ;;
      *' yes yes') python=$candidate && return ;;
      *' yes no') lacking=${lacking:-$candidate} ;;
      *) wrong=$1 ;;
    esac
  done
  [ -z "$lacking" ] || fail "Python's venv module is missing: sudo apt install $(venv_package "$lacking")"
  [ -z "${VQM_PYTHON:-}" ] || fail "VQM_PYTHON=$VQM_PYTHON is ${wrong:-no working Python}; 3.11, 3.12 or 3.13 is needed: unset VQM_PYTHON"
  [ -n "$wrong" ] || fail "Python 3.11 or newer was not found: sudo apt install python3 python3-venv"
  fail "Python $wrong cannot be used, 3.11, 3.12 or 3.13 is needed: $(python_remedy)"
}

venv_package() { # python3-venv belongs to the distribution's own Python, pythonX.Y-venv to others
  set -- "$(basename "$1")" $(probe "$1")
  case $(probe python3) in "$2 "*) echo python3-venv ;; *) echo "python${2%.*}-venv" ;; esac
}

python_remedy() {
  if grep -q 'VERSION_ID="22.04"' /etc/os-release 2>/dev/null; then
    echo "sudo apt install python3.11 python3.11-venv"
  else
    echo "install one of them and name it: VQM_PYTHON=/path/to/python3.12 make $goal"
  fi
}

make_venv() { # sets $python_version
  set -- $(probe .venv/bin/python)
  # The activation scripts are made last: without them it was cut off.
  if [ "$2" = yes ] && [ -f .venv/bin/activate ] && { [ -z "${VQM_PYTHON:-}" ] || same_version "$1" "$VQM_PYTHON"; }; then
    python_version=$1
  else
    find_python
    set -- $(probe "$python")
    python_version=$1
    say "Creating .venv with Python $python_version ..."
    run_in_new_venv || fail "the Python environment cannot be made: is the disk full? (df -h .)"
  fi
  put_sources_on_path
}

same_version() { # 3.11.2, another Python
  set -- "${1%.*}" $(probe "$2")
  [ "$1" = "${2%.*}" ]
}

run_in_new_venv() { # --clear would also remove the lock that we hold
  find .venv -mindepth 1 -maxdepth 1 ! -name .lock -exec rm -rf {} +
  run_logged venv "$python" -m venv --prompt vqm .venv
}

site_packages() { echo .venv/lib/python3.*/site-packages; }

put_sources_on_path() { # instead of building and installing our own five packages
  path=$(site_packages)/vqm.pth
  wanted=$(printf '../../../../%s\n' shared services/sip-proxy services/rtp-analyzer services/api deploy/local)
  [ "$(cat "$path" 2>/dev/null)" = "$wanted" ] || printf '%s\n' "$wanted" >"$path"
}

install_packages() { # lock files
  if [ -n "$(find "$(site_packages)" -maxdepth 0 -newer "$stamps/site" 2>/dev/null || echo new)" ]; then
    rm -f "$stamps"/requirements*.lock # somebody else (uv sync, pip) changed what is installed: look at all of it again
  fi
  for lock in "$@"; do
    is_done "$lock" "$(cksum <"$lock") $python_version" && continue
    remove_half_installed
    require_pip
    pip_install "$lock"
    mark_done "$lock" "$(cksum <"$lock") $python_version"
  done
  touch "$stamps/site"
}

remove_half_installed() { # pip writes INSTALLER last: a package without it was cut off, but would count as installed
  for info in "$(site_packages)"/*.dist-info; do
    [ -f "$info/INSTALLER" ] || rm -rf "$info"
  done
}

require_pip() { # uv makes environments without it
  set -- "$(site_packages)"/pip-*.dist-info
  [ -d "$1" ] && return
  rm -rf "$(site_packages)/pip"
  run_logged pip .venv/bin/python -m ensurepip ||
    fail "pip cannot be put into .venv: sudo apt install python3-venv, then rm -rf .venv"
}

pip_install() { # lock file
  total=$(grep -c '^[A-Za-z0-9].*==' "$1")
  log=.venv/prepare-$1.log
  say "Installing $total packages ($1) ..."
  { .venv/bin/python -m pip install --require-hashes --only-binary :all: --progress-bar off -r "$1" 2>&1 || echo FAILED; } |
    tee "$log" | show_pip_progress
  ! grep -q '^FAILED$' "$log" || pip_failed "$log"
}

show_pip_progress() {
  number=0
  while IFS= read -r line; do
    case $line in
      Collecting*)
        number=$((number + 1))
        set -- $line
        progress "  $number/$total ${2%%;*}"
        ;;
      *Downloading*MB\)) progress "  $number/$total$(echo "$line" | sed 's/.*[ /]\([^/ -]*\)-[^/]*\((.*)\)$/ downloading \1 \2/')" ;;
      Installing*) progress "  unpacking" ;;
    esac
  done
  [ ! -t 1 ] || printf '\r\033[K'
}

pip_failed() { # log
  grep '^ERROR' "$1" >&2 || tail -n 5 "$1" >&2
  if grep -q 'No space left' "$1"; then
    fail "the disk is full: free about 1 GB (df -h .), then run it again"
  elif grep -qE 'NewConnectionError|NameResolutionError|ConnectTimeout|ReadTimeout|Max retries|ProxyError|SSLError' "$1"; then
    fail "the package index cannot be reached: check the network or pip's settings (.venv/bin/python -m pip config list), then run it again"
  elif grep -q 'No matching distribution' "$1"; then
    fail "a package does not exist for Python $python_version on $(uname -m): name another Python: VQM_PYTHON=python3.12 make $goal"
  else
    fail "the packages cannot be installed, see above and $1; then run it again"
  fi
}
