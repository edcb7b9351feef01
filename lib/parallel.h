/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* lib/parallel.h: what the parts of the loops know of each other. Private.
 *
 *     lib/parallel.c      the one loop that all are; for, map
 *     lib/parallel_sum.c  reduce, scan */

#ifndef WEIR_LIB_PARALLEL_H
#define WEIR_LIB_PARALLEL_H

#include <weir/parallel.h>

/* Private status: the rest is left out, or not begun yet. */
enum { WEIR__LOOP_LEFT = 1 };

typedef struct weir__loop {
    int (*run)(struct weir__loop *loop, size_t from,
               size_t to); /* 0; WEIR__LOOP_LEFT; a negative errno */
    weir_cancel *cancel;
    weir_parallel_hint *hint;
    bool divides; /* others can come */
    WEIR_ATOMIC(uint32_t) stopped;
} weir__loop;

/* Runs all units, which are so many items; loop->run is set. Returns: as the loops. */
int weir__loop_run(weir__loop *loop, const weir_parallel *how, size_t units, size_t items);

/* Whether a chunk may begin. Returns: as a loop's run(). */
int weir__loop_look(weir__loop *loop);

/* No chunk may begin any more, for a body has returned `status`. Returns: it. */
int weir__loop_stop(weir__loop *loop, int status);

/* Of n things so many make one. Returns: how many that makes. */
static inline size_t weir__groups(size_t n, size_t of)
{
    return n / of + (n % of != 0);
}

#endif /* WEIR_LIB_PARALLEL_H */
