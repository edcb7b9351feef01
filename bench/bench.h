/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* bench/bench.h: the face of every benchmark, in C and in C++.
 *
 * A ROW is one question ("one producer, one consumer, words a second"); a PEER is
 * one implementation; a CASE is a function that measures one peer for one row.
 * Each case is called many times, each time in a process of its own: what it
 * allocates it need not free, and a crash or a hang costs that run alone.
 *
 * To add a queue (weir's or a peer's): write one file which defines the small face
 * at the top of bench/queue.h and includes that header; it makes the rows. The file
 * bench/peers/mutex.c is the shortest example. To add a row of another kind:
 *
 *     static const bench_row row = {"counter/2", "two threads add", "ns", true, 2, {NULL}};
 *     static const bench_peer peer = {"fetch_add", BENCH_WAIT_FREE, BENCH_UNORDERED, true,
 *                                     BENCH_REFERENCE, "one word, lock xadd"};
 *
 *     static void add(bench_thread *thread)            // runs on a pinned thread
 *     {
 *         counter *c = (counter *)thread->shared;
 *         uint64_t done = 0;
 *
 *         while (bench_going(thread, done))            // one look in 64 operations
 *             for (int i = 0; i < 64; i++, done++)
 *                 counter_add(c, 1);
 *         thread->put = done;
 *     }
 *
 *     static void measure(bench_run *run)
 *     {
 *         counter *c = (counter *)bench_alloc(sizeof *c);
 *         bench_body *const bodies[] = {add, add};
 *         const bench_thread *threads = bench_threads(run, 2, bodies, c);
 *
 *         if (counter_read(c) != threads[0].put + threads[1].put)
 *             bench_fail(run, "lost an increment");
 *         bench_set_ns(run);                           // or bench_set_rate()
 *     }
 *
 *     BENCH_REGISTER(add_my_cases)
 *     {
 *         bench_add(&row, &peer, measure);
 *     }
 *
 * A row is known by its name, "GROUP/ROW": several files may give the same one. The
 * terminal's tables and the JSON come from weir-bench --json FILE; bench/report makes
 * the page and the README's picture of them. `weir-bench --list` says what there is.
 *
 * weir-bench links driver.c machine.c main.c table.c shim.cc, weir's own files
 * (one for each of its headers that has rows), peers/mutex.c, and of the other
 * peers/ those that configure found; each registers itself, so that nothing else
 * names them and no preprocessor symbol is needed. The objects are linked directly, not
 * from an archive, which would leave out what nobody names. All are built with -O3:
 *
 *     peers/mutex.c                                        always
 *     peers/ck.c           ck_ring.h, ck_fifo.h            -lck
 *     peers/urcu.c         urcu/wfcqueue.h, rculfqueue.h   -lurcu -lurcu-cds -lurcu-common
 *     peers/moodycamel.cc  concurrentqueue, readerwriterqueue (either or both)
 *     peers/boost.cc       boost/lockfree/queue.hpp
 *     peers/tbb.cc         oneapi/tbb or tbb               -ltbb
 *     peers/cds.cc         cds/init.h                      -lcds
 *     peers/xenium.cc      xenium/vyukov_bounded_queue.hpp
 *     peers/atomic_queue.cc  atomic_queue/atomic_queue.h
 *     peers/reclaim_*      the reclamation schemes of ck (-lck), liburcu (-lurcu-mb
 *                          -lurcu-bp -lurcu-qsbr too), libcds and xenium
 *
 * shim.cc needs Google Benchmark (benchmark/benchmark.h, -lbenchmark). */

#ifndef WEIR_BENCH_BENCH_H
#define WEIR_BENCH_BENCH_H

#include <weir/atomic.h>

#include <sched.h>
#include <string.h>
#include <time.h>

#ifdef __cplusplus
extern "C" {
#endif

#define BENCH_VALUES 3      /* values of one row: of a latency p50, p99, p99.9 */
#define BENCH_PRODUCERS 8   /* ids that a value can carry */
#define BENCH_THREADS 16    /* threads of one run */
#define BENCH_CAPACITY 1024 /* of every bounded queue, unless the row says otherwise */

/* ---- rows, peers, cases ---- */

typedef struct bench_row {
    const char *name;                  /* "mpmc/1P1C" */
    const char *title;                 /* a line for people */
    const char *unit;                  /* "M/s" or "ns" */
    bool less;                         /* less is better */
    unsigned threads;                  /* with 1, near and far mean nothing */
    const char *columns[BENCH_VALUES]; /* names of the values; {NULL}: one, without name */
} bench_row;

/* What one frozen thread does to the others, as tested, not as advertised. */
typedef enum bench_progress {
    BENCH_WAIT_FREE,
    BENCH_LOCK_FREE, /* nothing: the others go on */
    BENCH_BLOCKING,  /* the others may get "full" or "empty" until it goes on; no call spins for it
                      */
    BENCH_SPINS,     /* calls of the others spin until it goes on */
    BENCH_LOCK       /* a lock, and the others sleep */
} bench_progress;

typedef enum bench_order {
    BENCH_FIFO,         /* one order for all */
    BENCH_PER_PRODUCER, /* only the items of one producer keep their order */
    BENCH_UNORDERED
} bench_order;

enum {
    BENCH_OURS = 1,      /* weir's: first in the table, and no peer of itself */
    BENCH_REFERENCE = 2, /* the row's yardstick (fetch_add, a plain increment): own ratio column */
    BENCH_LOOPS = 4      /* has no batch operation: the batch rows call one by one */
};

typedef struct bench_peer {
    const char *label;
    bench_progress progress;
    bench_order order;
    bool bounded;
    unsigned flags;
    const char *note; /* one line for the report, or NULL */
} bench_peer;

typedef struct bench_run bench_run;
typedef void bench_measure(bench_run *run);

/* Adds a case. The row and the peer must live for the whole program. */
void bench_add(const bench_row *row, const bench_peer *peer, bench_measure *measure);

/* A function that runs before main(), to call bench_add() in. */
#define BENCH_REGISTER(name)                             \
    __attribute__((constructor)) static void name(void); \
    static void name(void)

/* ---- one run ---- */

struct bench_run {
    double seconds;                /* how long the timed part is to last */
    double window;                 /* how long it lasted */
    unsigned threads;              /* threads that ran */
    uint64_t total;                /* operations of all threads within the window */
    uint64_t items[BENCH_THREADS]; /* of each */
    double value[BENCH_VALUES];
    double before_ns, after_ns; /* a line's round trip, before and after; 0: not measured */
    double others;              /* share of the CPUs' time that other processes took, 0 to 1 */
    bool sleeps;  /* threads may sleep (a lock): `others` cannot be told when crowded */
    bool starved; /* failed by too few operations: no fault, if others had the CPUs */
    bool done;
    char why[160]; /* not empty: failed */
};

/* What was consumed. */
typedef struct bench_ledger {
    uint64_t count, sum, wrong;
    uint64_t last[BENCH_PRODUCERS];
} bench_ledger;

typedef struct bench_thread {
    WEIR_ALIGNAS(WEIR_CACHELINE) WEIR_ATOMIC(uint64_t) done; /* written by the thread */
    WEIR_ALIGNAS(WEIR_CACHELINE) WEIR_ATOMIC(uint32_t) * stop;
    void *shared;
    unsigned id;  /* 0, 1, ...; pinned to the id-th allowed CPU, round robin */
    bool crowded; /* more threads than CPUs: yield now and then while waiting */
    uint64_t put; /* by the body, at its end: items enqueued */
    bench_ledger ledger;
} bench_thread;

typedef void bench_body(bench_thread *thread);

/* Runs bodies[i] on thread i, all pinned, for about run->seconds after a warm-up.
 * Returns: the threads, after their end, with what the bodies left in them. */
const bench_thread *bench_threads(bench_run *run, unsigned count, bench_body *const bodies[],
                                  void *shared);

/* Says that the run is worth nothing, and why. The first reason stays. */
void bench_fail(bench_run *run, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Says that `operations` are too few for a value, which is a failure only where others
 * left the CPUs to the run. */
void bench_starved(bench_run *run, uint64_t operations);

/* The run's value: million operations a second of all threads together. */
void bench_set_rate(bench_run *run);

/* The run's value: nanoseconds of one core for an operation. */
void bench_set_ns(bench_run *run);

/* Checks that what the threads (and `rest`, drained after their end) consumed is
 * what they enqueued, in its order. */
void bench_settle(bench_run *run, const bench_thread *threads, const bench_ledger *rest);

/* Zeroed memory on pages of its own, or the end of the run. */
void *bench_alloc(size_t bytes);

/* Whether the run goes on; `done` operations are behind the thread. Look every 64
 * operations: it costs a store to an own line and a load of a quiet one. */
static inline bool bench_going(bench_thread *thread, uint64_t done)
{
    /* relaxed: a number that is read while it moves. */
    weir_atomic_store(&thread->done, done, WEIR_RELAXED);
    /* relaxed: carries nothing; the threads' end is what orders their results. */
    return weir_atomic_load(thread->stop, WEIR_RELAXED) == 0;
}

/* The one policy for full and for empty: again at once; where there are more threads
 * than CPUs, a yield after every 64 failures. Returns: whether the run goes on. */
static inline bool bench_again(const bench_thread *thread, unsigned *failures)
{
    if (thread->crowded && ++*failures % 64 == 0)
        sched_yield();
    /* relaxed: as in bench_going(). */
    return weir_atomic_load(thread->stop, WEIR_RELAXED) == 0;
}

/* ---- values that tell who made them, and when ---- */

/* The `sequence`-th value (from 1) of `producer`. Looks like a pointer to a user's
 * object: never 0, a multiple of 8, below 2^47 for some hours. */
static inline uintptr_t bench_value(unsigned producer, uint64_t sequence)
{
    return (uintptr_t)(sequence << 6 | (uint64_t)producer << 3);
}

/* Books a value that came out, when there are several producers or consumers:
 * of each producer, this consumer must see a rising sequence. */
static inline void bench_take(bench_ledger *ledger, uintptr_t value, bool ordered)
{
    const unsigned producer = (unsigned)(value >> 3) % BENCH_PRODUCERS;
    const uint64_t sequence = value >> 6;

    if (ordered)
        ledger->wrong += sequence <= ledger->last[producer];
    ledger->last[producer] = sequence;
    ledger->sum += sequence;
    ledger->count++;
}

/* The same for one producer and one consumer: exactly the next one must come. */
static inline void bench_take_next(bench_ledger *ledger, uintptr_t value)
{
    ledger->count++;
    ledger->wrong += value != bench_value(0, ledger->count);
}

/* ---- time ---- */

/* A fine clock for short intervals, ordered after the loads before it. */
static inline uint64_t bench_ticks(void)
{
#if defined(__x86_64__)
    __builtin_ia32_lfence();
    return __builtin_ia32_rdtsc();
#elif defined(__aarch64__)
    uint64_t ticks;

    __asm__ __volatile__("isb\n\tmrs %0, cntvct_el0" : "=r"(ticks)::"memory");
    return ticks;
#else
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
#endif
}

uint64_t bench_now_ns(void);

/* Intervals, counted: within 1/2048 of their length. */
#define BENCH_BUCKETS (2048 * 40)
typedef struct bench_histogram {
    uint64_t count;
    uint32_t bucket[BENCH_BUCKETS];
} bench_histogram;

static inline void bench_record(bench_histogram *histogram, uint64_t ticks)
{
    const unsigned top = 63u - (unsigned)__builtin_clzll(ticks | 1);
    const unsigned shift = top > 11 ? top - 11 : 0;
    const uint64_t index = (uint64_t)shift * 2048 + (ticks >> shift);

    histogram->bucket[index < BENCH_BUCKETS ? index : BENCH_BUCKETS - 1]++;
    histogram->count++;
}

/* Returns: the interval, in ns, below which `share` (0 to 1) of them lie; the cost
 * of reading the clock itself is taken off. */
double bench_quantile_ns(const bench_histogram *histogram, double share);

#ifdef __cplusplus
}
#endif

#endif /* WEIR_BENCH_BENCH_H */
