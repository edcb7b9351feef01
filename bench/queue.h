/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* bench/queue.h: the workloads of a queue of words, compiled once for each queue so
 * that its operations are inlined as its user would have them. C and C++. Before
 * each inclusion define (and find undefined afterwards):
 *
 *     QUEUE          a prefix P that is also the queue's type; then there must be
 *         P *P_open(size_t capacity, unsigned producers, unsigned threads);
 *                    an empty queue; NULL: cannot be made
 *         P_local    a type: what one thread keeps for itself
 *         void P_enter(P *, P_local *, unsigned id);   on the thread, before its first call
 *         void P_leave(P *, P_local *);                on the thread, after its last
 *         bool P_put(P *, P_local *, uintptr_t);       false: full, or not now
 *         bool P_get(P *, P_local *, uintptr_t *);     false: empty, or not now
 *     QUEUE_LABEL    its name in the tables
 *     QUEUE_CLASS    progress, order, bounded: BENCH_LOCK_FREE, BENCH_FIFO, true
 *     QUEUE_NOTE     a line for the report, or NULL
 *
 * and at will:
 *
 *     QUEUE_MPMC, QUEUE_UNBOUNDED, QUEUE_MPSC, QUEUE_SPSC   which groups of rows it joins (one or
 *                    more; UNBOUNDED: as MPMC, and a producer is never refused, but perhaps for
 *                    want of nodes)
 *     QUEUE_BATCH    there are
 *         size_t P_put_n(P *, P_local *, const uintptr_t *, size_t n);   0 to n went in
 *         size_t P_get_n(P *, P_local *, uintptr_t *, size_t n);         0 to n came out
 *     QUEUE_FLAGS    BENCH_OURS
 *     QUEUE_PLAIN    threads keep nothing: P_local, P_enter and P_leave are made here, and
 *                    the operations may take a `void *` in its place
 *     QUEUE_BINDS    P_enter is for the thread that calls it; otherwise one thread may
 *                    call it for another
 *
 * With BENCH_STEP defined a face for bench/step-peers is made instead of rows.
 *
 * Ids are 0 to threads - 1, producers first, and `threads` for the one that drains.
 * An intrusive queue takes its nodes from bench/nodes.h. */

#include "bench.h"

#ifdef BENCH_STEP
#include "step.h"
#endif

#ifndef QUEUE_FLAGS
#define QUEUE_FLAGS 0
#endif

#ifndef WEIR_BENCH_QUEUE_H
#define WEIR_BENCH_QUEUE_H

#define BENCH_PASTE_(a, b) a##b
#define BENCH_PASTE(a, b) BENCH_PASTE_(a, b)
#define BENCH_INLINE static inline __attribute__((always_inline, unused))
#define BENCH_BODY __attribute__((unused)) static
#ifdef __cplusplus
#define BENCH_ZERO \
    {              \
    }
#else
#define BENCH_ZERO \
    {              \
        0          \
    }
#endif

/* bench_again(), and says now and then how far the thread is: where threads outnumber
 * the CPUs a queue may be so slow that 64 operations take longer than the run. */
BENCH_INLINE bool bench_again_at(bench_thread *thread, unsigned *failures, uint64_t done)
{
    if (*failures % 64 == 63)
        /* relaxed: as in bench_going(). */
        weir_atomic_store(&thread->done, done, WEIR_RELAXED);
    return bench_again(thread, failures);
}

/* Fills the row's three percentiles: half a round trip is one way. */
#define BENCH_LATENCY         \
    {                         \
        "p50", "p99", "p99.9" \
    }

/* clang-format off */
static const bench_row bench_rows_mpmc[] __attribute__((unused)) = {
    {"mpmc/alone", "one thread: an enqueue and a dequeue", "ns", true, 1, {NULL, NULL, NULL}},
    {"mpmc/1P1C", "one producer, one consumer", "M/s", false, 2, {NULL, NULL, NULL}},
    {"mpmc/2P2C", "two producers, two consumers", "M/s", false, 4, {NULL, NULL, NULL}},
    {"mpmc/4P4C", "four producers, four consumers", "M/s", false, 8, {NULL, NULL, NULL}},
    {"mpmc/pairs", "two threads, each an enqueue, then a dequeue", "M/s", false, 2, {NULL, NULL, NULL}},
    {"mpmc/batch-8", "one producer, one consumer, 8 at a time", "M/s", false, 2, {NULL, NULL, NULL}},
    {"mpmc/batch-32", "one producer, one consumer, 32 at a time", "M/s", false, 2, {NULL, NULL, NULL}},
    {"mpmc/latency", "one way, one item in flight", "ns", true, 2, BENCH_LATENCY},
};
static const bench_row bench_rows_umpmc[] __attribute__((unused)) = {
    {"umpmc/alone", "one thread: an enqueue and a dequeue", "ns", true, 1, {NULL, NULL, NULL}},
    {"umpmc/1P1C", "one producer, one consumer", "M/s", false, 2, {NULL, NULL, NULL}},
    {"umpmc/2P2C", "two producers, two consumers", "M/s", false, 4, {NULL, NULL, NULL}},
    {"umpmc/4P4C", "four producers, four consumers", "M/s", false, 8, {NULL, NULL, NULL}},
    {"umpmc/pairs", "two threads, each an enqueue, then a dequeue", "M/s", false, 2, {NULL, NULL, NULL}},
    {"umpmc/latency", "one way, one item in flight", "ns", true, 2, BENCH_LATENCY},
};
static const bench_row bench_rows_mpsc[] __attribute__((unused)) = {
    {"mpsc/alone", "one thread: an enqueue and a dequeue", "ns", true, 1, {NULL, NULL, NULL}},
    {"mpsc/1P1C", "one producer, one consumer", "M/s", false, 2, {NULL, NULL, NULL}},
    {"mpsc/2P1C", "two producers, one consumer", "M/s", false, 3, {NULL, NULL, NULL}},
    {"mpsc/4P1C", "four producers, one consumer", "M/s", false, 5, {NULL, NULL, NULL}},
    {"mpsc/latency", "one way, one item in flight", "ns", true, 2, BENCH_LATENCY},
};
static const bench_row bench_rows_spsc[] __attribute__((unused)) = {
    {"spsc/alone", "one thread: an enqueue and a dequeue", "ns", true, 1, {NULL, NULL, NULL}},
    {"spsc/1P1C", "one producer, one consumer", "M/s", false, 2, {NULL, NULL, NULL}},
    {"spsc/1P1C-65536", "the same, capacity 65536", "M/s", false, 2, {NULL, NULL, NULL}},
    {"spsc/batch-32", "one producer, one consumer, 32 at a time", "M/s", false, 2, {NULL, NULL, NULL}},
    {"spsc/latency", "one way, one item in flight", "ns", true, 2, BENCH_LATENCY},
};
/* clang-format on */

#endif /* WEIR_BENCH_QUEUE_H */

#define Q(name) BENCH_PASTE(QUEUE, _##name)

#ifdef QUEUE_BATCH
static const bench_peer Q(peer) = {QUEUE_LABEL, QUEUE_CLASS, QUEUE_FLAGS, QUEUE_NOTE};
#else
static const bench_peer Q(peer) = {QUEUE_LABEL, QUEUE_CLASS, QUEUE_FLAGS | BENCH_LOOPS, QUEUE_NOTE};
#endif

#ifdef QUEUE_PLAIN
typedef struct Q(local) {
    char nothing;
} Q(local);

BENCH_INLINE void Q(enter)(QUEUE *queue, Q(local) * local, unsigned id)
{
    (void)queue;
    (void)local;
    (void)id;
}

BENCH_INLINE void Q(leave)(QUEUE *queue, Q(local) * local)
{
    (void)queue;
    (void)local;
}
#endif

#ifndef BENCH_STEP

/* ---- bodies ---- */

BENCH_BODY void Q(produce)(bench_thread *thread)
{
    QUEUE *queue = (QUEUE *)thread->shared;
    Q(local) local = BENCH_ZERO;
    uint64_t put = 0;
    unsigned failures = 0;

    Q(enter)(queue, &local, thread->id);
    while (bench_going(thread, 0)) {
        for (int i = 0; i < 64; i++) {
            while (!Q(put)(queue, &local, bench_value(thread->id, put + 1)))
                if (!bench_again(thread, &failures))
                    goto out;
            put++;
        }
    }
out:
    Q(leave)(queue, &local);
    thread->put = put;
}

BENCH_INLINE void Q(consume)(bench_thread *thread, bool alone)
{
    QUEUE *queue = (QUEUE *)thread->shared;
    Q(local) local = BENCH_ZERO;
    bench_ledger ledger;
    uintptr_t value = 0;
    unsigned failures = 0;

    memset(&ledger, 0, sizeof ledger);
    Q(enter)(queue, &local, thread->id);
    while (bench_going(thread, ledger.count)) {
        for (int i = 0; i < 64; i++) {
            while (!Q(get)(queue, &local, &value))
                if (!bench_again_at(thread, &failures, ledger.count))
                    goto out;
            if (alone)
                bench_take_next(&ledger, value);
            else
                bench_take(&ledger, value, Q(peer).order != BENCH_UNORDERED);
        }
    }
out:
    Q(leave)(queue, &local);
    if (alone)
        ledger.sum = ledger.count * (ledger.count + 1) / 2;
    thread->ledger = ledger;
}

BENCH_BODY void Q(consume_next)(bench_thread *thread)
{
    Q(consume)(thread, true);
}

BENCH_BODY void Q(consume_any)(bench_thread *thread)
{
    Q(consume)(thread, false);
}

/* One thread, one item inside at a time. */
BENCH_BODY void Q(alone)(bench_thread *thread)
{
    QUEUE *queue = (QUEUE *)thread->shared;
    Q(local) local = BENCH_ZERO;
    bench_ledger ledger;
    uint64_t put = 0;
    uintptr_t value = 0;
    unsigned failures = 0;

    memset(&ledger, 0, sizeof ledger);
    Q(enter)(queue, &local, thread->id);
    while (bench_going(thread, ledger.count)) {
        for (int i = 0; i < 64; i++) {
            while (!Q(put)(queue, &local, bench_value(0, put + 1)))
                if (!bench_again(thread, &failures))
                    goto out;
            put++;
            while (!Q(get)(queue, &local, &value))
                if (!bench_again(thread, &failures))
                    goto out;
            bench_take_next(&ledger, value);
        }
    }
out:
    Q(leave)(queue, &local);
    ledger.sum = ledger.count * (ledger.count + 1) / 2;
    thread->put = put;
    thread->ledger = ledger;
}

/* Several threads, each of them both. */
BENCH_BODY void Q(pairs)(bench_thread *thread)
{
    QUEUE *queue = (QUEUE *)thread->shared;
    Q(local) local = BENCH_ZERO;
    bench_ledger ledger;
    uint64_t put = 0;
    uintptr_t value = 0;
    unsigned failures = 0;

    memset(&ledger, 0, sizeof ledger);
    Q(enter)(queue, &local, thread->id);
    while (bench_going(thread, ledger.count)) {
        for (int i = 0; i < 64; i++) {
            while (!Q(put)(queue, &local, bench_value(thread->id, put + 1)))
                if (!bench_again(thread, &failures))
                    goto out;
            put++;
            while (!Q(get)(queue, &local, &value))
                if (!bench_again(thread, &failures))
                    goto out;
            bench_take(&ledger, value, Q(peer).order != BENCH_UNORDERED);
        }
    }
out:
    Q(leave)(queue, &local);
    thread->put = put;
    thread->ledger = ledger;
}

#ifdef QUEUE_BATCH
BENCH_INLINE void Q(produce_n)(bench_thread *thread, size_t n)
{
    QUEUE *queue = (QUEUE *)thread->shared;
    Q(local) local = BENCH_ZERO;
    uint64_t put = 0;
    uintptr_t values[32];
    unsigned failures = 0;

    Q(enter)(queue, &local, thread->id);
    while (bench_going(thread, 0)) {
        for (int round = 0; round < 4; round++) {
            size_t sent = 0;

            for (size_t i = 0; i < n; i++)
                values[i] = bench_value(thread->id, put + i + 1);
            while (sent < n) {
                /* The length stays a constant where it can: most batches go in whole. */
                const size_t went = sent == 0 ? Q(put_n)(queue, &local, values, n)
                                              : Q(put_n)(queue, &local, values + sent, n - sent);

                sent += went;
                if (went == 0 && !bench_again(thread, &failures)) {
                    put += sent;
                    goto out;
                }
            }
            put += n;
        }
    }
out:
    Q(leave)(queue, &local);
    thread->put = put;
}

BENCH_INLINE void Q(consume_n)(bench_thread *thread, size_t n)
{
    QUEUE *queue = (QUEUE *)thread->shared;
    Q(local) local = BENCH_ZERO;
    bench_ledger ledger;
    uintptr_t values[32];
    unsigned failures = 0;

    memset(&ledger, 0, sizeof ledger);
    Q(enter)(queue, &local, thread->id);
    while (bench_going(thread, ledger.count)) {
        for (int round = 0; round < 4; round++) {
            size_t came;

            while ((came = Q(get_n)(queue, &local, values, n)) == 0)
                if (!bench_again(thread, &failures))
                    goto out;
            for (size_t i = 0; i < came; i++)
                bench_take_next(&ledger, values[i]);
        }
    }
out:
    Q(leave)(queue, &local);
    ledger.sum = ledger.count * (ledger.count + 1) / 2;
    thread->ledger = ledger;
}

BENCH_BODY void Q(produce_8)(bench_thread *thread)
{
    Q(produce_n)(thread, 8);
}

BENCH_BODY void Q(consume_8)(bench_thread *thread)
{
    Q(consume_n)(thread, 8);
}

BENCH_BODY void Q(produce_32)(bench_thread *thread)
{
    Q(produce_n)(thread, 32);
}

BENCH_BODY void Q(consume_32)(bench_thread *thread)
{
    Q(consume_n)(thread, 32);
}
#endif

/* Ping and pong over two queues: needs no two clocks that agree. */
typedef struct Q(court) {
    QUEUE *there, *back;
    bench_histogram *trips;
} Q(court);

BENCH_BODY void Q(ping)(bench_thread *thread)
{
    Q(court) *court = (Q(court) *)thread->shared;
    Q(local) there = BENCH_ZERO, back = BENCH_ZERO;
    uint64_t put = 0, wrong = 0;
    uintptr_t value = 0;
    unsigned failures = 0;

    Q(enter)(court->there, &there, 0);
    Q(enter)(court->back, &back, 1);
    while (bench_going(thread, put)) {
        for (int i = 0; i < 64; i++) {
            const uint64_t begin = bench_ticks();

            while (!Q(put)(court->there, &there, bench_value(0, put + 1)))
                if (!bench_again(thread, &failures))
                    goto out;
            put++;
            while (!Q(get)(court->back, &back, &value))
                if (!bench_again(thread, &failures))
                    goto out;
            bench_record(court->trips, bench_ticks() - begin);
            wrong += value != bench_value(0, put);
        }
    }
out:
    Q(leave)(court->there, &there);
    Q(leave)(court->back, &back);
    thread->put = put;
    thread->ledger.wrong = wrong;
}

BENCH_BODY void Q(pong)(bench_thread *thread)
{
    Q(court) *court = (Q(court) *)thread->shared;
    Q(local) there = BENCH_ZERO, back = BENCH_ZERO;
    uintptr_t value = 0;
    unsigned failures = 0;

    Q(enter)(court->there, &there, 1);
    Q(enter)(court->back, &back, 0);
    for (;;) {
        while (!Q(get)(court->there, &there, &value))
            if (!bench_again(thread, &failures))
                goto out;
        while (!Q(put)(court->back, &back, value))
            if (!bench_again(thread, &failures))
                goto out;
    }
out:
    Q(leave)(court->there, &there);
    Q(leave)(court->back, &back);
}

/* ---- measures ---- */

BENCH_BODY void Q(measure)(bench_run *run, size_t capacity, unsigned producers, unsigned threads,
                           bench_body *const bodies[])
{
    QUEUE *queue = Q(open)(capacity, producers, threads);
    const bench_thread *ran;
    bench_ledger rest;
    Q(local) local = BENCH_ZERO;
    uintptr_t value = 0;

    if (queue == NULL) {
        bench_fail(run, "the queue could not be made");
        return;
    }
    ran = bench_threads(run, threads, bodies, queue);
    memset(&rest, 0, sizeof rest);
    Q(enter)(queue, &local, threads);
    while (Q(get)(queue, &local, &value))
        bench_take(&rest, value, Q(peer).order != BENCH_UNORDERED);
    Q(leave)(queue, &local);
    bench_settle(run, ran, &rest);
}

BENCH_BODY void Q(run_alone)(bench_run *run)
{
    bench_body *const bodies[] = {Q(alone)};

    Q(measure)(run, BENCH_CAPACITY, 1, 1, bodies);
    bench_set_ns(run);
}

BENCH_BODY void Q(run_1p1c)(bench_run *run)
{
    bench_body *const bodies[] = {Q(produce), Q(peer).order == BENCH_UNORDERED ? Q(consume_any)
                                                                               : Q(consume_next)};

    Q(measure)(run, BENCH_CAPACITY, 1, 2, bodies);
    bench_set_rate(run);
}

BENCH_BODY void Q(run_latency)(bench_run *run)
{
    static const double shares[BENCH_VALUES] = {0.5, 0.99, 0.999};
    bench_body *const bodies[] = {Q(ping), Q(pong)};
    Q(court) court;
    const bench_thread *ran;

    court.there = Q(open)(BENCH_CAPACITY, 1, 2);
    court.back = Q(open)(BENCH_CAPACITY, 1, 2);
    court.trips = (bench_histogram *)bench_alloc(sizeof *court.trips);
    if (court.there == NULL || court.back == NULL) {
        bench_fail(run, "the queue could not be made");
        return;
    }
    ran = bench_threads(run, 2, bodies, &court);
    if (ran[0].ledger.wrong > 0)
        bench_fail(run, "%llu answers were not the item that was sent",
                   (unsigned long long)ran[0].ledger.wrong);
    if (court.trips->count < 100)
        bench_starved(run, court.trips->count);
    for (int i = 0; i < BENCH_VALUES; i++)
        run->value[i] = bench_quantile_ns(court.trips, shares[i]) / 2;
    run->done = true;
}

#if defined(QUEUE_MPMC) || defined(QUEUE_SPSC)
BENCH_BODY void Q(run_32)(bench_run *run)
{
#ifdef QUEUE_BATCH
    bench_body *const bodies[] = {Q(produce_32), Q(consume_32)};
#else
    bench_body *const bodies[] = {Q(produce), Q(consume_next)};
#endif

    Q(measure)(run, BENCH_CAPACITY, 1, 2, bodies);
    bench_set_rate(run);
}
#endif

#ifdef QUEUE_MPMC
BENCH_BODY void Q(run_8)(bench_run *run)
{
#ifdef QUEUE_BATCH
    bench_body *const bodies[] = {Q(produce_8), Q(consume_8)};
#else
    bench_body *const bodies[] = {Q(produce), Q(consume_next)};
#endif

    Q(measure)(run, BENCH_CAPACITY, 1, 2, bodies);
    bench_set_rate(run);
}

#endif

#if defined(QUEUE_MPMC) || defined(QUEUE_UNBOUNDED)
BENCH_BODY void Q(run_2p2c)(bench_run *run)
{
    bench_body *const bodies[] = {Q(produce), Q(produce), Q(consume_any), Q(consume_any)};

    Q(measure)(run, BENCH_CAPACITY, 2, 4, bodies);
    bench_set_rate(run);
}

BENCH_BODY void Q(run_4p4c)(bench_run *run)
{
    bench_body *const bodies[] = {Q(produce),     Q(produce),     Q(produce),     Q(produce),
                                  Q(consume_any), Q(consume_any), Q(consume_any), Q(consume_any)};

    Q(measure)(run, BENCH_CAPACITY, 4, 8, bodies);
    bench_set_rate(run);
}

BENCH_BODY void Q(run_pairs)(bench_run *run)
{
    bench_body *const bodies[] = {Q(pairs), Q(pairs)};

    Q(measure)(run, BENCH_CAPACITY, 2, 2, bodies);
    bench_set_rate(run);
}

#endif

#ifdef QUEUE_MPMC
BENCH_REGISTER(Q(add_mpmc))
{
    bench_measure *const measures[] = {Q(run_alone), Q(run_1p1c), Q(run_2p2c), Q(run_4p4c),
                                       Q(run_pairs), Q(run_8),    Q(run_32),   Q(run_latency)};

    for (size_t i = 0; i < sizeof measures / sizeof measures[0]; i++)
        bench_add(&bench_rows_mpmc[i], &Q(peer), measures[i]);
}
#endif

#ifdef QUEUE_UNBOUNDED
BENCH_REGISTER(Q(add_umpmc))
{
    bench_measure *const measures[] = {Q(run_alone), Q(run_1p1c),  Q(run_2p2c),
                                       Q(run_4p4c),  Q(run_pairs), Q(run_latency)};

    for (size_t i = 0; i < sizeof measures / sizeof measures[0]; i++)
        bench_add(&bench_rows_umpmc[i], &Q(peer), measures[i]);
}
#endif

#ifdef QUEUE_MPSC
BENCH_BODY void Q(run_2p1c)(bench_run *run)
{
    bench_body *const bodies[] = {Q(produce), Q(produce), Q(consume_any)};

    Q(measure)(run, BENCH_CAPACITY, 2, 3, bodies);
    bench_set_rate(run);
}

BENCH_BODY void Q(run_4p1c)(bench_run *run)
{
    bench_body *const bodies[] = {Q(produce), Q(produce), Q(produce), Q(produce), Q(consume_any)};

    Q(measure)(run, BENCH_CAPACITY, 4, 5, bodies);
    bench_set_rate(run);
}

BENCH_REGISTER(Q(add_mpsc))
{
    bench_measure *const measures[] = {Q(run_alone), Q(run_1p1c), Q(run_2p1c), Q(run_4p1c),
                                       Q(run_latency)};

    for (size_t i = 0; i < sizeof measures / sizeof measures[0]; i++)
        bench_add(&bench_rows_mpsc[i], &Q(peer), measures[i]);
}
#endif

#ifdef QUEUE_SPSC
BENCH_BODY void Q(run_65536)(bench_run *run)
{
    bench_body *const bodies[] = {Q(produce), Q(consume_next)};

    Q(measure)(run, 65536, 1, 2, bodies);
    bench_set_rate(run);
}

BENCH_REGISTER(Q(add_spsc))
{
    bench_measure *const measures[] = {Q(run_alone), Q(run_1p1c), Q(run_65536), Q(run_32),
                                       Q(run_latency)};

    for (size_t i = 0; i < sizeof measures / sizeof measures[0]; i++)
        bench_add(&bench_rows_spsc[i], &Q(peer), measures[i]);
}
#endif

#else

/* ---- a face for the step harness ---- */

static void *Q(step_open)(void)
{
    return Q(open)(STEP_CAPACITY, STEP_PRODUCERS, STEP_THREADS);
}

static void Q(step_enter)(void *queue, void *local, unsigned id)
{
    static_assert(sizeof(Q(local)) <= STEP_LOCAL, "STEP_LOCAL is too small");
    Q(enter)((QUEUE *)queue, (Q(local) *)local, id);
}

static void Q(step_leave)(void *queue, void *local)
{
    Q(leave)((QUEUE *)queue, (Q(local) *)local);
}

static bool Q(step_put)(void *queue, void *local, uintptr_t value)
{
    return Q(put)((QUEUE *)queue, (Q(local) *)local, value);
}

static bool Q(step_get)(void *queue, void *local, uintptr_t *value)
{
    return Q(get)((QUEUE *)queue, (Q(local) *)local, value);
}

static void Q(step_puts)(void *state)
{
    step_seen *const seen = (step_seen *)state;

    seen->answer = Q(put)((QUEUE *)seen->shared, (Q(local) *)seen->local, seen->value[0]);
}

static void Q(step_gets)(void *state)
{
    step_seen *const seen = (step_seen *)state;

    seen->answer = Q(get)((QUEUE *)seen->shared, (Q(local) *)seen->local, &seen->value[0]);
}

#ifdef QUEUE_BATCH
static void Q(step_puts_some)(void *state)
{
    step_seen *const seen = (step_seen *)state;

    seen->answer = Q(put_n)((QUEUE *)seen->shared, (Q(local) *)seen->local, seen->value, 2);
}

static void Q(step_gets_some)(void *state)
{
    step_seen *const seen = (step_seen *)state;

    seen->answer = Q(get_n)((QUEUE *)seen->shared, (Q(local) *)seen->local, seen->value, 2);
}
#endif

BENCH_REGISTER(Q(add_step))
{
    static step_face face;

    face.peer = &Q(peer);
    face.kind = STEP_QUEUE;
#if defined(QUEUE_MPMC) || defined(QUEUE_UNBOUNDED)
    face.group = Q(peer).bounded ? "mpmc" : "umpmc";
    face.many_put = true;
    face.many_get = true;
#elif defined(QUEUE_MPSC)
    face.group = "mpsc";
    face.many_put = true;
#else
    face.group = "spsc";
#endif
#ifdef QUEUE_BINDS
    face.binds = true;
#endif
    face.open = Q(step_open);
    face.enter = Q(step_enter);
    face.leave = Q(step_leave);
    face.put = Q(step_put);
    face.get = Q(step_get);
    face.victim[STEP_PUT] = Q(step_puts);
    face.victim[STEP_GET] = Q(step_gets);
#ifdef QUEUE_BATCH
    face.victim[STEP_PUT_SOME] = Q(step_puts_some);
    face.victim[STEP_GET_SOME] = Q(step_gets_some);
#endif
    step_add(&face);
}

#endif /* BENCH_STEP */

#undef Q
#undef QUEUE
#undef QUEUE_LABEL
#undef QUEUE_CLASS
#undef QUEUE_NOTE
#undef QUEUE_FLAGS
#undef QUEUE_MPMC
#undef QUEUE_UNBOUNDED
#undef QUEUE_MPSC
#undef QUEUE_SPSC
#undef QUEUE_BATCH
#undef QUEUE_PLAIN
#undef QUEUE_BINDS
