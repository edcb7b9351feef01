/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* stress/step-blocks.h: an allocator for sweeps: blocks that are found on the same way in each
 * run, and no lock. A C library's allocator may have one for all, as musl's has, and a victim that
 * is stopped in it would hold up whoever allocates. What is too large comes from there all the
 * same. */

#ifndef WEIR_STRESS_STEP_BLOCKS_H
#define WEIR_STRESS_STEP_BLOCKS_H

#include <weir/atomic.h>

#include <stdlib.h>
#include <string.h>

enum { BLOCKS = 256, BLOCK = 1024 };

WEIR_ALIGNAS(WEIR_CACHELINE) static unsigned char blocks[BLOCKS][BLOCK];
static WEIR_ATOMIC(uint32_t) block_used[BLOCKS];

static inline void *block_alloc(size_t bytes, size_t alignment, void *context)
{
    void *pointer = NULL;

    (void)context;
    for (size_t i = 0; bytes <= BLOCK && alignment <= WEIR_CACHELINE && i < BLOCKS; i++)
        /* sync(block): acquire. Pairs with block_release(); the block is nobody's. */
        if (weir_atomic_exchange(&block_used[i], 1, WEIR_ACQUIRE) == 0)
            return blocks[i];
    return posix_memalign(&pointer, alignment, bytes) == 0 ? pointer : NULL;
}

static inline void block_release(void *pointer, size_t bytes, void *context)
{
    const size_t i = ((uintptr_t)pointer - (uintptr_t)blocks) / BLOCK;

    (void)context;
    if ((uintptr_t)pointer < (uintptr_t)blocks || i >= BLOCKS) {
        free(pointer);
        return;
    }
    memset(pointer, 0xee, bytes); /* who still reads it, is found out */
    /* sync(block): release. Pairs with block_alloc(). */
    weir_atomic_store(&block_used[i], 0, WEIR_RELEASE);
}

/* From now on weir allocates here. */
static inline void use_blocks(void)
{
    static const weir_allocator own = {block_alloc, block_release, NULL};

    weir_set_allocator(&own);
}

#endif /* WEIR_STRESS_STEP_BLOCKS_H */
