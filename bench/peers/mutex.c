/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* bench/peers/mutex.c: what one writes without a library: a ring under a mutex. */

#include "../bench.h"

#include <pthread.h>

typedef struct mutex_ring {
    pthread_mutex_t lock;
    size_t head, tail, mask;
    uintptr_t *cells;
} mutex_ring;

static mutex_ring *mutex_ring_open(size_t capacity, unsigned producers, unsigned threads)
{
    mutex_ring *ring = bench_alloc(sizeof *ring);

    (void)producers;
    (void)threads;
    pthread_mutex_init(&ring->lock, NULL);
    ring->mask = capacity - 1;
    ring->cells = bench_alloc(capacity * sizeof(uintptr_t));
    return ring;
}

static inline bool mutex_ring_put(mutex_ring *ring, void *local, uintptr_t value)
{
    bool room;

    (void)local;
    pthread_mutex_lock(&ring->lock);
    room = ring->tail - ring->head <= ring->mask;
    if (room)
        ring->cells[ring->tail++ & ring->mask] = value;
    pthread_mutex_unlock(&ring->lock);
    return room;
}

static inline bool mutex_ring_get(mutex_ring *ring, void *local, uintptr_t *value)
{
    bool any;

    (void)local;
    pthread_mutex_lock(&ring->lock);
    any = ring->tail != ring->head;
    if (any)
        *value = ring->cells[ring->head++ & ring->mask];
    pthread_mutex_unlock(&ring->lock);
    return any;
}

static inline size_t mutex_ring_put_n(mutex_ring *ring, void *local, const uintptr_t *values,
                                      size_t n)
{
    size_t done = 0;

    (void)local;
    pthread_mutex_lock(&ring->lock);
    while (done < n && ring->tail - ring->head <= ring->mask)
        ring->cells[ring->tail++ & ring->mask] = values[done++];
    pthread_mutex_unlock(&ring->lock);
    return done;
}

static inline size_t mutex_ring_get_n(mutex_ring *ring, void *local, uintptr_t *values, size_t n)
{
    size_t done = 0;

    (void)local;
    pthread_mutex_lock(&ring->lock);
    while (done < n && ring->tail != ring->head)
        values[done++] = ring->cells[ring->head++ & ring->mask];
    pthread_mutex_unlock(&ring->lock);
    return done;
}

#define QUEUE mutex_ring
#define QUEUE_LABEL "pthread mutex ring"
#define QUEUE_CLASS BENCH_LOCK, BENCH_FIFO, true
#define QUEUE_NOTE "a ring of words under a pthread_mutex_t"
#define QUEUE_PLAIN
#define QUEUE_MPMC
#define QUEUE_BATCH
#include "../queue.h"
