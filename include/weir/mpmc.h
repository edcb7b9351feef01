/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* weir/mpmc.h: a bounded FIFO queue of words for many producers and many
 * consumers, lock-free at every instruction, of exactly the capacity asked for.
 *
 * Use it when: any thread may enqueue and any may dequeue, and none of them may
 *              ever hold up the others: preempted, stopped, killed.
 * Use weir/spsc.h with one thread on each side, weir/mpsc.h for one consumer and
 * no bound, weir/ticket.h when batches matter more than a preempted thread.
 *
 * Who may run with whom:
 *                    try_enqueue, enqueue_burst   try_dequeue, dequeue_burst
 *   try_enqueue, ..            yes                          yes
 *   try_dequeue, ..            yes                          yes
 *   size_approx                yes                          yes
 *   init, destroy              no                           no
 *
 * Progress:  try_ and _burst are lock-free: a thread stopped at any instruction
 *            of them, for ever, keeps no other from completing.
 * Ordering:  what happens before an enqueue is visible after the dequeue of that
 *            value. A value is any word: none is reserved.
 *            All operations, refusals too, are sequentially consistent: they and the
 *            seq_cst operations of the program are in one order that all threads agree on.
 *            So a thread may say that it sleeps (a seq_cst read-modify-write), be
 *            refused, and go to sleep: "Refusals and sleep" in doc/memory-model.md.
 * Linearization: an enqueue and a dequeue at the compare-and-swap that succeeds;
 *            `false` at the load of the one cell that decides: the queue was
 *            full, or empty, at that moment of the call. Each item of a burst has a
 *            moment of its own.
 * Memory:    16 bytes a cell in the caller's buffer; nothing is allocated after
 *            init. A cell keeps the value last dequeued from it until the next
 *            lap: a leak checker may take it for a reference.
 * Complexity: one compare-and-swap an item, 16 bytes wide to enqueue and 8 to
 *            dequeue, and one plain store to a hint.
 *
 * How it works. A cell is {sequence, value}; its sequence says in which lap it is
 * empty or full (weir/ring.h). One compare-and-swap of both words claims a cell
 * and fills it at once, so there is never a cell that is claimed and not yet
 * readable, which is where a ring of tickets blocks. Position p is filled only by
 * a thread that saw p - 1 filled, and emptied only by one that saw p - 1
 * emptied: so the first cell that is not filled is the tail and the first that is
 * not emptied is the head. `tail` and `head` are hints: all positions before them
 * are done, a fact that stays true. They are stored, not compared, after each
 * item; a thread that slept before its store may set one back, and the next
 * thread walks, or seeks by halving, over what is done already.
 *
 * Why `false` is true. Full: the cell of the first position p that is not filled
 * still holds p - N. All from p - N to p - 1 are filled and, since they are emptied
 * in order, none of them is emptied: N values inside. Empty: the cell of the first
 * position q that is not emptied is not filled: none inside.
 *
 * Why all is sequentially consistent, which on x86-64 and ARM64 costs next to nothing beside
 * acquire and release: of an enqueue and a consumer that goes to sleep
 *     fill a cell              || say that one sleeps
 *     does somebody sleep?     || look at the cell
 * one sees the other; likewise of a dequeue and a producer.
 *
 * A closed queue. weir/chan.h marks the tail: bit 1 in the sequence of the first cell that is
 * not filled, whether it is empty or still full of the lap before. No enqueue fills a cell
 * with the mark, so none passes it; a dequeue leaves the mark where it is.
 *
 * That an 8-byte compare-and-swap and a 16-byte one meet in a cell is outside of C11's
 * model, which knows no mixed sizes: it rests on x86-64 and ARM64, where both are atomic
 * for every byte that they touch.
 *
 * Edges:
 *   filled   try_enqueue -> try_dequeue  carries the value and what it points to
 *   emptied  try_dequeue -> try_enqueue  carries that the cell's value was taken
 *   tail     try_enqueue -> try_enqueue  carries that all cells before are filled
 *   head     try_dequeue -> try_dequeue  carries that all cells before are emptied
 *   closed   weir__mpmc_close -> try_enqueue  carries what the closer had done
 *
 * Source: cells that carry their lap: D. Vyukov, "Bounded MPMC queue", 2010,
 * https://www.1024cores.net/home/lock-free-algorithms/queues/bounded-mpmc-queue;
 * claiming by a compare-and-swap of the cell instead of a ticket: P. Tsigas and
 * Y. Zhang, "A Simple, Fast and Scalable Non-Blocking Concurrent FIFO Queue for
 * Shared Memory Multiprocessor Systems", SPAA 2001, doi:10.1145/378580.378611. */

#ifndef WEIR_MPMC_H
#define WEIR_MPMC_H

#include <weir/atomic.h>
#include <weir/base.h>
#include <weir/ring.h>

#include <string.h>

/* Defined where the machine has an inline double-word compare-and-swap. */
#ifdef WEIR_HAVE_DWORD_CAS
#define WEIR_HAVE_MPMC 1
#endif

#ifdef WEIR_HAVE_MPMC

#ifdef __cplusplus
extern "C" {
#endif

typedef struct weir_mpmc {
    WEIR_ALIGNAS(WEIR_CACHELINE) WEIR_ATOMIC(uint64_t) tail; /* producers */
    WEIR_ALIGNAS(WEIR_CACHELINE) WEIR_ATOMIC(uint64_t) head; /* consumers */
    WEIR_ALIGNAS(WEIR_CACHELINE) weir_dword *cells;          /* nobody, after init */
    weir_ring ring;
    size_t allocated; /* bytes of one allocation by weir_mpmc_new(), or 0 */
} weir_mpmc;

WEIR_STATIC_ASSERT(sizeof(weir_mpmc) == 3 * WEIR_CACHELINE, "a line pair for each writer");
WEIR_STATIC_ASSERT(sizeof(uintptr_t) == sizeof(uint64_t), "a word fills half of a cell");

/* ---- life ---- */

/* Bytes of the buffer for `capacity` values; 0 if capacity is 0 or above
 * WEIR_RING_CAPACITY_MAX. */
WEIR_API size_t weir_mpmc_bytes(size_t capacity);

/* Makes an empty queue of `capacity` values in `buffer`, which is aligned to
 * WEIR_CACHELINE, stays the caller's, and must outlive the queue.
 * Returns: 0; -EINVAL for a capacity of 0 or too large, or a buffer that is NULL,
 * not aligned or of too few bytes. */
WEIR_API int weir_mpmc_init(weir_mpmc *queue, void *buffer, size_t bytes,
                            size_t capacity) WEIR_NODISCARD;

/* The same, with the counters at `start`: for tests that want to see them wrap. */
WEIR_API int weir_mpmc_init_at(weir_mpmc *queue, void *buffer, size_t bytes, size_t capacity,
                               uint64_t start) WEIR_NODISCARD;

/* Ends the queue; the buffer is the caller's again. No other thread may use it.
 * Returns: 0; -EBUSY if values are inside: nothing was done, dequeue them first. */
WEIR_API int weir_mpmc_destroy(weir_mpmc *queue);

/* Allocates queue and buffer at once, through weir_alloc().
 * Returns: 0 and *queue; -EINVAL as init; -ENOMEM. *queue is untouched on failure. */
WEIR_API int weir_mpmc_new(weir_mpmc **queue, size_t capacity) WEIR_NODISCARD;

/* Ends and frees what weir_mpmc_new() made; NULL is ignored.
 * Returns: 0; -EBUSY as weir_mpmc_destroy(). */
WEIR_API int weir_mpmc_free(weir_mpmc *queue);

/* ---- inline core: one look at one cell ---- */

typedef enum weir__mpmc_verdict {
    WEIR__MPMC_DONE,    /* the value was put, or taken */
    WEIR__MPMC_PASSED,  /* another thread was first at this position */
    WEIR__MPMC_REFUSED, /* full, or empty */
    WEIR__MPMC_CLOSED   /* not full, but closed */
} weir__mpmc_verdict;

/* In a sequence, beside the lap. */
enum { WEIR__MPMC_FULL = 1, WEIR__MPMC_MARK = 2 };

/* Fills the cell of `position`; all before are filled. */
static inline weir__mpmc_verdict weir__mpmc_put(weir_mpmc *queue, uint64_t position,
                                                uintptr_t value)
{
    weir_dword *const cell = &queue->cells[weir_ring_index(&queue->ring, position)];
    const uint64_t base = weir_ring_base(&queue->ring, position);
    /* sync(emptied): acquire. Pairs with the compare-and-swap in weir__mpmc_take(): its thread
     * is done with the value. sync(filled): acquire. Of another weir__mpmc_put(): its cell is
     * seen filled by whom this call hands the next position. sync(closed): acquire. Pairs with
     * weir__mpmc_close(). seq_cst: see
     * the top of this file. */
    uint64_t sequence = weir_atomic_load(&cell->lo, WEIR_SEQ_CST);

    if (WEIR_LIKELY(sequence == base)) {
        /* relaxed: the compare-and-swap confirms it together with the sequence. */
        uint64_t old = weir_atomic_load(&cell->hi, WEIR_RELAXED);

        /* sync(filled): seq_cst. Pairs with the load of `lo` in weir__mpmc_take(); publishes the
         * value and what it points to. seq_cst: see the
         * top of this file. */
        if (WEIR_LIKELY(
                weir_dword_cas_seq_cst(cell, &sequence, &old, base | WEIR__MPMC_FULL, value)))
            return WEIR__MPMC_DONE;
    }
    if (sequence == (base | WEIR__MPMC_MARK))
        return WEIR__MPMC_CLOSED;
    /* Below: the cell holds the value of the lap before. */
    return (int64_t)(sequence - base) < 0 ? WEIR__MPMC_REFUSED : WEIR__MPMC_PASSED;
}

/* Empties the cell of `position`; all before are emptied. */
static inline weir__mpmc_verdict weir__mpmc_take(weir_mpmc *queue, uint64_t position,
                                                 uintptr_t *value)
{
    weir_dword *const cell = &queue->cells[weir_ring_index(&queue->ring, position)];
    const uint64_t base = weir_ring_base(&queue->ring, position);
    /* sync(filled): acquire. Pairs with weir_dword_cas_seq_cst() in weir__mpmc_put(); the value and
     * what it points to are seen. sync(emptied): acquire. Of another weir__mpmc_take(): its cell is
     * seen emptied by whom this call hands the next position. seq_cst: see
     * the top of this file. */
    uint64_t sequence = weir_atomic_load(&cell->lo, WEIR_SEQ_CST);

    /* With the mark, and once more if the mark came in between. */
    while ((sequence & ~(uint64_t)WEIR__MPMC_MARK) == (base | WEIR__MPMC_FULL)) {
        /* relaxed: written with the sequence that was just acquired, and not again before that
         * sequence changes, which the compare-and-swap rules out. */
        const uint64_t found = weir_atomic_load(&cell->hi, WEIR_RELAXED);

        /* sync(emptied): release. Pairs with the load of `lo` in weir__mpmc_put(): the value was
         * read before the cell is free. sync(emptied): acquire, on failure. As at the load
         * above. seq_cst: see the
         * top of this file. */
        if (WEIR_LIKELY(weir_atomic_cas(&cell->lo, &sequence, sequence + queue->ring.mask,
                                        WEIR_SEQ_CST, WEIR_ACQUIRE))) {
            *value = (uintptr_t)found;
            return WEIR__MPMC_DONE;
        }
    }
    /* Not above: the cell is not filled in this lap. */
    return (int64_t)(sequence - base) <= WEIR__MPMC_MARK ? WEIR__MPMC_REFUSED : WEIR__MPMC_PASSED;
}

/* ---- cold paths, in the library ---- */

/* Where to go on, and what became of the value: anything but PASSED. */
typedef struct weir__mpmc_step {
    uint64_t position;
    weir__mpmc_verdict verdict;
} weir__mpmc_step;

/* The same from `position` on, which is passed: at the first one that is not. */
WEIR_API weir__mpmc_step weir__mpmc_put_on(weir_mpmc *queue, uint64_t position, uintptr_t value);
WEIR_API weir__mpmc_step weir__mpmc_take_on(weir_mpmc *queue, uint64_t position, uintptr_t *value);

/* Stores where an operation that began at `hint` came to. */
static inline void weir__mpmc_store_hint(WEIR_ATOMIC(uint64_t) * end, uint64_t hint,
                                         uint64_t position)
{
    if (position != hint) {
        /* sync(tail): release. sync(head): release. Pair with the loads in
         * weir_mpmc_try_enqueue() and weir_mpmc_try_dequeue(), the bursts, and go_on(): all cells
         * before `position` are filled, or emptied. */
        weir_atomic_store(end, position, WEIR_RELEASE);
    }
}

/* Marks the tail: every enqueue from now on is CLOSED, or finds the queue full. Lock-free.
 * Returns: false if it was marked. */
bool weir__mpmc_close(weir_mpmc *queue);

/* ---- operations ---- */

/* Puts a value at the tail, or says why not. */
static inline weir__mpmc_verdict weir__mpmc_try_put(weir_mpmc *queue, uintptr_t value)
{
    /* sync(tail): acquire. Pairs with the store in weir__mpmc_store_hint(); all cells before
     * `hint` are seen filled. */
    const uint64_t hint = weir_atomic_load(&queue->tail, WEIR_ACQUIRE);
    weir__mpmc_verdict verdict;
    weir__mpmc_step step;

    WEIR_ASSERT(queue->cells != NULL, "used after destroy, or before init");
    verdict = weir__mpmc_put(queue, hint, value);
    if (WEIR_LIKELY(verdict == WEIR__MPMC_DONE)) {
        weir__mpmc_store_hint(&queue->tail, hint, weir_ring_next(&queue->ring, hint));
        return verdict;
    }
    if (verdict != WEIR__MPMC_PASSED)
        return verdict;
    step = weir__mpmc_put_on(queue, hint, value);
    weir__mpmc_store_hint(&queue->tail, hint, step.position);
    return step.verdict;
}

/* Puts `value` at the tail. Returns: false if the queue was full. */
static inline bool weir_mpmc_try_enqueue(weir_mpmc *queue, uintptr_t value)
{
    return weir__mpmc_try_put(queue, value) == WEIR__MPMC_DONE;
}

/* Takes the value at the head. Returns: false, and *value untouched, if the queue was empty. */
static inline bool weir_mpmc_try_dequeue(weir_mpmc *queue, uintptr_t *value)
{
    /* sync(head): acquire. Pairs with the store in weir__mpmc_store_hint(); all cells before
     * `hint` are seen emptied. */
    const uint64_t hint = weir_atomic_load(&queue->head, WEIR_ACQUIRE);
    weir__mpmc_verdict verdict;
    weir__mpmc_step step;

    WEIR_ASSERT(queue->cells != NULL, "used after destroy, or before init");
    verdict = weir__mpmc_take(queue, hint, value);
    if (WEIR_LIKELY(verdict == WEIR__MPMC_DONE)) {
        weir__mpmc_store_hint(&queue->head, hint, weir_ring_next(&queue->ring, hint));
        return true;
    }
    if (verdict != WEIR__MPMC_PASSED)
        return false;
    step = weir__mpmc_take_on(queue, hint, value);
    weir__mpmc_store_hint(&queue->head, hint, step.position);
    return step.verdict == WEIR__MPMC_DONE;
}

/* Puts up to `n` values at the tail, each at a moment of its own, in order.
 * Returns: how many; fewer than n if the queue was full when the next one came. */
static inline size_t weir_mpmc_enqueue_burst(weir_mpmc *queue, const uintptr_t *values, size_t n)
{
    /* sync(tail): acquire. As in weir_mpmc_try_enqueue(). */
    const uint64_t hint = weir_atomic_load(&queue->tail, WEIR_ACQUIRE);
    weir__mpmc_step step = {hint, WEIR__MPMC_DONE};
    size_t put = 0;

    WEIR_ASSERT(queue->cells != NULL, "used after destroy, or before init");
    while (put < n) {
        const weir__mpmc_verdict verdict = weir__mpmc_put(queue, step.position, values[put]);

        if (WEIR_LIKELY(verdict == WEIR__MPMC_DONE))
            step.position = weir_ring_next(&queue->ring, step.position);
        else if (verdict != WEIR__MPMC_PASSED)
            break;
        else
            step = weir__mpmc_put_on(queue, step.position, values[put]);
        if (step.verdict != WEIR__MPMC_DONE)
            break;
        put++;
    }
    weir__mpmc_store_hint(&queue->tail, hint, step.position);
    return put;
}

/* Takes up to `n` values from the head, each at a moment of its own, in order.
 * Returns: how many; fewer than n if the queue was empty when the next one was due. */
static inline size_t weir_mpmc_dequeue_burst(weir_mpmc *queue, uintptr_t *values, size_t n)
{
    /* sync(head): acquire. As in weir_mpmc_try_dequeue(). */
    const uint64_t hint = weir_atomic_load(&queue->head, WEIR_ACQUIRE);
    weir__mpmc_step step = {hint, WEIR__MPMC_DONE};
    size_t got = 0;

    WEIR_ASSERT(queue->cells != NULL, "used after destroy, or before init");
    while (got < n) {
        const weir__mpmc_verdict verdict = weir__mpmc_take(queue, step.position, &values[got]);

        if (WEIR_LIKELY(verdict == WEIR__MPMC_DONE))
            step.position = weir_ring_next(&queue->ring, step.position);
        else if (verdict != WEIR__MPMC_PASSED)
            break;
        else
            step = weir__mpmc_take_on(queue, step.position, &values[got]);
        if (step.verdict != WEIR__MPMC_DONE)
            break;
        got++;
    }
    weir__mpmc_store_hint(&queue->head, hint, step.position);
    return got;
}

/* ---- queries ---- */

static inline size_t weir_mpmc_capacity(const weir_mpmc *queue)
{
    return (size_t)queue->ring.last + 1;
}

/* Values inside: exact while no operation runs; else a number, 0 to the capacity,
 * that was near. Threads: any, beside all operations. Progress: wait-free.
 * Complexity: O(log N) loads. */
WEIR_API size_t weir_mpmc_size_approx(const weir_mpmc *queue);

/* ---- typed: elements of up to one word ---- */

/* Defines the type NAME, a weir_mpmc of elements of type T (at most a word, trivially
 * copyable), with NAME_init, NAME_destroy, NAME_new, NAME_free, NAME_try_enqueue,
 * NAME_try_dequeue, NAME_enqueue_burst and NAME_dequeue_burst. */
#define WEIR_MPMC_DEFINE(name, T)                                                                \
    typedef struct name {                                                                        \
        weir_mpmc queue;                                                                         \
    } name;                                                                                      \
    WEIR__ELEMENT(name, T);                                                                      \
    WEIR_STATIC_ASSERT(sizeof(T) <= sizeof(uintptr_t),                                           \
                       "larger than a word: use WEIR_MPMC_SLOTS_DEFINE");                        \
    WEIR_UNUSED WEIR_NODISCARD static inline int name##_init(                                    \
        name *weir_typed, void *weir_buffer, size_t weir_bytes, size_t weir_capacity)            \
    {                                                                                            \
        return weir_mpmc_init(&weir_typed->queue, weir_buffer, weir_bytes, weir_capacity);       \
    }                                                                                            \
    WEIR_UNUSED static inline int name##_destroy(name *weir_typed)                               \
    {                                                                                            \
        return weir_mpmc_destroy(&weir_typed->queue);                                            \
    }                                                                                            \
    WEIR_UNUSED WEIR_NODISCARD static inline int name##_new(name **weir_typed,                   \
                                                            size_t weir_capacity)                \
    {                                                                                            \
        weir_mpmc *weir_made;                                                                    \
        const int weir_status = weir_mpmc_new(&weir_made, weir_capacity);                        \
        if (weir_status == 0)                                                                    \
            *weir_typed = (name *)(void *)weir_made;                                             \
        return weir_status;                                                                      \
    }                                                                                            \
    WEIR_UNUSED static inline int name##_free(name *weir_typed)                                  \
    {                                                                                            \
        return weir_mpmc_free((weir_typed) == NULL ? NULL : &weir_typed->queue);                 \
    }                                                                                            \
    WEIR_UNUSED static inline bool name##_try_enqueue(name *weir_typed, T weir_element)          \
    {                                                                                            \
        uintptr_t weir_word = 0;                                                                 \
        memcpy(&weir_word, &weir_element, sizeof(T));                                            \
        return weir_mpmc_try_enqueue(&weir_typed->queue, weir_word);                             \
    }                                                                                            \
    WEIR_UNUSED static inline bool name##_try_dequeue(name *weir_typed, T *weir_element)         \
    {                                                                                            \
        uintptr_t weir_word;                                                                     \
        if (!weir_mpmc_try_dequeue(&weir_typed->queue, &weir_word))                              \
            return false;                                                                        \
        memcpy(weir_element, &weir_word, sizeof(T));                                             \
        return true;                                                                             \
    }                                                                                            \
    WEIR_UNUSED static inline size_t name##_enqueue_burst(name *weir_typed,                      \
                                                          T const *weir_elements, size_t weir_n) \
    {                                                                                            \
        size_t weir_put = 0;                                                                     \
        while (weir_put < weir_n && name##_try_enqueue(weir_typed, weir_elements[weir_put]))     \
            weir_put++;                                                                          \
        return weir_put;                                                                         \
    }                                                                                            \
    WEIR_UNUSED static inline size_t name##_dequeue_burst(name *weir_typed, T *weir_elements,    \
                                                          size_t weir_n)                         \
    {                                                                                            \
        size_t weir_got = 0;                                                                     \
        while (weir_got < weir_n && name##_try_dequeue(weir_typed, &weir_elements[weir_got]))    \
            weir_got++;                                                                          \
        return weir_got;                                                                         \
    }                                                                                            \
    struct name

/* ---- elements larger than a word ---- */

/* A queue of elements of any size: an element is copied into a slot, and the
 * slot's index travels through a weir_mpmc. Two of them: `filled` holds the
 * indices of elements, at most `capacity`; `vacant` those of free slots.
 *
 * Progress:  lock-free while fewer threads are stopped inside an operation than there
 *            are slots, capacity and spare together: each may hold one for ever, and
 *            when all are held, every enqueue is refused.
 * Empty:     exact. Full: exact while no more other threads are inside an operation
 *            than there are spare slots; beyond, `false` from an enqueue may come early,
 *            by the number of those: each holds a slot that it is still copying. Ask
 *            for as many spares as threads. */
typedef struct weir_mpmc_slots {
    weir_mpmc filled;
    weir_mpmc vacant;
    WEIR_ALIGNAS(WEIR_CACHELINE) unsigned char *slots; /* nobody, after init */
    size_t element;
    size_t allocated;
} weir_mpmc_slots;

/* Bytes of the buffer for `capacity` elements of `element` bytes, and `spare` slots more;
 * 0 if capacity or element is 0, or the sum too large. */
WEIR_API size_t weir_mpmc_slots_bytes(size_t capacity, size_t spare, size_t element);

/* As weir_mpmc_init() and the others above. `element` is sizeof of the element's type. */
WEIR_API int weir_mpmc_slots_init(weir_mpmc_slots *queue, void *buffer, size_t bytes,
                                  size_t capacity, size_t spare, size_t element) WEIR_NODISCARD;
WEIR_API int weir_mpmc_slots_init_at(weir_mpmc_slots *queue, void *buffer, size_t bytes,
                                     size_t capacity, size_t spare, size_t element,
                                     uint64_t start) WEIR_NODISCARD;
WEIR_API int weir_mpmc_slots_destroy(weir_mpmc_slots *queue);
WEIR_API int weir_mpmc_slots_new(weir_mpmc_slots **queue, size_t capacity, size_t spare,
                                 size_t element) WEIR_NODISCARD;
WEIR_API int weir_mpmc_slots_free(weir_mpmc_slots *queue);

/* The inline core: `size` is the element's size, a constant where it is typed. */
static inline bool weir__mpmc_slots_put(weir_mpmc_slots *queue, const void *element, size_t size)
{
    uintptr_t slot;

    WEIR_ASSERT(queue->slots != NULL, "used after destroy, or before init");
    if (!weir_mpmc_try_dequeue(&queue->vacant, &slot))
        return false;
    /* Plain: the slot is this thread's between the two queues, whose edges carry it. */
    memcpy(queue->slots + slot * size, element, size);
    if (WEIR_LIKELY(weir_mpmc_try_enqueue(&queue->filled, slot)))
        return true;
    /* Has room for every slot there is, so this cannot fail. */
    (void)weir_mpmc_try_enqueue(&queue->vacant, slot);
    return false;
}

static inline bool weir__mpmc_slots_take(weir_mpmc_slots *queue, void *element, size_t size)
{
    uintptr_t slot;

    WEIR_ASSERT(queue->slots != NULL, "used after destroy, or before init");
    if (!weir_mpmc_try_dequeue(&queue->filled, &slot))
        return false;
    /* Plain: as in weir__mpmc_slots_put(). */
    memcpy(element, queue->slots + slot * size, size);
    /* Has room for every slot there is, so this cannot fail. */
    (void)weir_mpmc_try_enqueue(&queue->vacant, slot);
    return true;
}

/* Copies *element to the tail. Returns: false if the queue was full (see above). */
static inline bool weir_mpmc_slots_try_enqueue(weir_mpmc_slots *queue, const void *element)
{
    return weir__mpmc_slots_put(queue, element, queue->element);
}

/* Copies the head to *element. Returns: false, *element untouched, if the queue was empty. */
static inline bool weir_mpmc_slots_try_dequeue(weir_mpmc_slots *queue, void *element)
{
    return weir__mpmc_slots_take(queue, element, queue->element);
}

static inline size_t weir_mpmc_slots_capacity(const weir_mpmc_slots *queue)
{
    return weir_mpmc_capacity(&queue->filled);
}

/* As weir_mpmc_size_approx(). */
static inline size_t weir_mpmc_slots_size_approx(const weir_mpmc_slots *queue)
{
    return weir_mpmc_size_approx(&queue->filled);
}

/* Defines the type NAME, a weir_mpmc_slots of elements of type T (any size, trivially
 * copyable), with NAME_init, NAME_destroy, NAME_new, NAME_free, NAME_try_enqueue and
 * NAME_try_dequeue. */
#define WEIR_MPMC_SLOTS_DEFINE(name, T)                                                         \
    typedef struct name {                                                                       \
        weir_mpmc_slots queue;                                                                  \
    } name;                                                                                     \
    WEIR__ELEMENT(name, T);                                                                     \
    WEIR_UNUSED WEIR_NODISCARD static inline int name##_init(                                   \
        name *weir_typed, void *weir_buffer, size_t weir_bytes, size_t weir_capacity,           \
        size_t weir_spare)                                                                      \
    {                                                                                           \
        return weir_mpmc_slots_init(&weir_typed->queue, weir_buffer, weir_bytes, weir_capacity, \
                                    weir_spare, sizeof(T));                                     \
    }                                                                                           \
    WEIR_UNUSED static inline int name##_destroy(name *weir_typed)                              \
    {                                                                                           \
        return weir_mpmc_slots_destroy(&weir_typed->queue);                                     \
    }                                                                                           \
    WEIR_UNUSED WEIR_NODISCARD static inline int name##_new(                                    \
        name **weir_typed, size_t weir_capacity, size_t weir_spare)                             \
    {                                                                                           \
        weir_mpmc_slots *weir_made;                                                             \
        const int weir_status =                                                                 \
            weir_mpmc_slots_new(&weir_made, weir_capacity, weir_spare, sizeof(T));              \
        if (weir_status == 0)                                                                   \
            *weir_typed = (name *)(void *)weir_made;                                            \
        return weir_status;                                                                     \
    }                                                                                           \
    WEIR_UNUSED static inline int name##_free(name *weir_typed)                                 \
    {                                                                                           \
        return weir_mpmc_slots_free((weir_typed) == NULL ? NULL : &weir_typed->queue);          \
    }                                                                                           \
    WEIR_UNUSED static inline bool name##_try_enqueue(name *weir_typed, T const *weir_element)  \
    {                                                                                           \
        return weir__mpmc_slots_put(&weir_typed->queue, weir_element, sizeof(T));               \
    }                                                                                           \
    WEIR_UNUSED static inline bool name##_try_dequeue(name *weir_typed, T *weir_element)        \
    {                                                                                           \
        return weir__mpmc_slots_take(&weir_typed->queue, weir_element, sizeof(T));              \
    }                                                                                           \
    struct name

#ifdef __cplusplus
}
#endif

#endif /* WEIR_HAVE_MPMC */

#endif /* WEIR_MPMC_H */
