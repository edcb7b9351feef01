#!/bin/sh
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The weir authors
#
# Each tests/nocompile/*.c, and *.cc, compiles; with -DMISUSE it must not, and the compiler must
# say what the file expects: one of its lines `expect: FRAGMENT'. With every compiler at
# hand.
. "${srcdir:-.}/build-aux/check.sh"

# shellcheck disable=SC2086
compile() { $compiler -std=$standard $STRICT -I"$srcdir/include" -c -o "$work/object" "$@" >"$work/said" 2>&1; }

# refuses FILE: counts it.
refuses() {
    name=$(basename "$1")
    sed -n 's/.*expect: *//p' "$1" | sed 's/ *\*\/ *$//; s/ *$//' >"$work/expected"
    if [ ! -s "$work/expected" ]; then
        fail "$name does not say which message it expects (expect: ...)"
    elif ! compile "$1"; then
        fail "$name does not compile as it should without MISUSE"
        sed 's/^/    /' "$work/said"
    elif compile -DMISUSE "$1"; then
        fail "$name: the misuse compiles"
    elif ! grep -qF -f "$work/expected" "$work/said"; then
        fail "$name: refused, but without \"$(cat "$work/expected")\""
        sed 's/^/    /' "$work/said"
    else
        pass
    fi
}

compiler=$CC standard=c11
# What this check is worth: three files that it must complain about.
printf '/* expect: never */\nint misuse;\n' >"$work/compiles.c"
printf '/* expect: never said */\n#ifdef MISUSE\n#error other\n#endif\nint misuse;\n' >"$work/other.c"
printf '#ifdef MISUSE\n#error silent\n#endif\nint misuse;\n' >"$work/silent.c"
for file in compiles other silent; do
    before=$failed
    refuses "$work/$file.c" >/dev/null
    if [ "$failed" -eq "$before" ]; then
        echo "self-test: $file.c was accepted"
        exit 1
    fi
    failed=$before
done

old_ifs=$IFS
IFS='
'
for compiler in $(compilers "$CC" gcc clang); do
    IFS=$old_ifs
    echo "with $compiler"
    for file in "$srcdir"/tests/nocompile/*.c; do
        refuses "$file"
    done
done
if [ "$HAVE_CXX" = yes ]; then
    for compiler in $(compilers "$CXX" g++ clang++); do
        IFS=$old_ifs standard=c++11
        echo "with $compiler"
        for file in "$srcdir"/tests/nocompile/*.cc; do
            refuses "$file"
        done
    done
else
    skip "no C++ compiler: tests/nocompile/*.cc"
fi
finish
