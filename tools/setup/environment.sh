# Sourced by the set-up and test scripts: where things are kept. Everything stays inside build/ unless the caller says
# otherwise, so that a clean clone and an account without a home folder work alike.
LLMBATCH_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
LLMBATCH_BUILD="$LLMBATCH_ROOT/build"
export LLMBATCH_ROOT LLMBATCH_BUILD

if [ -z "${HOME:-}" ] || [ ! -w "${HOME:-/nonexistent}" ]; then
  mkdir -p "$LLMBATCH_BUILD/home"
  export HOME="$LLMBATCH_BUILD/home"
fi
# The compiler cache must accept the precompiled test header, whose time stamp differs in every build folder.
export CCACHE_SLOPPINESS="${CCACHE_SLOPPINESS:-pch_defines,time_macros}"

say() { printf 'setup: %s\n' "$*"; }
