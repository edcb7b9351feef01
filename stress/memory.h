/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* stress/memory.h: an allocator that counts what is out, and spoils what comes back.
 *
 * Edges: none of its own. */

#ifndef WEIR_STRESS_MEMORY_H
#define WEIR_STRESS_MEMORY_H

#include <weir/atomic.h>

#include <stdlib.h>
#include <string.h>

static WEIR_ATOMIC(size_t) live; /* bytes */

static inline void *counted_alloc(size_t bytes, size_t alignment, void *context)
{
    void *pointer = NULL;

    (void)context;
    if (posix_memalign(&pointer, alignment < sizeof(void *) ? sizeof(void *) : alignment, bytes) !=
        0)
        return NULL;
    /* relaxed: a number. */
    weir_atomic_fetch_add(&live, bytes, WEIR_RELAXED);
    return pointer;
}

static inline void counted_release(void *pointer, size_t bytes, void *context)
{
    (void)context;
    memset(pointer, 0x5a, bytes);
    /* relaxed: a number. */
    weir_atomic_fetch_sub(&live, bytes, WEIR_RELAXED);
    free(pointer);
}

#endif /* WEIR_STRESS_MEMORY_H */
