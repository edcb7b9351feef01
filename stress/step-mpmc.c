/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* weir/mpmc.h under the step harness: lock-free, with exact answers, at every
 * instruction; elements larger than a word too. */

#include "step-queue.h"

#include <weir/mpmc.h>

#ifdef WEIR_HAVE_MPMC

/* Own instructions, at most: O(log N), for N up to 4; and one load. */
#define SIZE_BOUND 800
#define CAPACITY_BOUND 70

WEIR_MPMC_SLOTS_DEFINE(large_mpmc, large);
WEIR_MPMC_DEFINE(half_mpmc, uint32_t);

static weir_mpmc mpmc_queue;
static half_mpmc half_queue;
static large_mpmc slots_queue;

/* ---- words ---- */

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

static size_t mpmc_capacity(uintptr_t *values, size_t n)
{
    (void)values;
    (void)n;
    return weir_mpmc_capacity(&mpmc_queue);
}

static const face mpmc = {
    .capacities = {1, 3, 2, 4, 0},
    .make = mpmc_make,
    .destroy = mpmc_destroy,
    .put = mpmc_put_burst,
    .take = mpmc_take_burst,
    .bounded = true,
    .exact = true,
};

static const operation mpmc_operations[] = {
    {"mpmc_try_enqueue", mpmc_put, PRODUCER, PUT, 1, EACH, 0, NULL},
    {"mpmc_try_dequeue", mpmc_take, CONSUMER, TAKE, 1, EACH, 0, NULL},
    {"mpmc_size_approx", mpmc_size, ANYBODY, SIZE, 0, EACH, SIZE_BOUND, NULL},
    {"mpmc_enqueue_burst", mpmc_put_burst, PRODUCER, PUT, 2, EACH, 0, NULL},
    {"mpmc_dequeue_burst", mpmc_take_burst, CONSUMER, TAKE, 2, EACH, 0, NULL},
    {"mpmc_capacity", mpmc_capacity, ANYBODY, LIMIT, 0, EACH, CAPACITY_BOUND, NULL},
};

/* ---- less than words, typed: bursts of their own ---- */

static bool half_make(void *buffer, size_t bytes, size_t capacity, uint64_t start)
{
    return weir_mpmc_init_at(&half_queue.queue, buffer, bytes, capacity, start) == 0;
}

static int half_destroy(void)
{
    return half_mpmc_destroy(&half_queue);
}

static size_t half_put(uintptr_t *values, size_t n)
{
    (void)n;
    return half_mpmc_try_enqueue(&half_queue, (uint32_t)values[0]);
}

static size_t half_take(uintptr_t *values, size_t n)
{
    uint32_t value;

    (void)n;
    if (!half_mpmc_try_dequeue(&half_queue, &value))
        return 0;
    values[0] = value;
    return 1;
}

static size_t half_put_burst(uintptr_t *values, size_t n)
{
    uint32_t halves[MOST];

    for (size_t i = 0; i < n; i++)
        halves[i] = (uint32_t)values[i];
    return half_mpmc_enqueue_burst(&half_queue, halves, n);
}

static size_t half_take_burst(uintptr_t *values, size_t n)
{
    uint32_t halves[MOST];
    const size_t got = half_mpmc_dequeue_burst(&half_queue, halves, n);

    for (size_t i = 0; i < got; i++)
        values[i] = halves[i];
    return got;
}

static const face halves = {
    .variant = "typed",
    .capacities = {1, 3, 0},
    .make = half_make,
    .destroy = half_destroy,
    .put = half_put_burst,
    .take = half_take_burst,
    .bounded = true,
    .exact = true,
};

static const operation half_operations[] = {
    {"mpmc_try_enqueue", half_put, PRODUCER, PUT, 1, EACH, 0, NULL},
    {"mpmc_try_dequeue", half_take, CONSUMER, TAKE, 1, EACH, 0, NULL},
    {"mpmc_enqueue_burst", half_put_burst, PRODUCER, PUT, 2, EACH, 0, NULL},
    {"mpmc_dequeue_burst", half_take_burst, CONSUMER, TAKE, 2, EACH, 0, NULL},
};

/* ---- large elements: the victim and two adversaries hold a spare slot each ---- */

static bool slots_make(void *buffer, size_t bytes, size_t capacity, uint64_t start)
{
    return weir_mpmc_slots_init_at(&slots_queue.queue, buffer, bytes, capacity,
                                   1 + WEIR_STEP_ADVERSARIES, sizeof(large), start) == 0;
}

static int slots_destroy(void)
{
    return large_mpmc_destroy(&slots_queue);
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

static size_t slots_put_one(uintptr_t *values, size_t n)
{
    const large l = large_of(values[0]);

    (void)n;
    return weir_mpmc_slots_try_enqueue(&slots_queue.queue, &l);
}

static size_t slots_take_one(uintptr_t *values, size_t n)
{
    large l;

    (void)n;
    if (!weir_mpmc_slots_try_dequeue(&slots_queue.queue, &l))
        return 0;
    values[0] = large_value(&l);
    return 1;
}

static size_t slots_size(uintptr_t *values, size_t n)
{
    (void)values;
    (void)n;
    return weir_mpmc_slots_size_approx(&slots_queue.queue);
}

static size_t slots_capacity(uintptr_t *values, size_t n)
{
    (void)values;
    (void)n;
    return weir_mpmc_slots_capacity(&slots_queue.queue);
}

#define SLOTS(name)                                                                      \
    {                                                                                    \
        .variant = name, .capacities = {1, 3, 2, 4, 0}, .make = slots_make,              \
        .destroy = slots_destroy, .put = slots_put, .take = slots_take, .bounded = true, \
        .exact = true,                                                                   \
    }

static const face slots = SLOTS(NULL);
static const face typed_slots = SLOTS("typed");

static const operation slots_operations[] = {
    {"mpmc_slots_try_enqueue", slots_put_one, PRODUCER, PUT, 1, EACH, 0, NULL},
    {"mpmc_slots_try_dequeue", slots_take_one, CONSUMER, TAKE, 1, EACH, 0, NULL},
    {"mpmc_slots_size_approx", slots_size, ANYBODY, SIZE, 0, EACH, SIZE_BOUND, NULL},
    {"mpmc_slots_capacity", slots_capacity, ANYBODY, LIMIT, 0, EACH, CAPACITY_BOUND, NULL},
};

static const operation typed_slots_operations[] = {
    {"mpmc_slots_try_enqueue", slots_put, PRODUCER, PUT, 1, EACH, 0, NULL},
    {"mpmc_slots_try_dequeue", slots_take, CONSUMER, TAKE, 1, EACH, 0, NULL},
};

static const script briefly[] = {
    {"bursts of two", {"EDED", NULL}, {NULL, NULL}},
    {"a producer and a consumer", {"eee", "ddd"}, {NULL, NULL}},
};

int main(void)
{
    static trial t;
    weir_backoff backoff = WEIR_BACKOFF_INIT;

    weir_step_begin("step-mpmc");
    weir_backoff_wait(&backoff); /* its first call measures */
    SWEEP_SCRIPTS(&t, &mpmc, mpmc_operations, ALL_ROLES, everybody, WHOLLY);
    SWEEP_SCRIPTS(&t, &halves, half_operations, ALL_ROLES, briefly, WHOLLY);
    SWEEP_SCRIPTS(&t, &typed_slots, typed_slots_operations, ALL_ROLES, everybody, WHOLLY);
    SWEEP_MATRIX(&t, &mpmc, mpmc_operations, SHORTLY);
    SWEEP_MATRIX(&t, &slots, slots_operations, SHORTLY);
    return weir_step_end();
}

#else

int main(void)
{
    printf("SKIP step-mpmc: no double-word compare-and-swap\n");
    return 77;
}

#endif
