/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* weir/ticket.h: a bounded FIFO queue for many producers and many consumers that
 * claims a batch of cells with one compare-and-swap. Blocking: a thread that is
 * stopped between its claim and its publication holds up those behind it.
 *
 * Use it when: items come and go in batches, or are larger than a word, threads are
 *              rarely preempted in the middle of an operation, and what a stopped
 *              thread costs (nothing passes until it runs again) can be paid.
 * Use weir/mpmc.h when no thread may ever hold up another; it is as fast one by one.
 *
 * Who may run with whom:
 *                    try_enqueue, _burst, _bulk   try_dequeue, _burst, _bulk
 *   try_enqueue, ..            yes                          yes
 *   try_dequeue, ..            yes                          yes
 *   size_approx                yes                          yes
 *   init, destroy              no                           no
 *
 * Progress:  blocking. No call ever spins for another thread, but `false` means
 *            "nothing can be taken now" (or "put now"), not "empty" (or "full"): while a producer
 *            sits between claim and publication, no consumer gets past its cell, though
 *            later cells may be filled; while a consumer sits there, producers find no
 *            room one lap later. A call repeats itself only after it lost a
 *            compare-and-swap, that is, after another call won one.
 * Ordering:  what happens before an enqueue is visible after the dequeue of that
 *            element. An element is any bit pattern: none is reserved.
 *            A refusal is ordered by happens-before and no further: an enqueue or a
 *            dequeue that happened before the call is seen, one that only ran earlier
 *            need not be. Before going to sleep on a refusal see "Refusals and sleep"
 *            in doc/memory-model.md.
 * Linearization: an enqueue or dequeue that succeeds, at the compare-and-swap that
 *            claims; a batch at one of them, as a whole and without gaps.
 * Memory:    64 bytes for seven words, in the caller's buffer; nothing is allocated
 *            after init.
 * Complexity: one compare-and-swap (8 bytes) a call, whatever its number of elements;
 *            three accesses an element (put: a load and two stores; take: two loads and a
 *            store), all in the element's own line.
 *
 * Edges:
 *   filled   try_enqueue -> try_dequeue  carries the element
 *   emptied  try_dequeue -> try_enqueue  carries that the element was copied out
 *   claim    a claim -> the next one at the same end  carries what it knew of the tags
 *
 * Source: D. Vyukov, "Bounded MPMC queue", 2010,
 * https://www.1024cores.net/home/lock-free-algorithms/queues/bounded-mpmc-queue,
 * with claims of several cells at once, capacities that are no power of two
 * (weir/ring.h), a byte instead of a word to tell the lap of a cell, next to the
 * elements of its line, and a back-off after a lost compare-and-swap. */

#ifndef WEIR_TICKET_H
#define WEIR_TICKET_H

#include <weir/atomic.h>
#include <weir/base.h>
#include <weir/ring.h>

#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Largest capacity, in elements. A position takes 64 numbers for a block of 1 to 7
 * elements, so that 2^63 numbers, the distance over which two are compared rightly, are
 * 2^57 operations for the largest elements and 2^59 for words: five years at a thousand
 * million a second. */
#define WEIR_TICKET_CAPACITY_MAX (WEIR_RING_CAPACITY_MAX / 64)

/* Where the slots are; constant after init. */
typedef struct weir__ticket_shape {
    unsigned char *cells;
    weir_ring ring;
    unsigned lap_shift; /* bits of a position below the lap */
} weir__ticket_shape;

typedef struct weir_ticket {
    WEIR_ALIGNAS(WEIR_CACHELINE) WEIR_ATOMIC(uint64_t) tail; /* producers */
    WEIR_ALIGNAS(WEIR_CACHELINE) WEIR_ATOMIC(uint64_t) head; /* consumers */
    WEIR_ALIGNAS(WEIR_CACHELINE) weir__ticket_shape shape;   /* nobody, after init */
    size_t element;                                          /* bytes */
    size_t allocated; /* bytes of one allocation by weir_ticket_new(), or 0 */
} weir_ticket;

WEIR_STATIC_ASSERT(sizeof(weir_ticket) == 3 * WEIR_CACHELINE, "a line pair for each writer");

/* ---- life ---- */

/* Bytes of the buffer for `capacity` words; 0 if capacity is 0 or above
 * WEIR_TICKET_CAPACITY_MAX. */
WEIR_API size_t weir_ticket_bytes(size_t capacity);

/* Makes an empty queue of `capacity` words in `buffer`, which is aligned to
 * WEIR_CACHELINE, stays the caller's, and must outlive the queue.
 * Returns: 0; -EINVAL for a capacity of 0 or too large, or a buffer that is NULL,
 * not aligned or of too few bytes. */
WEIR_API int weir_ticket_init(weir_ticket *queue, void *buffer, size_t bytes,
                              size_t capacity) WEIR_NODISCARD;

/* The same, with the counters at `start`: for tests that want to see them wrap. */
WEIR_API int weir_ticket_init_at(weir_ticket *queue, void *buffer, size_t bytes, size_t capacity,
                                 uint64_t start) WEIR_NODISCARD;

/* Ends the queue; the buffer is the caller's again. No other thread may use it.
 * Returns: 0; -EBUSY if elements are inside: nothing was done, dequeue them first. */
WEIR_API int weir_ticket_destroy(weir_ticket *queue);

/* Allocates queue and buffer at once, through weir_alloc().
 * Returns: 0 and *queue; -EINVAL as init; -ENOMEM. *queue is untouched on failure. */
WEIR_API int weir_ticket_new(weir_ticket **queue, size_t capacity) WEIR_NODISCARD;

/* Ends and frees what weir_ticket_new() made; NULL is ignored.
 * Returns: 0; -EBUSY as weir_ticket_destroy(). */
WEIR_API int weir_ticket_free(weir_ticket *queue);

/* What the typed wrapper stands on: `element` is the size of an element in bytes. */
WEIR_API size_t weir__ticket_bytes(size_t capacity, size_t element);
WEIR_API int weir__ticket_init(weir_ticket *queue, void *buffer, size_t bytes, size_t capacity,
                               size_t element, uint64_t start) WEIR_NODISCARD;
WEIR_API int weir__ticket_new(weir_ticket **queue, size_t capacity, size_t element) WEIR_NODISCARD;

/* ---- inline core: the layout ---- */

/* Elements lie in blocks of whole 64-byte lines: first a word of tags, one byte an element,
 * then the elements, each rounded up to words. Seven words share a line with their tags. In a
 * position the low six bits are the slot in a block, the next ones the block, the others the
 * lap; so for words the index of a position is the offset of its tag. A tag is the lap's low
 * seven bits, doubled, plus 1 if the slot is full. */

static inline size_t weir__ticket_slot_bytes(size_t element)
{
    return (element + 7) / 8 * 8;
}

static inline size_t weir__ticket_block_bytes(size_t element)
{
    return (8 + weir__ticket_slot_bytes(element) + 63) / 64 * 64;
}

/* Slots of a block: 7 for words, 1 for large elements. */
static inline size_t weir__ticket_slots(size_t element)
{
    const size_t slots = (weir__ticket_block_bytes(element) - 8) / weir__ticket_slot_bytes(element);

    return slots < 7 ? slots : 7;
}

static inline uint64_t weir__ticket_next(const weir__ticket_shape *shape, uint64_t position,
                                         size_t element)
{
    /* Two branches that are predicted, and not a chain of selects before the compare-and-swap. */
    if (WEIR_UNLIKELY(weir_ring_index(&shape->ring, position) == shape->ring.last))
        return (position | shape->ring.mask) + 1;
    if (WEIR_UNLIKELY((position & 63) == weir__ticket_slots(element) - 1))
        return (position | 63) + 1;
    return position + 1;
}

/* How many of the `count` slots from `position` on lie in its block. */
static inline size_t weir__ticket_run(const weir__ticket_shape *shape, uint64_t position,
                                      size_t count, size_t element)
{
    const uint64_t index = weir_ring_index(&shape->ring, position);
    const size_t slots = (index | 63) == (shape->ring.last | 63)
                             ? (size_t)(shape->ring.last & 63) + 1
                             : weir__ticket_slots(element);
    const size_t left = slots - (size_t)(index & 63);

    return count < left ? count : left;
}

typedef WEIR_ATOMIC(uint8_t) weir__ticket_tag;

WEIR_STATIC_ASSERT(sizeof(weir__ticket_tag) == 1, "eight tags are a word");

static inline unsigned char *weir__ticket_block(const weir__ticket_shape *shape, uint64_t position,
                                                size_t element)
{
    const uint64_t offset = weir_ring_index(&shape->ring, position) & ~(uint64_t)63;
    const size_t bytes = weir__ticket_block_bytes(element);

    return shape->cells + (bytes == 64 ? offset : offset / 64 * bytes);
}

static inline weir__ticket_tag *weir__ticket_tag_at(unsigned char *block, uint64_t position)
{
    return (weir__ticket_tag *)(void *)(block + (position & 63));
}

static inline unsigned char *weir__ticket_element_at(unsigned char *block, uint64_t position,
                                                     size_t element)
{
    return block + 8 + (position & 63) * weir__ticket_slot_bytes(element);
}

/* The tag of an empty slot of this position's lap; 1 more is full, 2 more empty in the next. */
static inline uint8_t weir__ticket_empty_tag(const weir__ticket_shape *shape, uint64_t position)
{
    return (uint8_t)(position >> shape->lap_shift << 1);
}

/* ---- inline core: claims and copies ---- */

/* Asks for the lines that the next batch will touch, of about `count` elements from
 * `position` on, while this one is copied. */
static inline void weir__ticket_look_ahead(const weir__ticket_shape *shape, uint64_t position,
                                           size_t count, size_t element)
{
    const unsigned char *const from = weir__ticket_block(shape, position, element);
    const size_t block = weir__ticket_block_bytes(element);
    const size_t ahead = (count / weir__ticket_slots(element) + 1) * block;
    const size_t room =
        (size_t)(shape->ring.last / 64 - weir_ring_index(&shape->ring, position) / 64 + 1) * block;
    const size_t bytes = ahead < room ? ahead : room;

    for (size_t i = 0; i < bytes && i < 8 * 64; i += 64)
        weir_prefetch_write(from + i);
}

/* What a claim came to: `count` slots from `position` on. */
typedef struct weir__ticket_claimed {
    uint64_t position;
    size_t count;
} weir__ticket_claimed;

typedef enum weir__ticket_verdict {
    WEIR__TICKET_CLAIMED,
    WEIR__TICKET_LOST,    /* another claim won */
    WEIR__TICKET_PASSED,  /* another claim had won before */
    WEIR__TICKET_REFUSED, /* fewer than asked for are ready */
} weir__ticket_verdict;

/* Claims up to `most` slots in a row, at least `least`, whose tag is that of an empty slot plus
 * `ready`: 0 at the tail, 1 at the head. One attempt.
 *
 * Seven bits of lap are enough: a tag counts only if `end` has not moved from before it was
 * read until after, and then it is of this lap or the one before. */
WEIR_ALWAYS_INLINE weir__ticket_verdict weir__ticket_attempt(const weir__ticket_shape *shape,
                                                             WEIR_ATOMIC(uint64_t) * end,
                                                             uint8_t ready, size_t least,
                                                             size_t most, size_t element,
                                                             weir__ticket_claimed *claimed)
{
    /* sync(claim): acquire. Pairs with the compare-and-swap below, of the claim before; all that
     * it knew of the tags is known here, so that none is read older than a lap. */
    const uint64_t first = weir_atomic_load(end, WEIR_ACQUIRE);
    uint64_t at = first, expected = first;
    size_t count = 0;
    int8_t beyond = 0;

    while (count < most && beyond == 0) {
        unsigned char *const block = weir__ticket_block(shape, at, element);
        const uint8_t ours = (uint8_t)(weir__ticket_empty_tag(shape, at) + ready);
        const size_t run = most == 1 ? 1 : weir__ticket_run(shape, at, most - count, element);
        size_t i = 0;

        for (; i < run; i++) {
            /* sync(filled): acquire. sync(emptied): acquire. Pair with the stores in
             * weir__ticket_fill() and weir__ticket_drain(): the element is seen, or was copied. */
            const uint8_t tag = weir_atomic_load(weir__ticket_tag_at(block, at + i), WEIR_ACQUIRE);

            beyond = (int8_t)(uint8_t)(tag - ours);
            if (WEIR_UNLIKELY(beyond != 0))
                break;
        }
        count += i;
        at = i < run ? at + i : weir__ticket_next(shape, at + run - 1, element);
    }
    if (WEIR_LIKELY(count >= least)) {
        /* sync(claim): release. Pairs with the load above, of the claim after. A failure is
         * relaxed: nothing is done with what it finds. */
        if (WEIR_UNLIKELY(!weir_atomic_cas(end, &expected, at, WEIR_RELEASE, WEIR_RELAXED)))
            return WEIR__TICKET_LOST;
        if (most > 1 && count == most)
            weir__ticket_look_ahead(shape, at, count, element);
        claimed->position = first;
        claimed->count = count;
        return WEIR__TICKET_CLAIMED;
    }
    /* relaxed: was the tag read for a position that is still the end? If it was of a later lap, its
     * load has acquired that the end had moved on. */
    return beyond < 0 && weir_atomic_load(end, WEIR_RELAXED) == first ? WEIR__TICKET_REFUSED
                                                                      : WEIR__TICKET_PASSED;
}

/* Copies elements into claimed slots, and hands these to the consumers. */
WEIR_ALWAYS_INLINE void weir__ticket_fill(const weir__ticket_shape *shape,
                                          const weir__ticket_claimed *claimed, size_t most,
                                          const unsigned char *from, size_t element)
{
    uint64_t position = claimed->position;
    size_t left = claimed->count;

    while (left > 0) {
        unsigned char *const block = weir__ticket_block(shape, position, element);
        const uint8_t full = (uint8_t)(weir__ticket_empty_tag(shape, position) + 1);
        const size_t run = most == 1 ? 1 : weir__ticket_run(shape, position, left, element);

        for (size_t i = 0; i < run; i++) {
            memcpy(weir__ticket_element_at(block, position + i, element), from + i * element,
                   element);
            /* sync(filled): release. Pairs with the load of the tag in weir__ticket_attempt(),
             * for a dequeue; publishes the element. */
            weir_atomic_store(weir__ticket_tag_at(block, position + i), full, WEIR_RELEASE);
        }
        if (most == 1)
            return;
        from += run * element;
        left -= run;
        position = weir__ticket_next(shape, position + run - 1, element);
    }
}

/* An operation after an attempt that another was before, in the library: attempts until one
 * claims or is refused, and waits after each that lost. */
WEIR_API size_t weir__ticket_put_on(weir_ticket *queue, const void *elements, size_t least,
                                    size_t most, bool lost);

static inline size_t weir__ticket_put(weir_ticket *queue, const void *elements, size_t least,
                                      size_t most, size_t element)
{
    /* A copy: its fields stay in registers across the compare-and-swap. */
    const weir__ticket_shape shape = queue->shape;
    weir__ticket_claimed claimed;
    weir__ticket_verdict verdict;

    WEIR_ASSERT(shape.cells != NULL, "used after destroy, or before init");
    WEIR_ASSERT(queue->element == element, "made for elements of another size");
    verdict = weir__ticket_attempt(&shape, &queue->tail, 0, least, most, element, &claimed);
    if (WEIR_LIKELY(verdict == WEIR__TICKET_CLAIMED)) {
        weir__ticket_fill(&shape, &claimed, most, (const unsigned char *)elements, element);
        return claimed.count;
    }
    return verdict == WEIR__TICKET_REFUSED
               ? 0
               : weir__ticket_put_on(queue, elements, least, most, verdict == WEIR__TICKET_LOST);
}

/* Copies elements out of claimed slots, and hands these to the producers. */
WEIR_ALWAYS_INLINE void weir__ticket_drain(const weir__ticket_shape *shape,
                                           const weir__ticket_claimed *claimed, size_t most,
                                           unsigned char *to, size_t element)
{
    uint64_t position = claimed->position;
    size_t left = claimed->count;

    while (left > 0) {
        unsigned char *const block = weir__ticket_block(shape, position, element);
        const uint8_t empty = (uint8_t)(weir__ticket_empty_tag(shape, position) + 2);
        const size_t run = most == 1 ? 1 : weir__ticket_run(shape, position, left, element);

        for (size_t i = 0; i < run; i++) {
            memcpy(to + i * element, weir__ticket_element_at(block, position + i, element),
                   element);
            /* sync(emptied): release. Pairs with the load of the tag in weir__ticket_attempt(),
             * for an enqueue one lap later: the element was copied out. */
            weir_atomic_store(weir__ticket_tag_at(block, position + i), empty, WEIR_RELEASE);
        }
        if (most == 1)
            return;
        to += run * element;
        left -= run;
        position = weir__ticket_next(shape, position + run - 1, element);
    }
}

/* An operation after an attempt that another was before, in the library: attempts until one
 * claims or is refused, and waits after each that lost. */
WEIR_API size_t weir__ticket_take_on(weir_ticket *queue, void *elements, size_t least, size_t most,
                                     bool lost);

static inline size_t weir__ticket_take(weir_ticket *queue, void *elements, size_t least,
                                       size_t most, size_t element)
{
    /* A copy: its fields stay in registers across the compare-and-swap. */
    const weir__ticket_shape shape = queue->shape;
    weir__ticket_claimed claimed;
    weir__ticket_verdict verdict;

    WEIR_ASSERT(shape.cells != NULL, "used after destroy, or before init");
    WEIR_ASSERT(queue->element == element, "made for elements of another size");
    verdict = weir__ticket_attempt(&shape, &queue->head, 1, least, most, element, &claimed);
    if (WEIR_LIKELY(verdict == WEIR__TICKET_CLAIMED)) {
        weir__ticket_drain(&shape, &claimed, most, (unsigned char *)elements, element);
        return claimed.count;
    }
    return verdict == WEIR__TICKET_REFUSED
               ? 0
               : weir__ticket_take_on(queue, elements, least, most, verdict == WEIR__TICKET_LOST);
}

/* The same for one element, as short as it gets. */
WEIR_ALWAYS_INLINE bool weir__ticket_put_one(weir_ticket *queue, const void *element, size_t size)
{
    const weir__ticket_shape shape = queue->shape;
    weir__ticket_claimed claimed;
    weir__ticket_verdict verdict;

    WEIR_ASSERT(shape.cells != NULL, "used after destroy, or before init");
    WEIR_ASSERT(queue->element == size, "made for elements of another size");
    verdict = weir__ticket_attempt(&shape, &queue->tail, 0, 1, 1, size, &claimed);
    if (WEIR_LIKELY(verdict == WEIR__TICKET_CLAIMED)) {
        weir__ticket_fill(&shape, &claimed, 1, (const unsigned char *)element, size);
        return true;
    }
    return verdict != WEIR__TICKET_REFUSED &&
           weir__ticket_put_on(queue, element, 1, 1, verdict == WEIR__TICKET_LOST) == 1;
}

WEIR_ALWAYS_INLINE bool weir__ticket_take_one(weir_ticket *queue, void *element, size_t size)
{
    const weir__ticket_shape shape = queue->shape;
    weir__ticket_claimed claimed;
    weir__ticket_verdict verdict;

    WEIR_ASSERT(shape.cells != NULL, "used after destroy, or before init");
    WEIR_ASSERT(queue->element == size, "made for elements of another size");
    verdict = weir__ticket_attempt(&shape, &queue->head, 1, 1, 1, size, &claimed);
    if (WEIR_LIKELY(verdict == WEIR__TICKET_CLAIMED)) {
        weir__ticket_drain(&shape, &claimed, 1, (unsigned char *)element, size);
        return true;
    }
    return verdict != WEIR__TICKET_REFUSED &&
           weir__ticket_take_on(queue, element, 1, 1, verdict == WEIR__TICKET_LOST) == 1;
}

/* ---- operations on words ---- */

/* Puts `value` at the tail. Returns: false if there is no room now. */
WEIR_ALWAYS_INLINE bool weir_ticket_try_enqueue(weir_ticket *queue, uintptr_t value)
{
    return weir__ticket_put_one(queue, &value, sizeof value);
}

/* Takes the value at the head. Returns: false, *value untouched, if none can be taken now. */
WEIR_ALWAYS_INLINE bool weir_ticket_try_dequeue(weir_ticket *queue, uintptr_t *value)
{
    return weir__ticket_take_one(queue, value, sizeof *value);
}

/* Puts the first of `n` values, as many as there is room for now, next to each other.
 * Returns: how many. */
static inline size_t weir_ticket_enqueue_burst(weir_ticket *queue, const uintptr_t *values,
                                               size_t n)
{
    return n == 0 ? 0 : weir__ticket_put(queue, values, 1, n, sizeof *values);
}

/* Takes up to `n` values that lay next to each other. Returns: how many. */
static inline size_t weir_ticket_dequeue_burst(weir_ticket *queue, uintptr_t *values, size_t n)
{
    return n == 0 ? 0 : weir__ticket_take(queue, values, 1, n, sizeof *values);
}

/* Puts all `n` values next to each other, or none. Returns: false, for none, if there is no
 * room for all of them now; always for n above the capacity. */
static inline bool weir_ticket_enqueue_bulk(weir_ticket *queue, const uintptr_t *values, size_t n)
{
    return n == 0 || weir__ticket_put(queue, values, n, n, sizeof *values) == n;
}

/* Takes `n` values that lay next to each other, or none. Returns: false for none. */
static inline bool weir_ticket_dequeue_bulk(weir_ticket *queue, uintptr_t *values, size_t n)
{
    return n == 0 || weir__ticket_take(queue, values, n, n, sizeof *values) == n;
}

/* ---- queries ---- */

WEIR_API size_t weir_ticket_capacity(const weir_ticket *queue);

/* Claimed to be enqueued and not claimed to be dequeued: exact while no operation runs, else
 * a number, 0 to the capacity, that was near. Progress: wait-free. */
WEIR_API size_t weir_ticket_size_approx(const weir_ticket *queue);

/* ---- typed ---- */

/* Defines the type NAME, a weir_ticket of elements of type T, of any size, aligned to at
 * most 8, trivially copyable: NAME_bytes, NAME_init, NAME_destroy, NAME_new, NAME_free, and the
 * operations above on T. A copy of a large element lengthens the time in which a stopped thread
 * blocks. */
#define WEIR_TICKET_DEFINE(name, T)                                                                \
    typedef struct name {                                                                          \
        weir_ticket queue;                                                                         \
    } name;                                                                                        \
    WEIR__ELEMENT(name, T);                                                                        \
    WEIR_STATIC_ASSERT(__alignof__(T) <= sizeof(uint64_t), "aligned to more than a cell is");      \
    WEIR_UNUSED static inline size_t name##_bytes(size_t weir_capacity)                            \
    {                                                                                              \
        return weir__ticket_bytes(weir_capacity, sizeof(T));                                       \
    }                                                                                              \
    WEIR_UNUSED WEIR_NODISCARD static inline int name##_init(                                      \
        name *weir_typed, void *weir_buffer, size_t weir_bytes, size_t weir_capacity)              \
    {                                                                                              \
        return weir__ticket_init(&weir_typed->queue, weir_buffer, weir_bytes, weir_capacity,       \
                                 sizeof(T), 0);                                                    \
    }                                                                                              \
    WEIR_UNUSED static inline int name##_destroy(name *weir_typed)                                 \
    {                                                                                              \
        return weir_ticket_destroy(&weir_typed->queue);                                            \
    }                                                                                              \
    WEIR_UNUSED WEIR_NODISCARD static inline int name##_new(name **weir_typed,                     \
                                                            size_t weir_capacity)                  \
    {                                                                                              \
        weir_ticket *weir_made;                                                                    \
        const int weir_status = weir__ticket_new(&weir_made, weir_capacity, sizeof(T));            \
        if (weir_status == 0)                                                                      \
            *weir_typed = (name *)(void *)weir_made;                                               \
        return weir_status;                                                                        \
    }                                                                                              \
    WEIR_UNUSED static inline int name##_free(name *weir_typed)                                    \
    {                                                                                              \
        return weir_ticket_free((weir_typed) == NULL ? NULL : &weir_typed->queue);                 \
    }                                                                                              \
    WEIR_UNUSED static inline bool name##_try_enqueue(name *weir_typed, T weir_element)            \
    {                                                                                              \
        return weir__ticket_put_one(&weir_typed->queue, &weir_element, sizeof(T));                 \
    }                                                                                              \
    WEIR_UNUSED static inline bool name##_try_dequeue(name *weir_typed, T *weir_element)           \
    {                                                                                              \
        return weir__ticket_take_one(&weir_typed->queue, weir_element, sizeof(T));                 \
    }                                                                                              \
    WEIR_UNUSED static inline size_t name##_enqueue_burst(name *weir_typed,                        \
                                                          T const *weir_elements, size_t weir_n)   \
    {                                                                                              \
        return weir_n == 0                                                                         \
                   ? 0                                                                             \
                   : weir__ticket_put(&weir_typed->queue, weir_elements, 1, weir_n, sizeof(T));    \
    }                                                                                              \
    WEIR_UNUSED static inline size_t name##_dequeue_burst(name *weir_typed, T *weir_elements,      \
                                                          size_t weir_n)                           \
    {                                                                                              \
        return weir_n == 0                                                                         \
                   ? 0                                                                             \
                   : weir__ticket_take(&weir_typed->queue, weir_elements, 1, weir_n, sizeof(T));   \
    }                                                                                              \
    WEIR_UNUSED static inline bool name##_enqueue_bulk(name *weir_typed, T const *weir_elements,   \
                                                       size_t weir_n)                              \
    {                                                                                              \
        return weir_n == 0 || weir__ticket_put(&weir_typed->queue, weir_elements, weir_n, weir_n,  \
                                               sizeof(T)) == weir_n;                               \
    }                                                                                              \
    WEIR_UNUSED static inline bool name##_dequeue_bulk(name *weir_typed, T *weir_elements,         \
                                                       size_t weir_n)                              \
    {                                                                                              \
        return weir_n == 0 || weir__ticket_take(&weir_typed->queue, weir_elements, weir_n, weir_n, \
                                                sizeof(T)) == weir_n;                              \
    }                                                                                              \
    struct name

#ifdef __cplusplus
}
#endif

#endif /* WEIR_TICKET_H */
