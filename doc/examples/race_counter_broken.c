/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* race_counter_broken: what `counter += 1` by several threads does. It is a load, an
 * addition and a store; two threads that load the same value store the same sum, and one
 * of the increments is lost.
 *
 * With a plain variable this would be a data race, undefined in C: here load and store are
 * atomic each for itself, so that the program is defined, and still wrong. A yield now and
 * then between the two makes it happen on one processor as well. Compiled with -DPLAIN it
 * is the plain variable, for a look at what -fsanitize=thread says of it.
 * See race_counter_atomic.c and race_counter_lock.c for two programs that count right. */

#include <weir/atomic.h>

#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>

enum { THREADS = 4, EACH = 1000000 };

#ifdef PLAIN
static uint64_t counter;
#define load(word) (*(word))
#define store(word, value) (*(word) = (value))
#else
static WEIR_ATOMIC(uint64_t) counter = WEIR_ATOMIC_INIT(0);
/* relaxed, both: the example is about the gap between them. */
#define load(word) weir_atomic_load(word, WEIR_RELAXED)
#define store(word, value) weir_atomic_store(word, value, WEIR_RELAXED)
#endif

static void *count(void *argument)
{
    (void)argument;
    for (int i = 0; i < EACH; i++) {
        const uint64_t seen = load(&counter);

        if (i % 1000 == 0)
            sched_yield();
        store(&counter, seen + 1);
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
    counted = load(&counter);
    if (counted >= all) {
        fprintf(stderr, "no update was lost this time\n");
        return 1;
    }
    printf("OK race_counter_broken counted=%" PRIu64 " of=%" PRIu64 " lost=%" PRIu64 "\n", counted,
           all, all - counted);
    return 0;
}
