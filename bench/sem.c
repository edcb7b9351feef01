/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* Semaphores: an acquire and a release.
 *
 *   sem/alone  nanoseconds, in one thread, with one permit: against POSIX's and a mutex
 *   sem/2      two threads, one permit: each adds 1 to a word that it guards */

#include "bench.h"

#include <weir/sem.h>

#include <pthread.h>
#include <semaphore.h>

static const bench_row rows[2] = {
    {"sem/alone", "one thread: acquire the one permit, release it", "ns", true, 1, {NULL}},
    {"sem/2", "two threads, one permit: acquire, add 1, release", "M/s", false, 2, {NULL}}};

/* The word that is guarded lies behind each of the three, in its line. */
typedef struct guards {
    WEIR_ALIGNAS(WEIR_CACHELINE) weir_sem ours;
    uint64_t our_count;
    WEIR_ALIGNAS(WEIR_CACHELINE) sem_t posix;
    uint64_t posix_count;
    WEIR_ALIGNAS(WEIR_CACHELINE) pthread_mutex_t mutex;
    uint64_t mutex_count;
} guards;

/* A body that adds 1 to `count` between `enter` and `leave`, until the run ends. */
#define GUARDING(name, enter, leave, count)           \
    static void name(bench_thread *thread)            \
    {                                                 \
        guards *const own = (guards *)thread->shared; \
        uint64_t done = 0, failed = 0;                \
                                                      \
        while (bench_going(thread, done))             \
            for (int i = 0; i < 64; i++, done++) {    \
                failed += (enter) != 0;               \
                own->count++;                         \
                leave;                                \
            }                                         \
        thread->put = done;                           \
        thread->ledger.wrong = failed;                \
    }

GUARDING(our_body, weir_sem_acquire(&own->ours, 1, WEIR_FOREVER, NULL),
         weir_sem_release(&own->ours, 1), our_count)
GUARDING(posix_body, sem_wait(&own->posix), sem_post(&own->posix), posix_count)
GUARDING(mutex_body, pthread_mutex_lock(&own->mutex), pthread_mutex_unlock(&own->mutex),
         mutex_count)

static guards *open_guards(void)
{
    guards *const own = (guards *)bench_alloc(sizeof *own);

    weir_sem_init(&own->ours, 1);
    sem_init(&own->posix, 0, 1);
    pthread_mutex_init(&own->mutex, NULL);
    return own;
}

static void run_bodies(bench_run *run, unsigned threads, bench_body *body, guards *own,
                       const uint64_t *count)
{
    bench_body *const bodies[] = {body, body};
    const bench_thread *ran;
    uint64_t put = 0, failed = 0;

    run->sleeps = true;
    ran = bench_threads(run, threads, bodies, own);
    for (unsigned i = 0; i < threads; i++) {
        put += ran[i].put;
        failed += ran[i].ledger.wrong;
    }
    if (failed > 0)
        bench_fail(run, "%llu acquires failed", (unsigned long long)failed);
    if (*count != put)
        bench_fail(run, "counted %llu of %llu: two were inside", (unsigned long long)*count,
                   (unsigned long long)put);
    if (threads == 1)
        bench_set_ns(run);
    else
        bench_set_rate(run);
}

static void run_ours(bench_run *run, unsigned threads)
{
    guards *const own = open_guards();

    run_bodies(run, threads, our_body, own, &own->our_count);
    if (weir_sem_available_approx(&own->ours) != 1 || weir_sem_destroy(&own->ours) != 0)
        bench_fail(run, "the permit did not come back");
}

static void run_posix(bench_run *run, unsigned threads)
{
    guards *const own = open_guards();
    int left = 0;

    run_bodies(run, threads, posix_body, own, &own->posix_count);
    if (sem_getvalue(&own->posix, &left) != 0 || left != 1)
        bench_fail(run, "the permit did not come back");
}

static void our_alone(bench_run *run)
{
    run_ours(run, 1);
}

static void our_two(bench_run *run)
{
    run_ours(run, 2);
}

static void posix_alone(bench_run *run)
{
    run_posix(run, 1);
}

static void posix_two(bench_run *run)
{
    run_posix(run, 2);
}

static void mutex_alone(bench_run *run)
{
    guards *const own = open_guards();

    run_bodies(run, 1, mutex_body, own, &own->mutex_count);
}

BENCH_REGISTER(add_semaphores)
{
    static const bench_peer ours = {
        "weir sem", BENCH_BLOCKING, BENCH_UNORDERED,
        true,       BENCH_OURS,     "hands permits over to who sleeps, in the order of arrival"};
    static const bench_peer posix = {
        "POSIX sem", BENCH_BLOCKING, BENCH_UNORDERED, true, 0, "sem_wait and sem_post: no order"};
    static const bench_peer mutex = {
        "pthread mutex", BENCH_LOCK, BENCH_UNORDERED, true, 0, "not a semaphore: lock and unlock"};

    bench_add(&rows[0], &ours, our_alone);
    bench_add(&rows[0], &posix, posix_alone);
    bench_add(&rows[0], &mutex, mutex_alone);
    bench_add(&rows[1], &ours, our_two);
    bench_add(&rows[1], &posix, posix_two);
}
