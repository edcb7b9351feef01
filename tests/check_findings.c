/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* tests/check_findings.c: each finding once, and none on a twin that is right. The argument of a
 * test is NULL for the form that is wrong. */

#include "check.h"

#include <assert.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sys/syscall.h>

static const weir_check_options plain = WEIR_CHECK_OPTIONS_INIT;
static char right; /* as an argument: the form that is right */

static WEIR_ATOMIC(int) flag, other;
static int data;
static bool good; /* as the test says to its threads */

static void red(check_body *test, weir_check_finding finding, const char *part)
{
    check_finds(&plain, test, NULL, finding, part);
}

static void green(check_body *test)
{
    check_is_clean(&plain, test, &right);
}

static void red_and_green(check_body *test, weir_check_finding finding, const char *part)
{
    red(test, finding, part);
    green(test);
}

/* ---- assertions ---- */

static void set_flag(void *unused)
{
    (void)unused;
    weir_atomic_store(&flag, 1, WEIR_RELEASE);
}

static void assert_flag(void *unused)
{
    const int is = weir_atomic_load(&flag, WEIR_ACQUIRE);

    (void)unused;
    weir_check_assert(good || is == 0);
}

static void assertion_test(void *argument)
{
    good = argument != NULL;
    check_threads(set_flag, assert_flag);
}

static void assert_by_the_standard(void *unused)
{
    const int is = weir_atomic_load(&flag, WEIR_ACQUIRE);

    (void)unused;
    assert(good || is == 0);
}

static void standard_assertion_test(void *argument)
{
    good = argument != NULL;
    check_threads(set_flag, assert_by_the_standard);
}

static void after_join_test(void *argument)
{
    good = argument != NULL;
    check_threads(set_flag, NULL);
    weir_check_assert(good == (weir_atomic_load(&flag, WEIR_RELAXED) == 1));
}

static void assertions_fail(void)
{
    red_and_green(assertion_test, WEIR_CHECK_ASSERTION, "good || is == 0");
    red_and_green(standard_assertion_test, WEIR_CHECK_ASSERTION, "good || is == 0");
    red_and_green(after_join_test, WEIR_CHECK_ASSERTION, "thread 0");
}

/* ---- races ---- */

static void put_data(void *unused)
{
    (void)unused;
    data = 1;
    weir_atomic_store(&flag, 1, good ? WEIR_RELEASE : WEIR_RELAXED);
}

static void take_data(void *unused)
{
    (void)unused;
    if (weir_atomic_load(&flag, WEIR_ACQUIRE) == 1)
        weir_check_assert(data == 1);
}

static void race_test(void *argument)
{
    good = argument != NULL;
    check_threads(put_data, take_data);
}

static char bytes[8];

static void write_low(void *unused)
{
    (void)unused;
    memset(bytes, 1, 4);
}

static void write_high(void *unused)
{
    (void)unused;
    memset(bytes + (good ? 4 : 3), 2, 4);
}

static void byte_race_test(void *argument)
{
    good = argument != NULL;
    check_threads(write_low, write_high);
    weir_check_assert(bytes[0] == 1 && bytes[7] == 2 * good);
}

/* Plain on one side alone. */
int both_ways; /* not static: no compiler leaves a store out */

static void write_plain(void *unused)
{
    (void)unused;
    if (!good)
        both_ways = 1;
}

static void write_atomic(void *unused)
{
    (void)unused;
    atomic_store_explicit((_Atomic(int) *)&both_ways, 2, memory_order_seq_cst);
}

static void mixed_race_test(void *argument)
{
    good = argument != NULL;
    check_threads(write_plain, write_atomic);
}

static void races_are_found(void)
{
    red_and_green(race_test, WEIR_CHECK_RACE, "data race on data");
    red_and_green(byte_race_test, WEIR_CHECK_RACE, "data race on bytes+3");
    red_and_green(mixed_race_test, WEIR_CHECK_RACE, "data race on both_ways");
}

/* ---- memory ---- */

static WEIR_ATOMIC(int *) shared;

static void read_shared(void *unused)
{
    (void)unused;
    weir_check_assert(*weir_atomic_load(&shared, WEIR_ACQUIRE) == 1);
}

static void free_shared(void *unused)
{
    (void)unused;
    free(weir_atomic_load(&shared, WEIR_ACQUIRE));
}

static void make_shared(void)
{
    int *const made = (int *)malloc(sizeof *made);

    *made = 1;
    weir_atomic_store(&shared, made, WEIR_RELEASE);
}

static void use_after_free_test(void *argument)
{
    make_shared();
    if (argument == NULL) {
        check_threads(read_shared, free_shared);
    } else {
        check_threads(read_shared, NULL);
        free_shared(NULL);
    }
}

static void late_read_test(void *argument)
{
    make_shared();
    if (argument != NULL)
        read_shared(NULL);
    free_shared(NULL);
    if (argument == NULL)
        read_shared(NULL);
}

static void uses_after_free_are_found(void)
{
    red_and_green(use_after_free_test, WEIR_CHECK_USE_AFTER_FREE, "use after free of block 1");
    red_and_green(late_read_test, WEIR_CHECK_USE_AFTER_FREE, "use after free of block 1");
}

static void lend_local(void *unused)
{
    int local = 1;

    (void)unused;
    weir_atomic_store(&shared, &local, WEIR_RELEASE);
    while (good && weir_atomic_load(&flag, WEIR_ACQUIRE) == 0)
        ;
}

static void use_lent(void *unused)
{
    int *const lent = weir_atomic_load(&shared, WEIR_ACQUIRE);

    (void)unused;
    if (lent != NULL)
        weir_check_assert(*lent == 1);
    weir_atomic_store(&flag, 1, WEIR_RELEASE);
}

static void use_after_return_test(void *argument)
{
    good = argument != NULL;
    check_threads(lend_local, use_lent);
}

static void uses_after_return_are_found(void)
{
    red_and_green(use_after_return_test, WEIR_CHECK_USE_AFTER_RETURN, "local");
}

/* A variable of a function that is called again and again, at one address. What it begins with the
 * checker is not told (clang keeps some such stores to itself); the other thread adds to it. */
typedef struct borrowed {
    WEIR_ATOMIC(int) is;
    int unused;
} borrowed;

static WEIR_ATOMIC(borrowed *) lent_out;

/* By the C library, which the checker does not see into. */
static void begin_untold(borrowed *b, int is)
{
    static const char *const texts[] = {"0", "10", "20"};

    weir_check_assert(sscanf(texts[is / 10], "%d", (int *)(void *)&b->is) == 1);
}

__attribute__((noinline)) static void lend_once(int from, bool looks)
{
    borrowed b;

    begin_untold(&b, from);
    if (looks)
        weir_check_assert(weir_atomic_load(&b.is, WEIR_RELAXED) == from);
    weir_atomic_store(&lent_out, &b, WEIR_RELEASE);
    while (weir_atomic_load(&b.is, WEIR_ACQUIRE) == from)
        ;
    weir_check_assert(weir_atomic_load(&b.is, WEIR_RELAXED) == from + 1);
}

static void lend_again(void *unused)
{
    (void)unused;
    for (int i = 0; i < 3; i++)
        lend_once(10 * i, good);
}

static void add_to_lent(void *unused)
{
    (void)unused;
    for (int i = 0; i < 3; i++) {
        borrowed *b;

        while ((b = weir_atomic_exchange(&lent_out, NULL, WEIR_ACQUIRE)) == NULL)
            ;
        weir_check_assert(weir_atomic_fetch_add(&b->is, 1, WEIR_RELEASE) == 10 * i);
    }
}

static void lend_again_test(void *argument)
{
    good = argument != NULL;
    check_threads(lend_again, add_to_lent);
}

static void a_new_frame_begins_anew(void)
{
    weir_check_options options = WEIR_CHECK_OPTIONS_INIT;

    (void)check_is_clean(&options, lend_again_test, NULL);
    (void)check_is_clean(&options, lend_again_test, &options);
}

static void double_free_test(void *argument)
{
    make_shared();
    if (argument == NULL)
        check_threads(free_shared, free_shared);
    else
        check_threads(free_shared, NULL);
}

static void free_inside_test(void *argument)
{
    char *const block = (char *)malloc(8);
    char *volatile at = block + (argument == NULL ? 4 : 0); /* so that the compiler does not warn */

    free(at);
}

static void double_frees_are_found(void)
{
    red_and_green(double_free_test, WEIR_CHECK_DOUBLE_FREE, "double free of block 1");
    red_and_green(free_inside_test, WEIR_CHECK_DOUBLE_FREE, "which no allocation returned");
}

static void write_behind_test(void *argument)
{
    char *const block = (char *)malloc(10);
    volatile size_t at = argument == NULL ? 10 : 9;

    block[at] = 1;
    free(block);
}

static void write_before_test(void *argument)
{
    char *const block = (char *)malloc(10);
    volatile ptrdiff_t at = argument == NULL ? -1 : 0;

    block[at] = 1;
    free(block);
}

static void out_of_bounds_is_found(void)
{
    red_and_green(write_behind_test, WEIR_CHECK_OUT_OF_BOUNDS, "behind block 1");
    red_and_green(write_before_test, WEIR_CHECK_OUT_OF_BOUNDS, "before block 1");
}

static void leak_test(void *argument)
{
    void *const block = malloc(24);

    weir_check_assert(block != NULL);
    if (argument != NULL)
        free(block);
}

static void leaks_are_found(void)
{
    weir_check_options allowed = WEIR_CHECK_OPTIONS_INIT;

    red_and_green(leak_test, WEIR_CHECK_LEAK, "24 bytes that thread 0 allocated");
    allowed.leaks_allowed = true;
    check_is_clean(&allowed, leak_test, NULL);
}

static void uninitialised_test(void *argument)
{
    int *const block = (int *)(argument == NULL ? malloc(8) : calloc(2, 4));

    block[0] = 1;
    weir_check_assert(block[0] == 1);
    if (block[1] != 0)
        weir_atomic_store(&flag, 1, WEIR_RELAXED);
    free(block);
}

static void uninitialised_atomic_test(void *argument)
{
    WEIR_ATOMIC(int) *const block = (WEIR_ATOMIC(int) *)malloc(sizeof *block);

    if (argument != NULL)
        weir_atomic_init(block, 1);
    if (weir_atomic_load(block, WEIR_RELAXED) == 2)
        weir_atomic_store(&flag, 1, WEIR_RELAXED);
    free(block);
}

static void uninitialised_reads_are_found(void)
{
    red_and_green(uninitialised_test, WEIR_CHECK_UNINITIALISED, "block 1 of thread 0");
    red_and_green(uninitialised_atomic_test, WEIR_CHECK_UNINITIALISED, "nobody has written");
}

/* ---- waits ---- */

static pthread_mutex_t one = PTHREAD_MUTEX_INITIALIZER, two = PTHREAD_MUTEX_INITIALIZER;

static void lock_one_two(void *unused)
{
    (void)unused;
    pthread_mutex_lock(&one);
    pthread_mutex_lock(&two);
    pthread_mutex_unlock(&two);
    pthread_mutex_unlock(&one);
}

static void lock_two_one(void *unused)
{
    (void)unused;
    pthread_mutex_lock(good ? &one : &two);
    pthread_mutex_lock(good ? &two : &one);
    pthread_mutex_unlock(&one);
    pthread_mutex_unlock(&two);
}

static void deadlock_test(void *argument)
{
    good = argument != NULL;
    check_threads(lock_one_two, lock_two_one);
}

static void keeps_lock(void *unused)
{
    (void)unused;
    pthread_mutex_lock(&one);
    if (good)
        pthread_mutex_unlock(&one);
}

static void kept_lock_test(void *argument)
{
    good = argument != NULL;
    check_threads(keeps_lock, keeps_lock);
}

static void deadlocks_are_found(void)
{
    red_and_green(deadlock_test, WEIR_CHECK_DEADLOCK, "waits for a lock");
    red_and_green(kept_lock_test, WEIR_CHECK_DEADLOCK, "waits for a lock");
}

static void sleep_on_flag(void *unused)
{
    (void)unused;
    while (weir_atomic_load(&flag, WEIR_ACQUIRE) == 0)
        syscall(SYS_futex, &flag, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
}

static void wake_by_flag(void *unused)
{
    (void)unused;
    weir_atomic_store(&flag, 1, WEIR_RELEASE);
    if (good || weir_atomic_load(&other, WEIR_RELAXED) == 1)
        syscall(SYS_futex, &flag, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

static void lost_wakeup_test(void *argument)
{
    good = argument != NULL;
    check_threads(sleep_on_flag, wake_by_flag);
}

static void lost_wakeups_are_found(void)
{
    red_and_green(lost_wakeup_test, WEIR_CHECK_LOST_WAKEUP, "nobody can wake it");
}

static void spin_on_flag(void *unused)
{
    (void)unused;
    while (weir_atomic_load(&flag, WEIR_ACQUIRE) != 1)
        ;
}

static void set_flag_twice(void *unused)
{
    (void)unused;
    weir_atomic_store(&flag, 1, WEIR_RELEASE);
    if (!good)
        weir_atomic_store(&flag, 2, WEIR_RELEASE);
}

/* In the wrong form the value that is waited for may come and go unseen. */
static void spin_test(void *argument)
{
    good = argument != NULL;
    check_threads(spin_on_flag, set_flag_twice);
}

static void spins_are_found(void)
{
    red_and_green(spin_test, WEIR_CHECK_SPIN, "goes round for ever");
}

/* ---- crashes ---- */

static int *volatile nowhere; /* so that the compiler does not know where it points */

static void null_test(void *argument)
{
    data = 1;
    if (argument != NULL)
        nowhere = &data;
    weir_check_assert(*nowhere == 1);
}

static void abort_test(void *argument)
{
    if (argument == NULL)
        abort();
}

static void trap_test(void *argument)
{
    if (argument == NULL)
        __builtin_trap();
}

static unsigned deep(volatile unsigned n)
{
    volatile char frame[512];

    frame[n % sizeof frame] = (char)n;
    return n == 0 ? 0 : deep(n - 1) + (unsigned)frame[n % sizeof frame];
}

static void overflow_in_thread(void *unused)
{
    (void)unused;
    weir_atomic_store(&flag, (int)deep(good ? 10 : 1000000000), WEIR_RELAXED);
}

static void overflow_test(void *argument)
{
    good = argument != NULL;
    check_threads(overflow_in_thread, NULL);
}

static void crashes_are_found(void)
{
    red_and_green(null_test, WEIR_CHECK_CRASH, "null pointer");
    red_and_green(abort_test, WEIR_CHECK_CRASH, "abort()");
    red_and_green(trap_test, WEIR_CHECK_CRASH, "thread 0 crashes");
    red_and_green(overflow_test, WEIR_CHECK_CRASH, "thread 1 has used up its stack");
}

/* ---- misuse ---- */

static void unlock_test(void *argument)
{
    if (argument != NULL)
        pthread_mutex_lock(&one);
    pthread_mutex_unlock(&one);
}

static void return_twice_test(void *argument)
{
    const unsigned call = weir_check_call(0, 0);

    weir_check_return(call, 0);
    if (argument == NULL)
        weir_check_return(call, 0);
}

static void choose_of_none_test(void *argument)
{
    weir_check_choose(argument == NULL ? 0 : 2);
}

static void join_nobody_test(void *argument)
{
    const int thread = weir_check_thread(set_flag, NULL);

    weir_check_join(argument == NULL ? thread + 1 : thread);
}

static char unaligned[16];

static void misaligned_test(void *argument)
{
    uintptr_t at = (uintptr_t)unaligned;

    at += (8 - at % 8) % 8 + (argument == NULL);
    atomic_store_explicit((_Atomic(int) *)at, 1, memory_order_relaxed);
}

static void misuse_is_found(void)
{
    red_and_green(unlock_test, WEIR_CHECK_MISUSE, "pthread_mutex_unlock");
    red_and_green(return_twice_test, WEIR_CHECK_MISUSE, "has returned");
    red_and_green(choose_of_none_test, WEIR_CHECK_MISUSE, "chooses among nothing");
    red_and_green(join_nobody_test, WEIR_CHECK_MISUSE, "no thread of this run");
    red_and_green(misaligned_test, WEIR_CHECK_MISUSE, "not aligned");
}

const test_case check_findings[] = {
    TEST_CASE(assertions_fail),
    TEST_CASE(races_are_found),
    TEST_CASE(uses_after_free_are_found),
    TEST_CASE(uses_after_return_are_found),
    TEST_CASE(a_new_frame_begins_anew),
    TEST_CASE(double_frees_are_found),
    TEST_CASE(out_of_bounds_is_found),
    TEST_CASE(leaks_are_found),
    TEST_CASE(uninitialised_reads_are_found),
    TEST_CASE(deadlocks_are_found),
    TEST_CASE(lost_wakeups_are_found),
    TEST_CASE(spins_are_found),
    TEST_CASE(crashes_are_found),
    TEST_CASE(misuse_is_found),
    {NULL, NULL},
};
