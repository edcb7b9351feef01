#!/bin/sh
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The weir authors
#
# A plugin that contains the library can be loaded and unloaded for ever: no keys of threads
# are left behind, and no thread, and no child of fork, comes back to code that is gone.
. "${srcdir:-.}/build-aux/check.sh"

[ "$SANITIZE" = no ] || skip_all "a plugin with -fsanitize=$SANITIZE in it is not unloaded"
[ "$RUNS" != no ] || skip_all "no emulator for this machine's programs"
flags="-std=c11 -D_GNU_SOURCE -I$srcdir/include -pthread"

# host NAME ROUNDS OUTCOME: runs the plugin in the host; OUTCOME is whether it must succeed.
host() {
    # shellcheck disable=SC2086
    $EMULATOR "$work/host" "$work/$1.so" "$2" >"$work/said" 2>&1
    status=$?
    if [ "$3" = works ] && [ "$status" -eq 0 ]; then
        pass
        echo "$1: $(tail -n 1 "$work/said")"
    elif [ "$3" = fails ] && [ "$status" -ne 0 ]; then
        pass
        echo "$1: $2 times are too many: $(tail -n 1 "$work/said")"
    else
        fail "$1: status $status, expected that it $3"
        sed 's/^/    /' "$work/said"
    fi
}

# shellcheck disable=SC2086
expect "the host builds" $CC $CFLAGS $flags "$srcdir/tests/plugin/host.c" -o "$work/host" -ldl
# shellcheck disable=SC2086
expect "the plugin builds" $CC $CFLAGS $flags -fvisibility=hidden -fPIC -shared \
    "$srcdir/tests/plugin/plugin.c" "$srcdir"/lib/*.c -o "$work/plugin.so"

# What this check is worth: a library that leaves its key behind. There are 1024 of them, or 128.
mkdir "$work/lib"
cp "$srcdir"/lib/*.c "$srcdir"/lib/*.h "$work/lib"
sed 's/pthread_key_delete(end_key)/(void)end_key/' "$srcdir/lib/reclaim_thread.c" >"$work/lib/reclaim_thread.c"
# shellcheck disable=SC2086
expect "a leaking plugin builds" $CC $CFLAGS $flags -fvisibility=hidden -fPIC -shared \
    "$srcdir/tests/plugin/plugin.c" "$work"/lib/*.c -o "$work/leaking.so"
[ "$failed" -eq 0 ] || finish

host plugin 1200 works
host leaking 1200 fails
finish
