# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The weir authors
#
# What the tests/check-*.sh share: they source it, count with pass, fail and skip,
# and end with finish, whose last line build-aux/summary adds up. make check gives
# the environment; by hand, from the top of the tree, the defaults serve.
# shellcheck shell=sh disable=SC2034

set -u
srcdir=${srcdir:-.}
srcdir=$(cd "$srcdir" && pwd) || exit 99
builddir=${builddir:-.}
builddir=$(cd "$builddir" && pwd) || exit 99
: "${CC:=cc}" "${CXX:=c++}" "${CFLAGS:=-O2}" "${CXXFLAGS:=-O2}" "${CPPFLAGS:=}" "${LDFLAGS:=}"
: "${HAVE_CXX:=yes}" "${HAVE_TSAN:=yes}" "${SANITIZE:=no}" "${EMULATOR:=}" "${RUNS:=yes}"
: "${PYTHON=python3}" "${PKG_CONFIG=pkg-config}" "${CMAKE=cmake}" "${MANDOC=mandoc}"
: "${NM_TOOL:=nm}" "${READELF:=readelf}" "${MAKE:=make}"

# The language's strictest: what a user may compile weir's headers with.
STRICT="-Wall -Wextra -Wpedantic -Wconversion -Werror"

# A make that a check starts is no child of the one that runs the checks.
unset MAKEFLAGS MFLAGS MAKELEVEL GNUMAKEFLAGS

passed=0 failed=0 skipped=0
pass() { passed=$((passed + 1)); }
fail() { failed=$((failed + 1)); echo "FAILED: $*"; }
skip() { skipped=$((skipped + 1)); echo "skip: $*"; }

# expect SENTENCE COMMAND...: counts it, and shows what it said if it failed.
expect() {
    sentence=$1
    shift
    if "$@" >"$work/said" 2>&1; then
        pass
    else
        fail "$sentence: $*"
        sed 's/^/    /' "$work/said"
    fi
}

finish() {
    echo "$passed passed, $failed failed, $skipped skipped"
    [ "$failed" -eq 0 ] || exit 1
    [ "$passed" -eq 0 ] || exit 0
    [ "$skipped" -eq 0 ] || exit 77
    echo "this check has checked nothing"
    exit 1
}

skip_all() {
    skip "$*"
    finish
}

have() { command -v "$1" >/dev/null 2>&1; }

work=$(mktemp -d) || exit 99
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

# The public headers, "atomic base ...".
headers() {
    for header in "$srcdir"/include/weir/*.h; do
        basename "$header" .h
    done
}

# Whether the target has weir/mpmc.h's queues, as the README's first program wants.
has_mpmc() {
    printf '#include <weir/mpmc.h>\n#ifndef WEIR_HAVE_MPMC\n#error none\n#endif\n' >"$work/has_mpmc.c"
    # shellcheck disable=SC2086
    $CC $CFLAGS -I"$srcdir/include" -fsyntax-only "$work/has_mpmc.c" 2>/dev/null
}

# compilers COMMAND...: those at hand, a line each; of several names for one compiler
# the first. In a cross build the first alone: the others are for this machine.
compilers() {
    if [ -n "$EMULATOR" ] || [ "$RUNS" = no ]; then
        printf '%s\n' "$1"
        return
    fi
    seen=
    for compiler; do
        # shellcheck disable=SC2086
        have ${compiler%% *} || continue
        # shellcheck disable=SC2086
        version=$($compiler --version 2>/dev/null | head -n 1 | sed 's/^[^ ]* //')
        version="$version $($compiler -dumpmachine 2>/dev/null)"
        case $seen in
        *"<$version>"*) ;;
        *)
            seen="$seen<$version>"
            printf '%s\n' "$compiler"
            ;;
        esac
    done
}

# stage: installs into $work/stage and points pkg-config there; $prefix is where
# the installed tree lies.
stage() {
    $MAKE -C "$builddir" install DESTDIR="$work/stage" >"$work/said" 2>&1 || {
        sed 's/^/    /' "$work/said"
        fail "make install DESTDIR=..."
        finish
    }
    pc=$(find "$work/stage" -name weir.pc)
    libdir=$(dirname "$(dirname "$pc")")
    PKG_CONFIG_SYSROOT_DIR=$work/stage
    PKG_CONFIG_LIBDIR=$(dirname "$pc")
    PKG_CONFIG_ALLOW_SYSTEM_CFLAGS=1
    PKG_CONFIG_ALLOW_SYSTEM_LIBS=1
    export PKG_CONFIG_SYSROOT_DIR PKG_CONFIG_LIBDIR PKG_CONFIG_ALLOW_SYSTEM_CFLAGS
    export PKG_CONFIG_ALLOW_SYSTEM_LIBS
    unset PKG_CONFIG_PATH
}
