/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* weir/spsc.h under the step harness: wait-free on both sides, with exact answers;
 * words through the untyped core, and elements so large that nine of them go over
 * two groups, typed. */

#include "step-queue.h"

#include <weir/spsc.h>

/* Own instructions, at most, of the code as any compiler at any level makes it: what
 * counts is that nothing lets it grow. */
#define WAIT_FREE 3000

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

static size_t words_size(uintptr_t *values, size_t n)
{
    (void)values;
    (void)n;
    return weir_spsc_size_approx(&words_queue);
}

static const face words = {
    "spsc",           {1, 2, 3, 4, 0}, words_make, words_destroy, words_put_burst,
    words_take_burst, false,           true,       true,          NULL};

static const operation words_producer[] = {
    {"try_enqueue", words_put, PUT, 1, false, false, WAIT_FREE},
    {"enqueue_burst", words_put_burst, PUT, 3, false, false, WAIT_FREE},
};

static const operation words_consumer[] = {
    {"try_dequeue", words_take, TAKE, 1, false, false, WAIT_FREE},
    {"dequeue_burst", words_take_burst, TAKE, 3, false, false, WAIT_FREE},
};

static const operation words_anybody[] = {
    {"size_approx", words_size, ASK, 0, false, false, WAIT_FREE},
};

/* ---- large elements ---- */

typedef struct large {
    uintptr_t value;
    unsigned char between[24];
    uintptr_t twice;
    unsigned char beyond[32];
    uintptr_t inverted;
} large;

WEIR_SPSC_DEFINE(large_spsc, large);

static large_spsc large_queue;

/* The victim's elements: the other side is played through large_put_burst() and
 * large_take_burst(), which have their own. */
static large mine[MOST];

static void large_write(large *l, uintptr_t value)
{
    l->value = value;
    l->twice = 2 * value;
    l->inverted = ~value;
}

static uintptr_t large_read(const large *l)
{
    if (l->twice != 2 * l->value || l->inverted != ~l->value)
        weir_step_false("an element came out torn");
    return l->value;
}

static bool large_make(void *buffer, size_t bytes, size_t capacity, uint64_t start)
{
    return weir_spsc_init_at(&large_queue.queue, buffer, bytes, capacity, sizeof(large), start) ==
           0;
}

static int large_destroy(void)
{
    return large_spsc_destroy(&large_queue);
}

static size_t large_put_burst(uintptr_t *values, size_t n)
{
    large l[MOST];

    for (size_t i = 0; i < n; i++)
        large_write(&l[i], values[i]);
    return large_spsc_enqueue_burst(&large_queue, l, n);
}

static size_t large_take_burst(uintptr_t *values, size_t n)
{
    large l[MOST];
    const size_t got = large_spsc_dequeue_burst(&large_queue, l, n);

    for (size_t i = 0; i < got; i++)
        values[i] = large_read(&l[i]);
    return got;
}

static size_t large_put(uintptr_t *values, size_t n)
{
    (void)n;
    large_write(mine, values[0]);
    return large_spsc_try_enqueue(&large_queue, mine[0]);
}

static size_t large_take(uintptr_t *values, size_t n)
{
    (void)n;
    if (!large_spsc_try_dequeue(&large_queue, mine))
        return 0;
    values[0] = large_read(mine);
    return 1;
}

static size_t large_put_bulk(uintptr_t *values, size_t n)
{
    for (size_t i = 0; i < n; i++)
        large_write(&mine[i], values[i]);
    return large_spsc_enqueue_bulk(&large_queue, mine, n) ? n : 0;
}

static size_t large_take_bulk(uintptr_t *values, size_t n)
{
    if (!large_spsc_dequeue_bulk(&large_queue, mine, n))
        return 0;
    for (size_t i = 0; i < n; i++)
        values[i] = large_read(&mine[i]);
    return n;
}

/* In place. Fewer than n may lie side by side, so only 0 means full. */
static size_t large_reserve_commit(uintptr_t *values, size_t n)
{
    large *slots;
    size_t put = 0, some;

    while (put < n && (some = large_spsc_reserve(&large_queue, &slots, n - put)) > 0) {
        for (size_t i = 0; i < some; i++)
            large_write(&slots[i], values[put + i]);
        large_spsc_commit(&large_queue, some);
        put += some;
    }
    return put;
}

static size_t large_peek_release(uintptr_t *values, size_t n)
{
    large *slots;
    size_t got = 0, some;

    while (got < n && (some = large_spsc_peek(&large_queue, &slots, n - got)) > 0) {
        for (size_t i = 0; i < some; i++)
            values[got + i] = large_read(&slots[i]);
        large_spsc_release(&large_queue, some);
        got += some;
    }
    return got;
}

static const face larges = {"large spsc",     {2, 9, 0}, large_make, large_destroy, large_put_burst,
                            large_take_burst, false,     true,       true,          NULL};

static const operation large_producer[] = {
    {"try_enqueue", large_put, PUT, 1, false, false, WAIT_FREE},
    {"enqueue_bulk", large_put_bulk, PUT, 2, true, true, WAIT_FREE},
    {"reserve, commit", large_reserve_commit, PUT, 2, false, false, WAIT_FREE},
};

static const operation large_consumer[] = {
    {"try_dequeue", large_take, TAKE, 1, false, false, WAIT_FREE},
    {"dequeue_bulk", large_take_bulk, TAKE, 2, true, true, WAIT_FREE},
    {"peek, release", large_peek_release, TAKE, 2, false, false, WAIT_FREE},
};

/* ---- the others ---- */

static const script consumer[] = {
    {"dequeue", {"d", NULL}},
    {"drain", {"dddddddddd", NULL}},
    {"bursts of two", {"DD", NULL}},
};

static const script producer[] = {
    {"enqueue", {"e", NULL}},
    {"fill", {"eeeeeeeeee", NULL}},
    {"bursts of two", {"EE", NULL}},
};

/* R4: ck pull 102: an old view of the other end. One thread may play both sides. */
static const script both[] = {
    {"a producer and a consumer", {"eee", "ddd"}},
    {"R4: 8 times enqueue, dequeue", {"edededededededed", NULL}},
};

int main(void)
{
    static box b;

    weir_step_begin("step-spsc");
    SWEEP(&b, &words, words_producer, consumer);
    SWEEP(&b, &words, words_consumer, producer);
    SWEEP(&b, &words, words_anybody, both);
    SWEEP(&b, &larges, large_producer, consumer);
    SWEEP(&b, &larges, large_consumer, producer);
    return weir_step_end();
}
