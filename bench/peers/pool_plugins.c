/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* bench/peers/pool_plugins.c: OpenMP's pools: bench/peers/pool_omp.c in libraries of their own,
 * beside this program as peers/pool-NAME.so. One that is not there has no rows. */

#include "../pool.h"
#include "../program.h"

#include <dlfcn.h>

/* In the process of one run, and for it alone. */
static const pool_face *load(const char *file)
{
    union {
        void *symbol;
        const pool_face *(*pool_peer)(void);
    } found = {NULL};
    char path[BENCH_PATH];
    void *library = NULL;

    if (bench_find_peer(path, file))
        library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (library != NULL)
        found.symbol = dlsym(library, "pool_peer");
    return found.symbol == NULL ? NULL : found.pool_peer();
}

static const pool_face *gomp(void)
{
    return load("pool-gomp.so");
}

static const pool_face *omp(void)
{
    return load("pool-omp.so");
}

BENCH_POOL_CASES(gomp)
BENCH_POOL_CASES(omp)

BENCH_REGISTER(add_plugins)
{
    static const bench_peer gomp_peer = {
        "libgomp", BENCH_LOCK, BENCH_UNORDERED,
        false,     0,          "gcc: omp task, depend; omp parallel for"};
    static const bench_peer omp_peer = {
        "libomp", BENCH_SPINS, BENCH_UNORDERED,
        false,    0,           "clang: omp task, depend; omp parallel for"};
    const unsigned rows = POOL_DIVIDES | POOL_LOOPS | 1u << POOL_GRAPH | 1u << POOL_IDLE;
    char path[BENCH_PATH];

    if (bench_find_peer(path, "pool-gomp.so"))
        bench_pool_add(&gomp_peer, gomp_cases, rows);
    if (bench_find_peer(path, "pool-omp.so"))
        bench_pool_add(&omp_peer, omp_cases, rows);
}
