/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* weir/umpmc.h: an unbounded FIFO queue of words, for many producers and many consumers.
 *
 * Use it when: producers may never be refused, and memory is enough for the worst backlog.
 * Use weir/mpmc.h wherever a bound can be named: it allocates nothing, and pushes back;
 * weir/mpsc.h with one consumer and nodes of the caller's.
 *
 * Who may run with whom:
 *                          enqueue, try_dequeue, _burst   init, destroy
 *   enqueue, try_dequeue               yes                     no
 *
 * The queue is Michael and Scott's list, of segments instead of single nodes. A segment's
 * cells are used once each: empty, then full, then taken; so the first cell that is not
 * taken is the head, the first that is empty the tail, and each step is one
 * compare-and-swap on the cell itself. A segment is appended with its first cell filled.
 * With segments of one slot, and always where the machine has no double-word
 * compare-and-swap, it is the list as published.
 *
 * Progress:  lock-free but for the allocator, which an enqueue calls when a segment is full,
 *            and for what the domain's retire calls, in a dequeue that has emptied one. A
 *            compare-and-swap is tried again only when another thread's succeeded.
 * Ordering:  what happens before an enqueue is visible after the dequeue of that value. FIFO
 *            for all. All operations, an "empty" too, are sequentially consistent ("Refusals and
 *            sleep" in doc/memory-model.md):
 *                fill a cell              || say that one sleeps
 *                does somebody sleep?     || look at the cell
 *            one sees the other.
 * Linearization: an enqueue at its compare-and-swap, on the cell or on `next`: all cells
 *            before are full or taken, and stay so. A dequeue at its compare-and-swap: all
 *            before are taken. false at the load that found a cell empty, or no next
 *            segment: all before were taken, and what comes after is filled later.
 * Memory:    segments of `slots` cells of two words each, and three line pairs; an emptied one is
 *            retired to the domain, and freed by the thread that retires or collects there. An
 *            empty queue keeps one. What the values point to is the callers' affair.
 * Edges:
 *   filled    enqueue -> try_dequeue            carries the value, and what it points to
 *   behind    enqueue -> enqueue                carries that all cells before are full or taken
 *   closed    weir__umpmc_close -> enqueue      carries what the closer had done
 *   appended  enqueue -> enqueue, try_dequeue   carries a segment
 *   taken     try_dequeue -> try_dequeue        carries what its consumer had done and seen: of who
 *             passes by a cell that was taken, no later cell may look empty which that one had
 * filled
 *
 * Sources: M. M. Michael, M. L. Scott, "Simple, Fast, and Practical Non-Blocking and
 * Blocking Concurrent Queue Algorithms", PODC 1996, doi:10.1145/248052.248106; cells that
 * tell by themselves whose they are: as in weir/mpmc.h. */

#ifndef WEIR_UMPMC_H
#define WEIR_UMPMC_H

#include <weir/guard.h>

#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- types ---- */

/* Slots of a segment, where none are asked for; and most. */
#define WEIR_UMPMC_SLOTS 254
#define WEIR_UMPMC_SLOTS_MAX 65536

enum {
    WEIR__UMPMC_EMPTY = 0,
    WEIR__UMPMC_FULL = 1,
    WEIR__UMPMC_TAKEN = 2,
    WEIR__UMPMC_CLOSED = 3 /* the end: weir/chan.h */
};

#ifdef WEIR_HAVE_DWORD_CAS
typedef weir_dword weir__umpmc_cell; /* lo: state, hi: value */
#else
typedef struct weir__umpmc_cell {
    WEIR_ATOMIC(uint64_t) lo;
    WEIR_ATOMIC(uint64_t) hi;
} weir__umpmc_cell;
#endif

/* The cells follow it. */
typedef struct weir__umpmc_segment {
    weir_retired retired;
    WEIR_ATOMIC(struct weir__umpmc_segment *) next;
    uint32_t slots; /* constant */
    /* producers: all cells before it are full or taken */
    WEIR_ALIGNAS(WEIR_CACHELINE) WEIR_ATOMIC(uint32_t) first_empty;
    /* consumers: all cells before it are taken */
    WEIR_ALIGNAS(WEIR_CACHELINE) WEIR_ATOMIC(uint32_t) first_full;
} weir__umpmc_segment;

typedef struct weir_umpmc {
    /* consumers */
    WEIR_ALIGNAS(WEIR_CACHELINE) WEIR_ATOMIC(weir__umpmc_segment *) head;
    /* producers */
    WEIR_ALIGNAS(WEIR_CACHELINE) WEIR_ATOMIC(weir__umpmc_segment *) tail;
    /* nobody, between init and destroy: */
    WEIR_ALIGNAS(WEIR_CACHELINE) weir_guard *domain;
    uint32_t slots; /* of each segment; 0: destroyed */
    bool allocated;
} weir_umpmc;

WEIR_STATIC_ASSERT(sizeof(weir__umpmc_segment) == 3 * WEIR_CACHELINE, "a line pair for each side");

/* ---- life ---- */

/* Makes an empty queue whose segments have `slots` cells (0: WEIR_UMPMC_SLOTS; 1 where there is no
 * WEIR_HAVE_DWORD_CAS); emptied ones are retired to `domain`, which has to live longer.
 * Returns: 0; -EINVAL if slots is more than WEIR_UMPMC_SLOTS_MAX; -ENOMEM. */
WEIR_API int weir_umpmc_init(weir_umpmc *queue, weir_guard *domain, size_t slots) WEIR_NODISCARD;

/* Ends the queue; nobody may be using it.
 * Returns: 0; -EBUSY if values are inside: nothing was done. */
WEIR_API int weir_umpmc_destroy(weir_umpmc *queue);

/* Allocates a queue through weir_alloc(). Returns: as weir_umpmc_init(). */
WEIR_API int weir_umpmc_new(weir_umpmc **queue, weir_guard *domain, size_t slots) WEIR_NODISCARD;

/* Ends and frees what weir_umpmc_new() made; NULL is ignored. Returns: as weir_umpmc_destroy(). */
WEIR_API int weir_umpmc_free(weir_umpmc *queue);

/* ---- private ---- */

/* The rest of an operation whose first look did not do; ends the section. */
WEIR_API int weir__umpmc_enqueue_on(weir_umpmc *queue, weir_guard_record *record,
                                    weir_section section, weir__umpmc_segment *tail,
                                    uintptr_t value);
WEIR_API bool weir__umpmc_dequeue_on(weir_umpmc *queue, weir_guard_record *record,
                                     weir_section section, weir__umpmc_segment *head,
                                     uintptr_t *value);

/* Makes every enqueue from now on fail with -EPIPE. Returns: 0; -EALREADY; -ENOMEM. */
int weir__umpmc_close(weir_umpmc *queue, weir_guard_record *record);

/* Values inside, with epochs: a number that was near. Complexity: one load a segment. */
size_t weir__umpmc_size(weir_umpmc *queue, weir_guard_record *record);

/* The whole of it, with the other schemes. */
WEIR_API int weir__umpmc_enqueue_interval(weir_umpmc *queue, weir_guard_record *record,
                                          uintptr_t value);
WEIR_API int weir__umpmc_enqueue_hazard(weir_umpmc *queue, weir_guard_record *record,
                                        uintptr_t value);
WEIR_API bool weir__umpmc_dequeue_interval(weir_umpmc *queue, weir_guard_record *record,
                                           uintptr_t *value);
WEIR_API bool weir__umpmc_dequeue_hazard(weir_umpmc *queue, weir_guard_record *record,
                                         uintptr_t *value);

static inline weir__umpmc_cell *weir__umpmc_cell_of(weir__umpmc_segment *segment, uint32_t slot)
{
    return (weir__umpmc_cell *)(void *)(segment + 1) + slot;
}

/* ---- the first look; `scheme` is a constant, so that only its part is left ---- */

/* Hazards need no section: the slot holds the segment. */
WEIR_ALWAYS_INLINE weir_section weir__umpmc_begin(weir_guard_record *record, unsigned scheme)
{
    weir_section section = {0};

    if (scheme == WEIR__EPOCH)
        section = weir__epoch_enter(&record->reader);
    else if (scheme == WEIR__INTERVAL)
        section = weir__interval_enter(&record->reader);
    return section;
}

WEIR_ALWAYS_INLINE void weir__umpmc_end(weir_guard_record *record, weir_section section,
                                        unsigned scheme)
{
    if (scheme == WEIR__HAZARD)
        weir__hazard_publish(&record->reader, &record->reader.hazard[WEIR_HAZARD_SLOTS], NULL);
    else
        weir__section_exit(&record->reader, section);
}

/* Between the two: the segment at `from`, which stays until the end, or until another is held. */
WEIR_ALWAYS_INLINE weir__umpmc_segment *weir__umpmc_hold(weir_guard_record *record,
                                                         WEIR_ATOMIC(weir__umpmc_segment *) * from,
                                                         unsigned scheme)
{
    weir__umpmc_segment *segment;
    bool again = false;

    do {
        /* sync(appended): acquire. Pairs with the compare-and-swaps in append() and advance(); the
         * segment. */
        segment = weir_atomic_load(from, WEIR_ACQUIRE);
        if (scheme == WEIR__INTERVAL)
            again = weir__interval_raise(&record->reader);
        else if (scheme == WEIR__HAZARD)
            again = weir__guard_announce(&record->reader, &record->reader.hazard[WEIR_HAZARD_SLOTS],
                                         segment);
    } while (again);
    return segment;
}

#ifdef WEIR_HAVE_DWORD_CAS
/* Tries one cell; those before it are not empty. */
static inline bool weir__umpmc_fill_cell(weir__umpmc_segment *segment, uint32_t slot,
                                         uintptr_t value)
{
    uint64_t state = WEIR__UMPMC_EMPTY;
    uint64_t nothing = 0;

    /* sync(filled): seq_cst. Pairs with the load of the state in weir__umpmc_take_cell();
     * the value and what it points to. Later changes of the state are read-modify-writes. seq_cst:
     * see the top of this file. */
    if (!WEIR_LIKELY(weir_dword_cas_seq_cst(weir__umpmc_cell_of(segment, slot), &state, &nothing,
                                            WEIR__UMPMC_FULL, value)))
        return false;
    /* A hint that says less than is true at worst.
     * sync(behind): release. Pairs with the load in weir__umpmc_fill(): who fills the next cell
     * hands on that this one is full, so that a consumer who has heard of that does not see this
     * one empty. */
    weir_atomic_store(&segment->first_empty, slot + 1, WEIR_RELEASE);
    return true;
}
#endif

/* Tries the first cell that is not known to be full. Returns: whether it took the value. */
static inline bool weir__umpmc_fill(weir__umpmc_segment *segment, uintptr_t value)
{
#ifdef WEIR_HAVE_DWORD_CAS
    /* sync(behind): acquire. Pairs with the store in weir__umpmc_fill_cell(); that the cells before
     * `slot` are not empty. */
    const uint32_t slot = weir_atomic_load(&segment->first_empty, WEIR_ACQUIRE);

    /* Without a look at the cell: its line comes once, and ready to be written. */
    return WEIR_LIKELY(slot < segment->slots) && weir__umpmc_fill_cell(segment, slot, value);
#else
    (void)segment;
    (void)value;
    return false;
#endif
}

/* Tries one cell. Returns: 1: its value was taken; 0: it is empty, or the end; -1: another consumer
 * has taken it; -2: has just done so. */
static inline int weir__umpmc_take_cell(weir__umpmc_segment *segment, uint32_t slot,
                                        uintptr_t *value)
{
    weir__umpmc_cell *const cell = weir__umpmc_cell_of(segment, slot);
    /* sync(filled): acquire. Pairs with weir_dword_cas_seq_cst() in weir__umpmc_fill_cell().
     * sync(taken): acquire. Pairs with the compare-and-swap below. seq_cst: see
     * the top of this file. */
    uint64_t state = weir_atomic_load(&cell->lo, WEIR_SEQ_CST);
    uint64_t found;

    if (state != WEIR__UMPMC_FULL)
        return state == WEIR__UMPMC_TAKEN ? -1 : 0;
    /* relaxed: acquired with the state; a cell is filled once. */
    found = weir_atomic_load(&cell->hi, WEIR_RELAXED);
    /* sync(taken): release. Pairs with the load above.
     * sync(taken): acquire, on failure. Pairs with itself: who came first. */
    if (!WEIR_LIKELY(
            weir_atomic_cas(&cell->lo, &state, WEIR__UMPMC_TAKEN, WEIR_RELEASE, WEIR_ACQUIRE)))
        return -2;
    /* sync(taken): release. Pairs with the loads in weir__umpmc_take() and take_any(), which do
     * not look at the cells before. */
    weir_atomic_store(&segment->first_full, slot + 1, WEIR_RELEASE);
    *value = (uintptr_t)found;
    return 1;
}

/* Tries the first cell that is not known to be taken. Returns: as weir__umpmc_take_cell(). */
static inline int weir__umpmc_take(weir__umpmc_segment *segment, uintptr_t *value)
{
    /* sync(taken): acquire. Pairs with the stores in weir__umpmc_take_cell() and take_any(). */
    const uint32_t slot = weir_atomic_load(&segment->first_full, WEIR_ACQUIRE);

    return WEIR_LIKELY(slot < segment->slots) ? weir__umpmc_take_cell(segment, slot, value) : -1;
}

WEIR_ALWAYS_INLINE int weir__umpmc_enqueue_with(weir_umpmc *queue, weir_guard_record *record,
                                                uintptr_t value, unsigned scheme)
{
    const weir_section section = weir__umpmc_begin(record, scheme);
    weir__umpmc_segment *const tail = weir__umpmc_hold(record, &queue->tail, scheme);

    if (!WEIR_LIKELY(weir__umpmc_fill(tail, value)))
        return weir__umpmc_enqueue_on(queue, record, section, tail, value);
    weir__umpmc_end(record, section, scheme);
    return 0;
}

WEIR_ALWAYS_INLINE bool weir__umpmc_dequeue_with(weir_umpmc *queue, weir_guard_record *record,
                                                 uintptr_t *value, unsigned scheme)
{
    const weir_section section = weir__umpmc_begin(record, scheme);
    weir__umpmc_segment *const head = weir__umpmc_hold(record, &queue->head, scheme);
    const int took = weir__umpmc_take(head, value);

    if (!WEIR_LIKELY(took >= 0))
        return weir__umpmc_dequeue_on(queue, record, section, head, value);
    weir__umpmc_end(record, section, scheme);
    return took > 0;
}

/* ---- operations: `record` is the calling thread's, of the queue's domain ---- */

/* Puts a value at the end.
 * Returns: 0; -ENOMEM if a segment was wanted and not to be had: the value is still the caller's.
 * Complexity: one double-word compare-and-swap; two, and an allocation, for each new segment. */
WEIR_NODISCARD static inline int weir_umpmc_enqueue(weir_umpmc *queue, weir_guard_record *record,
                                                    uintptr_t value)
{
    WEIR_ASSERT(queue->slots != 0, "used after destroy, or before init");
    if (WEIR_LIKELY(record->reader.scheme == WEIR__EPOCH))
        return weir__umpmc_enqueue_with(queue, record, value, WEIR__EPOCH);
    if (record->reader.scheme == WEIR__INTERVAL)
        return weir__umpmc_enqueue_interval(queue, record, value);
    return weir__umpmc_enqueue_hazard(queue, record, value);
}

/* Takes the oldest value.
 * Returns: false, and *value untouched, if the queue was empty.
 * Complexity: one compare-and-swap; two more for each segment that it leaves. */
WEIR_NODISCARD static inline bool
weir_umpmc_try_dequeue(weir_umpmc *queue, weir_guard_record *record, uintptr_t *value)
{
    WEIR_ASSERT(queue->slots != 0, "used after destroy, or before init");
    if (WEIR_LIKELY(record->reader.scheme == WEIR__EPOCH))
        return weir__umpmc_dequeue_with(queue, record, value, WEIR__EPOCH);
    if (record->reader.scheme == WEIR__INTERVAL)
        return weir__umpmc_dequeue_interval(queue, record, value);
    return weir__umpmc_dequeue_hazard(queue, record, value);
}

/* Takes up to `n` values, oldest first.
 * Returns: how many; fewer than n if the queue was empty when the next one was due.
 * Linearization: each by itself. */
WEIR_API size_t weir_umpmc_dequeue_burst(weir_umpmc *queue, weir_guard_record *record,
                                         uintptr_t *values, size_t n);

/* ---- typed ---- */

/* Defines the type NAME, a queue of T, which is at most a word, with NAME_init, NAME_destroy,
 * NAME_enqueue and NAME_try_dequeue. */
#define WEIR_UMPMC_DEFINE(name, T)                                                                 \
    typedef struct name {                                                                          \
        weir_umpmc queue;                                                                          \
    } name;                                                                                        \
    WEIR__ELEMENT(name, T);                                                                        \
    WEIR_STATIC_ASSERT(sizeof(T) <= sizeof(uintptr_t), "an element of a umpmc is at most a word"); \
    WEIR_UNUSED WEIR_NODISCARD static inline int name##_init(                                      \
        name *weir_typed, weir_guard *weir_domain, size_t weir_slots)                              \
    {                                                                                              \
        return weir_umpmc_init(&weir_typed->queue, weir_domain, weir_slots);                       \
    }                                                                                              \
    WEIR_UNUSED static inline int name##_destroy(name *weir_typed)                                 \
    {                                                                                              \
        return weir_umpmc_destroy(&weir_typed->queue);                                             \
    }                                                                                              \
    WEIR_UNUSED WEIR_NODISCARD static inline int name##_enqueue(                                   \
        name *weir_typed, weir_guard_record *weir_record, T weir_element)                          \
    {                                                                                              \
        uintptr_t weir_word = 0;                                                                   \
        memcpy(&weir_word, &weir_element, sizeof(T));                                              \
        return weir_umpmc_enqueue(&weir_typed->queue, weir_record, weir_word);                     \
    }                                                                                              \
    WEIR_UNUSED WEIR_NODISCARD static inline bool name##_try_dequeue(                              \
        name *weir_typed, weir_guard_record *weir_record, T *weir_element)                         \
    {                                                                                              \
        uintptr_t weir_word;                                                                       \
        if (!weir_umpmc_try_dequeue(&weir_typed->queue, weir_record, &weir_word))                  \
            return false;                                                                          \
        memcpy(weir_element, &weir_word, sizeof(T));                                               \
        return true;                                                                               \
    }                                                                                              \
    struct name

#ifdef __cplusplus
}
#endif

#endif /* WEIR_UMPMC_H */
