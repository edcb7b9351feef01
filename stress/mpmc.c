/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* stress/mpmc.c: the lock-free ring, word by word and in bursts, and the queue of
 * slots that stands on it, under the body that every queue shares. */

#include "queue.h"

#include <weir/mpmc.h>

#ifdef WEIR_HAVE_MPMC

/* Threads at most, as spare slots, so that "full" is exact. */
enum { SPARES = STRESS_MAX_THREADS };

typedef struct element {
    uintptr_t word;
    uintptr_t check[3]; /* larger than a word, and torn if it can be */
} element;

static void *make(size_t capacity, uint64_t start)
{
    const size_t bytes = weir_mpmc_bytes(capacity);
    weir_mpmc *const queue = (weir_mpmc *)weir_alloc(sizeof *queue + bytes, WEIR_CACHELINE);

    if (queue == NULL || weir_mpmc_init_at(queue, queue + 1, bytes, capacity, start) != 0)
        return NULL;
    queue->allocated = sizeof *queue + bytes; /* so that weir_mpmc_free() takes it */
    return queue;
}

static int destroy(void *queue)
{
    return weir_mpmc_free((weir_mpmc *)queue);
}

static bool enqueue(void *queue, uintptr_t word)
{
    return weir_mpmc_try_enqueue((weir_mpmc *)queue, word);
}

static bool dequeue(void *queue, uintptr_t *word)
{
    return weir_mpmc_try_dequeue((weir_mpmc *)queue, word);
}

static size_t enqueue_burst(void *queue, const uintptr_t *words, size_t n)
{
    return weir_mpmc_enqueue_burst((weir_mpmc *)queue, words, n);
}

static size_t dequeue_burst(void *queue, uintptr_t *words, size_t n)
{
    return weir_mpmc_dequeue_burst((weir_mpmc *)queue, words, n);
}

static void *slots_make(size_t capacity, uint64_t start)
{
    const size_t bytes = weir_mpmc_slots_bytes(capacity, SPARES, sizeof(element));
    weir_mpmc_slots *const queue =
        (weir_mpmc_slots *)weir_alloc(sizeof *queue + bytes, WEIR_CACHELINE);

    if (queue == NULL || weir_mpmc_slots_init_at(queue, queue + 1, bytes, capacity, SPARES,
                                                 sizeof(element), start) != 0)
        return NULL;
    queue->allocated = sizeof *queue + bytes;
    return queue;
}

static int slots_destroy(void *queue)
{
    return weir_mpmc_slots_free((weir_mpmc_slots *)queue);
}

static bool slots_enqueue(void *queue, uintptr_t word)
{
    const element e = {word, {~word, word + 1, word * 3}};

    return weir_mpmc_slots_try_enqueue((weir_mpmc_slots *)queue, &e);
}

static bool slots_dequeue(void *queue, uintptr_t *word)
{
    element e;

    if (!weir_mpmc_slots_try_dequeue((weir_mpmc_slots *)queue, &e))
        return false;
    /* A torn element becomes a word that nobody enqueued. */
    *word =
        e.check[0] == ~e.word && e.check[1] == e.word + 1 && e.check[2] == e.word * 3 ? e.word : 1;
    return true;
}

int main(int argc, char **argv)
{
    static const queue_face faces[] = {
        {"mpmc", 0, 0, true, true, true, make, destroy, enqueue, dequeue, enqueue_burst,
         dequeue_burst},
        {"mpmc slots", 0, 0, true, true, true, slots_make, slots_destroy, slots_enqueue,
         slots_dequeue, NULL, NULL},
    };

    return queue_stress("mpmc", argc, argv, faces, sizeof faces / sizeof faces[0]);
}

#else

int main(void)
{
    printf("SKIP mpmc: no double-word compare-and-swap here\n");
    return 77;
}

#endif
