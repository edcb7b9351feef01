/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* weir/spsc.h under the step harness: wait-free on both sides, with exact answers;
 * words through the untyped core, and elements so large that nine of them go over
 * two groups, typed. */

#include "step-queue.h"

#include <weir/spsc.h>

/* Own instructions, at most: of a question; of what was prepared; of one step from group to
 * group, which prefetches; and of several, or some hundred bytes to copy. */
#define ASKS 60
#define COUNTS 220
#define PUBLISHES 140
#define TURNS_ONCE 1000
#define TURNS_OFTEN 1600

/* ---- words ---- */

static weir_spsc words_queue;

static bool words_make(void *buffer, size_t bytes, size_t capacity, uint64_t start)
{
    return weir_spsc_init_at(&words_queue, buffer, bytes, capacity, sizeof(uintptr_t), start) == 0;
}

static int words_destroy(void)
{
    return weir_spsc_destroy(&words_queue);
}

static size_t words_put(uintptr_t *values, size_t n)
{
    (void)n;
    return weir_spsc_try_enqueue(&words_queue, values);
}

static size_t words_take(uintptr_t *values, size_t n)
{
    (void)n;
    return weir_spsc_try_dequeue(&words_queue, values);
}

static size_t words_put_burst(uintptr_t *values, size_t n)
{
    return weir_spsc_enqueue_burst(&words_queue, values, n);
}

static size_t words_take_burst(uintptr_t *values, size_t n)
{
    return weir_spsc_dequeue_burst(&words_queue, values, n);
}

static size_t words_put_bulk(uintptr_t *values, size_t n)
{
    return weir_spsc_enqueue_bulk(&words_queue, values, n) ? n : 0;
}

static size_t words_take_bulk(uintptr_t *values, size_t n)
{
    return weir_spsc_dequeue_bulk(&words_queue, values, n) ? n : 0;
}

static size_t words_reserve(uintptr_t *values, size_t n)
{
    void *slots;

    (void)values;
    return weir_spsc_reserve(&words_queue, &slots, n);
}

static size_t words_write(uintptr_t *values, size_t n)
{
    void *slots;

    n = weir_spsc_reserve(&words_queue, &slots, n);
    if (n > 0)
        memcpy(slots, values, n * sizeof *values);
    return n;
}

static size_t words_commit(uintptr_t *values, size_t n)
{
    (void)values;
    weir_spsc_commit(&words_queue, n);
    return n;
}

static size_t words_peek(uintptr_t *values, size_t n)
{
    void *slots;

    n = weir_spsc_peek(&words_queue, &slots, n);
    for (size_t i = 0; i < n; i++)
        values[i] = ((uintptr_t *)slots)[i];
    return n;
}

static size_t words_release(uintptr_t *values, size_t n)
{
    (void)values;
    weir_spsc_release(&words_queue, n);
    return n;
}

static size_t words_size(uintptr_t *values, size_t n)
{
    (void)values;
    (void)n;
    return weir_spsc_size_approx(&words_queue);
}

static size_t words_capacity(uintptr_t *values, size_t n)
{
    (void)values;
    (void)n;
    return weir_spsc_capacity(&words_queue);
}

static size_t words_stretch(uintptr_t *values, size_t n)
{
    (void)values;
    (void)n;
    return weir_spsc_stretch(&words_queue);
}

static const face words = {
    .capacities = {1, 3, 2, 4, 0},
    .make = words_make,
    .destroy = words_destroy,
    .put = words_put_burst,
    .take = words_take_burst,
    .single = PRODUCER | CONSUMER,
    .group = 62, /* in 512 bytes, 16 of which are the group's */
    .bounded = true,
    .apart = true,
    .exact = true,
};

/* The first of each side against the scripts too. */
static const operation words_operations[] = {
    {"spsc_try_enqueue", words_put, PRODUCER, PUT, 1, EACH, TURNS_ONCE, NULL},
    {"spsc_try_dequeue", words_take, CONSUMER, TAKE, 1, EACH, TURNS_ONCE, NULL},
    {"spsc_size_approx", words_size, ANYBODY, SIZE, 0, EACH, COUNTS, NULL},
    {"spsc_enqueue_burst", words_put_burst, PRODUCER, PUT, 3, EACH, TURNS_OFTEN, NULL},
    {"spsc_dequeue_burst", words_take_burst, CONSUMER, TAKE, 3, EACH, TURNS_OFTEN, NULL},
    {"spsc_capacity", words_capacity, ANYBODY, LIMIT, 0, EACH, ASKS, NULL},
    {"spsc_enqueue_bulk", words_put_bulk, PRODUCER, PUT, 2, ALL, TURNS_OFTEN, NULL},
    {"spsc_dequeue_bulk", words_take_bulk, CONSUMER, TAKE, 2, ALL, TURNS_OFTEN, NULL},
    {"spsc_stretch", words_stretch, ANYBODY, STRETCH, 0, EACH, ASKS, NULL},
    {"spsc_reserve", words_reserve, PRODUCER, ROOM, 2, EACH, TURNS_ONCE, NULL},
    {"spsc_peek", words_peek, CONSUMER, SHOW, 2, EACH, TURNS_ONCE, NULL},
    {"spsc_commit", words_commit, PRODUCER, PUT, 2, AT_ONCE, PUBLISHES, words_write},
    {"spsc_release", words_release, CONSUMER, TAKE, 2, AT_ONCE, PUBLISHES, words_peek},
};

/* ---- large elements ---- */

typedef struct wide {
    uintptr_t value;
    unsigned char between[24];
    uintptr_t twice;
    unsigned char beyond[32];
    uintptr_t inverted;
} wide;

WEIR_SPSC_DEFINE(large_spsc, wide);

static large_spsc large_queue;

static void wide_write(wide *l, uintptr_t value)
{
    l->value = value;
    l->twice = 2 * value;
    l->inverted = ~value;
}

static uintptr_t wide_read(const wide *l)
{
    if (l->twice != 2 * l->value || l->inverted != ~l->value)
        weir_step_false("an element came out torn");
    return l->value;
}

static bool large_make(void *buffer, size_t bytes, size_t capacity, uint64_t start)
{
    return weir_spsc_init_at(&large_queue.queue, buffer, bytes, capacity, sizeof(wide), start) == 0;
}

static int large_destroy(void)
{
    return large_spsc_destroy(&large_queue);
}

static size_t large_put_burst(uintptr_t *values, size_t n)
{
    wide l[MOST];

    for (size_t i = 0; i < n; i++)
        wide_write(&l[i], values[i]);
    return large_spsc_enqueue_burst(&large_queue, l, n);
}

static size_t large_take_burst(uintptr_t *values, size_t n)
{
    wide l[MOST];
    const size_t got = large_spsc_dequeue_burst(&large_queue, l, n);

    for (size_t i = 0; i < got; i++)
        values[i] = wide_read(&l[i]);
    return got;
}

static size_t large_put(uintptr_t *values, size_t n)
{
    wide l;

    (void)n;
    wide_write(&l, values[0]);
    return large_spsc_try_enqueue(&large_queue, l);
}

static size_t large_take(uintptr_t *values, size_t n)
{
    wide l;

    (void)n;
    if (!large_spsc_try_dequeue(&large_queue, &l))
        return 0;
    values[0] = wide_read(&l);
    return 1;
}

static size_t large_put_bulk(uintptr_t *values, size_t n)
{
    wide l[MOST];

    for (size_t i = 0; i < n; i++)
        wide_write(&l[i], values[i]);
    return large_spsc_enqueue_bulk(&large_queue, l, n) ? n : 0;
}

static size_t large_take_bulk(uintptr_t *values, size_t n)
{
    wide l[MOST];

    if (!large_spsc_dequeue_bulk(&large_queue, l, n))
        return 0;
    for (size_t i = 0; i < n; i++)
        values[i] = wide_read(&l[i]);
    return n;
}

/* In place. Fewer than n may lie side by side, so only 0 means full. */
static size_t large_reserve_commit(uintptr_t *values, size_t n)
{
    wide *slots;
    size_t put = 0, some;

    while (put < n && (some = large_spsc_reserve(&large_queue, &slots, n - put)) > 0) {
        for (size_t i = 0; i < some; i++)
            wide_write(&slots[i], values[put + i]);
        large_spsc_commit(&large_queue, some);
        put += some;
    }
    return put;
}

static size_t large_peek_release(uintptr_t *values, size_t n)
{
    wide *slots;
    size_t got = 0, some;

    while (got < n && (some = large_spsc_peek(&large_queue, &slots, n - got)) > 0) {
        for (size_t i = 0; i < some; i++)
            values[got + i] = wide_read(&slots[i]);
        large_spsc_release(&large_queue, some);
        got += some;
    }
    return got;
}

static const face larges = {
    .variant = "large",
    .capacities = {2, 9, 0},
    .make = large_make,
    .destroy = large_destroy,
    .put = large_put_burst,
    .take = large_take_burst,
    .single = PRODUCER | CONSUMER,
    .bounded = true,
    .apart = true,
    .exact = true,
};

/* A commit and a release with the reserve and the peek before them, as often as it takes. */
static const operation large_operations[] = {
    {"spsc_try_enqueue", large_put, PRODUCER, PUT, 1, EACH, TURNS_ONCE, NULL},
    {"spsc_enqueue_burst", large_put_burst, PRODUCER, PUT, 2, EACH, TURNS_OFTEN, NULL},
    {"spsc_enqueue_bulk", large_put_bulk, PRODUCER, PUT, 2, ALL, TURNS_OFTEN, NULL},
    {"spsc_commit", large_reserve_commit, PRODUCER, PUT, 2, EACH, TURNS_OFTEN, NULL},
    {"spsc_try_dequeue", large_take, CONSUMER, TAKE, 1, EACH, TURNS_ONCE, NULL},
    {"spsc_dequeue_burst", large_take_burst, CONSUMER, TAKE, 2, EACH, TURNS_OFTEN, NULL},
    {"spsc_dequeue_bulk", large_take_bulk, CONSUMER, TAKE, 2, ALL, TURNS_OFTEN, NULL},
    {"spsc_release", large_peek_release, CONSUMER, TAKE, 2, EACH, TURNS_OFTEN, NULL},
};

/* ---- the others ---- */

static const script consumer[] = {
    {"dequeue", {"d", NULL}, {NULL, NULL}},
    {"drain", {"dddddddddd", NULL}, {NULL, NULL}},
    {"bursts of two", {"DD", NULL}, {NULL, NULL}},
};

static const script producer[] = {
    {"enqueue", {"e", NULL}, {NULL, NULL}},
    {"fill", {"eeeeeeeeee", NULL}, {NULL, NULL}},
    {"bursts of two", {"EE", NULL}, {NULL, NULL}},
};

/* R4: ck pull 102: an old view of the other end. One thread may play both sides. */
static const script both[] = {
    {"a producer and a consumer", {"eee", "ddd"}, {NULL, NULL}},
    {"R4: 8 times enqueue, dequeue", {"edededededededed", NULL}, {NULL, NULL}},
};

int main(void)
{
    static trial t;

    if (!fifo_check_works())
        return 1;
    weir_step_begin("step-spsc");
    sweep_scripts(&t, &words, words_operations, 5, PRODUCER, consumer, COUNT(consumer), WHOLLY);
    sweep_scripts(&t, &words, words_operations, 5, CONSUMER, producer, COUNT(producer), WHOLLY);
    sweep_scripts(&t, &words, words_operations, 5, ANYBODY, both, COUNT(both), WHOLLY);
    SWEEP_SCRIPTS(&t, &larges, large_operations, PRODUCER, consumer, WHOLLY);
    SWEEP_SCRIPTS(&t, &larges, large_operations, CONSUMER, producer, WHOLLY);
    SWEEP_MATRIX(&t, &words, words_operations, SHORTLY);
    return weir_step_end();
}
