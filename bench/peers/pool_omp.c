/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* bench/peers/pool_omp.c: OpenMP, as a library of its own: once of gcc with libgomp, once of clang
 * with libomp, which would not share a program. Opened by bench/peers/pool_plugins.c. */

#include "../pool.h"

#include <omp.h>

const pool_face *pool_peer(void);

static bool omp_open(unsigned workers, bool outside)
{
    (void)outside;
    omp_set_num_threads((int)workers);
    return true;
}

/* Loops are not inside of a parallel region: they are one. */
static void omp_inside(bool loops, void (*f)(void *of), void *of)
{
    if (loops) {
        f(of);
        return;
    }
#pragma omp parallel
#pragma omp single
    f(of);
}

static uint64_t omp_fib(unsigned n)
{
    uint64_t one, other;

    if (n < 2)
        return n;
#pragma omp task shared(other)
    other = omp_fib(n - 2);
    one = omp_fib(n - 1);
#pragma omp taskwait
    return one + other;
}

static void omp_loop(uint32_t *items, size_t n, uint32_t k)
{
#pragma omp parallel for
    for (size_t i = 0; i < n; i++)
        items[i] = (items[i] + (uint32_t)i) % k;
}

/* It has no graph that could be run again: each run makes the tasks anew. */
static void omp_wave(void (*visit)(unsigned i))
{
    static char ends[POOL_NODES + POOL_SIDE];

#pragma omp parallel
#pragma omp single
    for (unsigned i = 0; i < POOL_NODES; i++) {
        const char *const above = &ends[i], *const left =
                                                &ends[i + POOL_SIDE - (i % POOL_SIDE != 0)];
        const char *const own = &ends[i + POOL_SIDE];

#pragma omp task depend(in : above[0], left[0]) depend(out : own[0]) firstprivate(i)
        visit(i);
    }
}

const pool_face *pool_peer(void)
{
    static const pool_face face = {sizeof(pool_item), omp_open, omp_inside, omp_fib,
                                   omp_loop,          NULL,     NULL,       omp_wave};

    return &face;
}
