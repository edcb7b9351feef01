/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* tests/model/umpmc.c: weir/umpmc.h in the model checker. Segments have one slot or two, so that
 * they are appended, left, retired and freed all the time. */

#include "closing.h"

#include <weir/umpmc.h>

#include <errno.h>

typedef struct flavour {
    weir_guard_scheme scheme;
    size_t slots;
    size_t batch; /* segments that a thread retires before it looks at what can be freed */
} flavour;

enum {
    EPOCH_1,
    EPOCH_2,
    EPOCH_1_LATE,
    EPOCH_2_LATE,
    EPOCH_4_LATE,
    INTERVAL_1,
    INTERVAL_2,
    HAZARD_1,
    HAZARD_2
};
static const flavour flavoured[] = {
    {WEIR_GUARD_EPOCH, 1, 1},    {WEIR_GUARD_EPOCH, 2, 1},  {WEIR_GUARD_EPOCH, 1, 64},
    {WEIR_GUARD_EPOCH, 2, 64},   {WEIR_GUARD_EPOCH, 4, 64}, {WEIR_GUARD_INTERVAL, 1, 1},
    {WEIR_GUARD_INTERVAL, 2, 1}, {WEIR_GUARD_HAZARD, 1, 1}, {WEIR_GUARD_HAZARD, 2, 1},
};
static const char *const flavours[] = {
    ", epoch, 1 slot",        ", epoch, 2 slots",       ", epoch, 1 slot, late",
    ", epoch, 2 slots, late", ", epoch, 4 slots, late", ", interval, 1 slot",
    ", interval, 2 slots",    ", hazard, 1 slot",       ", hazard, 2 slots",
};

static weir_guard *domain;
static weir_umpmc *queue, *second;
static _Thread_local bool on_second;
static weir__umpmc_segment *first;
static weir_guard_record *record[FIFO_THREADS];

static void enter(unsigned thread)
{
    record[thread] = weir_guard_self(domain);
    weir_check_assert(record[thread] != NULL);
}

static void make(const fifo_case *c)
{
    weir_reclaim_options options;

    memset(&options, 0, sizeof options);
    options.batch_objects = flavoured[c->flavour].batch;
    weir_check_assert(weir_guard_new(&domain, flavoured[c->flavour].scheme, &options) == 0);
    enter(0);
    weir_check_assert(weir_umpmc_new(&queue, domain, flavoured[c->flavour].slots) == 0);
    first = weir_atomic_load(&queue->head, WEIR_RELAXED);
}

static void end(const fifo_case *c)
{
    (void)c;
    weir_check_assert(weir_umpmc_free(queue) == 0);
    weir_check_assert(weir_guard_free(domain) == 0);
}

static bool put(unsigned thread, uintptr_t value)
{
    const int status = weir_umpmc_enqueue(on_second ? second : queue, record[thread], value);

    weir_check_assert(status == 0 || (status == -EPIPE && closers > 0));
    was_put(thread, status == 0, status == -EPIPE);
    return status == 0;
}

static bool take(unsigned thread, uintptr_t *value)
{
    const bool done = weir_umpmc_try_dequeue(on_second ? second : queue, record[thread], value);

    was_taken(thread, done);
    return done;
}

static size_t size(void)
{
    return weir__umpmc_size(queue, weir_guard_self(domain));
}

static bool close_queue(unsigned thread)
{
    const int status = weir__umpmc_close(queue, record[thread]);

    weir_check_assert(status == 0 || status == -EALREADY);
    return status == 0;
}

static void make_second(void)
{
    weir_check_assert(weir_umpmc_new(&second, domain, 1) == 0);
}

static void end_second(void)
{
    weir_check_assert(weir_umpmc_free(second) == 0);
}

static void use_second(bool is_second)
{
    on_second = is_second;
}

static size_t take_burst(unsigned thread, uintptr_t *values, size_t n)
{
    return weir_umpmc_dequeue_burst(queue, record[thread], values, n);
}

/* With one slot, that the first segment has been left; with more, that it has not, but that all of
 * it has been taken, and for thread 3 that this has been noted. */
static void assumes(unsigned thread)
{
    const weir_section section = weir_guard_enter(record[thread]);
    const bool left = weir_atomic_load(&queue->head, WEIR_RELAXED) != first;

    weir_check_assume(left == (queue->slots == 1));
    if (!left && thread == 3)
        weir_check_assume(weir_atomic_load(&first->first_full, WEIR_RELAXED) == queue->slots);
    else if (!left)
        weir_check_assume(weir_atomic_load(&weir__umpmc_cell_of(first, queue->slots - 1)->lo,
                                           WEIR_RELAXED) == WEIR__UMPMC_TAKEN);
    weir_guard_exit(record[thread], section);
}

static const fifo_face face = {
    .make = make,
    .enter = enter,
    .end = end,
    .put = put,
    .take = take,
    .take_burst = take_burst,
    .assumes = assumes,
    .laps = shut,
    .size = size,
    .flavours = flavours,
};

#define LOCK_FREE .by_proxy = true, .options.progress = WEIR_CHECK_LOCK_FREE

static const fifo_case cases[] = {
    {.does = {"", "e", "d"}, .flavour = EPOCH_1},
    {.does = {"", "e", "d"}, .flavour = EPOCH_2},
    {.does = {"", "e", "e"}, .flavour = EPOCH_1},
    {.does = {"", "e", "e"}, .flavour = EPOCH_2},
    {.does = {"e", "d", "d"}, .flavour = EPOCH_1, .deep = true},
    {.does = {"e", "d", "d"}, .flavour = EPOCH_1_LATE},
    {.does = {"e", "d", "d"}, .flavour = EPOCH_2},
    {.does = {"", "ee", "d"}, .flavour = EPOCH_1_LATE},
    {.does = {"", "ee", "dd"}, .flavour = EPOCH_1_LATE},
    {.does = {"", "ee", "dd"}, .flavour = EPOCH_2},
    {.does = {"", "eee", "ddd"}, .flavour = EPOCH_2_LATE},
    {.does = {"e", "ed", "d"}, .flavour = EPOCH_1_LATE, .deep = true},
    {.does = {"e", "ed", "D"}, .flavour = EPOCH_2_LATE},
    {.does = {"e", "ed", "d"}, .flavour = EPOCH_2},
    {.does = {"ee", "ed", "d"}, .flavour = EPOCH_2_LATE},
    {.does = {"e", "ee", "dd"}, .flavour = EPOCH_2_LATE},
    {.does = {"", "e", "e", "d"}, .flavour = EPOCH_1_LATE, .deep = true},
    {.does = {"", "e", "e", "d"}, .flavour = EPOCH_2_LATE},
    {.does = {"", "e", "d", "e"}, .flavour = EPOCH_1_LATE, .deep = true},
    {.does = {"", "e", "d", "d"}, .flavour = EPOCH_1_LATE, .deep = true},
    /* Who has put a value finds one, whoever filled the cells before. */
    {.does = {"", "e", "ed"}, .flavour = EPOCH_2_LATE},
    {.does = {"", "ee", "edd"}, .flavour = EPOCH_4_LATE},
    {.does = {"eed", "eed", "d", "d"}, .flavour = EPOCH_2_LATE, .deep = true},
    {.does = {"eed", "eed", "Ad", "Ad"}, .flavour = EPOCH_2_LATE},
    /* Who moves an end hands on the segment that it is moved to. */
    {.does = {"", "e", "d", "Ae"}, .flavour = EPOCH_1_LATE},
    {.does = {"", "e", "d", "Ad"}, .flavour = EPOCH_1_LATE},
    {.does = {"", "ee", "s"}, .flavour = EPOCH_1_LATE},
    {.does = {"e", "e", "D"}, .flavour = EPOCH_2},
    {.does = {"e", "e", "D"}, .flavour = EPOCH_1_LATE},
    {.does = {"", "e", "d"}, .flavour = INTERVAL_1},
    {.does = {"e", "d", "d"}, .flavour = INTERVAL_2},
    {.does = {"", "e", "d"}, .flavour = HAZARD_2},
    {.does = {"ee", "e", "e"}, .flavour = HAZARD_2},
    {.does = {"ee", "e", "e"}, .flavour = INTERVAL_2},
    {.does = {"e", "d", "d"}, .flavour = HAZARD_2},
    {.does = {"", "e", "e"}, .flavour = HAZARD_2},
    {.does = {"", "e", "d"}, .flavour = EPOCH_1_LATE, LOCK_FREE, .deep = true},
    {.does = {"", "e", "e"}, .flavour = EPOCH_1_LATE, LOCK_FREE, .deep = true},
    {.does = {"e", "d", "d"}, .flavour = EPOCH_2_LATE, LOCK_FREE, .deep = true},
};

static const fifo_case closings[] = {
    {.does = {"", "e", "L"}, .flavour = EPOCH_1_LATE},
    {.does = {"", "e", "L"}, .flavour = EPOCH_2_LATE},
    {.does = {"", "ee", "L"}, .flavour = EPOCH_2_LATE},
    {.does = {"", "e", "Ld"}, .flavour = EPOCH_2_LATE},
    {.does = {"", "e", "e", "L"}, .flavour = EPOCH_2_LATE},
    {.does = {"", "L", "L"}, .flavour = EPOCH_2_LATE},
    {.does = {"", "L", "L"}, .flavour = EPOCH_1_LATE},
    {.does = {"", "L", "d"}, .flavour = EPOCH_2_LATE},
    /* The segment is full: the mark is in a new one. */
    {.does = {"e", "L", "L"}, .flavour = EPOCH_1_LATE},
    {.does = {"ee", "L", "e"}, .flavour = EPOCH_2_LATE},
    {.does = {"eeL", "e", "d"}, .flavour = EPOCH_2_LATE},
    {.does = {"ee", "L", "d"}, .flavour = EPOCH_2_LATE},
    {.does = {"ee", "L", "L"}, .flavour = EPOCH_2_LATE},
    {.does = {"e", "e", "L", "d"}, .flavour = EPOCH_2_LATE, .deep = true},
    {.does = {"", "e", "L"}, .flavour = HAZARD_2},
    {.does = {"", "e", "L"}, .flavour = INTERVAL_2},
    {.does = {"", "e", "L"}, .flavour = EPOCH_2_LATE, LOCK_FREE, .deep = true},
};

static const scenario refusals[] = {REFUSALS(EPOCH_2_LATE)};

int main(int argc, char **argv)
{
    return closing_main("umpmc", cases, sizeof cases / sizeof cases[0], closings,
                        sizeof closings / sizeof closings[0], refusals,
                        sizeof refusals / sizeof refusals[0], argc, argv);
}
