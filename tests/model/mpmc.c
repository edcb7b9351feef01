/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* tests/model/mpmc.c: weir/mpmc.h in the model checker. */

#include "fifo.h"

#include <weir/mpmc.h>

/* Elements that do not fit into a word, half written or half read if anything is wrong. */
typedef struct pair {
    uintptr_t first, second;
} pair;

WEIR_MPMC_SLOTS_DEFINE(pair_queue, pair);

static weir_mpmc *queue;
static pair_queue *slots;

enum { WORDS, OLD_HINTS, SPARE_2 };
static const char *const flavours[] = {"", ", old hints", ", slots"};

static void make(const fifo_case *c)
{
    static weir_mpmc made;
    static WEIR_ALIGNAS(WEIR_CACHELINE) unsigned char buffer[256];

    queue = NULL;
    slots = NULL;
    if (c->flavour == SPARE_2) {
        weir_check_assert(pair_queue_new(&slots, c->capacity, 2) == 0);
    } else if (c->start == 0) {
        weir_check_assert(weir_mpmc_new(&queue, c->capacity) == 0);
    } else {
        queue = &made;
        weir_check_assert(weir_mpmc_init_at(queue, buffer, sizeof buffer, c->capacity, c->start) ==
                          0);
    }
}

static void end(const fifo_case *c)
{
    if (c->flavour == SPARE_2)
        weir_check_assert(pair_queue_free(slots) == 0);
    else if (c->start == 0)
        weir_check_assert(weir_mpmc_free(queue) == 0);
    else
        weir_check_assert(weir_mpmc_destroy(queue) == 0);
}

/* As threads leave them that were stopped before they stored theirs. */
static void begun(const fifo_case *c)
{
    if (c->flavour == OLD_HINTS) {
        weir_atomic_store(&queue->head, 0, WEIR_RELAXED);
        weir_atomic_store(&queue->tail, 0, WEIR_RELAXED);
    }
}

static bool put(unsigned thread, uintptr_t value)
{
    (void)thread;
    if (slots != NULL) {
        const pair both = {value, value};

        return pair_queue_try_enqueue(slots, &both);
    }
    return weir_mpmc_try_enqueue(queue, value);
}

static bool take(unsigned thread, uintptr_t *value)
{
    (void)thread;
    if (slots != NULL) {
        pair both;

        if (!pair_queue_try_dequeue(slots, &both))
            return false;
        weir_check_assert(both.first == both.second);
        *value = both.first;
        return true;
    }
    return weir_mpmc_try_dequeue(queue, value);
}

FIFO_BURSTS(mpmc);

static size_t size(void)
{
    return slots != NULL ? weir_mpmc_slots_size_approx(&slots->queue)
                         : weir_mpmc_size_approx(queue);
}

static const fifo_face face = {
    .make = make,
    .begun = begun,
    .end = end,
    .put = put,
    .take = take,
    .put_burst = put_burst,
    .take_burst = take_burst,
    .size = size,
    .flavours = flavours,
};

#define LOCK_FREE .options.progress = WEIR_CHECK_LOCK_FREE
#define WRAPS .start = UINT64_MAX

static const fifo_case cases[] = {
    {.does = {"", "e", "d"}, .capacity = 1},
    {.does = {"", "e", "e"}, .capacity = 1},
    {.does = {"", "e", "e"}, .capacity = 2},
    {.does = {"e", "d", "d"}, .capacity = 1},
    {.does = {"ee", "d", "d"}, .capacity = 2},
    {.does = {"", "ee", "dd"}, .capacity = 1},
    {.does = {"", "ee", "dd"}, .capacity = 2},
    {.does = {"", "eee", "ddd"}, .capacity = 2, .apart = true},
    {.does = {"e", "ee", "dd"}, .capacity = 2, .finding = WEIR_CHECK_NOT_LINEARIZABLE},
    {.does = {"", "e", "e", "d"}, .capacity = 1},
    {.does = {"", "e", "e", "d"}, .capacity = 2},
    {.does = {"e", "e", "d", "d"}, .capacity = 2},
    {.does = {"e", "ed", "ed"}, .capacity = 1},
    {.does = {"e", "ed", "ed"}, .capacity = 2},
    /* A refusal knows of what a passed cell, or a hint, knew of. */
    {.does = {"e", "ed", "d"}, .capacity = 2},
    {.does = {"eed", "de", "e"}, .capacity = 2},
    {.does = {"ee", "ded", "d"}, .capacity = 3},
    {.does = {"eed", "dede", "e"}, .capacity = 3},
    {.does = {"e", "ed", "D"}, .capacity = 2},
    {.does = {"eed", "de", "E"}, .capacity = 2},
    /* So far behind that seek() is wanted. */
    {.does = {"eeeeeeeeedddddddd", "ed", "d"}, .capacity = 10, .flavour = OLD_HINTS},
    {.does = {"eeeeeeeeeed", "de", "e"}, .capacity = 10, .flavour = OLD_HINTS},
    {.does = {"e", "ed", "ed", "d"}, .capacity = 2, .deep = true},
    {.does = {"", "e", "ed", "ed"}, .capacity = 2, .deep = true},
    {.does = {"", "ee", "ee", "dd"}, .capacity = 2, .apart = true, .deep = true},
    /* Bursts. */
    {.does = {"", "E", "D"}, .capacity = 1},
    {.does = {"", "E", "D"}, .capacity = 2},
    {.does = {"", "E", "e"}, .capacity = 2},
    {.does = {"ee", "D", "d"}, .capacity = 2},
    {.does = {"", "ed", "s"}, .capacity = 1},
    {.does = {"", "E", "E", "D"}, .capacity = 2, .deep = true},
    /* The counters wrap. */
    {.does = {"", "ee", "dd"}, .capacity = 1, WRAPS},
    {.does = {"", "ee", "dd"}, .capacity = 2, WRAPS},
    {.does = {"e", "ed", "d"}, .capacity = 2, WRAPS},
    {.does = {"e", "ed", "s"}, .capacity = 2, WRAPS},
    {.does = {"", "e", "e", "d"}, .capacity = 2, WRAPS},
    /* Who has put a value finds one. */
    {.does = {"", "ew", "e"}, .capacity = 2},
    /* Nobody is held up by a thread that stands still. */
    {.does = {"", "e", "e"}, .capacity = 1, LOCK_FREE},
    {.does = {"e", "d", "d"}, .capacity = 1, LOCK_FREE},
    {.does = {"", "e", "d"}, .capacity = 1, LOCK_FREE},
    {.does = {"e", "e", "d"}, .capacity = 2, LOCK_FREE},
    {.does = {"", "E", "D"}, .capacity = 2, LOCK_FREE},
    {.does = {"", "ew", "e"}, .capacity = 2, LOCK_FREE},
    {.does = {"", "ew", "ew"}, .capacity = 2, LOCK_FREE, .deep = true},
    {.does = {"e", "e", "ed", "d"}, .capacity = 2, LOCK_FREE, .deep = true},
    /* Elements in slots. */
    {.does = {"", "e", "d"}, .capacity = 1, .flavour = SPARE_2},
    {.does = {"", "e", "e"}, .capacity = 1, .flavour = SPARE_2},
    {.does = {"e", "de", "d"}, .capacity = 1, .flavour = SPARE_2},
    {.does = {"e", "ed", "d"}, .capacity = 1, .flavour = SPARE_2},
    {.does = {"", "ed", "ed"}, .capacity = 1, .flavour = SPARE_2, .deep = true},
    {.does = {"", "e", "e", "d"}, .capacity = 1, .flavour = SPARE_2, .deep = true},
    {.does = {"", "e", "d"}, .capacity = 1, .flavour = SPARE_2, LOCK_FREE},
};

int main(int argc, char **argv)
{
    return fifo_main("mpmc", cases, sizeof cases / sizeof cases[0], argc, argv);
}
