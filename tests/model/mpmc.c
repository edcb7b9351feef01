/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* tests/model/mpmc.c: weir/mpmc.h in the model checker. */

#include "closing.h"

#include <weir/mpmc.h>

/* Elements that do not fit into a word, half written or half read if anything is wrong. */
typedef struct pair {
    uintptr_t first, second;
} pair;

WEIR_MPMC_SLOTS_DEFINE(pair_queue, pair);

static weir_mpmc *queue, *second;
static pair_queue *slots;
static _Thread_local bool on_second;

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
    weir__mpmc_verdict verdict;

    if (slots != NULL) {
        const pair both = {value, value};

        return pair_queue_try_enqueue(slots, &both);
    }
    verdict = weir__mpmc_try_put(on_second ? second : queue, value);
    weir_check_assert(verdict != WEIR__MPMC_PASSED);
    was_put(thread, verdict == WEIR__MPMC_DONE, verdict == WEIR__MPMC_CLOSED);
    return verdict == WEIR__MPMC_DONE;
}

static bool take(unsigned thread, uintptr_t *value)
{
    bool done;

    if (slots != NULL) {
        pair both;

        if (!pair_queue_try_dequeue(slots, &both))
            return false;
        weir_check_assert(both.first == both.second);
        *value = both.first;
        return true;
    }
    done = weir_mpmc_try_dequeue(on_second ? second : queue, value);
    was_taken(thread, done);
    return done;
}

static bool close_queue(unsigned thread)
{
    (void)thread;
    return weir__mpmc_close(queue);
}

static void make_second(void)
{
    weir_check_assert(weir_mpmc_new(&second, 1) == 0);
}

static void end_second(void)
{
    weir_check_assert(weir_mpmc_free(second) == 0);
}

static void use_second(bool is_second)
{
    on_second = is_second;
}

FIFO_BURSTS(mpmc);

static size_t burst_in(unsigned thread, const uintptr_t *values, size_t n)
{
    const size_t done = put_burst(thread, values, n);

    been_put[thread] += (unsigned)done;
    return done;
}

static size_t burst_out(unsigned thread, uintptr_t *values, size_t n)
{
    const size_t done = take_burst(thread, values, n);

    been_taken[thread] += (unsigned)done;
    return done;
}

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
    .put_burst = burst_in,
    .take_burst = burst_out,
    .size = size,
    .laps = shut,
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
    {.does = {"", "eee", "ddd"}, .capacity = 2},
    {.does = {"e", "ee", "dd"}, .capacity = 2},
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

static const fifo_case closings[] = {
    {.does = {"", "e", "L"}, .capacity = 1},
    {.does = {"", "e", "Ld"}, .capacity = 1},
    {.does = {"", "ee", "L"}, .capacity = 2},
    {.does = {"", "e", "e", "L"}, .capacity = 2},
    {.does = {"", "e", "Ld"}, .capacity = 2},
    {.does = {"", "ee", "Ldd"}, .capacity = 3},
    {.does = {"", "L", "L"}, .capacity = 1},
    {.does = {"", "L", "L", "e"}, .capacity = 2},
    /* The mark is in a cell that is still full of the lap before. */
    {.does = {"e", "d", "L"}, .capacity = 1},
    {.does = {"e", "de", "L"}, .capacity = 1},
    {.does = {"ee", "d", "Le"}, .capacity = 2},
    {.does = {"e", "L", "L", "d"}, .capacity = 1},
    {.does = {"e", "e", "d", "L"}, .capacity = 1},
    {.does = {"e", "e", "L", "d"}, .capacity = 2},
    {.does = {"", "e", "L", "d"}, .capacity = 2},
    {.does = {"eed", "E", "L"}, .capacity = 2},
    {.does = {"ee", "L", "D"}, .capacity = 2},
    {.does = {"e", "de", "L"}, .capacity = 1, WRAPS},
    {.does = {"e", "e", "L"}, .capacity = 2, WRAPS},
    {.does = {"ed", "e", "L"}, .capacity = 2, .flavour = OLD_HINTS},
    {.does = {"", "e", "L"}, .capacity = 1, LOCK_FREE},
    {.does = {"e", "d", "L"}, .capacity = 1, LOCK_FREE},
    {.does = {"", "L", "L"}, .capacity = 1, LOCK_FREE},
};

static const scenario refusals[] = {REFUSALS(WORDS), REFUSALS_FULL(WORDS)};

int main(int argc, char **argv)
{
    return closing_main("mpmc", cases, sizeof cases / sizeof cases[0], closings,
                        sizeof closings / sizeof closings[0], refusals,
                        sizeof refusals / sizeof refusals[0], argc, argv);
}
