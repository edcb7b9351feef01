#!/bin/sh
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The weir authors
#
# What build-aux/new-structure writes compiles, runs and passes the checks of the
# tree; and the checks miss a file of it that is taken away.
. "${srcdir:-.}/build-aux/check.sh"

tree=$work/tree
mkdir "$tree"
(cd "$srcdir" && tar cf - --exclude=.libs --exclude=.deps --exclude='*.o' --exclude='*.log' \
    --exclude='*.trs' include lib tests stress bench doc build-aux cmake m4 Makefile.am \
    configure.ac CHANGES README.md LICENSE bootstrap .ci/run) | (cd "$tree" && tar xf -)
chmod -R u+w "$tree"
find "$tree" -name '*.lo' -exec rm {} +

name=sketch
"$tree/build-aux/new-structure" $name || {
    fail "new-structure"
    finish
}
expect "it refuses a structure that exists" \
    sh -c '! "$1" sketch' sh "$tree/build-aux/new-structure"
expect "it refuses a name that is none" sh -c '! "$1" ../x' sh "$tree/build-aux/new-structure"

flags="-std=c11 -D_GNU_SOURCE $CFLAGS $STRICT -I$tree/include -pthread"
# shellcheck disable=SC2086
for program in tests stress doc/examples; do
    expect "$program/$name.c compiles" $CC $flags "$tree/$program/$name.c" "$tree/lib/$name.c" \
        "$tree/lib/base.c" "$tree/lib/clock.c" "$tree/lib/atomic.c" -o "$work/program"
    arguments=
    [ $program != stress ] || arguments="--seconds 0.1"
    if [ "$RUNS" = no ]; then
        skip "$program/$name: built and not run"
    else
        expect "$program/$name runs" $EMULATOR "$work/program" $arguments
    fi
done
# shellcheck disable=SC2086
expect "tests/model/$name.c compiles" $CC $flags -c "$tree/tests/model/$name.c" -o "$work/object"
# shellcheck disable=SC2086
expect "bench/$name.c compiles" $CC $flags -c "$tree/bench/$name.c" -o "$work/object"

# The checks of the tree, on the tree with the new structure; their other complaints
# are not this check's business.
complaints() { srcdir=$tree sh "$tree/tests/$1" 2>&1 | grep -i "$name\|self-test:.*not"; }
for check in check-mirror.sh check-files.sh check-edges.sh check-names.sh check-mandoc.sh; do
    complaints $check | grep -v '^awaiting\|structures:' >"$work/said"
    if [ -s "$work/said" ]; then
        fail "$check complains about what new-structure wrote"
        sed 's/^/    /' "$work/said"
    else
        pass
    fi
done
# shellcheck disable=SC2086
expect "its misuse compiles without MISUSE" $CC $flags -c "$tree/tests/nocompile/$name-other-type.c" \
    -o "$work/object"
# shellcheck disable=SC2086
expect "its misuse does not compile" sh -c '! "$@"' sh $CC $flags -DMISUSE -c \
    "$tree/tests/nocompile/$name-other-type.c" -o "$work/object"

# The mirror misses what is taken away, and the list of files what nobody lists.
for file in tests/$name.c tests/nocompile/$name-other-type.c tests/model/$name.c stress/$name.c \
    bench/$name.c doc/man/weir_$name.3; do
    mv "$tree/$file" "$work/aside"
    if complaints check-mirror.sh | grep -q "^FAILED: include/weir/$name.h has no"; then
        pass
    else
        fail "check-mirror.sh does not miss $file"
    fi
    mv "$work/aside" "$tree/$file"
done
sed -i "/lib\/$name\.c/d" "$tree/Makefile.am"
if complaints check-files.sh | grep -q "lib/$name.c is not in Makefile.am"; then
    pass
else
    fail "check-files.sh does not see that lib/$name.c is in no list"
fi
finish
