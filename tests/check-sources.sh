#!/bin/sh
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The weir authors
#
# What must not stand in the sources: sleeping polls in the library, sanitizer
# suppressions, work left open, white space at line ends, a file without licence.
. "${srcdir:-.}/build-aux/check.sh"

cd "$srcdir" || exit 99

# none SENTENCE PATTERN WHERE...: no line of these files matches.
none() {
    sentence=$1 pattern=$2
    shift 2
    find "$@" -type f ! -name '*.o' ! -name '*.lo' ! -name '*.log' ! -name '*.trs' \
        ! -path '*/.libs/*' ! -path '*/.deps/*' -exec grep -nIHE "$pattern" {} + >"$work/found"
    if [ -s "$work/found" ]; then
        fail "$sentence"
        sed 's/^/    /' "$work/found"
    else
        pass
    fi
}

# It can fail: one bad line of each kind is found.
sleeping='\b(usleep|nanosleep|clock_nanosleep|sleep|thrd_sleep)[[:space:]]*\('
suppressed='no_sanitize|suppressions[=]|__lsan_(disable|ignore)|__[tal]san_default_suppressions|halt_on_error=[0]|exitcode=[0]'
open_work='\b(TO[D]O|FIX[M]E|XX[X])\b'
for line in "sleeping	usleep(10);" "suppressed	__attribute__((no_sanitize_thread))" "open_work	/* TO""DO */"; do
    eval "pattern=\$${line%%	*}"
    printf '%s\n' "$line" | grep -qE "$pattern" || {
        echo "self-test: $line was not found"
        exit 1
    }
done

# lib/check defines these calls for the programs that it checks.
none "a sleeping poll in the library" "$sleeping" include lib/*.[ch] lib/step
none "a sanitizer is silenced" "$suppressed" include lib tests/*.c tests/*.h stress doc/examples
none "work left open" "$open_work" include lib tests stress bench doc cmake
none "white space at the end of a line" '[[:space:]]+$' include lib tests stress bench doc cmake

for file in include/weir/*.h lib/*.[ch] lib/*/*.[ch] lib/check/weir-check.in tests/*.[ch]* tests/*.sh tests/*/*.c* stress/*.[ch] bench/*.[ch]* \
    bench/peers/* doc/examples/*.[ch] doc/man/*.3; do
    case $file in *.o | *'*'* | *.trs | *.log) continue ;; esac
    [ -f "$file" ] || continue
    if head -n 5 "$file" | grep -q 'SPDX-License-Identifier: MIT'; then
        pass
    else
        fail "$file has no SPDX lines on top"
    fi
done
finish
