/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* lib/park_futex.c, with a syscall() of the test's own between it and the kernel: it refuses
 * what old kernels and sandboxes refuse, and keeps the times that it was given. */

#include "test.h"

#include <weir/atomic.h>
#include <weir/clock.h>

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <sys/syscall.h>
#include <unistd.h>

static struct {
    int refusal;           /* what the 64-bit call says; 0: it is passed on */
    int answer;            /* if not 0, what every wait says, which does not reach the kernel */
    bool refused, forever; /* of the last wait */
    int64_t sec, nsec;
    WEIR_ATOMIC(uint32_t) waits;
} kernel;

static long fake_syscall(long number, ...);

#define syscall fake_syscall
#undef WEIR_PARK_PTHREAD
#include "../lib/park_futex.c"
#undef syscall

static long fail_with(int error)
{
    errno = error;
    return -1;
}

static long fake_syscall(long number, ...)
{
    va_list arguments;
    void *word, *until, *other;
    unsigned expected, mask;
    int operation;

    va_start(arguments, number);
    word = va_arg(arguments, void *);
    operation = va_arg(arguments, int);
    expected = va_arg(arguments, unsigned);
    until = va_arg(arguments, void *);
    other = va_arg(arguments, void *);
    if (operation == WAKE_PRIVATE) {
        va_end(arguments);
        return syscall(number, word, operation, expected, until, other, 0);
    }
    mask = va_arg(arguments, unsigned);
    va_end(arguments);
    CHECK_EQ(operation, WAIT_BITSET_PRIVATE);
    CHECK_EQ(mask, UINT32_MAX);
#ifdef SYS_futex_time64
    if (number == SYS_futex_time64 && kernel.refusal != 0) {
        kernel.refused = true;
        return fail_with(kernel.refusal);
    }
    if (number == SYS_futex_time64 && until != NULL) {
        kernel.sec = ((kernel_time *)until)->sec;
        kernel.nsec = ((kernel_time *)until)->nsec;
    }
#endif
#ifdef SYS_futex
    if (number == SYS_futex && until != NULL) {
        kernel.sec = ((old_time *)until)->sec;
        kernel.nsec = ((old_time *)until)->nsec;
    }
#endif
    kernel.forever = until == NULL;
    /* relaxed: whoever sees it has only to know that a wait begins. */
    weir_atomic_fetch_add(&kernel.waits, 1, WEIR_RELAXED);
    if (kernel.answer != 0)
        return fail_with(kernel.answer);
    return syscall(number, word, operation, expected, until, other, mask);
}

static WEIR_ATOMIC(uint32_t) word;

static void set_word(uint32_t value)
{
    /* relaxed: the thread that sleeps on it reads nothing else. */
    weir_atomic_store(&word, value, WEIR_RELAXED);
}

static uint32_t waits(void)
{
    return weir_atomic_load(&kernel.waits, WEIR_RELAXED); /* relaxed: a count. */
}

static void a_past_deadline_does_not_wait(void)
{
    const uint32_t before = waits();

    set_word(1);
    CHECK(!weir__park(&word, 1, 0));
    CHECK(!weir__park(&word, 1, 1));
    CHECK(!weir__park(&word, 1, weir_clock_now()));
    CHECK_EQ(waits(), before);
}

static void another_value_does_not_wait(void)
{
    errno = 99;
    set_word(2);
    CHECK(weir__park(&word, 1, WEIR_FOREVER));
    CHECK(kernel.forever);
    CHECK(weir__park(&word, 1, WEIR_FOREVER - 1));
    CHECK_EQ(errno, 99);
}

static void ends_at_the_deadline(void)
{
    const uint64_t deadline = weir_clock_after(2000000);

    set_word(1);
    while (weir__park(&word, 1, deadline))
        continue;
    CHECK(weir_clock_now() >= deadline);
    CHECK_EQ(kernel.sec, deadline / 1000000000);
    CHECK_EQ(kernel.nsec, deadline % 1000000000);
    CHECK(!kernel.forever);
}

static void *sleeper(void *deadline)
{
    /* relaxed: see set_word(). */
    while (weir_atomic_load(&word, WEIR_RELAXED) == 1)
        CHECK(weir__park(&word, 1, *(const uint64_t *)deadline));
    return NULL;
}

/* Deadlines of any distance: each is woken, however the wait of the kernel's ends. */
static void is_woken(void)
{
    static uint64_t deadlines[] = {0, UINT64_C(1) << 61, WEIR_FOREVER - 1, WEIR_FOREVER};

    deadlines[0] = weir_clock_after(UINT64_C(3600000000000));
    for (size_t i = 0; i < sizeof deadlines / sizeof deadlines[0]; i++) {
        const uint32_t before = waits();
        pthread_t thread;

        set_word(1);
        CHECK(pthread_create(&thread, NULL, sleeper, &deadlines[i]) == 0);
        while (waits() == before)
            sched_yield();
        set_word(2);
        weir__unpark_all(&word);
        CHECK(pthread_join(thread, NULL) == 0);
        CHECK(kernel.forever == (deadlines[i] == WEIR_FOREVER));
    }
}

static void old_kernels_do(void)
{
#if defined(SYS_futex_time64) && defined(SYS_futex)
    static const int refusals[] = {ENOSYS, EPERM};

    for (int i = 0; i < 2; i++) {
        kernel.refusal = refusals[i];
        kernel.refused = false;
        ends_at_the_deadline();
        CHECK(kernel.refused);
        another_value_does_not_wait();
        is_woken();
        kernel.refusal = 0;
    }
#else
    test_skip("one futex(2) here");
#endif
}

/* A deadline after the last second that the call can say is not over when that second is. */
static void far_deadlines_are_made_to_fit(void)
{
#ifdef SYS_futex
    const int64_t most = (int64_t)(UINT64_MAX >> (65 - 8 * sizeof(old_word)));
    const uint64_t deadline = WEIR_FOREVER - 1;
    const int64_t sec = (int64_t)(deadline / 1000000000);

    kernel.refusal = ENOSYS;
    kernel.answer = ETIMEDOUT;
    set_word(1);
    CHECK(weir__park(&word, 1, deadline));
    CHECK_EQ(kernel.sec, sec < most ? sec : most);
    CHECK(kernel.nsec >= 0 && kernel.nsec < 1000000000);
    kernel.refusal = kernel.answer = 0;
#else
    test_skip("no futex(2) with words of the machine's here");
#endif
}

static void a_kernel_without_is_told(void)
{
    kernel.refusal = kernel.answer = ENOSYS;
    set_word(1);
    CHECK_DIES((void)weir__park(&word, 1, WEIR_FOREVER), "no futex(2) of this kind");
    kernel.refusal = kernel.answer = 0;
}

int main(void)
{
    return TEST_RUN("park", TEST_CASE(a_past_deadline_does_not_wait),
                    TEST_CASE(another_value_does_not_wait), TEST_CASE(ends_at_the_deadline),
                    TEST_CASE(is_woken), TEST_CASE(old_kernels_do),
                    TEST_CASE(far_deadlines_are_made_to_fit), TEST_CASE(a_kernel_without_is_told));
}
