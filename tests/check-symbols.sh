#!/bin/sh
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The weir authors
#
# The libraries define no global symbol but weir_..., and need no libatomic; nor do the
# programs made from the headers, which a linker may have given it unasked (riscv64).
. "${srcdir:-.}/build-aux/check.sh"

[ "$SANITIZE" = no ] || skip_all "symbols of a build with -fsanitize=$SANITIZE are not weir's alone"

# own LIBRARY NM-OPTIONS: defined global symbols, and their names. On i386 the compiler adds
# hidden functions, the same in every object, that tell where they were called from.
own() {
    library=$1
    shift
    "$NM_TOOL" "$@" --defined-only --extern-only "$library" 2>"$work/said" |
        awk 'NF == 3 && $3 !~ /^__x86[.]get_pc_thunk[.]/ { print $3 }' | sort -u >"$work/symbols"
    [ -s "$work/symbols" ] || {
        fail "$library: no symbols found"
        return
    }
    if grep -v '^weir_' "$work/symbols" >"$work/foreign"; then
        fail "$library defines: $(tr '\n' ' ' <"$work/foreign")"
    else
        pass
    fi
    echo "$(basename "$library"): $(wc -l <"$work/symbols") global symbols"
}

# No 16-byte or lock-based atomic of libatomic's, whose calls begin with __atomic_.
calls() {
    if "$NM_TOOL" -A "$@" 2>/dev/null | grep '__atomic_\|__sync_' | grep -v '__tsan\|__aarch64_' >"$work/calls"; then
        fail "libatomic is needed: $(tr '\n' ' ' <"$work/calls")"
    else
        pass
    fi
}

# A symbol of another name is refused.
printf 'int weir_fine(void) { return 0; }\nint foreign(void) { return 0; }\n' >"$work/foreign.c"
# shellcheck disable=SC2086
$CC -c "$work/foreign.c" -o "$work/foreign.o" && own "$work/foreign.o" >/dev/null
if [ "$failed" -ne 1 ]; then
    echo "self-test: a symbol without weir_ was not refused"
    exit 1
fi
failed=0
# A call of libatomic's too.
printf 'void locked(void) __asm__("__atomic_load_16");\nvoid weir_f(void);\nvoid weir_f(void) { locked(); }\n' \
    >"$work/locked.c"
# shellcheck disable=SC2086
$CC -c "$work/locked.c" -o "$work/locked.o" && calls "$work/locked.o" >/dev/null
if [ "$failed" -ne 1 ]; then
    echo "self-test: a call of libatomic's was not refused"
    exit 1
fi
failed=0

shared=$builddir/.libs/libweir.so
static=$builddir/.libs/libweir.a
if [ -e "$shared" ]; then
    own "$shared" -D
    sed 's/^/    /' "$work/symbols"
    cp "$work/symbols" "$work/shared"
    calls "$shared"
    if have "$READELF"; then
        if "$READELF" -d "$shared" | grep 'NEEDED.*libatomic'; then
            fail "$shared is linked with libatomic"
        else
            pass
        fi
    else
        skip "no readelf: the needed libraries are not looked at"
    fi
    # What headers declare WEIR_API is what the library exports, and the reverse.
    for header in "$srcdir"/include/weir/*.h; do
        # shellcheck disable=SC2086
        $CC -std=c11 -D_GNU_SOURCE -I"$srcdir/include" -E -P "$header"
    done | tr -d '\n' | tr ';}{' '\n\n\n' | grep 'visibility("default")' |
        sed 's/__attribute__((visibility("default")))//; s/_Atomic([a-z0-9_]*)//; s/(.*//; s/.*[ *]//' |
        grep '^weir_' | sort -u >"$work/declared"
    if diff "$work/declared" "$work/shared" >"$work/difference"; then
        pass
    else
        fail "WEIR_API declarations (<) and exported symbols (>) differ:"
        cat "$work/difference"
    fi
else
    skip "no shared library in this build"
fi
if [ -e "$static" ]; then
    own "$static"
    calls "$static"
else
    skip "no static library in this build"
fi
own "$builddir/libweir_step.a"
calls "$builddir/libweir_step.a"
if [ -e "$builddir/libweir_tsan.a" ]; then
    own "$builddir/libweir_tsan.a"
    calls "$builddir/libweir_tsan.a"
else
    skip "no libweir_tsan.a: this compiler has no ThreadSanitizer"
fi
set -- "$builddir"/tests/*.o "$builddir"/stress/*.o
if [ -e "$1" ]; then
    calls "$@"
    echo "programs: $# objects"
else
    skip "no objects of the tests in this build"
fi
finish
