/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* tests/check_promises.c: what operations promise: progress, and histories that a sequential object
 * explains. */

#include "check.h"

static WEIR_ATOMIC(unsigned) counter, lock;
static unsigned data;

/* ---- progress ---- */

static void add_by_one_step(void *unused)
{
    const unsigned call = weir_check_call(0, 0);

    (void)unused;
    weir_check_return(call, weir_atomic_fetch_add(&counter, 1, WEIR_RELAXED));
}

static void add_by_loop(void *unused)
{
    const unsigned call = weir_check_call(0, 0);
    unsigned is = weir_atomic_load(&counter, WEIR_RELAXED);

    (void)unused;
    while (!weir_atomic_cas(&counter, &is, is + 1, WEIR_RELAXED, WEIR_RELAXED))
        ;
    weir_check_return(call, is);
}

static void add_under_lock(void *unused)
{
    const unsigned call = weir_check_call(0, 0);

    (void)unused;
    while (weir_atomic_exchange(&lock, 1, WEIR_ACQUIRE) != 0)
        ;
    data++;
    weir_atomic_store(&lock, 0, WEIR_RELEASE);
    weir_check_return(call, 0);
}

static void two_by_one_step(void *unused)
{
    (void)unused;
    check_threads(add_by_one_step, add_by_one_step);
}

static void two_by_loop(void *unused)
{
    (void)unused;
    check_threads(add_by_loop, add_by_loop);
}

static void two_under_lock(void *unused)
{
    (void)unused;
    check_threads(add_under_lock, add_under_lock);
}

static weir_check_options promise(weir_check_progress progress, unsigned steps)
{
    weir_check_options o = WEIR_CHECK_OPTIONS_INIT;

    o.progress = progress;
    o.steps = steps;
    return o;
}

static void progress_is_what_is_promised(void)
{
    const weir_check_options blocking = promise(WEIR_CHECK_BLOCKING, 0);
    const weir_check_options alone = promise(WEIR_CHECK_OBSTRUCTION_FREE, 0);
    const weir_check_options together = promise(WEIR_CHECK_LOCK_FREE, 0);
    const weir_check_options one = promise(WEIR_CHECK_WAIT_FREE, 1);
    const weir_check_options two = promise(WEIR_CHECK_WAIT_FREE, 2);

    CHECK_EQ(check_is_clean(&blocking, two_by_one_step, NULL).steps, 1);
    check_is_clean(&alone, two_by_one_step, NULL);
    check_is_clean(&together, two_by_one_step, NULL);
    check_is_clean(&one, two_by_one_step, NULL);

    /* Of two one may have to try again, once: three steps. */
    CHECK_EQ(check_is_clean(&blocking, two_by_loop, NULL).steps, 3);
    check_is_clean(&alone, two_by_loop, NULL);
    check_is_clean(&together, two_by_loop, NULL);
    check_finds(&two, two_by_loop, NULL, WEIR_CHECK_NO_PROGRESS, "took 3 events, 2 are allowed");

    check_is_clean(&blocking, two_under_lock, NULL);
    check_finds(&alone, two_under_lock, NULL, WEIR_CHECK_NO_PROGRESS, "stands still after");
    check_finds(&together, two_under_lock, NULL, WEIR_CHECK_NO_PROGRESS, "goes round for ever");
}

/* What happens outside of operations is not judged. */
static void locked_outside(void *unused)
{
    add_by_one_step(unused);
    while (weir_atomic_exchange(&lock, 1, WEIR_ACQUIRE) != 0)
        ;
    weir_atomic_store(&lock, 0, WEIR_RELEASE);
}

static void two_locked_outside(void *unused)
{
    (void)unused;
    check_threads(locked_outside, locked_outside);
}

static void progress_is_that_of_operations(void)
{
    const weir_check_options together = promise(WEIR_CHECK_LOCK_FREE, 0);

    check_is_clean(&together, two_locked_outside, NULL);
}

/* ---- histories ---- */

enum { PUT, TAKE };
static const char *const names[] = {"put", "take"};

/* A queue of small numbers, as nibbles; 0: it is empty. */
static bool apply_queue(void *state, int operation, uint64_t argument, const uint64_t *result)
{
    uint64_t *const items = (uint64_t *)state;
    uint64_t first;
    unsigned at = 0;

    if (operation == PUT) {
        while (*items >> at != 0)
            at += 4;
        *items |= argument << at;
        return true;
    }
    first = *items & 15;
    *items >>= 4;
    return result == NULL || *result == first;
}

static const weir_check_spec queue_spec = {sizeof(uint64_t), NULL, apply_queue, names};

/* As an array that is claimed and then filled: a claimed place that is not filled yet looks empty.
 */
static WEIR_ATOMIC(unsigned) claimed, taken, cell[4];

static void put(unsigned value)
{
    const unsigned call = weir_check_call(PUT, value);

    weir_atomic_store(&cell[weir_atomic_fetch_add(&claimed, 1, WEIR_ACQ_REL)], value, WEIR_RELEASE);
    weir_check_return(call, 0);
}

static void take(void)
{
    const unsigned call = weir_check_call(TAKE, 0);
    unsigned at = weir_atomic_load(&taken, WEIR_ACQUIRE), value;

    do
        value = weir_atomic_load(&cell[at], WEIR_ACQUIRE);
    while (value != 0 && !weir_atomic_cas(&taken, &at, at + 1, WEIR_ACQ_REL, WEIR_ACQUIRE));
    weir_check_return(call, value);
}

static void put_1(void *unused)
{
    (void)unused;
    put(1);
}

static void put_2_and_take(void *unused)
{
    (void)unused;
    put(2);
    take();
}

static void take_1(void *unused)
{
    (void)unused;
    take();
}

static void queue_of_two(void *unused)
{
    (void)unused;
    weir_check_history(&queue_spec);
    check_threads(put_1, put_2_and_take);
}

static void queue_of_one(void *unused)
{
    (void)unused;
    weir_check_history(&queue_spec);
    check_threads(put_1, take_1);
}

static void histories_are_explained(void)
{
    const weir_check_options plain = WEIR_CHECK_OPTIONS_INIT;
    check_said said;

    check_finds(&plain, queue_of_two, NULL, WEIR_CHECK_NOT_LINEARIZABLE, "no order");
    check_child(&plain, queue_of_two, NULL, NULL, &said);
    check_contains(said.err, "put");
    check_contains(said.err, "take");
    check_is_clean(&plain, queue_of_one, NULL);
}

/* Precedence is happens-before: a relaxed message that a put is done does not order it. */
static WEIR_ATOMIC(unsigned) told;
static memory_order tells;

static void put_and_tell(void *unused)
{
    (void)unused;
    put(1);
    weir_atomic_store(&told, 1, tells);
}

static void take_if_told(void *unused)
{
    (void)unused;
    if (weir_atomic_load(&told, WEIR_ACQUIRE) == 1) {
        const unsigned call = weir_check_call(TAKE, 0);

        weir_check_return(call, weir_atomic_load(&cell[0], WEIR_RELAXED));
    }
}

static void told_relaxed(void *unused)
{
    (void)unused;
    tells = WEIR_RELAXED;
    weir_check_history(&queue_spec);
    check_threads(put_and_tell, take_if_told);
}

static void told_by_release(void *unused)
{
    (void)unused;
    tells = WEIR_RELEASE;
    weir_check_history(&queue_spec);
    check_threads(put_and_tell, take_if_told);
}

/* A put whose thread stands still may have happened, or not. One that has returned must have. */
static void put_two_steps(void *unused)
{
    const unsigned call = weir_check_call(PUT, 3);

    (void)unused;
    weir_atomic_store(&cell[0], 3, WEIR_RELEASE);
    weir_atomic_store(&told, 1, WEIR_RELEASE);
    weir_check_return(call, 0);
}

static void look_only(void *unused)
{
    const unsigned call = weir_check_call(TAKE, 0);

    (void)unused;
    weir_check_return(call, weir_atomic_load(&cell[0], WEIR_ACQUIRE));
}

static void put_that_may_stand(void *unused)
{
    (void)unused;
    weir_check_history(&queue_spec);
    check_threads(put_two_steps, look_only);
}

static void never_puts(void *unused)
{
    const unsigned call = weir_check_call(PUT, 3);

    (void)unused;
    weir_atomic_store(&told, 1, WEIR_RELEASE);
    weir_atomic_store(&cell[0], 3, WEIR_RELEASE);
    weir_check_return(call, 0);
}

/* Sees the first step, and answers for the second, which then never comes: that is a put that has
 * happened, in the middle of it. */
static void helps(void *unused)
{
    const unsigned call = weir_check_call(TAKE, 0);

    (void)unused;
    weir_check_return(call, weir_atomic_load(&told, WEIR_ACQUIRE) == 1 ? 3 : 0);
}

static void helped_put(void *unused)
{
    (void)unused;
    weir_check_history(&queue_spec);
    check_threads(never_puts, helps);
}

static void invents(void *unused)
{
    const unsigned call = weir_check_call(TAKE, 0);

    (void)unused;
    weir_check_return(call, weir_atomic_load(&told, WEIR_ACQUIRE) == 1 ? 4 : 0);
}

static void invented_value(void *unused)
{
    (void)unused;
    weir_check_history(&queue_spec);
    check_threads(never_puts, invents);
}

static void histories_know_what_is_pending(void)
{
    const weir_check_options plain = WEIR_CHECK_OPTIONS_INIT;
    const weir_check_options together = promise(WEIR_CHECK_LOCK_FREE, 0);

    check_is_clean(&plain, told_relaxed, NULL);
    check_is_clean(&plain, told_by_release, NULL);
    check_is_clean(&together, put_that_may_stand, NULL);
    check_is_clean(&together, helped_put, NULL);
    check_finds(&together, invented_value, NULL, WEIR_CHECK_NOT_LINEARIZABLE, "no order");
}

/* 65 operations are one too many. */
static void many_operations(void *unused)
{
    (void)unused;
    for (unsigned i = 0; i <= WEIR_CHECK_CALLS; i++)
        add_by_one_step(NULL);
}

static bool apply_anything(void *state, int operation, uint64_t argument, const uint64_t *result)
{
    (void)state;
    (void)operation;
    (void)argument;
    (void)result;
    return true;
}

static void large_state(void *unused)
{
    static const weir_check_spec spec = {WEIR_CHECK_STATE + 1, NULL, apply_anything, NULL};

    (void)unused;
    weir_check_history(&spec);
}

static void late_specification(void *unused)
{
    add_by_one_step(unused);
    weir_check_history(&queue_spec);
}

static void limits_of_histories_are_told(void)
{
    const weir_check_options plain = WEIR_CHECK_OPTIONS_INIT;

    check_is_unable(many_operations, "more than 64 operations");
    check_is_unable(large_state, "a state of 513 bytes");
    check_finds(&plain, late_specification, NULL, WEIR_CHECK_MISUSE, "after the first operation");
}

const test_case check_promises[] = {
    TEST_CASE(progress_is_what_is_promised), TEST_CASE(progress_is_that_of_operations),
    TEST_CASE(histories_are_explained),      TEST_CASE(histories_know_what_is_pending),
    TEST_CASE(limits_of_histories_are_told), {NULL, NULL},
};
