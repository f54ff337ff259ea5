#!/bin/sh
# Exports uv.lock to the hashed requirement files that pip installs from: users and images need no uv. Needs uv.
set -eu
cd "$(dirname "$0")/.."
uv=${UV:-uv}
command -v "$uv" >/dev/null || { echo "uv is needed for this: pip install uv, or UV=/path/to/uv make lock" >&2; exit 1; }

export_lock() { # file, options of uv export
  file=$1
  shift
  "$uv" export --frozen --no-emit-workspace --no-header --quiet -o "$file.new" "$@"
  { echo "# Exported from uv.lock by make lock. Do not edit."; cat "$file.new"; } >"$file"
  rm "$file.new"
  echo "$file: $(grep -c '==' "$file") packages"
}

"$uv" lock
export_lock requirements.lock --no-dev
export_lock requirements-dev.lock --only-group dev
export_lock requirements-node.lock --only-group node
for service in sip-proxy api; do
  export_lock "services/$service/requirements.lock" --no-dev --package "vqm-$service"
done
export_lock services/rtp-analyzer/requirements.lock --no-dev --package vqm-rtp-analyzer --extra audio
