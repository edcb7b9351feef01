#!/bin/sh
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The weir authors
#
# The compiled hot paths (tests/paths.c) have the ordered accesses, read-modify-writes and
# barriers that tests/golden/*.txt say: build-aux/listing, which has flags of its own.
. "${srcdir:-.}/build-aux/check.sh"

have "${PYTHON:-none}" || skip_all "no python3: the listings of the hot paths are not compared"

# The build's compiler too, unless it goes with options: those are not the listing's.
set --
case $CC in *' '*) ;; *) set -- --cc "$CC" ;; esac
listing() { "$PYTHON" "$srcdir/build-aux/listing" --tree "$srcdir" "$@"; }

expect "the listing's self-test" listing --self-test "$@"
grep '^skip: ' "$work/said"

listing --check "$@" >"$work/checked" 2>&1
sed '$d' "$work/checked"
sum=$(sed -n '$s/^\([0-9]*\) passed, \([0-9]*\) failed, \([0-9]*\) skipped$/\1 \2 \3/p' "$work/checked")
if [ -z "$sum" ]; then
    tail -n 1 "$work/checked"
    fail "build-aux/listing has come to no result"
    finish
fi
passed=$((passed + ${sum%% *}))
failed=$((failed + $(echo "$sum" | cut -d ' ' -f 2)))
skipped=$((skipped + ${sum##* }))

# A release in a header that has become relaxed is found, in the functions that it is in.
if grep -q '^aarch64: [0-9]* functions' "$work/checked"; then
    cp -R "$srcdir/include" "$work/include"
    chmod -R u+w "$work/include"
    sed 's/weir_atomic_store(end, position, WEIR_RELEASE)/weir_atomic_store(end, position, WEIR_RELAXED)/' \
        "$srcdir/include/weir/mpmc.h" >"$work/include/weir/mpmc.h"
    listing --check "$@" --include "$work/include" aarch64 >"$work/weakened" 2>&1
    for function in path_mpmc_try_enqueue path_mpmc_try_dequeue; do
        if grep -q "^FAILED: aarch64: $function: release [0-9]* -> 0" "$work/weakened"; then
            pass
        else
            fail "self-test: a hint of weir/mpmc.h that is stored relaxed is not seen in $function"
            sed 's/^/    /' "$work/weakened"
        fi
    done
else
    skip "no ARM64 compiler of the listing's version: a weakened header cannot be shown to be found"
fi
finish
