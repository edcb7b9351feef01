#!/bin/sh
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The weir authors
#
# Builds each program of doc/examples with pkg-config against an installed copy, as
# its reader would, and runs it.
. "${srcdir:-.}/build-aux/check.sh"

[ "$SANITIZE" = no ] || skip_all "a build with -fsanitize=$SANITIZE is not for installing"
have "${PKG_CONFIG:-none}" || skip_all "no pkg-config: the examples are not built as a reader would"
stage
cflags=$("$PKG_CONFIG" --cflags weir)
libs=$("$PKG_CONFIG" --libs weir)
mkdir "$work/words"
cp "$srcdir"/lib/*.c "$work/words"
for file in "$srcdir"/doc/examples/*.c; do
    name=$(basename "$file" .c)
    if [ "$name" = first ] && ! has_mpmc; then
        skip "first: no double-word compare-and-swap, and so no weir/mpmc.h"
        continue
    fi
    more=
    if [ "$name" = http_files ]; then
        if [ "${HAVE_HTTP_PARSER:=no}" = no ]; then
            skip "http_files: no http_parser"
            continue
        fi
        more=${HTTP_PARSER_LIBS:=-lhttp_parser}
    fi
    # shellcheck disable=SC2086
    if ! $CC -std=c11 -O2 $STRICT $cflags "$file" $libs $more -pthread -o "$work/$name" 2>"$work/said"; then
        fail "$name does not build"
        sed 's/^/    /' "$work/said"
        continue
    fi
    if [ "$RUNS" = no ]; then
        skip "$name: built and not run, without an emulator"
        continue
    fi
    set --
    case $name in
    wordfreq | wordfreq_pool) set -- "$work/words" ;;
    image_blur_parallel) set -- "$srcdir/doc/examples/river.ppm" ;;
    esac
    # shellcheck disable=SC2086
    LD_LIBRARY_PATH=$libdir QEMU_SET_ENV=LD_LIBRARY_PATH=$libdir $EMULATOR "$work/$name" "$@" \
        >"$work/said" 2>&1
    status=$?
    case $status in
    0)
        pass
        echo "$name: $(tail -n 1 "$work/said")"
        ;;
    77) skip "$name: $(tail -n 1 "$work/said")" ;;
    *)
        fail "$name: status $status"
        sed 's/^/    /' "$work/said"
        ;;
    esac
done
finish
