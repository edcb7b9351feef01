/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* tests/model/spsc.c: weir/spsc.h in the model checker. */

#include "fifo.h"

#include <weir/spsc.h>

/* Seven to a group, which is the fewest: the seventh and the eighth lie in different ones. */
typedef struct large {
    uintptr_t value, rest[7], again;
} large;

WEIR_SPSC_DEFINE(word_queue, uintptr_t);
WEIR_SPSC_DEFINE(large_queue, large);

enum { WORDS, IN_PLACE, LARGE };
static const char *const flavours[] = {"", ", in place", ", large"};

static word_queue *words;
static large_queue *larges;
static weir_spsc *queue;

static void make(const fifo_case *c)
{
    static word_queue made;
    static WEIR_ALIGNAS(WEIR_CACHELINE) unsigned char buffer[256];

    words = NULL;
    larges = NULL;
    if (c->flavour == LARGE) {
        weir_check_assert(large_queue_new(&larges, c->capacity) == 0);
        queue = &larges->queue;
    } else if (c->start == 0) {
        weir_check_assert(word_queue_new(&words, c->capacity) == 0);
        queue = &words->queue;
    } else {
        words = &made;
        queue = &words->queue;
        weir_check_assert(weir_spsc_init_at(queue, buffer, sizeof buffer, c->capacity,
                                            sizeof(uintptr_t), c->start) == 0);
    }
}

static void end(const fifo_case *c)
{
    if (larges != NULL)
        weir_check_assert(large_queue_free(larges) == 0);
    else if (c->start == 0)
        weir_check_assert(word_queue_free(words) == 0);
    else
        weir_check_assert(word_queue_destroy(words) == 0);
}

static large as_large(uintptr_t value)
{
    large l;

    memset(&l, 0, sizeof l);
    l.value = l.again = value;
    return l;
}

static uintptr_t of_large(const large *l)
{
    weir_check_assert(l->value == l->again);
    return l->value;
}

static bool put(unsigned thread, uintptr_t value)
{
    void *slot;

    (void)thread;
    if (larges != NULL)
        return large_queue_try_enqueue(larges, as_large(value));
    if (fifo_now->flavour != IN_PLACE)
        return word_queue_try_enqueue(words, value);
    if (weir_spsc_reserve(queue, &slot, 1) == 0)
        return false;
    *(uintptr_t *)slot = value;
    weir_spsc_commit(queue, 1);
    return true;
}

static bool take(unsigned thread, uintptr_t *value)
{
    void *slot;
    large l;

    (void)thread;
    if (larges != NULL) {
        if (!large_queue_try_dequeue(larges, &l))
            return false;
        *value = of_large(&l);
        return true;
    }
    if (fifo_now->flavour != IN_PLACE)
        return word_queue_try_dequeue(words, value);
    if (weir_spsc_peek(queue, &slot, 1) == 0)
        return false;
    *value = *(uintptr_t *)slot;
    *(uintptr_t *)slot = 0;
    weir_spsc_release(queue, 1);
    return true;
}

static size_t put_burst(unsigned thread, const uintptr_t *values, size_t n)
{
    large l[FIFO_BUNCH];

    (void)thread;
    for (size_t i = 0; i < n; i++)
        l[i] = as_large(values[i]);
    return larges != NULL ? large_queue_enqueue_burst(larges, l, n)
                          : word_queue_enqueue_burst(words, values, n);
}

static size_t take_burst(unsigned thread, uintptr_t *values, size_t n)
{
    large l[FIFO_BUNCH];
    size_t got;

    (void)thread;
    if (larges == NULL)
        return word_queue_dequeue_burst(words, values, n);
    got = large_queue_dequeue_burst(larges, l, n);
    for (size_t i = 0; i < got; i++)
        values[i] = of_large(&l[i]);
    return got;
}

static bool put_bulk(unsigned thread, const uintptr_t *values, size_t n)
{
    large l[FIFO_BUNCH];

    (void)thread;
    for (size_t i = 0; i < n; i++)
        l[i] = as_large(values[i]);
    return larges != NULL ? large_queue_enqueue_bulk(larges, l, n)
                          : word_queue_enqueue_bulk(words, values, n);
}

static bool take_bulk(unsigned thread, uintptr_t *values, size_t n)
{
    large l[FIFO_BUNCH];

    (void)thread;
    if (larges == NULL)
        return word_queue_dequeue_bulk(words, values, n);
    if (!large_queue_dequeue_bulk(larges, l, n))
        return false;
    for (size_t i = 0; i < n; i++)
        values[i] = of_large(&l[i]);
    return true;
}

static size_t size(void)
{
    return weir_spsc_size_approx(queue);
}

static const fifo_face face = {
    .make = make,
    .end = end,
    .put = put,
    .take = take,
    .put_burst = put_burst,
    .take_burst = take_burst,
    .put_bulk = put_bulk,
    .take_bulk = take_bulk,
    .size = size,
    .flavours = flavours,
};

/* Events of an operation: the position, a turn to the next group (2), a look at the other side, two
 * stores; of two elements in two groups twice that, and a look for both first. */
#define WAIT_FREE(n) .options.progress = WEIR_CHECK_WAIT_FREE, .options.steps = n
#define WRAPS .start = UINT64_MAX
/* In front of the seventh element of a group. */
#define SIX "eeeeeedddddd"

/* Refusals are ordered by happens-before only. */
#define APART .apart = true

static const fifo_case cases[] = {
    {.does = {"", "e", "d"}, .capacity = 1},
    {.does = {"", "eee", "ddd"}, .capacity = 1},
    {.does = {"", "eee", "ddd"}, .capacity = 2, APART},
    {.does = {"", "eeee", "dddd"}, .capacity = 3, APART},
    {.does = {"e", "ee", "dd"}, .capacity = 2, .finding = WEIR_CHECK_NOT_LINEARIZABLE},
    {.does = {"", "eee", "ddd"}, .capacity = 1, .flavour = IN_PLACE},
    {.does = {"", "eee", "ddd"}, .capacity = 2, APART, .flavour = IN_PLACE},
    {.does = {"", "EE", "DD"}, .capacity = 1},
    {.does = {"", "EE", "DD"}, .capacity = 2, APART},
    {.does = {"", "EE", "DDD"}, .capacity = 3, APART},
    {.does = {"", "BB", "bb"}, .capacity = 2, APART},
    {.does = {"", "BB", "bb"}, .capacity = 3, APART},
    {.does = {"e", "BB", "dbd"}, .capacity = 3, APART},
    {.does = {"", "ed", "", "s"}, .capacity = 1},
    {.does = {"", "ee", "dd", "s"}, .capacity = 2},
    /* Across groups. */
    {.does = {SIX, "eee", "ddd"}, .capacity = 8, .flavour = LARGE},
    {.does = {SIX, "E", "D"}, .capacity = 8, .flavour = LARGE},
    {.does = {SIX, "B", "b"}, .capacity = 8, .flavour = LARGE},
    {.does = {SIX, "Be", "bd"}, .capacity = 9, .flavour = LARGE},
    {.does = {SIX "eeeeeeee", "Bee", "bbd"}, .capacity = 8, .flavour = LARGE},
    {.does = {SIX "eeeee", "BB", "bbb"}, .capacity = 8, .flavour = LARGE, APART},
    /* The positions wrap. */
    {.does = {"", "eee", "ddd"}, .capacity = 1, WRAPS},
    {.does = {"", "eee", "ddd"}, .capacity = 2, APART, WRAPS},
    {.does = {"", "BB", "bb"}, .capacity = 3, APART, WRAPS},
    /* No operation depends on the other side. */
    {.does = {"", "eee", "ddd"}, .capacity = 1, WAIT_FREE(6)},
    {.does = {"", "EE", "DD"}, .capacity = 2, APART, WAIT_FREE(10)},
    {.does = {SIX, "Be", "bd"}, .capacity = 8, .flavour = LARGE, WAIT_FREE(13)},
};

int main(int argc, char **argv)
{
    return fifo_main("spsc", cases, sizeof cases / sizeof cases[0], argc, argv);
}
