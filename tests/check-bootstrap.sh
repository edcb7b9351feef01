#!/bin/sh
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The weir authors
#
# What `bootstrap check' gives to configure: on ARM64 processors with LSE flags that use
# it, anywhere else, and where the caller has flags, what the caller gives. Machines,
# compilers and configure are stand-ins.
. "${srcdir:-.}/build-aux/check.sh"

# A tree with nothing in it but bootstrap and a configure that says what it was given.
mkdir "$work/bin" "$work/tree"
cat >"$work/tree/configure" <<END
#!/bin/sh
for argument; do printf '%s\n' "\$argument"; done >"$work/given"
exit 1
END
cat >"$work/bin/uname" <<'END'
#!/bin/sh
echo "$MACHINE"
END
cat >"$work/bin/gcc" <<'END'
#!/bin/sh
echo "$TARGET"
END
cat >"$work/bin/dpkg-query" <<'END'
#!/bin/sh
echo 'ii '
END
for tool in g++ make python3 pkg-config; do
    cp "$work/bin/gcc" "$work/bin/$tool"
done
cp "$work/bin/gcc" "$work/bin/other-gcc"
chmod +x "$work"/bin/* "$work/tree/configure"

features() { printf 'processor\t: %d\nBogoMIPS\t: 243.75\nFeatures\t: %s\nCPU part\t: 0xd0c\n\n' "$1" "$2"; }
{
    features 0 'fp asimd evtstrm crc32 atomics fphp'
    features 1 'fp asimd evtstrm crc32 fphp atomics'
} >"$work/lse"
features 0 'fp asimd evtstrm crc32 cpuid' >"$work/no-lse"
{
    features 0 'fp asimd atomics fphp'
    features 1 'fp asimd crc32 noatomics'
} >"$work/half"
printf 'processor\t: 0\nflags\t\t: fpu atomics\n' >"$work/none"

# given BOOTSTRAP MACHINE TARGET CPUINFO [NAME=VALUE...] -- CONFIGURE-ARGUMENTS...: what
# configure is given, in one line, a comma between arguments.
given() {
    script=$1 machine=$2 target=$3 cpuinfo=$4
    shift 4
    rm -f "$work/given"
    cp "$script" "$work/tree/bootstrap"
    (
        unset CFLAGS CXXFLAGS CC CXX
        while [ "$1" != -- ]; do
            export "${1?}"
            shift
        done
        PATH=$work/bin:$PATH MACHINE=$machine TARGET=$target WEIR_CPUINFO=$work/$cpuinfo \
            BUILD="$work/build" sh "$work/tree/bootstrap" check --no-install "$@" >"$work/said" 2>&1
    )
    if [ -e "$work/given" ]; then
        paste -s -d, "$work/given"
    else
        echo 'configure did not run:'
        cat "$work/said"
    fi
}

# decisions BOOTSTRAP: compares each case with what is wanted.
decisions() {
    flags='-g -O2 -march=armv8.1-a'
    while IFS='|' read -r what want machine target cpuinfo rest; do
        # shellcheck disable=SC2086
        got=$(given "$1" "$machine" "$target" "$cpuinfo" $rest)
        if [ "$got" = "$want" ]; then
            pass
        else
            fail "$what: configure was given \"$got\", not \"$want\""
        fi
    done <<END
LSE|--quiet,CFLAGS=$flags,CXXFLAGS=$flags|aarch64|aarch64-linux-gnu|lse|--
LSE, and another argument|--quiet,CFLAGS=$flags,CXXFLAGS=$flags,--enable-werror|aarch64|aarch64-linux-gnu|lse|-- --enable-werror
LSE, and another compiler|--quiet,CFLAGS=$flags,CXXFLAGS=$flags,CC=other-gcc|aarch64|aarch64-linux-gnu|lse|-- CC=other-gcc
no LSE|--quiet|aarch64|aarch64-linux-gnu|no-lse|--
LSE in one of two processors|--quiet|aarch64|aarch64-linux-gnu|half|--
no line of features|--quiet|aarch64|aarch64-linux-gnu|none|--
no cpuinfo|--quiet|aarch64|aarch64-linux-gnu|missing|--
a compiler for 32 bits|--quiet|aarch64|arm-linux-gnueabihf|lse|--
x86-64|--quiet|x86_64|x86_64-linux-gnu|lse|--
x86-64 with a compiler for ARM64|--quiet|x86_64|aarch64-linux-gnu|lse|--
CFLAGS of the environment|--quiet|aarch64|aarch64-linux-gnu|lse|CFLAGS=-O1 --
CXXFLAGS of the environment|--quiet|aarch64|aarch64-linux-gnu|lse|CXXFLAGS=-O1 --
empty CFLAGS|--quiet|aarch64|aarch64-linux-gnu|lse|CFLAGS= --
CFLAGS after --|--quiet,CFLAGS=-O1|aarch64|aarch64-linux-gnu|lse|-- CFLAGS=-O1
another machine|--quiet,--host=riscv64-linux-gnu|aarch64|aarch64-linux-gnu|lse|-- --host=riscv64-linux-gnu
END
}

decisions "$srcdir/bootstrap"
[ "$failed" -eq 0 ] || finish

# Each part of the decision is looked at: without it, some case fails.
right=$passed
while read -r change; do
    sed "$change" "$srcdir/bootstrap" >"$work/changed"
    if cmp -s "$srcdir/bootstrap" "$work/changed"; then
        echo "self-test: $change changes nothing in bootstrap"
        exit 1
    fi
    passed=0 failed=0
    decisions "$work/changed" >/dev/null
    if [ "$failed" -eq 0 ]; then
        echo "self-test: $change was not noticed"
        exit 1
    fi
done <<'END'
s/(uname -m)" = aarch64 \]/(uname -m)" = x86_64 ]/
s/(uname -m)" = aarch64 \]/(uname -m)" != none ]/
/CFLAGS+given/d
/CFLAGS=\* | CXXFLAGS=/d
s/ | --host | --host=\*//
/-dumpmachine/d
s/atomics( /fp( /
s/ && able == all//
s/-march=armv8.1-a/-march=armv8-a/
s/ CXXFLAGS="$flags"//
s/set -- CFLAGS=.*/:/
END
passed=$right failed=0
finish
