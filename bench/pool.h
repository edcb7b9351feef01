/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* bench/pool.h: the workloads of thread pools, and the face that a pool shows to them. C and C++.
 * bench/pool_run.c has the workloads, bench/pool.c weir's face; each peer's is in a file of its
 * own. OpenMP's are libraries that are opened at run time, Go's workloads a program
 * (bench/program.h).
 *
 * All calls are through the face's pointers, for all alike: some 1 ns each. */

#ifndef WEIR_BENCH_POOL_H
#define WEIR_BENCH_POOL_H

#include "bench.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- the face ---- */

/* What is submitted: the first of a peer's own struct of item_bytes. */
typedef struct pool_item {
    void (*run)(struct pool_item *item); /* to be called by a worker, once for each submit */
    WEIR_ATOMIC(uint64_t) heard;         /* by `run`; 0: not yet */
} pool_item;

/* A pointer may be NULL: there is no such thing, and no row of it. */
typedef struct pool_face {
    size_t item_bytes;
    /* Once, in a process of its own. From outside: `workers` threads beside the callers; else the
     * one who calls inside() may be one of them. */
    bool (*open)(unsigned workers, bool outside);
    /* Calls f where fib() and loop() are to be called from, and returns after it. */
    void (*inside)(bool loops, void (*f)(void *of), void *of);
    uint64_t (*fib)(unsigned n);                         /* each sum forks one half, and joins it */
    void (*loop)(uint32_t *items, size_t n, uint32_t k); /* bench_pool_range() of all */
    void (*submit)(pool_item *item);
    void (*settle)(void); /* NULL, or: after all that was submitted has run, outside of the clock */
    /* Calls visit(i) for each i below POOL_NODES, after those of its left and its upper neighbour;
     * from outside. What can be made once is made at the first call. */
    void (*wave)(void (*visit)(unsigned i));
} pool_face;

/* One cheap item after the other: a division, of which no compiler makes more than another. */
static inline void bench_pool_range(uint32_t *items, size_t from, size_t to, uint32_t k)
{
    for (size_t i = from; i < to; i++)
        items[i] = (items[i] + (uint32_t)i) % k;
}

/* A graph: a square of so many nodes. */
enum { POOL_SIDE = 32, POOL_NODES = POOL_SIDE * POOL_SIDE };

/* ---- rows ---- */

enum {
    POOL_FIB_1,
    POOL_FIB_2,
    POOL_SUBMIT_1,
    POOL_SUBMIT_2,
    POOL_WAKE,
    POOL_HOT,
    POOL_FOR_1E7,
    POOL_FOR_64,
    POOL_GRAPH,
    POOL_IDLE,
    POOL_ROWS
};

enum {
    POOL_DIVIDES = 1 << POOL_FIB_1 | 1 << POOL_FIB_2,
    POOL_SERVES = 1 << POOL_SUBMIT_1 | 1 << POOL_WAKE | 1 << POOL_HOT | 1 << POOL_IDLE,
    POOL_LOOPS = 1 << POOL_FOR_1E7 | 1 << POOL_FOR_64,
    POOL_ALL = (1 << POOL_ROWS) - 1
};

/* Of fib(POOL_FIB): sums, each of which spawns one. */
enum { POOL_FIB = 27, POOL_SPAWNS = 317810, POOL_FIBONACCI = 196418 };

/* Jobs of one producer that are under way at most. */
enum { POOL_BATCH = 10000 };

extern const bench_row bench_rows_pool[POOL_ROWS];

void bench_pool_measure(bench_run *run, const pool_face *face, unsigned row);

/* What a pool costs that has been used and has nothing to do: of the threads of process `id`, or
 * where it is 0 of the others of this one. */
void bench_pool_idle(bench_run *run, int id);

/* ---- cases ---- */

/* P_cases[], of a function P() that returns the face. */
#define BENCH_POOL_CASE(P, row)                   \
    static void P##_##row(bench_run *run)         \
    {                                             \
        bench_pool_measure(run, P(), POOL_##row); \
    }
#define BENCH_POOL_CASES(P)                                           \
    BENCH_POOL_CASE(P, FIB_1)                                         \
    BENCH_POOL_CASE(P, FIB_2)                                         \
    BENCH_POOL_CASE(P, SUBMIT_1)                                      \
    BENCH_POOL_CASE(P, SUBMIT_2)                                      \
    BENCH_POOL_CASE(P, WAKE)                                          \
    BENCH_POOL_CASE(P, HOT)                                           \
    BENCH_POOL_CASE(P, FOR_1E7)                                       \
    BENCH_POOL_CASE(P, FOR_64)                                        \
    BENCH_POOL_CASE(P, GRAPH)                                         \
    BENCH_POOL_CASE(P, IDLE)                                          \
    static bench_measure *const P##_cases[POOL_ROWS] = {              \
        P##_FIB_1, P##_FIB_2,   P##_SUBMIT_1, P##_SUBMIT_2, P##_WAKE, \
        P##_HOT,   P##_FOR_1E7, P##_FOR_64,   P##_GRAPH,    P##_IDLE};

/* Joins the rows of which `rows` has the bit. */
static inline void bench_pool_add(const bench_peer *peer, bench_measure *const cases[],
                                  unsigned rows)
{
    for (unsigned i = 0; i < POOL_ROWS; i++)
        if ((rows >> i & 1) != 0)
            bench_add(&bench_rows_pool[i], peer, cases[i]);
}

#ifdef __cplusplus
}
#endif

#endif /* WEIR_BENCH_POOL_H */
