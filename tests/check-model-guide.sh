#!/bin/sh
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The weir authors
#
# The guide of the model checker is true: its programs, built as it says by each compiler at hand,
# say what it says, line for line but for the times. So does the program of weir_check(3).
. "${srcdir:-.}/build-aux/check.sh"

guide=$srcdir/doc/model-checker.md
page=$srcdir/doc/man/weir_check.3
: "${CHECK_UNDER_TEST:=$builddir/libweir_check.a}" "${TSAN_UNDER_TEST:=$builddir/libweir_tsan.a}"

[ -e "$CHECK_UNDER_TEST" ] || skip_all "no libweir_check.a: the model checker's guide is not tried"

# The n-th block of C in the guide; and the n-th block of what a terminal shows.
block() { awk -v n="$1" '/^```c$/ { inside = (++count == n); next } /^```$/ { inside = 0 } inside' "$guide"; }
shown() {
    awk -v n="$1" '
        /^```/           { code = !code; inside = 0; next }
        code             { next }
        /^    /          { if (!inside) count++; inside = 1 }
        !/^    / && !/^$/ { inside = 0 }
        inside && count == n && /^    / { print substr($0, 5) }' "$guide"
}

without_times() { sed 's/ ([0-9.]* s)$//'; }

command=$builddir/weir-check
if [ ! -x "$command" ]; then
    command=$work/weir-check
    sed 's/@PACKAGE_VERSION@/0/' "$srcdir/lib/check/weir-check.in" >"$command"
    chmod +x "$command"
fi

block 1 >"$work/ring.c"
sed 's/static int slot/static atomic_int slot/' "$work/ring.c" >"$work/stale.c"
# The guide's own command, in a directory of the mended one.
mkdir "$work/mended"
mend=$(shown 2 | sed -n "s/^\\$ sed -i '\(.*\)' ring.c$/\1/p")
sed "$mend" "$work/ring.c" >"$work/mended/ring.c"
block 2 >"$work/program.c"
block 3 >"$work/permits.c"
block 4 >"$work/get"
awk -v get="$work/get" '
    /^static bool get/ { skipping = 1; while ((getline line < get) > 0) if (line !~ /^\/\*/) print line }
    !skipping
    /^}/ { skipping = 0 }' "$work/permits.c" >"$work/mended/permits.c"
block 5 >"$work/lock.c"
block 6 >"$work/wait.c"
awk '/if \(atomic_load_explicit\(&sleepers/ { print "    atomic_thread_fence(memory_order_seq_cst);" } { print }' \
    "$work/wait.c" >"$work/mended/wait.c"
block 7 >"$work/queue.c"
awk '/^\.Sh/ { inside = ($2 == "EXAMPLES") } /^\.Bd/ { copying = inside; next } /^\.Ed/ { copying = 0 } copying' \
    "$page" >"$work/flag.c"
mkdir "$work/broken"
sed 's/memory_order_release/memory_order_relaxed/' "$work/flag.c" >"$work/broken/flag.c"

# build FILE [LIBRARY]: as the guide says.
# shellcheck disable=SC2317
build() {
    source=$1
    shift
    # shellcheck disable=SC2086
    $cc -std=c11 -g -fno-builtin -fsanitize=thread -Wall -Wextra -Werror -I"$srcdir/include" -c "$source.c" \
        -o "$source.o" && $cc "$source.o" "$@" "$CHECK_UNDER_TEST" -ldl -pthread -o "$source"
}

# run NAME STATUS [COMMAND]: what it said is then in $work/output.
run() {
    status=0
    (cd "$(dirname "$work/$1")" && ${3:-} "./$(basename "$1")") >"$work/out" 2>"$work/err" || status=$?
    if [ "$status" -eq "$2" ]; then
        pass
    else
        fail "$cc: $1 ends with $status, not with $2"
        sed 's/^/    /' "$work/out" "$work/err"
    fi
    cat "$work/out" "$work/err" | without_times >"$work/output"
}

# says NAME N [PATTERN]: all lines of the guide's N-th block but the commands, or those that
# match, are in what was said last.
says() {
    shown "$2" | grep -v '^\$ ' | without_times | grep "${3:-.}" >"$work/wanted"
    expect "$1: the guide shows something" [ -s "$work/wanted" ]
    if grep -vxF -f "$work/output" "$work/wanted" >"$work/missing"; then
        fail "$cc: $1 does not say what the guide prints:"
        sed 's/^/    < /' "$work/missing"
        sed 's/^/    > /' "$work/output"
    else
        pass
    fi
}

# try NAME STATUS N
try() {
    expect "$cc: $1 builds" build "$work/$1"
    run "$1" "$2"
    says "$1" "$3"
}

compilers "$CC" clang gcc >"$work/compilers"
while read -r cc; do
    printf 'int x;\n' >"$work/empty.c"
    # shellcheck disable=SC2086
    if ! $cc -fsanitize=thread -c "$work/empty.c" -o "$work/empty.o" 2>"$work/said"; then
        skip "$cc: no -fsanitize=thread"
        continue
    fi
    try ring 1 1
    cp "$work/err" "$work/report"
    path=$(sed -n "s/^replay: WEIR_CHECK_REPLAY='\(.*\)' .*/\1/p" "$work/report")
    expect "the guide replays the path of its report" grep -qF "\$ WEIR_CHECK_REPLAY='$path' ./ring" "$guide"
    WEIR_CHECK_REPLAY=$path
    export WEIR_CHECK_REPLAY
    run ring 1
    expect "the path gives the same report" cmp "$work/report" "$work/err"
    unset WEIR_CHECK_REPLAY

    try mended/ring 0 2
    expect "stale builds" build "$work/stale"
    run stale 1
    says stale 3

    expect "program builds" build "$work/program"
    run program 0
    run program 1 "$command"
    # How often a loop goes round before it waits, and so rows and counts, are the compiler's.
    says program 4 '^data race on message'

    try permits 1 7
    try mended/permits 0 8
    try lock 1 9
    try wait 1 10
    expect "mended/wait builds" build "$work/mended/wait"
    run mended/wait 0
    expect "$cc: mended/wait is clean" grep -q ': clean, exhaustive' "$work/out"
    if [ -e "$TSAN_UNDER_TEST" ]; then
        expect "$cc: queue builds" build "$work/queue" "$TSAN_UNDER_TEST"
        run queue 0
        expect "$cc: queue is clean" grep -q ': clean, exhaustive' "$work/out"
    else
        skip "$cc: no libweir_tsan.a: queue.c of the guide is not tried"
    fi

    for name in flag broken/flag; do
        expect "$name of the page builds" build "$work/$name"
    done
    run flag 0
    run broken/flag 1
    expect "weir_check(3) says what is found" grep -q 'BUG: data race' "$work/out"
done <"$work/compilers"
finish
