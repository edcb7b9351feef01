/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* tests/model/ticket.c: weir/ticket.h in the model checker. */

#include "fifo.h"

#include <weir/ticket.h>

/* More than a word: one to a block. */
typedef struct large {
    uintptr_t value, rest[7], again;
} large;

WEIR_TICKET_DEFINE(large_queue, large);

enum { WORDS, LARGE };
static const char *const flavours[] = {"", ", large"};

static weir_ticket *queue;
static large_queue *larges;

static void make(const fifo_case *c)
{
    static weir_ticket made;
    static WEIR_ALIGNAS(WEIR_CACHELINE) unsigned char buffer[256];

    queue = NULL;
    larges = NULL;
    if (c->flavour == LARGE) {
        weir_check_assert(large_queue_new(&larges, c->capacity) == 0);
    } else if (c->start == 0) {
        weir_check_assert(weir_ticket_new(&queue, c->capacity) == 0);
    } else {
        queue = &made;
        weir_check_assert(
            weir_ticket_init_at(queue, buffer, sizeof buffer, c->capacity, c->start) == 0);
    }
}

static void end(const fifo_case *c)
{
    if (larges != NULL)
        weir_check_assert(large_queue_free(larges) == 0);
    else if (c->start == 0)
        weir_check_assert(weir_ticket_free(queue) == 0);
    else
        weir_check_assert(weir_ticket_destroy(queue) == 0);
}

static bool put(unsigned thread, uintptr_t value)
{
    large l;

    (void)thread;
    if (larges == NULL)
        return weir_ticket_try_enqueue(queue, value);
    memset(&l, 0, sizeof l);
    l.value = l.again = value;
    return large_queue_try_enqueue(larges, l);
}

static bool take(unsigned thread, uintptr_t *value)
{
    large l;

    (void)thread;
    if (larges == NULL)
        return weir_ticket_try_dequeue(queue, value);
    if (!large_queue_try_dequeue(larges, &l))
        return false;
    weir_check_assert(l.value == l.again);
    *value = l.value;
    return true;
}

FIFO_BURSTS(ticket);

static bool put_bulk(unsigned thread, const uintptr_t *values, size_t n)
{
    (void)thread;
    return weir_ticket_enqueue_bulk(queue, values, n);
}

static bool take_bulk(unsigned thread, uintptr_t *values, size_t n)
{
    (void)thread;
    return weir_ticket_dequeue_bulk(queue, values, n);
}

static size_t size(void)
{
    return weir_ticket_size_approx(queue);
}

/* Until the seven bits that a tag has of the lap are all as they were: one lap, and then what all
 * others would leave in the words. */
enum { LAPS = 128 };

static void laps(unsigned thread)
{
    const uint64_t position = (uint64_t)LAPS << queue->shape.lap_shift;
    unsigned char *const block = weir__ticket_block(&queue->shape, position, sizeof(uintptr_t));
    uintptr_t value;

    weir_check_assert(put(thread, 1) && take(thread, &value) && value == 1);
    weir_atomic_store(weir__ticket_tag_at(block, position),
                      weir__ticket_empty_tag(&queue->shape, position), WEIR_RELAXED);
    weir_atomic_store(&queue->head, position, WEIR_RELAXED);
    weir_atomic_store(&queue->tail, position, WEIR_RELAXED);
}

/* With the newest tail the oldest tag must not be found. */
static void assumes(unsigned thread)
{
    (void)thread;
    weir_check_assume(weir_atomic_load(&queue->tail, WEIR_RELAXED) >> queue->shape.lap_shift ==
                      LAPS + 1);
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
    .laps = laps,
    .assumes = assumes,
    .flavours = flavours,
    .burst_is_one = true,
    .refusal_is_weak = true,
};

#define WRAPS .start = UINT64_MAX

static const fifo_case cases[] = {
    {.does = {"", "e", "d"}, .capacity = 1},
    {.does = {"", "e", "e"}, .capacity = 1},
    {.does = {"", "e", "e"}, .capacity = 2},
    {.does = {"e", "d", "d"}, .capacity = 1},
    {.does = {"ee", "d", "d"}, .capacity = 2},
    {.does = {"", "eee", "ddd"}, .capacity = 1},
    {.does = {"", "eee", "ddd"}, .capacity = 2},
    {.does = {"", "e", "e", "d"}, .capacity = 1},
    {.does = {"", "e", "e", "d"}, .capacity = 2},
    {.does = {"e", "e", "d", "d"}, .capacity = 2},
    {.does = {"e", "ed", "ed"}, .capacity = 1},
    {.does = {"e", "ed", "ed"}, .capacity = 2},
    {.does = {"e", "ed", "d"}, .capacity = 2},
    {.does = {"eed", "de", "e"}, .capacity = 2},
    {.does = {"e", "ed", "ed", "d"}, .capacity = 2, .deep = true},
    {.does = {"", "e", "ed", "ed"}, .capacity = 2, .deep = true},
    {.does = {"", "E", "D"}, .capacity = 2},
    {.does = {"", "B", "b"}, .capacity = 2},
    {.does = {"", "B", "dd"}, .capacity = 3},
    {.does = {"e", "B", "b"}, .capacity = 3},
    {.does = {"", "B", "e"}, .capacity = 3},
    {.does = {"", "ed", "s"}, .capacity = 1},
    /* The counters wrap. */
    {.does = {"", "ee", "dd"}, .capacity = 1, WRAPS},
    {.does = {"", "ee", "dd"}, .capacity = 2, WRAPS},
    {.does = {"", "e", "e", "d"}, .capacity = 2, WRAPS},
    {.does = {"", "Le", "Ae"}, .capacity = 1},
    /* Large elements. */
    {.does = {"", "ee", "dd"}, .capacity = 1, .flavour = LARGE},
    {.does = {"e", "ed", "ed"}, .capacity = 2, .flavour = LARGE},
    /* An operation ends whoever stands still, but a value may be out of reach for ever: one who
     * has put a value waits for another that claimed before. */
    {.does = {"", "e", "d"}, .capacity = 1, .options.progress = WEIR_CHECK_LOCK_FREE},
    {.does = {"", "ew", "e"}, .capacity = 2},
    {.does = {"", "ew", "e"},
     .capacity = 2,
     .options.progress = WEIR_CHECK_LOCK_FREE,
     .finding = WEIR_CHECK_NO_PROGRESS},
};

int main(int argc, char **argv)
{
    return fifo_main("ticket", cases, sizeof cases / sizeof cases[0], argc, argv);
}
