/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* weir/ticket.h under the step harness. It blocks, and says so: the table counts the
 * stops at which nobody gets on. What must hold at each of them all the same: no call
 * spins for another thread, nothing is lost, doubled or out of order, and `false` is
 * said only while another call is half done, or where it is true. */

#include "step-queue.h"

#include <weir/ticket.h>

static weir_ticket ticket_queue;

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

static const face ticket = {"ticket",
                            {1, 2, 3, 4, 0},
                            ticket_make,
                            ticket_destroy,
                            ticket_put_burst,
                            ticket_take_burst,
                            true,
                            true,
                            false,
                            NULL};

static const operation ticket_operations[] = {
    {"try_enqueue", ticket_put, PUT, 1, true, false, 0},
    {"try_dequeue", ticket_take, TAKE, 1, true, false, 0},
    {"enqueue_burst", ticket_put_burst, PUT, 2, true, false, 0},
    {"dequeue_burst", ticket_take_burst, TAKE, 2, true, false, 0},
    {"enqueue_bulk", ticket_put_bulk, PUT, 2, true, true, 0},
    {"dequeue_bulk", ticket_take_bulk, TAKE, 2, true, true, 0},
    {"size_approx", ticket_size, ASK, 0, false, false, 600},
};

int main(void)
{
    static box b;
    weir_backoff backoff = WEIR_BACKOFF_INIT;

    weir_step_begin("step-ticket");
    weir_backoff_wait(&backoff); /* its first call measures */
    SWEEP(&b, &ticket, ticket_operations, everybody);
    return weir_step_end();
}
