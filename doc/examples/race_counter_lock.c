/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* race_counter_lock: race_counter_broken.c with a lock around load and store. Right, and a
 * thread that is stopped between lock and unlock stops all others: race_counter_atomic.c
 * has no such place. */

#include <inttypes.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>

enum { THREADS = 4, EACH = 1000000 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static uint64_t counter; /* only while holding the lock */

static void *count(void *argument)
{
    (void)argument;
    for (int i = 0; i < EACH; i++) {
        pthread_mutex_lock(&lock);
        counter += 1;
        pthread_mutex_unlock(&lock);
    }
    return NULL;
}

int main(void)
{
    const uint64_t all = (uint64_t)THREADS * EACH;
    pthread_t threads[THREADS];

    for (int i = 0; i < THREADS; i++)
        if (pthread_create(&threads[i], NULL, count, NULL) != 0)
            return 1;
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    if (counter != all) {
        fprintf(stderr, "counted %" PRIu64 " of %" PRIu64 "\n", counter, all);
        return 1;
    }
    printf("OK race_counter_lock counted=%" PRIu64 " lost=0\n", counter);
    return 0;
}
