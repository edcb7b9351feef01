#!/bin/sh
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The weir authors
#
# The command weir-check: ordinary programs, with a main() and pthread_create(), by both compilers,
# without and with optimization.
# shellcheck disable=SC2317
. "${srcdir:-.}/build-aux/check.sh"

library=$builddir/libweir_check.a
[ -f "$library" ] || skip_all "this build has no model checker"

command=$builddir/weir-check
if [ ! -x "$command" ]; then # in a tree that configure has not seen
    command=$work/weir-check
    sed 's/@PACKAGE_VERSION@/0/' "$srcdir/lib/check/weir-check.in" >"$command"
    chmod +x "$command"
fi

# ---- the programs ----

cat >"$work/message.c" <<'END'
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#ifdef MENDED
enum { PUTS = memory_order_release };
#else
enum { PUTS = memory_order_relaxed };
#endif

static _Atomic(int *) box;

static void *put(void *value)
{
    int *const made = malloc(sizeof *made);

    *made = *(int *)value;
    atomic_store_explicit(&box, made, PUTS);
    return NULL;
}

static void *take(void *unused)
{
    int *const found = atomic_load_explicit(&box, memory_order_acquire);

    if (found != NULL && *found != 42) /* taken */
        abort();
    return unused;
}

int main(int argc, char **argv)
{
    static int value = 42;
    pthread_t one, two;

    printf("started with %d: %s\n", argc, argv[argc - 1]);
    pthread_create(&one, NULL, put, &value);
    pthread_create(&two, NULL, take, NULL);
    pthread_join(one, NULL);
    pthread_join(two, NULL);
    free(atomic_load(&box));
    return 0;
}
END

cat >"$work/bank.c" <<'END'
#include <assert.h>
#include <pthread.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t paid = PTHREAD_COND_INITIALIZER;
static int account = 10;

static void *pay(void *unused)
{
    pthread_mutex_lock(&lock);
    account += 5;
    pthread_cond_signal(&paid);
    pthread_mutex_unlock(&lock);
    return unused;
}

static void *draw(void *unused)
{
    pthread_mutex_lock(&lock);
#ifdef MENDED
    while (account < 15)
#endif
        pthread_cond_wait(&paid, &lock); /* waits */
    account -= 15;
    pthread_mutex_unlock(&lock);
    return unused;
}

int main(void)
{
    pthread_t one, two;

    pthread_create(&one, NULL, pay, NULL);
    pthread_create(&two, NULL, draw, NULL);
    pthread_join(one, NULL);
    pthread_join(two, NULL);
    assert(account == 0);
    return 0;
}
END

cat >"$work/status.c" <<'END'
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

static atomic_int sum;

static void *add(void *unused)
{
#ifdef MENDED
    atomic_fetch_add(&sum, 1);
#else
    atomic_store(&sum, atomic_load(&sum) + 1);
#endif
    return unused;
}

int main(void)
{
    pthread_t one, two;

    pthread_create(&one, NULL, add, NULL);
    pthread_create(&two, NULL, add, NULL);
    pthread_join(one, NULL);
    pthread_join(two, NULL);
    if (sum != 2)
        exit(9);
    return 0;
}
END

# ---- what is to be seen ----

# run STATUS ARGUMENT...: weir-check's exit status; its output is in $work/out and err.
run() {
    wanted=$1
    shift
    status=0
    (cd "$work" && "$command" "$@") >"$work/out" 2>"$work/err" || status=$?
    [ "$status" -eq "$wanted" ] && return
    echo "weir-check $*: exit status $status, not $wanted"
    cat "$work/out" "$work/err"
    return 1
}

says() { # FILE TEXT
    grep -qF -- "$2" "$work/$1" && return
    echo "$1 does not say: $2"
    cat "$work/$1"
    return 1
}

# The path of the report is one argument; the second report is to be the first.
replays() { # PROGRAM
    path=$(sed -n "s/^replay: weir-check --replay '\([^']*\)'.*/\1/p" "$work/err")
    [ -n "$path" ] || {
        cat "$work/err"
        return 1
    }
    cp "$work/err" "$work/first"
    run 1 --replay "$path" "./$1" one && cmp "$work/first" "$work/err"
}

build() { # COMPILER OPTION SOURCE TARGET MORE...
    compiler=$1 option=$2 source=$3 target=$4
    shift 4
    # shellcheck disable=SC2086
    $compiler -std=gnu11 "$option" -g -fsanitize=thread "$@" -c "$work/$source.c" -o "$work/$target.o" &&
        $compiler "$work/$target.o" "$library" -o "$work/$target" -ldl -pthread
}

# The line of the source with this comment on it.
line() { # SOURCE COMMENT
    echo "$1.c:$(sed -n "\\|/\\* $2 \\*/|=" "$work/$1.c")"
}

check_programs() { # COMPILER OPTION
    for source in message bank status; do
        expect "$source.c compiles" build "$1" "$2" $source $source
        expect "$source.c compiles, mended" build "$1" "$2" $source $source-mended -DMENDED
        expect "$1 $2: the bug of $source.c is found" run 1 "./$source" one
        case $source in
        message) expect "at its line" says err "$(line message taken)" ;;
        bank) expect "at its line" says err "$(line bank waits)" ;;
        status) expect "by the status of the program" says err "status 9" ;;
        esac
        expect "$1 $2: the report of $source.c, once more" replays $source
        expect "$1 $2: $source.c, mended" run 0 "./$source-mended"
        expect "all of it" says out "clean, exhaustive"
    done
    # By itself the program runs as any other.
    expect "$1 $2: without the command" "$work/message-mended" one
    # What it prints is seen once, with its arguments as they are.
    expect "$1 $2: arguments" run 0 -- ./message-mended one "two three"
    expect "$1 $2: printed once" [ "$(grep -c '^started with 3: two three$' "$work/out")" -eq 1 ]
}

# shellcheck disable=SC2086
compilers "$CC" gcc clang >"$work/compilers"
while read -r compiler; do
    # shellcheck disable=SC2086
    $compiler -fsanitize=thread -x c -c -o "$work/none.o" /dev/null 2>/dev/null || {
        skip "$compiler has no -fsanitize=thread"
        continue
    }
    for option in -O0 -O2; do
        check_programs "$compiler" $option
    done
done <"$work/compilers"

# ---- the command line ----

expect "--random finds it" run 1 --random 100 --seed 1 ./message one
expect "--pct finds it" run 1 --pct=200 --seed=1 --depth 2 ./message one
expect "--random does not promise" run 2 --random 10 ./message-mended
expect "--graphs is a bound" run 2 --graphs 1 ./status-mended
expect "--events is a bound" run 2 --events 1 ./status-mended
expect "--brute" run 0 --brute ./status-mended
expect "--verify" run 0 --verify --workers 2 ./status-mended
expect "--help" run 0 --help
expect "it tells the usage" says out "Usage: weir-check"
expect "--version" run 0 --version
expect "no program" run 3
expect "no such program" run 3 ./none
expect "no such option" run 3 --none ./message
expect "no number" run 3 --graphs many ./message
expect "no path of this program" run 3 --replay "0*99" ./message one
cp /bin/true "$work/true"
expect "a program without the checker" run 3 ./true
expect "it says so" says err "not linked with libweir_check.a"
finish
