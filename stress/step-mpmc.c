/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* weir/mpmc.h under the step harness: lock-free, with exact answers, at every
 * instruction; elements larger than a word too. */

#include "step-queue.h"

#include <weir/mpmc.h>

#ifdef WEIR_HAVE_MPMC

typedef struct large {
    uintptr_t value, twice, inverted;
} large;

WEIR_MPMC_SLOTS_DEFINE(large_mpmc, large);

static weir_mpmc mpmc_queue;
static large_mpmc slots_queue;

static bool mpmc_make(void *buffer, size_t bytes, size_t capacity, uint64_t start)
{
    return weir_mpmc_init_at(&mpmc_queue, buffer, bytes, capacity, start) == 0;
}

static int mpmc_destroy(void)
{
    return weir_mpmc_destroy(&mpmc_queue);
}

static size_t mpmc_put(uintptr_t *values, size_t n)
{
    (void)n;
    return weir_mpmc_try_enqueue(&mpmc_queue, values[0]);
}

static size_t mpmc_take(uintptr_t *values, size_t n)
{
    (void)n;
    return weir_mpmc_try_dequeue(&mpmc_queue, values);
}

static size_t mpmc_put_burst(uintptr_t *values, size_t n)
{
    return weir_mpmc_enqueue_burst(&mpmc_queue, values, n);
}

static size_t mpmc_take_burst(uintptr_t *values, size_t n)
{
    return weir_mpmc_dequeue_burst(&mpmc_queue, values, n);
}

static size_t mpmc_size(uintptr_t *values, size_t n)
{
    (void)values;
    (void)n;
    return weir_mpmc_size_approx(&mpmc_queue);
}

static const face mpmc = {"mpmc",          {1, 2, 3, 4, 0}, mpmc_make, mpmc_destroy, mpmc_put_burst,
                          mpmc_take_burst, false,           true,      true,         NULL};

static const operation mpmc_operations[] = {
    {"try_enqueue", mpmc_put, PUT, 1, false, false, 0},
    {"try_dequeue", mpmc_take, TAKE, 1, false, false, 0},
    {"enqueue_burst", mpmc_put_burst, PUT, 2, false, false, 0},
    {"dequeue_burst", mpmc_take_burst, TAKE, 2, false, false, 0},
    {"size_approx", mpmc_size, ASK, 0, false, false, 0},
};

/* Large elements: the victim and two adversaries hold a spare slot each. */
static bool slots_make(void *buffer, size_t bytes, size_t capacity, uint64_t start)
{
    return weir_mpmc_slots_init_at(&slots_queue.queue, buffer, bytes, capacity,
                                   1 + WEIR_STEP_ADVERSARIES, sizeof(large), start) == 0;
}

static int slots_destroy(void)
{
    return large_mpmc_destroy(&slots_queue);
}

static large large_of(uintptr_t value)
{
    const large l = {value, 2 * value, ~value};

    return l;
}

static uintptr_t large_value(const large *l)
{
    if (l->twice != 2 * l->value || l->inverted != ~l->value)
        weir_step_false("an element came out torn");
    return l->value;
}

static size_t slots_put(uintptr_t *values, size_t n)
{
    size_t put = 0;

    while (put < n) {
        const large l = large_of(values[put]);

        if (!large_mpmc_try_enqueue(&slots_queue, &l))
            break;
        put++;
    }
    return put;
}

static size_t slots_take(uintptr_t *values, size_t n)
{
    size_t got = 0;
    large l;

    while (got < n && large_mpmc_try_dequeue(&slots_queue, &l))
        values[got++] = large_value(&l);
    return got;
}

static const face slots = {"mpmc_slots", {1, 2, 3, 4, 0}, slots_make, slots_destroy, slots_put,
                           slots_take,   false,           true,       true,          NULL};

static const operation slots_operations[] = {
    {"try_enqueue", slots_put, PUT, 1, false, false, 0},
    {"try_dequeue", slots_take, TAKE, 1, false, false, 0},
};

int main(void)
{
    static box b;
    weir_backoff backoff = WEIR_BACKOFF_INIT;

    weir_step_begin("step-mpmc");
    weir_backoff_wait(&backoff); /* its first call measures */
    SWEEP(&b, &mpmc, mpmc_operations, everybody);
    SWEEP(&b, &slots, slots_operations, everybody);
    return weir_step_end();
}

#else

int main(void)
{
    printf("SKIP step-mpmc: no double-word compare-and-swap\n");
    return 77;
}

#endif
