/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* race_counter_atomic: race_counter_broken.c with the three steps made one: no thread comes
 * between the load and the store of weir_counter_inc(). */

#include <weir/counter.h>

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>

enum { THREADS = 4, EACH = 1000000 };

static weir_counter counter = WEIR_COUNTER_INIT(0);

static void *count(void *argument)
{
    (void)argument;
    for (int i = 0; i < EACH; i++)
        weir_counter_inc(&counter);
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
    counted = weir_counter_read(&counter);
    if (counted != all) {
        fprintf(stderr, "counted %" PRIu64 " of %" PRIu64 "\n", counted, all);
        return 1;
    }
    printf("OK race_counter_atomic counted=%" PRIu64 " lost=0\n", counted);
    return 0;
}
