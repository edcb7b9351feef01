#!/bin/sh
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The weir authors
#
# Installs into a staging directory and builds programs there as a user would: with
# pkg-config in C11 and C++17, shared, static and for ThreadSanitizer, and with
# CMake. Then make uninstall must leave nothing.
. "${srcdir:-.}/build-aux/check.sh"

[ "$SANITIZE" = no ] || skip_all "a build with -fsanitize=$SANITIZE is not for installing"
stage
installed=$(dirname "$(find "$work/stage" -path '*/weir/base.h')")
for header in "$installed"/*.h; do
    echo "#include <weir/$(basename "$header")>"
done >"$work/all.h"
expect "as many headers as in the tree" \
    [ "$(ls "$installed" | wc -l)" -eq "$(ls "$srcdir"/include/weir/*.h | wc -l)" ]
if man=$(find "$work/stage" -name 'weir_*.3*' | wc -l) && [ "$man" -gt 0 ]; then pass; else fail "no manual page"; fi

version=$(sed -n 's/^Version: //p' "$pc")

runs() { # PROGRAM TITLE: it prints the version
    if [ "$RUNS" = no ]; then
        skip "$2: built and not run, without an emulator"
        return
    fi
    # shellcheck disable=SC2086
    said=$(LD_LIBRARY_PATH=$libdir QEMU_SET_ENV=LD_LIBRARY_PATH=$libdir $EMULATOR "$1" 2>&1)
    if [ "$said" = "$version" ]; then
        pass
        echo "ok: $2"
    else
        fail "$2: wanted version $version, got: $said"
    fi
}

# shellcheck disable=SC2086
if ! have "${PKG_CONFIG:-none}"; then
    skip "no pkg-config: weir.pc is not tried"
else
    cflags=$("$PKG_CONFIG" --cflags weir) libs=$("$PKG_CONFIG" --libs weir)
    static_libs=$("$PKG_CONFIG" --static --libs weir)
    echo "pkg-config: cflags $cflags; libs $libs; static $static_libs" | sed "s|$work||g"
    user="-I$work $STRICT"
    expect "C11 with pkg-config" $CC -std=c11 $CFLAGS $user $cflags "$srcdir/tests/install/user.c" \
        $libs -o "$work/c" && runs "$work/c" "C11 with pkg-config"
    if [ -e "$libdir/libweir.a" ]; then
        # A directory of its own for the archive: no shared library to prefer.
        mkdir "$work/archive"
        cp "$libdir/libweir.a" "$work/archive"
        expect "C11, static" $CC -std=c11 $CFLAGS $user $cflags "$srcdir/tests/install/user.c" \
            -L"$work/archive" $static_libs -o "$work/c-static"
        if "$READELF" -d "$work/c-static" 2>/dev/null | grep -q 'NEEDED.*libweir'; then
            fail "the static program needs libweir.so"
        else
            pass
        fi
        runs "$work/c-static" "C11, linked with libweir.a"
        if echo 'int main(void) { return 0; }' >"$work/full.c" &&
            $CC $CFLAGS -static "$work/full.c" -o "$work/full" 2>/dev/null; then
            expect "C11, -static" $CC -static -std=c11 $CFLAGS $user $cflags \
                "$srcdir/tests/install/user.c" $static_libs -o "$work/c-full"
            runs "$work/c-full" "C11, with -static and pkg-config --static"
        else
            skip "no static C library: nothing is linked with -static"
        fi
    else
        skip "no libweir.a in this build"
    fi
    if [ "$HAVE_CXX" = yes ]; then
        expect "C++17 with pkg-config" $CXX -std=c++17 $CXXFLAGS $user $cflags \
            "$srcdir/tests/install/user.cc" $libs -o "$work/cxx"
        runs "$work/cxx" "C++17 with pkg-config"
    else
        skip "no C++ compiler: no C++ program on the installed copy"
    fi
    step_cflags=$("$PKG_CONFIG" --cflags weir-step) step_libs=$("$PKG_CONFIG" --libs weir-step)
    expect "the step harness with pkg-config" $CC -std=c11 $CFLAGS $STRICT $step_cflags \
        "$srcdir/tests/install/step.c" $step_libs -o "$work/step" && runs "$work/step" "the step harness"
    if [ "$HAVE_CXX" = yes ]; then
        expect "the step harness in C++17" $CXX -x c++ -std=c++17 $CXXFLAGS $STRICT $step_cflags \
            "$srcdir/tests/install/step.c" $step_libs -o "$work/step-cxx"
        runs "$work/step-cxx" "the step harness in C++"
    fi
    if [ "$HAVE_TSAN" = yes ] && { [ -n "$EMULATOR" ] || [ "$RUNS" = no ]; }; then
        skip "cross build: ThreadSanitizer does not run in an emulator, weir-tsan.pc is not tried"
    elif [ "$HAVE_TSAN" = yes ]; then
        tsan_cflags=$("$PKG_CONFIG" --cflags weir-tsan) tsan_libs=$("$PKG_CONFIG" --libs weir-tsan)
        expect "C11 with weir-tsan.pc" $CC -std=c11 $CFLAGS $user $tsan_cflags \
            "$srcdir/tests/install/user.c" $tsan_libs -o "$work/c-tsan"
        runs "$work/c-tsan" "C11 with weir-tsan.pc"
        # F1: the sanitizer has to see a lost update, and nothing in the program without one.
        for race in broken atomic; do
            expect "race_counter_$race with weir-tsan.pc" $CC -std=c11 $CFLAGS -DPLAIN $tsan_cflags \
                "$srcdir/doc/examples/race_counter_$race.c" $tsan_libs -o "$work/race-$race"
            "$work/race-$race" >"$work/race-$race.said" 2>&1
        done
        expect "a report of the race in race_counter_broken" \
            grep -q 'WARNING: ThreadSanitizer: data race' "$work/race-broken.said"
        expect "no report of race_counter_atomic" \
            sh -c '! grep -q ThreadSanitizer "$1" && grep -q "^OK" "$1"' sh "$work/race-atomic.said"
        if [ "$HAVE_CXX" = yes ]; then
            expect "C++17 with weir-tsan.pc" $CXX -std=c++17 $CXXFLAGS $user $tsan_cflags \
                "$srcdir/tests/install/user.cc" $tsan_libs -o "$work/cxx-tsan"
            runs "$work/cxx-tsan" "C++17 with weir-tsan.pc"
        fi
    else
        skip "no ThreadSanitizer: weir-tsan.pc is not tried"
    fi
fi

if ! have "${CMAKE:-none}"; then
    skip "no cmake: the CMake package is not tried"
elif [ "$HAVE_CXX" != yes ] || [ -n "$EMULATOR" ] || [ "$RUNS" = no ]; then
    skip "cross build or no C++: the CMake package is not tried"
else
    # The staged tree lies elsewhere than it was configured for: it can be moved.
    if CC=${CC%% *} CXX=${CXX%% *} "$CMAKE" -S "$srcdir/tests/install" -B "$work/cmake" -DALL_H_DIR="$work" \
        -Dweir_DIR="$libdir/cmake/weir" >"$work/said" 2>&1 &&
        "$CMAKE" --build "$work/cmake" >>"$work/said" 2>&1; then
        pass
        for program in user-c user-cxx user-static step; do
            [ ! -e "$work/cmake/$program" ] || runs "$work/cmake/$program" "CMake, $program"
        done
    else
        fail "CMake package"
        sed 's/^/    /' "$work/said"
    fi
    sed 's/weir 0\.1 REQUIRED/weir 0.99 REQUIRED/' "$srcdir/tests/install/CMakeLists.txt" >"$work/CMakeLists.txt"
    cp "$srcdir"/tests/install/user.c* "$work"
    if "$CMAKE" -S "$work" -B "$work/cmake-newer" -Dweir_DIR="$libdir/cmake/weir" >"$work/said" 2>&1; then
        fail "CMake takes this version for a newer one"
    else
        pass
    fi
fi

expect "make uninstall" $MAKE -C "$builddir" uninstall DESTDIR="$work/stage"
left=$(find "$work/stage" ! -type d | wc -l)
if [ "$left" -eq 0 ]; then
    pass
else
    fail "make uninstall leaves $left files"
    find "$work/stage" ! -type d
fi
finish
