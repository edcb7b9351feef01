/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

#include "queue.h"

#include <weir/mpsc.h>

static void *make(size_t capacity, uint64_t start)
{
    weir_mpsc *queue = NULL;

    (void)capacity;
    (void)start;
    return weir_mpsc_new(&queue) == 0 ? queue : NULL;
}

static int destroy(void *queue)
{
    return weir_mpsc_free((weir_mpsc *)queue);
}

static weir_mpsc_node *node_of(uintptr_t word)
{
    return (weir_mpsc_node *)(void *)((queue_record *)word)->link;
}

static bool enqueue(void *queue, uintptr_t word)
{
    weir_mpsc_enqueue((weir_mpsc *)queue, node_of(word));
    return true;
}

static bool dequeue(void *queue, uintptr_t *word)
{
    const bool was_empty = weir_mpsc_empty((weir_mpsc *)queue);
    weir_mpsc_node *const node = weir_mpsc_try_dequeue((weir_mpsc *)queue);

    if (node == NULL) {
        /* Only this thread takes: what it saw inside is still there. */
        if (!was_empty)
            abort();
        return false;
    }
    *word = (uintptr_t)queue_record_of_link(node);
    return true;
}

static size_t enqueue_chain(void *queue, const uintptr_t *words, size_t n)
{
    for (size_t i = 0; i < n; i++)
        node_of(words[i])->next = i + 1 < n ? node_of(words[i + 1]) : NULL;
    weir_mpsc_enqueue_chain((weir_mpsc *)queue, node_of(words[0]));
    return n;
}

static size_t dequeue_burst(void *queue, uintptr_t *words, size_t n)
{
    weir_mpsc_node *nodes[QUEUE_MAX_BURST];
    const size_t got = weir_mpsc_dequeue_burst((weir_mpsc *)queue, nodes, n);

    for (size_t i = 0; i < got; i++)
        words[i] = (uintptr_t)queue_record_of_link(nodes[i]);
    return got;
}

int main(int argc, char **argv)
{
    const queue_face face = {
        .name = "mpsc",
        .max_consumers = 1,
        .exact_empty = true,
        .make = make,
        .destroy = destroy,
        .enqueue = enqueue,
        .dequeue = dequeue,
        .enqueue_burst = enqueue_chain,
        .dequeue_burst = dequeue_burst,
    };

    return queue_stress("mpsc", argc, argv, &face, 1);
}
