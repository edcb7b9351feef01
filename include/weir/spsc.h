/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* weir/spsc.h: a bounded FIFO queue of elements of any size for one producer and
 * one consumer, wait-free, of exactly the capacity asked for.
 *
 * Use it when: exactly one thread puts in and exactly one takes out: a stage of a
 *              pipeline, a log, a stream of samples.
 * Use weir/mpsc.h with several producers, weir/mpmc.h or weir/ticket.h with several
 * of both.
 *
 * Who may run with whom ("producer": try_enqueue, _burst, _bulk, reserve, commit;
 * "consumer": try_dequeue, _burst, _bulk, peek, release):
 *                  producer     consumer     size_approx
 *   producer       one thread   yes          yes
 *   consumer       yes          one thread   yes
 *   init, destroy  no           no           no
 * The role may pass to another thread if something orders the two (a join, a lock).
 *
 * Progress:  wait-free: each operation ends after a number of its own steps that
 *            depends on nothing but the elements it moves.
 * Ordering:  what happens before an enqueue is visible after the dequeue of that
 *            element, and what happens before a dequeue is visible after the enqueue
 *            that finds room because of it.
 *            A refusal is ordered by happens-before and no further: an enqueue or a
 *            dequeue that happened before the call is seen, one that only ran earlier
 *            need not be. Before going to sleep on a refusal see "Refusals and sleep"
 *            in doc/memory-model.md.
 * Linearization: an enqueue at its store to `filled`, a dequeue at its store to
 *            `emptied`; `false` at the load that found no room, or no element: the
 *            queue was full, or empty, at that moment of the call, as its thread sees it.
 *            A "full" of one thread and an "empty" of the other need not agree on one
 *            order of the two. A _burst is as many operations, one for each group that
 *            it touches; a _bulk is one, at its last store.
 * Memory:    in the caller's buffer, 1.00 to 1.17 times the elements, and 64 bytes;
 *            nothing is allocated after init.
 * Complexity: no read-modify-write. One store publishes an element, a burst or a
 *            bulk (one more for each group of about 500 bytes that it goes over).
 *
 * How it works. The elements lie in groups of about 500 bytes. A group begins with
 * two words: `filled`, the position up to which the producer has filled it, and
 * `emptied`, up to which the consumer has emptied it. A side that knows of
 * nothing more to do looks at the other's word of the group it stands in: so the
 * two meet on a line only while they stand in the same group, not on a pair of
 * indices that each item changes; and who is a group behind reads words that are at
 * rest. Every eighth group, a side reads how far the other is; while the group
 * after the current one is known to be ready, it is prefetched, and never else: a
 * line taken from the other side too early costs both.
 *
 * Positions are {lap, group, offset} in one 64-bit number, compared by the sign of
 * a difference: right while laps are less than 2^63 apart, see weir/ring.h. A group's
 * words are written in every lap, so they are at most one lap old when read.
 *
 * Edges:
 *   filled   enqueue, commit -> dequeue, peek      carries the elements
 *   emptied  dequeue, release -> enqueue, reserve  carries that they were read
 *
 * Source: one producer and one consumer need no more than loads and stores:
 * L. Lamport, "Proving the Correctness of Multiprocess Programs", IEEE TSE 3(2), 1977,
 * doi:10.1109/TSE.1977.229904; signalling beside the data instead of by indices:
 * J. Giacomoni, T. Moseley, M. Vachharajani, "FastForward for Efficient Pipeline
 * Parallelism", PPoPP 2008, doi:10.1145/1345206.1345215. */

#ifndef WEIR_SPSC_H
#define WEIR_SPSC_H

#include <weir/atomic.h>
#include <weir/base.h>
#include <weir/ring.h>

#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- types ---- */

/* The first words of a group; its elements follow at weir__spsc_header(). */
typedef struct weir__spsc_group {
    WEIR_ATOMIC(uint64_t) filled;  /* producer */
    WEIR_ATOMIC(uint64_t) emptied; /* consumer */
} weir__spsc_group;

/* What one side keeps for itself; only `position` is read by others. */
typedef struct weir__spsc_side {
    WEIR_ATOMIC(uint64_t) position; /* of the next element to fill, or to empty */
    uint64_t limit;                 /* up to here it may, without looking */
    uint64_t end;                   /* of the group */
    weir__spsc_group *group;        /* the one that holds `position`; NULL: destroyed */
    uint64_t hint;                  /* the other's position when last looked at */
    uint64_t fetched;               /* groups before it were prefetched, or are behind */
    uint64_t turns;                 /* groups entered */
} weir__spsc_side;

/* Where the elements lie; constants, where their size is one. */
typedef struct weir__spsc_shape {
    size_t size;      /* bytes of an element */
    size_t header;    /* bytes of a group before its first element */
    uint64_t offsets; /* low bits of a position, which are the offset in a group */
} weir__spsc_shape;

typedef struct weir_spsc {
    WEIR_ALIGNAS(WEIR_CACHELINE) weir__spsc_side tail; /* producer */
    WEIR_ALIGNAS(WEIR_CACHELINE) weir__spsc_side head; /* consumer */
    /* nobody, after init: */
    WEIR_ALIGNAS(WEIR_CACHELINE) weir__spsc_group *groups;
    uint64_t mask; /* positions of a lap, less one */
    weir__spsc_shape shape;
    uint64_t count;      /* elements in a group */
    uint64_t last_count; /* in the last */
    uint64_t last_group; /* position of the last in a lap */
    size_t stride;       /* bytes from a group to the next */
    size_t capacity;
    size_t allocated; /* bytes of one allocation by weir_spsc_new(), or 0 */
} weir_spsc;

WEIR_STATIC_ASSERT(sizeof(weir_spsc) == 3 * WEIR_CACHELINE, "a line pair for each writer");
WEIR_STATIC_ASSERT(sizeof(weir__spsc_group) == 16, "the two words of a group");

/* ---- the shape of a group ---- */

/* Bytes before the first element: a multiple of the elements' alignment, taken to be the
 * greatest power of two that divides their size, 64 at most. */
static inline size_t weir__spsc_header(size_t element)
{
    const size_t alignment = element & (~element + 1);

    return alignment < 16 ? 16 : alignment > 64 ? 64 : alignment;
}

/* Elements in a group. */
static inline size_t weir__spsc_count(size_t element)
{
    const size_t header = weir__spsc_header(element);

    return element > (512 - header) / 7 ? 7 : (512 - header) / element;
}

static inline weir__spsc_shape weir__spsc_shape_of(size_t element)
{
    weir__spsc_shape shape;

    shape.size = element;
    shape.header = weir__spsc_header(element);
    /* All ones, and enough to hold the count itself: the position of a group's end. */
    shape.offsets = ~(uint64_t)0 >> __builtin_clzll((unsigned long long)weir__spsc_count(element));
    return shape;
}

/* ---- life ---- */

/* Bytes of the buffer for `capacity` elements of `element` bytes; 0 if either is 0 or
 * the product too large. */
WEIR_API size_t weir_spsc_bytes(size_t capacity, size_t element);

/* Makes an empty queue of `capacity` elements of `element` bytes in `buffer`, which is
 * aligned to WEIR_CACHELINE, stays the caller's, and must outlive the queue.
 * Returns: 0; -EINVAL for a capacity or an element of 0 or too large, or a buffer that
 * is NULL, not aligned or of too few bytes. */
WEIR_API int weir_spsc_init(weir_spsc *queue, void *buffer, size_t bytes, size_t capacity,
                            size_t element) WEIR_NODISCARD;

/* The same, with the positions at the group that `start` falls into: for tests that want
 * to see them wrap. */
WEIR_API int weir_spsc_init_at(weir_spsc *queue, void *buffer, size_t bytes, size_t capacity,
                               size_t element, uint64_t start) WEIR_NODISCARD;

/* Ends the queue; the buffer is the caller's again. No other thread may use it.
 * Returns: 0; -EBUSY if elements are inside: nothing was done, dequeue them first. */
WEIR_API int weir_spsc_destroy(weir_spsc *queue);

/* Allocates queue and buffer at once, through weir_alloc().
 * Returns: 0 and *queue; -EINVAL as init; -ENOMEM. *queue is untouched on failure. */
WEIR_API int weir_spsc_new(weir_spsc **queue, size_t capacity, size_t element) WEIR_NODISCARD;

/* Ends and frees what weir_spsc_new() made; NULL is ignored.
 * Returns: 0; -EBUSY as weir_spsc_destroy(). */
WEIR_API int weir_spsc_free(weir_spsc *queue);

/* ---- cold paths of the operations below ---- */

/* Producer, at the end of a group: enters the next. Returns: the position. */
WEIR_API uint64_t weir__spsc_turn_tail(weir_spsc *queue);

/* Consumer, likewise. */
WEIR_API uint64_t weir__spsc_turn_head(weir_spsc *queue);

/* Whether there is room for, or there are, `n` elements, across groups. */
WEIR_API bool weir__spsc_has_room(weir_spsc *queue, size_t n);
WEIR_API bool weir__spsc_has_elements(weir_spsc *queue, size_t n);

/* ---- the inline core: `shape` is a constant where it is typed ---- */

static inline unsigned char *weir__spsc_slot(weir__spsc_group *group, uint64_t position,
                                             weir__spsc_shape shape)
{
    return (unsigned char *)group + shape.header + (size_t)(position & shape.offsets) * shape.size;
}

/* Copies `n` elements. A length that only the run knows makes memcpy() a library call,
 * which costs more than a few elements do: so four at a time, of a size that is known. */
static inline void weir__spsc_copy(void *to, const void *from, size_t n, size_t size)
{
    unsigned char *put = (unsigned char *)to;
    const unsigned char *get = (const unsigned char *)from;

    if (!__builtin_constant_p(size) || size > 64) {
        if (size == sizeof(uintptr_t) && n == 1)
            memcpy(put, get, sizeof(uintptr_t));
        else
            memcpy(put, get, n * size);
        return;
    }
    for (; n >= 4; n -= 4) {
        memcpy(put, get, 4 * size);
        put += 4 * size;
        get += 4 * size;
    }
    for (; n > 0; n--) {
        memcpy(put, get, size);
        put += size;
        get += size;
    }
}

/* Producer, with nothing left up to its limit: looks for room from *position on.
 * Returns: false if the queue is full. */
static inline bool weir__spsc_find_room(weir_spsc *queue, uint64_t *position)
{
    weir__spsc_side *const tail = &queue->tail;
    uint64_t limit;

    if (WEIR_UNLIKELY(*position == tail->end))
        *position = weir__spsc_turn_tail(queue);
    /* sync(emptied): acquire. Pairs with weir__spsc_release(); the consumer has read what
     * was there a lap ago. */
    limit = weir_atomic_load(&tail->group->emptied, WEIR_ACQUIRE) + queue->mask + 1;
    if ((int64_t)(limit - *position) <= 0)
        return false;
    tail->limit = (int64_t)(limit - tail->end) > 0 ? tail->end : limit;
    return true;
}

/* Consumer, with nothing left up to its limit: looks for elements from *position on.
 * Returns: false if the queue is empty. */
static inline bool weir__spsc_find_elements(weir_spsc *queue, uint64_t *position)
{
    weir__spsc_side *const head = &queue->head;
    uint64_t limit;

    if (WEIR_UNLIKELY(*position == head->end))
        *position = weir__spsc_turn_head(queue);
    /* sync(filled): acquire. Pairs with weir__spsc_publish(); the elements before it. */
    limit = weir_atomic_load(&head->group->filled, WEIR_ACQUIRE);
    if ((int64_t)(limit - *position) <= 0)
        return false;
    head->limit = (int64_t)(limit - head->end) > 0 ? head->end : limit;
    return true;
}

/* Producer: the elements of `group` before `position` are filled. */
static inline void weir__spsc_publish(weir__spsc_group *group, uint64_t position)
{
    /* sync(filled): release. Pairs with the load in weir__spsc_find_elements(); publishes
     * the elements. */
    weir_atomic_store(&group->filled, position, WEIR_RELEASE);
}

/* Consumer: the elements of `group` before `position` were read. */
static inline void weir__spsc_release(weir__spsc_group *group, uint64_t position)
{
    /* sync(emptied): release. Pairs with the load in weir__spsc_find_room(): the elements
     * were read before others overwrite them. */
    weir_atomic_store(&group->emptied, position, WEIR_RELEASE);
}

static inline uint64_t weir__spsc_position(const weir__spsc_side *side)
{
    /* relaxed: the side's own; or a hint, or a size that may be old. */
    return weir_atomic_load(&side->position, WEIR_RELAXED);
}

static inline void weir__spsc_move(weir__spsc_side *side, uint64_t position)
{
    /* relaxed: orders nothing; what the other side relies on is in the group. */
    weir_atomic_store(&side->position, position, WEIR_RELAXED);
}

#define WEIR__SPSC_SAME_SIZE(queue, bytes) \
    WEIR_ASSERT((queue)->shape.size == (bytes), "made for elements of another size")

/* Always inline, here and below: in a file with queues of two types the compiler would rather make
 * one function of them, which is given the shape, and copies by a call. */

/* One element: the shortest way. */
WEIR_ALWAYS_INLINE bool weir__spsc_put(weir_spsc *queue, const void *element,
                                       weir__spsc_shape shape)
{
    weir__spsc_side *const tail = &queue->tail;
    uint64_t position = weir__spsc_position(tail);

    WEIR_ASSERT(tail->group != NULL, "used after destroy, or before init");
    WEIR__SPSC_SAME_SIZE(queue, shape.size);
    if (WEIR_UNLIKELY(position == tail->limit) && !weir__spsc_find_room(queue, &position))
        return false;
    weir__spsc_copy(weir__spsc_slot(tail->group, position, shape), element, 1, shape.size);
    weir__spsc_publish(tail->group, position + 1);
    weir__spsc_move(tail, position + 1);
    return true;
}

WEIR_ALWAYS_INLINE bool weir__spsc_take(weir_spsc *queue, void *element, weir__spsc_shape shape)
{
    weir__spsc_side *const head = &queue->head;
    uint64_t position = weir__spsc_position(head);

    WEIR_ASSERT(head->group != NULL, "used after destroy, or before init");
    WEIR__SPSC_SAME_SIZE(queue, shape.size);
    if (position == head->limit && !weir__spsc_find_elements(queue, &position))
        return false;
    weir__spsc_copy(element, weir__spsc_slot(head->group, position, shape), 1, shape.size);
    weir__spsc_release(head->group, position + 1);
    weir__spsc_move(head, position + 1);
    return true;
}

/* Up to `n` elements. `at_once` withholds those of the first group to the end: all that
 * comes after lies behind them, so nothing is seen until all is. */
WEIR_ALWAYS_INLINE size_t weir__spsc_put_n(weir_spsc *queue, const void *elements, size_t n,
                                           weir__spsc_shape shape, bool at_once)
{
    weir__spsc_side *const tail = &queue->tail;
    const unsigned char *from = (const unsigned char *)elements;
    uint64_t position = weir__spsc_position(tail);
    weir__spsc_group *first = NULL;
    uint64_t first_end = 0;
    size_t left = n;

    WEIR_ASSERT(tail->group != NULL, "used after destroy, or before init");
    WEIR__SPSC_SAME_SIZE(queue, shape.size);
    while (left > 0) {
        size_t some;

        if (position == tail->limit && !weir__spsc_find_room(queue, &position))
            break;
        some = (size_t)(tail->limit - position);
        if (some > left)
            some = left;
        weir__spsc_copy(weir__spsc_slot(tail->group, position, shape), from, some, shape.size);
        from += some * shape.size;
        left -= some;
        position += some;
        if (!at_once) {
            weir__spsc_publish(tail->group, position);
        } else if (first == NULL || first == tail->group) {
            first = tail->group;
            first_end = position;
        } else {
            weir__spsc_publish(tail->group, position);
        }
        weir__spsc_move(tail, position);
    }
    if (first != NULL)
        weir__spsc_publish(first, first_end);
    return n - left;
}

WEIR_ALWAYS_INLINE size_t weir__spsc_take_n(weir_spsc *queue, void *elements, size_t n,
                                            weir__spsc_shape shape, bool at_once)
{
    weir__spsc_side *const head = &queue->head;
    unsigned char *to = (unsigned char *)elements;
    uint64_t position = weir__spsc_position(head);
    weir__spsc_group *first = NULL;
    uint64_t first_end = 0;
    size_t left = n;

    WEIR_ASSERT(head->group != NULL, "used after destroy, or before init");
    WEIR__SPSC_SAME_SIZE(queue, shape.size);
    while (left > 0) {
        size_t some;

        if (position == head->limit && !weir__spsc_find_elements(queue, &position))
            break;
        some = (size_t)(head->limit - position);
        if (some > left)
            some = left;
        weir__spsc_copy(to, weir__spsc_slot(head->group, position, shape), some, shape.size);
        to += some * shape.size;
        left -= some;
        position += some;
        if (!at_once) {
            weir__spsc_release(head->group, position);
        } else if (first == NULL || first == head->group) {
            first = head->group;
            first_end = position;
        } else {
            weir__spsc_release(head->group, position);
        }
        weir__spsc_move(head, position);
    }
    if (first != NULL)
        weir__spsc_release(first, first_end);
    return n - left;
}

/* All `n` or none. */
static inline bool weir__spsc_put_all(weir_spsc *queue, const void *elements, size_t n,
                                      weir__spsc_shape shape)
{
    WEIR_ASSERT(queue->tail.group != NULL, "used after destroy, or before init");
    if (queue->tail.limit - weir__spsc_position(&queue->tail) < n && !weir__spsc_has_room(queue, n))
        return false;
    (void)weir__spsc_put_n(queue, elements, n, shape, true);
    return true;
}

static inline bool weir__spsc_take_all(weir_spsc *queue, void *elements, size_t n,
                                       weir__spsc_shape shape)
{
    WEIR_ASSERT(queue->head.group != NULL, "used after destroy, or before init");
    if (queue->head.limit - weir__spsc_position(&queue->head) < n &&
        !weir__spsc_has_elements(queue, n))
        return false;
    (void)weir__spsc_take_n(queue, elements, n, shape, true);
    return true;
}

/* ---- operations: producer ---- */

/* Copies *element to the tail. Returns: false if the queue was full. */
static inline bool weir_spsc_try_enqueue(weir_spsc *queue, const void *element)
{
    return weir__spsc_put(queue, element, queue->shape);
}

/* Copies up to `n` elements of an array to the tail, in order.
 * Returns: how many; fewer than n if the queue was full when the next one came. */
static inline size_t weir_spsc_enqueue_burst(weir_spsc *queue, const void *elements, size_t n)
{
    return weir__spsc_put_n(queue, elements, n, queue->shape, false);
}

/* Copies all `n` elements of an array to the tail at once, or none.
 * Returns: false if there was not room for all. */
static inline bool weir_spsc_enqueue_bulk(weir_spsc *queue, const void *elements, size_t n)
{
    return weir__spsc_put_all(queue, elements, n, queue->shape);
}

/* Finds room for up to `n` elements side by side, to be written in place; they are
 * enqueued by weir_spsc_commit(), or given up by doing nothing.
 * Returns: how many, and *slots; 0 if the queue was full. Fewer than n may be what is
 * side by side, not what is free: commit, and reserve again.
 * Ownership: *slots is the caller's until the producer's next operation. */
static inline size_t weir_spsc_reserve(weir_spsc *queue, void **slots, size_t n)
{
    weir__spsc_side *const tail = &queue->tail;
    uint64_t position = weir__spsc_position(tail);
    uint64_t room;

    WEIR_ASSERT(tail->group != NULL, "used after destroy, or before init");
    if (tail->limit - position < n && (position == tail->limit || tail->limit != tail->end) &&
        !weir__spsc_find_room(queue, &position))
        return 0;
    room = tail->limit - position;
    *slots = weir__spsc_slot(tail->group, position, queue->shape);
    return room < n ? (size_t)room : n;
}

/* Enqueues the first `n` elements of what weir_spsc_reserve() found, at once. */
static inline void weir_spsc_commit(weir_spsc *queue, size_t n)
{
    weir__spsc_side *const tail = &queue->tail;
    const uint64_t position = weir__spsc_position(tail);

    WEIR_ASSERT(tail->group != NULL, "used after destroy, or before init");
    WEIR_ASSERT(n <= tail->limit - position, "more committed than was reserved");
    weir__spsc_publish(tail->group, position + n);
    weir__spsc_move(tail, position + n);
}

/* ---- operations: consumer ---- */

/* Copies the head to *element, and takes it out.
 * Returns: false, with *element untouched, if the queue was empty. */
static inline bool weir_spsc_try_dequeue(weir_spsc *queue, void *element)
{
    return weir__spsc_take(queue, element, queue->shape);
}

/* Takes up to `n` elements from the head, in order.
 * Returns: how many; fewer than n if the queue was empty when the next one was due. */
static inline size_t weir_spsc_dequeue_burst(weir_spsc *queue, void *elements, size_t n)
{
    return weir__spsc_take_n(queue, elements, n, queue->shape, false);
}

/* Takes `n` elements from the head at once, or none.
 * Returns: false, with *elements untouched, if there were not so many. */
static inline bool weir_spsc_dequeue_bulk(weir_spsc *queue, void *elements, size_t n)
{
    return weir__spsc_take_all(queue, elements, n, queue->shape);
}

/* Finds up to `n` elements at the head side by side, to be read, or changed, in place;
 * they are taken out by weir_spsc_release(), or left by doing nothing.
 * Returns: how many, and *slots; 0 if the queue was empty. Fewer than n may be what is
 * side by side, not what is inside: release, and peek again.
 * Ownership: *slots is the caller's until the consumer's next operation. */
static inline size_t weir_spsc_peek(weir_spsc *queue, void **slots, size_t n)
{
    weir__spsc_side *const head = &queue->head;
    uint64_t position = weir__spsc_position(head);
    uint64_t there;

    WEIR_ASSERT(head->group != NULL, "used after destroy, or before init");
    if (head->limit - position < n && (position == head->limit || head->limit != head->end) &&
        !weir__spsc_find_elements(queue, &position))
        return 0;
    there = head->limit - position;
    *slots = weir__spsc_slot(head->group, position, queue->shape);
    return there < n ? (size_t)there : n;
}

/* Takes out the first `n` elements of what weir_spsc_peek() found, at once. */
static inline void weir_spsc_release(weir_spsc *queue, size_t n)
{
    weir__spsc_side *const head = &queue->head;
    const uint64_t position = weir__spsc_position(head);

    WEIR_ASSERT(head->group != NULL, "used after destroy, or before init");
    WEIR_ASSERT(n <= head->limit - position, "more released than was peeked at");
    weir__spsc_release(head->group, position + n);
    weir__spsc_move(head, position + n);
}

/* ---- queries ---- */

static inline size_t weir_spsc_capacity(const weir_spsc *queue)
{
    return queue->capacity;
}

/* Elements that lie side by side at most: what weir_spsc_reserve() and weir_spsc_peek()
 * can return. */
static inline size_t weir_spsc_stretch(const weir_spsc *queue)
{
    return (size_t)(queue->last_group != 0 ? queue->count : queue->last_count);
}

/* Elements inside: exact while no operation runs; else a number, 0 to the capacity,
 * that was near. Any thread may ask. */
WEIR_API size_t weir_spsc_size_approx(const weir_spsc *queue);

/* ---- typed ---- */

/* Defines the type NAME, a weir_spsc of elements of type T (trivially copyable), with
 * NAME_bytes, NAME_init, NAME_destroy, NAME_new, NAME_free, and the operations above on T,
 * whose copies are moves. Elements go in by value one at a time, else by pointer. */
#define WEIR_SPSC_DEFINE(name, T)                                                                 \
    typedef struct name {                                                                         \
        weir_spsc queue;                                                                          \
    } name;                                                                                       \
    WEIR__ELEMENT(name, T);                                                                       \
    WEIR_STATIC_ASSERT(__alignof__(T) <= 64, "aligned to more than a group is");                  \
    WEIR_UNUSED static inline size_t name##_bytes(size_t weir_capacity)                           \
    {                                                                                             \
        return weir_spsc_bytes(weir_capacity, sizeof(T));                                         \
    }                                                                                             \
    WEIR_UNUSED WEIR_NODISCARD static inline int name##_init(                                     \
        name *weir_typed, void *weir_buffer, size_t weir_bytes, size_t weir_capacity)             \
    {                                                                                             \
        return weir_spsc_init(&weir_typed->queue, weir_buffer, weir_bytes, weir_capacity,         \
                              sizeof(T));                                                         \
    }                                                                                             \
    WEIR_UNUSED static inline int name##_destroy(name *weir_typed)                                \
    {                                                                                             \
        return weir_spsc_destroy(&weir_typed->queue);                                             \
    }                                                                                             \
    WEIR_UNUSED WEIR_NODISCARD static inline int name##_new(name **weir_typed,                    \
                                                            size_t weir_capacity)                 \
    {                                                                                             \
        weir_spsc *weir_made;                                                                     \
        const int weir_status = weir_spsc_new(&weir_made, weir_capacity, sizeof(T));              \
        if (weir_status == 0)                                                                     \
            *weir_typed = (name *)(void *)weir_made;                                              \
        return weir_status;                                                                       \
    }                                                                                             \
    WEIR_UNUSED static inline int name##_free(name *weir_typed)                                   \
    {                                                                                             \
        return weir_spsc_free(weir_typed == NULL ? NULL : &weir_typed->queue);                    \
    }                                                                                             \
    WEIR_UNUSED static inline bool name##_try_enqueue(name *weir_typed, T weir_element)           \
    {                                                                                             \
        return weir__spsc_put(&weir_typed->queue, &weir_element, weir__spsc_shape_of(sizeof(T))); \
    }                                                                                             \
    WEIR_UNUSED static inline size_t name##_enqueue_burst(name *weir_typed,                       \
                                                          T const *weir_elements, size_t weir_n)  \
    {                                                                                             \
        return weir__spsc_put_n(&weir_typed->queue, weir_elements, weir_n,                        \
                                weir__spsc_shape_of(sizeof(T)), false);                           \
    }                                                                                             \
    WEIR_UNUSED static inline bool name##_enqueue_bulk(name *weir_typed, T const *weir_elements,  \
                                                       size_t weir_n)                             \
    {                                                                                             \
        return weir__spsc_put_all(&weir_typed->queue, weir_elements, weir_n,                      \
                                  weir__spsc_shape_of(sizeof(T)));                                \
    }                                                                                             \
    WEIR_UNUSED static inline size_t name##_reserve(name *weir_typed, T **slots, size_t weir_n)   \
    {                                                                                             \
        void *found = NULL;                                                                       \
        WEIR__SPSC_SAME_SIZE(&weir_typed->queue, sizeof(T));                                      \
        weir_n = weir_spsc_reserve(&weir_typed->queue, &found, weir_n);                           \
        if (weir_n > 0)                                                                           \
            *slots = (T *)found;                                                                  \
        return weir_n;                                                                            \
    }                                                                                             \
    WEIR_UNUSED static inline void name##_commit(name *weir_typed, size_t weir_n)                 \
    {                                                                                             \
        weir_spsc_commit(&weir_typed->queue, weir_n);                                             \
    }                                                                                             \
    WEIR_UNUSED static inline bool name##_try_dequeue(name *weir_typed, T *weir_element)          \
    {                                                                                             \
        return weir__spsc_take(&weir_typed->queue, weir_element, weir__spsc_shape_of(sizeof(T))); \
    }                                                                                             \
    WEIR_UNUSED static inline size_t name##_dequeue_burst(name *weir_typed, T *weir_elements,     \
                                                          size_t weir_n)                          \
    {                                                                                             \
        return weir__spsc_take_n(&weir_typed->queue, weir_elements, weir_n,                       \
                                 weir__spsc_shape_of(sizeof(T)), false);                          \
    }                                                                                             \
    WEIR_UNUSED static inline bool name##_dequeue_bulk(name *weir_typed, T *weir_elements,        \
                                                       size_t weir_n)                             \
    {                                                                                             \
        return weir__spsc_take_all(&weir_typed->queue, weir_elements, weir_n,                     \
                                   weir__spsc_shape_of(sizeof(T)));                               \
    }                                                                                             \
    WEIR_UNUSED static inline size_t name##_peek(name *weir_typed, T **slots, size_t weir_n)      \
    {                                                                                             \
        void *found = NULL;                                                                       \
        WEIR__SPSC_SAME_SIZE(&weir_typed->queue, sizeof(T));                                      \
        weir_n = weir_spsc_peek(&weir_typed->queue, &found, weir_n);                              \
        if (weir_n > 0)                                                                           \
            *slots = (T *)found;                                                                  \
        return weir_n;                                                                            \
    }                                                                                             \
    WEIR_UNUSED static inline void name##_release(name *weir_typed, size_t weir_n)                \
    {                                                                                             \
        weir_spsc_release(&weir_typed->queue, weir_n);                                            \
    }                                                                                             \
    struct name

#ifdef __cplusplus
}
#endif

#endif /* WEIR_SPSC_H */
