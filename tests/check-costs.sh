#!/bin/sh
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The weir authors
#
# No operation costs more than doc/costs.md says: tests/costs counts, this compares.
# --update writes the table of the page.
. "${srcdir:-.}/build-aux/check.sh"

page=$srcdir/doc/costs.md

# Between tabs: structure, operation, state, and six figures.
rows_of_run() { sed -n 's/^row	//p' "$1"; }

rows_of_page() {
    awk -F ' *[|] *' -v OFS='\t' '
        /^<!-- begin: / { inside = 1 }
        /^<!-- end/ { inside = 0 }
        inside && /^### / { structure = substr($0, 5) }
        inside && structure != "" && $4 ~ /^[0-9]+$/ {
            print structure, $2, $3, $4, $5, $6, $7, $8, $9
        }' "$1"
}

# What the figures hold for.
made_by_run() {
    sed -n -e 's/^compiler	/compiler: /p' -e 's/^C library	/C library: /p' -e 's/^weir	/weir: /p' "$1"
    echo "flags: $(flags)"
}

made_by_page() {
    awk -F ' *[|] *' '
        /^<!-- begin: / { inside = 1 }
        /^### / { inside = 0 }
        inside && $2 ~ /^(compiler|C library|weir|flags)$/ { print $2 ": " $3 }' "$1"
}

# CFLAGS without those that make no other code.
flags() {
    kept=
    for flag in $CFLAGS ${WEIR_SANITIZE:-}; do
        case $flag in
        -g | -g[0-9] | -ggdb* | -gdwarf* | -W* | -pipe | -f*-prefix-map=* | -fdiagnostics*) ;;
        *) kept="$kept $flag" ;;
        esac
    done
    echo "${kept# }"
}

# table RUN: what stands between begin and end.
table() {
    printf '\n| it holds for | |\n|---|---|\n'
    made_by_run "$1" | sed 's/^\([^:]*\): \(.*\)/| \1 | \2 |/'
    rows_of_run "$1" | awk -F '\t' '
        $1 != structure {
            structure = $1
            print "\n### " structure "\n"
            print "| operation | when | instructions | RMWs | barriers | allocations | frees | system calls |"
            print "|---|---|---:|---:|---:|---:|---:|---:|"
        }
        { print "| " $2 " | " $3 " | " $4 " | " $5 " | " $6 " | " $7 " | " $8 " | " $9 " |" }'
    echo
}

# with_table PAGE RUN: the page with the run's table in it.
with_table() {
    table "$2" >"$work/table"
    awk -v table="$work/table" '
        /^<!-- end/ { while ((getline line < table) > 0) print line; inside = 0 }
        !inside { print }
        /^<!-- begin: / { inside = 1 }' "$1"
}

# compare OLD NEW SKIPPED: for each row one line: same, fell, ROSE, LOST, NEW or skip, and what.
compare() {
    awk -F '\t' '
        BEGIN { split("instructions RMWs barriers allocations frees system_calls", name, " ") }
        { key = $1 " " $2 ($3 == "" ? "" : ", " $3) }
        FILENAME == ARGV[1] { old[key] = $0; order[++n] = key; next }
        FILENAME == ARGV[2] { left_out[key] = $4; next }
        {
            seen[key] = 1
            if (!(key in old)) { print "NEW\t" key; next }
            split(old[key], was, "\t")
            rose = fell = ""
            for (i = 1; i <= 6; i++) {
                if ($(i + 3) * 100 > was[i + 3] * 105)
                    rose = rose ", " name[i] " " $(i + 3) ", were " was[i + 3]
                else if ($(i + 3) < was[i + 3])
                    fell = fell ", " name[i] " " $(i + 3) ", were " was[i + 3]
            }
            if (rose != "") print "ROSE\t" key ": " substr(rose, 3)
            else if (fell != "") print "fell\t" key ": " substr(fell, 3)
            else print "same\t" key
        }
        END {
            for (i = 1; i <= n; i++)
                if (!(order[i] in seen))
                    print (order[i] in left_out ? "skip\t" order[i] ": " left_out[order[i]] \
                                                : "LOST\t" order[i])
        }' "$1" "$3" "$2"
}

# RMWs and barriers together, since compilers have a choice, and what follows them.
without_instructions() {
    awk -F '\t' -v OFS='\t' '{ $5 += $6; $4 = $6 = 0; print }' "$1"
}

# ---- it shows that it can fail ----

cat >"$work/good" <<'END'
compiler	cc 1
C library	libc 1
weir	static library
row	queue	put	empty	34	1	0	0	0	0
row	queue	put	full	20	0	0	0	0	0
row	queue	take		100	1	0	0	0	1
row	stack	push	one inside	40	0	0	1	0	0
END
: >"$work/none"
rows_of_run "$work/good" >"$work/old"
with_table "$page" "$work/good" >"$work/page"
rows_of_page "$work/page" >"$work/back"
made_by_run "$work/good" >"$work/made"
made_by_page "$work/page" >"$work/made-back"
expect "self-test: a table reads as it was written" cmp "$work/old" "$work/back"
expect "self-test: what it holds for reads as it was written" cmp "$work/made" "$work/made-back"

# found VERDICT TEXT SED-SCRIPT: the good run, changed, gets this verdict, and no other row a bad one.
found() {
    sed "$3" "$work/old" >"$work/changed"
    compare "$work/old" "$work/changed" "$work/none" >"$work/verdicts"
    expect "self-test: $1 $2" grep -qxF "$1	$2" "$work/verdicts"
    grep '^[A-Z]' "$work/verdicts" >"$work/bad"
    case $1 in
    [A-Z]*) expect "self-test: $1 $2 alone" [ "$(wc -l <"$work/bad")" -eq 1 ] ;;
    *) expect "self-test: $1 $2, nothing bad" [ ! -s "$work/bad" ] ;;
    esac
}
found same "queue put, empty" ''
found ROSE "queue put, empty: instructions 36, were 34" 's/	34	/	36	/'
found ROSE "queue take: instructions 106, were 100" 's/	100	/	106	/'
found same "queue take" 's/	100	/	105	/'
found ROSE "queue put, full: RMWs 1, were 0" 's/	20	0	/	20	1	/'
found ROSE "stack push, one inside: barriers 1, were 0" 's/	40	0	0	/	40	0	1	/'
found ROSE "queue take: system_calls 2, were 1" 's/	1$/	2/'
found fell "queue put, empty: instructions 30, were 34" 's/	34	/	30	/'
found LOST "queue put, full" '/	full	/d'
found NEW "queue put, half" 's/	full	20	/	full	20	/; /	full	/{p; s/full/half/;}'

sed 's/	100	1	0	/	999	0	1	/' "$work/old" >"$work/changed"
without_instructions "$work/old" >"$work/old-others"
without_instructions "$work/changed" >"$work/changed-others"
expect "self-test: a barrier in the place of an RMW is none more" \
    cmp "$work/old-others" "$work/changed-others"

# ---- every path is counted ----

sed -n -e 's/^PATH([^,]*, \([a-z0-9_]*\),.*/\1/p' -e 's/^PATH_VOID(\([a-z0-9_]*\),.*/\1/p' \
    "$srcdir/tests/paths.h" | sort -u >"$work/paths"
sed -n -e 's/.*\<ROW(\([a-z0-9_]*\), \([a-z0-9_]*\),.*/\1_\2/p' \
    -e 's/.*\<ROW_OF(\([a-z0-9_]*\),.*/\1/p' "$srcdir"/tests/costs_*.c | sort -u >"$work/counted"
expect "tests/paths.h has paths" test -s "$work/paths"
while read -r path; do
    if grep -qx "$path" "$work/counted"; then
        pass
    else
        fail "tests/costs_*.c have no row for path_$path"
    fi
done <"$work/paths"

# ---- the count ----

old=$(rows_of_page "$page" | wc -l)
if [ "$RUNS" = no ]; then
    skipped=$((skipped + old - 1))
    skip_all "no emulator: $old rows are not counted"
fi
costs=$builddir/tests/costs
if [ ! -x "$costs" ]; then # by hand
    costs=$work/costs
    # shellcheck disable=SC2086
    $CC -std=c11 -D_GNU_SOURCE $CFLAGS -I"$srcdir/include" "$srcdir"/tests/costs*.c \
        "$srcdir/tests/paths.c" "$srcdir"/lib/*.c "$srcdir"/lib/step/*.c -pthread -ldl \
        -o "$costs" || {
        fail "tests/costs does not compile"
        finish
    }
fi

# The C library's plainest copies, which each processor has.
GLIBC_TUNABLES=glibc.cpu.hwcaps=-AVX512F,-AVX512VL,-AVX2,-AVX,-AVX_Fast_Unaligned_Load
GLIBC_TUNABLES=$GLIBC_TUNABLES,-SSSE3,-ERMS,-FSRM
export GLIBC_TUNABLES

# shellcheck disable=SC2086
$EMULATOR "$costs" --tabs >"$work/run" 2>"$work/said"
status=$?
if [ "$status" -eq 77 ]; then
    grep '^SKIP' "$work/run"
    skipped=$((skipped + old - 1))
    skip_all "$old rows are not counted"
fi
if [ "$status" -ne 0 ]; then
    fail "tests/costs ends with $status"
    cat "$work/said"
fi
grep 'not the same' "$work/said" | grep -v ' 0 not the same'
sed -n 's/^failed	//p' "$work/run" | tr '\t' ' ' >"$work/failed"
while read -r row; do fail "$row could not be counted, or did not answer as it should"; done <"$work/failed"

if [ "${1:-}" = --update ]; then
    [ "$failed" -eq 0 ] || finish
    with_table "$page" "$work/run" >"$work/page" && cat "$work/page" >"$page"
    echo "$page: $(rows_of_page "$page" | wc -l) rows"
    exit 0
fi

# ---- against the page ----

rows_of_page "$page" >"$work/old"
rows_of_run "$work/run" >"$work/new"
sed -n 's/^skip	//p' "$work/run" >"$work/left-out"
made_by_page "$page" >"$work/made-then"
made_by_run "$work/run" >"$work/made-now"
expect "doc/costs.md has a table" test -s "$work/old"
expect "rows were counted" test -s "$work/new"
if cmp -s "$work/made-then" "$work/made-now"; then
    compare "$work/old" "$work/new" "$work/left-out" >"$work/verdicts"
    while IFS='	' read -r verdict row; do
        case $verdict in
        same) pass ;;
        fell)
            pass
            echo "less than in doc/costs.md: $row"
            fallen=yes
            ;;
        skip) skip "$row" ;;
        ROSE) fail "$row" ;;
        LOST) fail "$row: in doc/costs.md, and not counted" ;;
        NEW) fail "$row: not in doc/costs.md" ;;
        esac
    done <"$work/verdicts"
    if [ "${fallen:-no}" = yes ] || grep -q '^[A-Z]' "$work/verdicts"; then
        echo "the table is written anew by: sh tests/check-costs.sh --update"
    fi
else
    table "$work/run"
    echo "doc/costs.md holds for:"
    sed 's/^/    /' "$work/made-then"
    skipped=$((skipped + $(wc -l <"$work/new") - 1))
    skip "$(wc -l <"$work/new") rows: their instructions are counted, and not compared"
    # What no compiler may add, or leave out: here a fall is as bad.
    if grep -q 'membarrier(2) is allowed' "$work/made-now"; then
        without_instructions "$work/old" >"$work/old-others"
        without_instructions "$work/new" >"$work/new-others"
        compare "$work/old-others" "$work/new-others" "$work/left-out" >"$work/verdicts"
        while IFS='	' read -r verdict row; do
            case $verdict in
            same) pass ;;
            skip) skip "$row" ;;
            *) fail "another compiler's table is other than instructions: $verdict $row" ;;
            esac
        done <"$work/verdicts"
    fi
fi

# ---- a second way of counting ----

# agrees STRUCTURE OPERATION STATE FUNCTION: callgrind counts as many, twice.
agrees() {
    if ! LD_BIND_NOW=1 valgrind --tool=callgrind --callgrind-out-file="$work/callgrind" \
        --collect-atstart=no --toggle-collect="$4" "$costs" --plain "$1" "$2" "$3" \
        >"$work/said" 2>&1; then
        skip "valgrind does not run tests/costs: $(tail -n 1 "$work/said")"
        return
    fi
    here=$(awk -F '\t' -v s="$1" -v o="$2" -v t="$3" '$1 == s && $2 == o && $3 == t { print 2 * $4 }' "$work/new")
    there=$(sed -n 's/^totals: //p' "$work/callgrind")
    if [ -n "$here" ] && [ "$here" = "$there" ]; then
        pass
    else
        fail "$1 $2, $3: twice ${here:-nothing} by single steps, ${there:-nothing} by callgrind"
    fi
}

if have valgrind && [ -z "$EMULATOR" ]; then
    agrees spsc try_enqueue "room is known" path_spsc_word_try_enqueue
    agrees mpsc try_dequeue "takes over 8" path_mpsc_try_dequeue
    agrees mpmc try_enqueue empty path_mpmc_try_enqueue
    agrees ticket enqueue_burst "8 values" path_ticket_enqueue_burst
    agrees stack_index pop "not empty" path_stack_index_pop
    agrees umpmc enqueue "within a segment, epochs" path_umpmc_enqueue
    agrees deque pop "the owner's alone" path_deque_pop
    agrees cancel register "cancelled, calls it" path_cancel_register
    agrees chan send ring path_chan_send
    agrees broadcast recv "drop, some are lost" path_broadcast_recv
    agrees pool spawn_join "a worker" path_spawn_join
else
    skip "no valgrind: nothing is counted a second way"
fi
finish
