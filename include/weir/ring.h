/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* weir/ring.h: positions in a ring of exactly N cells, N a power of two or not,
 * without a division, and right across the wrap of the 64-bit counter.
 *
 * Use it when: you write a ring of your own. Users of spsc, mpmc and ticket need
 *              nothing from here.
 *
 * A position is one 64-bit number whose low bits are the index of a cell, 0 to
 * N - 1, and whose other bits are the lap. The stride between laps is the first
 * power of two that is at least N, and at least 4: the index is a mask away, and
 * the numbers from N to stride - 1 are never used. In the number that marks the
 * lap alone ("base") bits 0 and 1 are always clear, so a cell's sequence word can say
 * `base` for "empty in this lap" and `base | 1` for "full in this lap"; "empty in
 * the next lap" is `base + stride`. Bit 1 is for one mark more (weir/mpmc.h). With a
 * bare ticket t in place of the lap these would be the same number at N = 1, and
 * t mod N would jump at the wrap.
 *
 * The wrap: laps are counted modulo 2^64 / stride, everywhere by the same
 * unsigned arithmetic, and compared by the sign of a difference. That is right
 * while the two are less than 2^63 apart: N * 2^63 / stride, at least 2^61
 * operations, which take a century at a thousand million a second (fewer where a
 * structure leaves numbers out: it says so).
 *
 * Threads:   plain values; every function may be called from any thread.
 * Progress:  wait-free.
 * Ordering:  none.
 * Memory:    none. */

#ifndef WEIR_RING_H
#define WEIR_RING_H

#include <weir/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Largest capacity of a ring, in elements: leaves 2^16 laps before a position
 * wraps, and room for a byte count that does not overflow. */
#define WEIR_RING_CAPACITY_MAX ((uint64_t)1 << (sizeof(size_t) == 8 ? 48 : 24))

typedef struct weir_ring {
    uint64_t mask; /* stride - 1 */
    uint64_t last; /* N - 1 */
} weir_ring;

/* Returns: false if `capacity` is 0 or above WEIR_RING_CAPACITY_MAX. */
static inline bool weir_ring_make(weir_ring *ring, size_t capacity)
{
    uint64_t stride = 4;

    if (capacity == 0 || capacity > WEIR_RING_CAPACITY_MAX)
        return false;
    while (stride < capacity)
        stride *= 2;
    ring->mask = stride - 1;
    ring->last = capacity - 1;
    return true;
}

static inline uint64_t weir_ring_index(const weir_ring *ring, uint64_t position)
{
    return position & ring->mask;
}

static inline uint64_t weir_ring_base(const weir_ring *ring, uint64_t position)
{
    return position & ~ring->mask;
}

static inline uint64_t weir_ring_next(const weir_ring *ring, uint64_t position)
{
    return (position & ring->mask) == ring->last ? (position | ring->mask) + 1 : position + 1;
}

/* The position `n` cells on; n is at most N. */
static inline uint64_t weir_ring_advance(const weir_ring *ring, uint64_t position, uint64_t n)
{
    const uint64_t index = (position & ring->mask) + n;

    return index <= ring->last ? position + n
                               : (position | ring->mask) + 1 + (index - ring->last - 1);
}

/* Cells from `from` on to `to`, for two positions that may have been read at different
 * moments: 0 if `to` is not behind `from`, N if it is more than N behind. */
static inline size_t weir_ring_count(const weir_ring *ring, uint64_t from, uint64_t to)
{
    const uint64_t laps = weir_ring_base(ring, to) - weir_ring_base(ring, from);
    uint64_t cells = (to & ring->mask) - (from & ring->mask);

    if ((int64_t)(to - from) <= 0)
        return 0;
    if (laps > ring->mask + 1)
        return (size_t)(ring->last + 1);
    if (laps != 0)
        cells += ring->last + 1;
    return (size_t)(cells <= ring->last + 1 ? cells : ring->last + 1);
}

/* The first position at or below `start` whose index exists. */
static inline uint64_t weir_ring_start(const weir_ring *ring, uint64_t start)
{
    return (start & ring->mask) <= ring->last ? start : weir_ring_base(ring, start) | ring->last;
}

#ifdef __cplusplus
}
#endif

#endif /* WEIR_RING_H */
