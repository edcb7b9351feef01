/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* cas_increment: the loop from which lock-free counters are made. Read the value, compute
 * the next one, and put it there with a compare-and-swap, which fails if another thread
 * came between: then it brings the newer value, and one tries again.
 *
 * First by hand, with the words of weir/atomic.h; then with weir_counter_add_limit(), which
 * is such a loop and shows what fetch_add cannot do: it stops at a limit. */

#include <weir/counter.h>

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>

enum { THREADS = 4, EACH = 100000, LIMIT = 250000 };

static WEIR_ATOMIC(uint64_t) by_hand = WEIR_ATOMIC_INIT(0);
static weir_counter retries = WEIR_COUNTER_INIT(0);
static weir_counter limited = WEIR_COUNTER_INIT(0);
static weir_counter refused = WEIR_COUNTER_INIT(0);

static void increment(void)
{
    weir_backoff backoff = WEIR_BACKOFF_INIT;
    /* relaxed, all: a counter publishes nothing. */
    uint64_t seen = weir_atomic_load(&by_hand, WEIR_RELAXED);

    while (!weir_atomic_cas_weak(&by_hand, &seen, seen + 1, WEIR_RELAXED, WEIR_RELAXED)) {
        weir_counter_inc(&retries);
        weir_backoff_wait(&backoff); /* who lost lets the winner get on */
    }
}

static void *count(void *argument)
{
    (void)argument;
    for (int i = 0; i < EACH; i++) {
        increment();
        if (!weir_counter_add_limit(&limited, 1, LIMIT))
            weir_counter_inc(&refused);
    }
    return NULL;
}

int main(void)
{
    const uint64_t all = (uint64_t)THREADS * EACH;
    pthread_t threads[THREADS];
    uint64_t counted;

    for (int i = 0; i < THREADS; i++)
        if (pthread_create(&threads[i], NULL, count, NULL) != 0)
            return 1;
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    /* relaxed: joined. */
    counted = weir_atomic_load(&by_hand, WEIR_RELAXED);
    if (counted != all || weir_counter_read(&limited) != LIMIT ||
        weir_counter_read(&refused) != all - LIMIT) {
        fprintf(stderr, "counted %" PRIu64 " and %" PRIu64 "\n", counted,
                weir_counter_read(&limited));
        return 1;
    }
    printf("OK cas_increment counted=%" PRIu64 " retries=%" PRIu64 " limited=%" PRIu64
           " refused=%" PRIu64 "\n",
           counted, weir_counter_read(&retries), weir_counter_read(&limited),
           weir_counter_read(&refused));
    return 0;
}
