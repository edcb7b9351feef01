/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* counter_sharded: many threads count, and one looks at the sum while they do. A read counts
 * all that was added before it, nothing that is added after it, and of what is added
 * meanwhile some: so it is off by no more than what is on its way. When the threads are
 * joined it is exact.
 *
 * To check that, main() lets each thread count up to a number that it raises, and each
 * thread says how far it has come. */

#include <weir/counter.h>

#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>

enum { THREADS = 4, STEP = 1000, STEPS = 1000, EACH = STEP * STEPS };

static weir_counter_sharded *events;
static WEIR_ATOMIC(uint64_t) allowed; /* written by main() */
static struct {
    WEIR_ALIGNAS(WEIR_CACHELINE) WEIR_ATOMIC(uint64_t) done; /* written by one thread */
} progress[THREADS];

static void *count(void *number)
{
    WEIR_ATOMIC(uint64_t) *const mine = &progress[(size_t)number].done;
    uint64_t done = 0;

    while (done < EACH) {
        /* sync(allowed): acquire.  Pairs with the store in main(): what is added below
         * happens after the reads before it. */
        const uint64_t until = weir_atomic_load(&allowed, WEIR_ACQUIRE);

        if (done == until)
            sched_yield();
        for (; done < until; done++)
            weir_counter_sharded_inc(events);
        /* sync(done): release.  Pairs with the load in main(): so many are counted. */
        weir_atomic_store(mine, done, WEIR_RELEASE);
    }
    return NULL;
}

int main(void)
{
    uint64_t reads = 0, before = 0, widest = 0, last;
    pthread_t threads[THREADS];

    if (weir_counter_sharded_new(&events, weir_counter_sharded_slots()) != 0)
        return 1;
    for (size_t i = 0; i < THREADS; i++)
        if (pthread_create(&threads[i], NULL, count, (void *)i) != 0)
            return 1;
    for (uint64_t step = 1; step <= STEPS; step++) {
        uint64_t least, value;

        /* sync(allowed): release.  Pairs with the load in count(). */
        weir_atomic_store(&allowed, step * STEP, WEIR_RELEASE);
        do {
            least = 0;
            for (int i = 0; i < THREADS; i++) {
                /* sync(done): acquire.  Pairs with the store in count(). */
                least += weir_atomic_load(&progress[i].done, WEIR_ACQUIRE);
            }
            value = weir_counter_sharded_read(events);
            if (value < least || value > step * STEP * THREADS || value < before) {
                fprintf(stderr, "read %" PRIu64 ": not between %" PRIu64 " and %" PRIu64 "\n",
                        value, least, step * STEP * THREADS);
                return 1;
            }
            widest = value - least > widest ? value - least : widest;
            before = value;
            reads++;
            sched_yield();
        } while (least + (uint64_t)STEP * THREADS / 2 < step * STEP * THREADS);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    last = weir_counter_sharded_read(events);
    weir_counter_sharded_free(events);
    if (last != (uint64_t)THREADS * EACH) {
        fprintf(stderr, "counted %" PRIu64 "\n", last);
        return 1;
    }
    printf("OK counter_sharded counted=%" PRIu64 " reads=%" PRIu64 " widest=%" PRIu64 "\n", last,
           reads, widest);
    return 0;
}
