/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* bench/objects.h: objects for the schemes of bench/reclaim.h, and how many were freed. */

#ifndef WEIR_BENCH_OBJECTS_H
#define WEIR_BENCH_OBJECTS_H

#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Pointers to objects that readers look at, and that are replaced. */
#define BENCH_CELLS 1024

typedef struct bench_count {
    WEIR_ALIGNAS(WEIR_CACHELINE) WEIR_ATOMIC(uint64_t) n;
} bench_count;

/* Of this file's schemes, of which a process runs one. */
static bench_count bench_freed_so_far;

static inline void bench_freed(void)
{
    /* relaxed: a number that one thread moves on, and another looks at. */
    weir_atomic_store(&bench_freed_so_far.n,
                      weir_atomic_load(&bench_freed_so_far.n, WEIR_RELAXED) + 1, WEIR_RELAXED);
}

/* Memory for an object, or the end of the run. */
static inline void *bench_object(size_t bytes)
{
    void *const object = malloc(bytes);

    if (object == NULL) {
        fputs("weir-bench: no memory\n", stderr);
        _exit(3);
    }
    return object;
}

#endif /* WEIR_BENCH_OBJECTS_H */
