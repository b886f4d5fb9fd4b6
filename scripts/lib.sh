# Sourced by every script here, not run. It goes to the project's root and gives them:
#   teach    print the calling script's own head comment (what `--help` shows)
#   say      a line on standard error, so that standard output stays the command's own
#   die      the same, and leave with 1
#   setup    .venv with exactly what requirements.lock names, made when missing or when something changed

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

teach() { awk 'NR > 1 { if (!/^#/) exit; sub(/^# ?/, ""); print }' "scripts/$(basename "$0")"; }
say() { printf '%s\n' "$*" >&2; }
die() { say "error: $*"; exit 1; }

# The wheels of the embedded engine decide the order: 3.12 and 3.11 have them on every platform.
find_python() {
  local candidate found=""
  for candidate in ${PYTHON:-} python3.12 python3.11 python3 python3.13 python3.14 python; do
    "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue
    found="$candidate"
    "$candidate" -c 'import ensurepip, venv' 2>/dev/null && { echo "$candidate"; return; }
  done
  [ -z "$found" ] || die "$found cannot make a virtual environment (on Debian: apt-get install python3-venv)."
  die "no Python 3.11 or newer found. Install one, or name it: PYTHON=/path/to/python $0"
}

# One at a time: two scripts started together must not both build the environment.
setup() {
  mkdir -p .cache
  (
    if command -v flock >/dev/null; then flock 9; fi
    setup_alone
  ) 9>.cache/setup.lock
}

setup_alone() {
  local stamp=.venv/.setup-stamp inputs bootstrap python
  inputs="$(cat requirements.lock pyproject.toml | cksum)"
  if [ -x .venv/bin/costgraph ] && [ "$(cat "$stamp" 2>/dev/null)" = "$inputs" ] && .venv/bin/python -c ''; then
    return
  fi
  if ! .venv/bin/python -m pip --version >/dev/null 2>&1; then
    python="$(find_python)"
    say "Setting up .venv with $("$python" --version) (once; about a minute)…"
    rm -rf .venv
    "$python" -m venv .venv
  else
    say "Bringing .venv up to date…"
  fi
  rm -f "$stamp"
  # uv itself comes from the lock too, by the pip that every virtual environment has.
  bootstrap=.venv/uv.lock-excerpt.txt
  awk '/^uv==/ { on = 1 } on { print; if (!/\\$/) exit }' requirements.lock >"$bootstrap"
  .venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r "$bootstrap"
  rm -f "$bootstrap"
  .venv/bin/uv pip install --quiet --python .venv/bin/python --require-hashes -r requirements.lock
  .venv/bin/uv pip install --quiet --python .venv/bin/python --no-deps --no-build-isolation --editable .
  echo "$inputs" >"$stamp"
}
