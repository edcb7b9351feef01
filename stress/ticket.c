/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* stress/ticket.c: the blocking ring, word by word, in bursts and in bulk, under
 * the body that every queue shares. Its `false` means "not now", so "full" and
 * "empty" are not held to be exact. */

#include "queue.h"

#include <weir/ticket.h>

static void *make(size_t capacity, uint64_t start)
{
    const size_t bytes = weir_ticket_bytes(capacity);
    weir_ticket *const queue = (weir_ticket *)weir_alloc(sizeof *queue + bytes, WEIR_CACHELINE);

    if (queue == NULL || weir_ticket_init_at(queue, queue + 1, bytes, capacity, start) != 0)
        return NULL;
    queue->allocated = sizeof *queue + bytes; /* so that weir_ticket_free() takes it */
    return queue;
}

static int destroy(void *queue)
{
    return weir_ticket_free((weir_ticket *)queue);
}

static bool enqueue(void *queue, uintptr_t word)
{
    return weir_ticket_try_enqueue((weir_ticket *)queue, word);
}

static bool dequeue(void *queue, uintptr_t *word)
{
    return weir_ticket_try_dequeue((weir_ticket *)queue, word);
}

static size_t enqueue_burst(void *queue, const uintptr_t *words, size_t n)
{
    return weir_ticket_enqueue_burst((weir_ticket *)queue, words, n);
}

static size_t dequeue_burst(void *queue, uintptr_t *words, size_t n)
{
    return weir_ticket_dequeue_burst((weir_ticket *)queue, words, n);
}

/* All or nothing; where all is refused, one, so that a small ring goes on. */
static size_t enqueue_bulk(void *queue, const uintptr_t *words, size_t n)
{
    if (weir_ticket_enqueue_bulk((weir_ticket *)queue, words, n))
        return n;
    return enqueue(queue, words[0]) ? 1 : 0;
}

static size_t dequeue_bulk(void *queue, uintptr_t *words, size_t n)
{
    if (weir_ticket_dequeue_bulk((weir_ticket *)queue, words, n))
        return n;
    return dequeue(queue, &words[0]) ? 1 : 0;
}

int main(int argc, char **argv)
{
    static const queue_face faces[] = {
        {"ticket", 0, 0, true, false, false, make, destroy, enqueue, dequeue, enqueue_burst,
         dequeue_burst},
        {"ticket bulk", 0, 0, true, false, false, make, destroy, enqueue, dequeue, enqueue_bulk,
         dequeue_bulk},
    };

    return queue_stress("ticket", argc, argv, faces, sizeof faces / sizeof faces[0]);
}
