/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* weir/ticket.h under the step harness. It blocks, and says so: the table counts the
 * stops at which nobody gets on. What must hold at each of them all the same: no call
 * spins for another thread, nothing is lost, doubled or out of order, and `false` is
 * said only while another call is half done, or where it is true. */

#include "step-queue.h"

#include <weir/ticket.h>

WEIR_TICKET_DEFINE(large_ticket, large);

static weir_ticket ticket_queue;
static large_ticket large_queue;

/* ---- words ---- */

static bool ticket_make(void *buffer, size_t bytes, size_t capacity, uint64_t start)
{
    return weir_ticket_init_at(&ticket_queue, buffer, bytes, capacity, start) == 0;
}

static int ticket_destroy(void)
{
    return weir_ticket_destroy(&ticket_queue);
}

static size_t ticket_put(uintptr_t *values, size_t n)
{
    (void)n;
    return weir_ticket_try_enqueue(&ticket_queue, values[0]);
}

static size_t ticket_take(uintptr_t *values, size_t n)
{
    (void)n;
    return weir_ticket_try_dequeue(&ticket_queue, values);
}

static size_t ticket_put_burst(uintptr_t *values, size_t n)
{
    return weir_ticket_enqueue_burst(&ticket_queue, values, n);
}

static size_t ticket_take_burst(uintptr_t *values, size_t n)
{
    return weir_ticket_dequeue_burst(&ticket_queue, values, n);
}

static size_t ticket_put_bulk(uintptr_t *values, size_t n)
{
    return weir_ticket_enqueue_bulk(&ticket_queue, values, n) ? n : 0;
}

static size_t ticket_take_bulk(uintptr_t *values, size_t n)
{
    return weir_ticket_dequeue_bulk(&ticket_queue, values, n) ? n : 0;
}

static size_t ticket_size(uintptr_t *values, size_t n)
{
    (void)values;
    (void)n;
    return weir_ticket_size_approx(&ticket_queue);
}

static size_t ticket_limit(uintptr_t *values, size_t n)
{
    (void)values;
    (void)n;
    return weir_ticket_capacity(&ticket_queue);
}

static const face ticket = {
    .capacities = {1, 3, 2, 0},
    .make = ticket_make,
    .destroy = ticket_destroy,
    .put = ticket_put_burst,
    .take = ticket_take_burst,
    .manner = AT_ONCE,
    .bounded = true,
};

static const operation ticket_operations[] = {
    {"ticket_try_enqueue", ticket_put, PRODUCER, PUT, 1, AT_ONCE, 0, NULL},
    {"ticket_try_dequeue", ticket_take, CONSUMER, TAKE, 1, AT_ONCE, 0, NULL},
    {"ticket_size_approx", ticket_size, ANYBODY, SIZE, 0, EACH, 500, NULL},
    {"ticket_enqueue_burst", ticket_put_burst, PRODUCER, PUT, 2, AT_ONCE, 0, NULL},
    {"ticket_dequeue_burst", ticket_take_burst, CONSUMER, TAKE, 2, AT_ONCE, 0, NULL},
    {"ticket_capacity", ticket_limit, ANYBODY, LIMIT, 0, EACH, 170, NULL},
    {"ticket_enqueue_bulk", ticket_put_bulk, PRODUCER, PUT, 2, ALL, 0, NULL},
    {"ticket_dequeue_bulk", ticket_take_bulk, CONSUMER, TAKE, 2, ALL, 0, NULL},
};

/* ---- large elements, two to a line: a batch goes over several ---- */

static bool large_make(void *buffer, size_t bytes, size_t capacity, uint64_t start)
{
    return weir__ticket_init(&large_queue.queue, buffer, bytes, capacity, sizeof(large), start) ==
           0;
}

static int large_destroy(void)
{
    return large_ticket_destroy(&large_queue);
}

static size_t large_put(uintptr_t *values, size_t n)
{
    (void)n;
    return large_ticket_try_enqueue(&large_queue, large_of(values[0]));
}

static size_t large_take(uintptr_t *values, size_t n)
{
    large l;

    (void)n;
    if (!large_ticket_try_dequeue(&large_queue, &l))
        return 0;
    values[0] = large_value(&l);
    return 1;
}

static size_t large_put_burst(uintptr_t *values, size_t n)
{
    large l[MOST];

    for (size_t i = 0; i < n; i++)
        l[i] = large_of(values[i]);
    return large_ticket_enqueue_burst(&large_queue, l, n);
}

static size_t large_take_burst(uintptr_t *values, size_t n)
{
    large l[MOST];
    const size_t got = large_ticket_dequeue_burst(&large_queue, l, n);

    for (size_t i = 0; i < got; i++)
        values[i] = large_value(&l[i]);
    return got;
}

static size_t large_put_bulk(uintptr_t *values, size_t n)
{
    large l[MOST];

    for (size_t i = 0; i < n; i++)
        l[i] = large_of(values[i]);
    return large_ticket_enqueue_bulk(&large_queue, l, n) ? n : 0;
}

static size_t large_take_bulk(uintptr_t *values, size_t n)
{
    large l[MOST];

    if (!large_ticket_dequeue_bulk(&large_queue, l, n))
        return 0;
    for (size_t i = 0; i < n; i++)
        values[i] = large_value(&l[i]);
    return n;
}

static const face larges = {
    .variant = "large",
    .capacities = {2, 3, 0},
    .make = large_make,
    .destroy = large_destroy,
    .put = large_put_burst,
    .take = large_take_burst,
    .manner = AT_ONCE,
    .bounded = true,
};

static const operation large_operations[] = {
    {"ticket_try_enqueue", large_put, PRODUCER, PUT, 1, AT_ONCE, 0, NULL},
    {"ticket_try_dequeue", large_take, CONSUMER, TAKE, 1, AT_ONCE, 0, NULL},
    {"ticket_enqueue_burst", large_put_burst, PRODUCER, PUT, 3, AT_ONCE, 0, NULL},
    {"ticket_dequeue_burst", large_take_burst, CONSUMER, TAKE, 3, AT_ONCE, 0, NULL},
    {"ticket_enqueue_bulk", large_put_bulk, PRODUCER, PUT, 2, ALL, 0, NULL},
    {"ticket_dequeue_bulk", large_take_bulk, CONSUMER, TAKE, 2, ALL, 0, NULL},
};

static const script briefly[] = {
    {"bursts of two", {"EDED", NULL}, {NULL, NULL}},
    {"a producer and a consumer", {"eee", "ddd"}, {NULL, NULL}},
};

int main(void)
{
    static trial t;
    weir_backoff backoff = WEIR_BACKOFF_INIT;

    weir_step_begin("step-ticket");
    weir_backoff_wait(&backoff); /* its first call measures */
    SWEEP_SCRIPTS(&t, &ticket, ticket_operations, ALL_ROLES, everybody, WHOLLY);
    SWEEP_SCRIPTS(&t, &larges, large_operations, ALL_ROLES, briefly, WHOLLY);
    SWEEP_MATRIX(&t, &ticket, ticket_operations, BRIEFLY);
    return weir_step_end();
}
