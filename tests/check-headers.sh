#!/bin/sh
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The weir authors
#
# Compiles each public header alone, in each dialect of each compiler at hand, as
# a user's strictest file would; in the oldest and in the newest also instrumented for
# ThreadSanitizer, and with WEIR_CHECKED.
. "${srcdir:-.}/build-aux/check.sh"

# one COMPILER LANGUAGE STANDARD OPTIONS: every header, one line of result each.
one() {
    for header in $(headers); do
        # Included, and twice: the guard holds, and no inline function counts as unused.
        printf '#include <weir/%s.h>\n#include <weir/%s.h>\n' "$header" "$header" \
            >"$work/$header.$2"
        # shellcheck disable=SC2086
        if $1 -x "$2" -std="$3" $STRICT $4 -I"$srcdir/include" -fsyntax-only \
            "$work/$header.$2" >"$5.said" 2>&1; then
            echo pass
        else
            echo "$header.h as $3 by $1 $4"
            sed 's/^/    /' "$5.said"
        fi
    done >"$5"
}

knows() { # COMPILER LANGUAGE STANDARD
    echo 'int weir_nothing;' >"$work/knows.$2"
    # shellcheck disable=SC2086
    $1 -x "$2" -std="$3" -fsyntax-only "$work/knows.$2" 2>/dev/null
}

c_compilers=$(compilers "$CC" gcc clang)
cxx_compilers=$([ "$HAVE_CXX" = no ] || compilers "$CXX" g++ clang++)
[ -n "$cxx_compilers" ] || skip "no C++ compiler: headers not tried as C++"
have clang || skip "no clang: headers tried with one compiler"

jobs=$(nproc 2>/dev/null || echo 1)
number=0
try() { # COMPILER LANGUAGE STANDARD
    if ! knows "$@"; then
        skip "$1 does not know $3"
        return
    fi
    for options in "" "-fsanitize=thread" "-DWEIR_CHECKED" "-O2 -fsanitize=thread -DWEIR_CHECKED"; do
        case $options in
        *thread*) [ "$HAVE_TSAN" = yes ] || continue ;;
        esac
        case $3:$options in
        c11:* | c++11:* | c++2b:* | *:) ;;
        *) continue ;;
        esac
        number=$((number + 1))
        mkdir "$work/$number"
        (
            work=$work/$number
            one "$1" "$2" "$3" "$options" "$work/result"
        ) &
        [ $((number % jobs)) -ne 0 ] || wait
    done
}

old_ifs=$IFS
IFS='
'
for compiler in $c_compilers; do
    for standard in c11 c17 gnu17; do
        IFS=$old_ifs try "$compiler" c $standard
    done
done
for compiler in $cxx_compilers; do
    for standard in c++11 c++14 c++17 gnu++17 c++20 c++2b; do
        IFS=$old_ifs try "$compiler" c++ $standard
    done
done
IFS=$old_ifs
wait

for result in "$work"/*/result; do
    passed=$((passed + $(grep -c '^pass$' "$result")))
    failed=$((failed + $(grep -vc '^pass$\|^    ' "$result")))
    grep -v '^pass$' "$result"
done
echo "$(headers | wc -l) headers;" C: $c_compilers, C++: $cxx_compilers
finish
