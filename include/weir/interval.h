/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* weir/interval.h: interval-based reclamation: epochs whose readers say how new the objects are
 * that they hold. A reader that is held up inside keeps what lived at that moment, and
 * nothing that is born later: memory stays bounded.
 *
 * Use it when: readers follow many pointers, as with weir/epoch.h, but one of them may be
 *              stopped inside (preempted for long, in a debugger, on a page fault), and memory
 *              must not grow for that.
 * Use weir/epoch.h where readers load pointers in ways that cannot be asked about one by one,
 * weir/hazard.h for the tightest bound, weir/guard.h to choose later.
 *
 * Who may run with whom: as in weir/epoch.h; protect and born with all.
 *
 * Progress:  enter and exit are wait-free, as in weir/epoch.h. protect is lock-free: it loads again
 *            only when a batch of retired objects was closed since the last load; alone it is
 *            two loads and a comparison.
 * Bound:     a reader that is frozen inside keeps what was alive when it last looked at the era,
 *            and what was born in that same era, which ends with the next batch or
 *            synchronize of any thread: K bytes. In each record no more waits than twice its
 *            share of them, and two batches (what its thread has not looked through yet), and
 *            what readers that are not frozen hold for as long as they are inside. What is born
 *            later is freed.
 * Ordering:  protect acquires what was stored before the pointer was published. What readers
 *            did inside happens before the callback of what they could see.
 * Memory:    weir/reclaim.h. An object's header says when it was born: weir_interval_born()
 *            before it is published; a header that is zero counts as born before all
 *            else, which is safe, and unbounded. One that was left as malloc() gave it may
 *            count as born later than it was: a use after free.
 * Edges:     weir/reclaim.h.
 *
 * Source: H. Wen, J. Izraelevitz, W. Cai, H. A. Beadle, M. L. Scott, "Interval-Based Memory
 * Reclamation", PPoPP 2018, doi:10.1145/3178487.3178488 (the variant with two eras a
 * reader); without its fence on the side of the reader, by membarrier(2). */

#ifndef WEIR_INTERVAL_H
#define WEIR_INTERVAL_H

#include <weir/reclaim.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- types ---- */

typedef struct weir_interval weir_interval; /* a domain */

/* A thread's part of a domain. */
typedef struct weir_interval_record {
    weir__reader reader;
} weir_interval_record;

/* ---- life ---- */

/* Makes a domain; `options` may be NULL.
 * Returns: 0 and *domain; -ENOMEM, with *domain untouched. */
WEIR_NODISCARD static inline int weir_interval_new(weir_interval **domain,
                                                   const weir_reclaim_options *options)
{
    weir__domain *made = NULL;
    const int status = weir__reclaim_new(&made, WEIR__INTERVAL, options);

    if (status == 0)
        *domain = (weir_interval *)(void *)made;
    return status;
}

/* Reclaims all that waits, and frees the domain; NULL is ignored.
 * Threads: no other thread uses the domain now or later; that some have not ended is no harm.
 * Returns: 0; -EBUSY if a reader is inside, or from a callback: nothing was done. */
static inline int weir_interval_free(weir_interval *domain)
{
    return weir__reclaim_free((weir__domain *)(void *)domain);
}

/* Finds the calling thread's record: to be kept by the caller until the thread ends. The first
 * call of a thread makes it, or takes over one whose thread has ended.
 * Returns: NULL when memory is exhausted.
 * Progress: wait-free if the thread has asked before; the first time: weir/reclaim.h.
 * Ownership: the domain's; the thread's end, or weir_interval_leave(), gives it back. */
static inline weir_interval_record *weir_interval_self(weir_interval *domain)
{
    return (weir_interval_record *)(void *)weir__reclaim_self((weir__domain *)(void *)domain);
}

/* Gives the record back before the thread ends; not from inside. */
static inline void weir_interval_leave(weir_interval_record *record)
{
    weir__reclaim_leave(&record->reader);
}

/* ---- readers ---- */

static inline weir_section weir__interval_enter(weir__reader *reader)
{
    weir_section section = {0};

    /* relaxed: own word. */
    if (WEIR_UNLIKELY(weir_atomic_load(&reader->lower, WEIR_RELAXED) != 0))
        return weir__reclaim_enter(reader);
    /* `upper` remains as it was, and never falls: nothing is held before the first protect, which
     * raises it.
     * sync(era): acquire. Pairs with the store in weir__record_tell(); what was unlinked in
     * earlier eras is not found any more.
     * relaxed: the store is ordered before the section's loads by the light fence, for those who
     * make a heavy one. */
    weir_atomic_store(&reader->lower, weir_atomic_load(&reader->now, WEIR_ACQUIRE), WEIR_RELAXED);
    weir_fence_light();
    return section;
}

/* After a pointer was loaded, with acquire. Returns: whether it is to be loaded again, since the
 * era had moved on: an object of the new one may be what it points to. */
static inline bool weir__interval_raise(weir__reader *reader)
{
    /* relaxed: an object's birth was read from this word, by its maker, before the pointer was
     * published and acquired here: so this value is as new as the object at least. */
    const uint64_t now = weir_atomic_load(reader->era, WEIR_RELAXED);

    /* relaxed: own word. */
    if (WEIR_LIKELY(weir_atomic_load(&reader->upper, WEIR_RELAXED) == now))
        return false;
    /* relaxed: ordered before the next load of the pointer by the light fence, for those who make
     * a heavy one. */
    weir_atomic_store(&reader->upper, now, WEIR_RELAXED);
    weir_fence_light();
    /* relaxed: fenced from the start, or of no interest here. */
    if (weir_atomic_load(&reader->attention, WEIR_RELAXED) != 0)
        weir__reclaim_show(reader);
    return true;
}

/* Begins a read section. Sections nest.
 * Returns: what weir_interval_exit() wants. */
WEIR_NODISCARD static inline weir_section weir_interval_enter(weir_interval_record *record)
{
    return weir__interval_enter(&record->reader);
}

/* Ends a read section, the innermost: pointers that were protected inside are void. Twice, or
 * in the wrong order, is found in files compiled with -DWEIR_CHECKED. */
static inline void weir_interval_exit(weir_interval_record *record, weir_section section)
{
    weir__section_exit(&record->reader, section);
}

/* Loads a pointer inside a section: what it points to stays until exit.
 * `from` must be in something that can still be found: a root, or an object that is linked at the
 * second load too. Through an object that may have been unlinked only weir/epoch.h may walk on: a
 * protected one does not protect what it pointed to.
 * Returns: the pointer; NULL if it is. */
static inline void *weir_interval_protect(weir_interval_record *record,
                                          const WEIR_ATOMIC(void *) * from)
{
    void *object;

    WEIR_ASSERT(weir__reclaim_inside(&record->reader), "protect outside of a section");
    do
        /* sync(published): acquire. Pairs with the release by which the caller published it. */
        object = weir_atomic_load(from, WEIR_ACQUIRE);
    while (weir__interval_raise(&record->reader));
    return object;
}

/* Returns: whether the calling thread, the record's, is inside. */
static inline bool weir_interval_inside(const weir_interval_record *record)
{
    return weir__reclaim_inside(&record->reader);
}

/* ---- writers ---- */

/* Notes when the object was born: after it was allocated, before it is published. */
static inline void weir_interval_born(weir_interval_record *record, weir_retired *object)
{
    weir__reclaim_born(&record->reader, object);
}

/* Hands over an object that no reader can find any more: `reclaim` is called with it when none
 * can be using it. `bytes` is what the object's memory counts for.
 * Threads: inside a section or outside. NULL, or a second time, is a broken precondition; the
 * second time is found in files compiled with -DWEIR_CHECKED.
 * Complexity: no allocation; no read-modify-write where membarrier(2) is allowed, two exchanges
 *            elsewhere, one while a barrier holds the lists; each batch a look at all readers.
 * Ownership: the object is the domain's until `reclaim` is called. */
static inline void weir_interval_retire(weir_interval_record *record, weir_retired *object,
                                        weir_reclaim_callback *reclaim, size_t bytes)
{
    weir__retire(&record->reader, object, reclaim, bytes);
}

/* Closes the thread's batch, and reclaims what can be.
 * Returns: the number of callbacks that were called; 0 from inside a callback. */
static inline size_t weir_interval_collect(weir_interval_record *record)
{
    return weir__reclaim_collect(&record->reader);
}

/* Waits until all readers that were inside at the call have left.
 * Returns: 0; -ETIMEDOUT; -EDEADLK if the calling thread is inside itself.
 * Progress: blocking, on readers. */
WEIR_NODISCARD static inline int weir_interval_synchronize(weir_interval *domain, uint64_t deadline)
{
    return weir__reclaim_synchronize((weir__domain *)(void *)domain, NULL, deadline);
}

/* Waits until the callbacks of all objects whose retire happened before the call have
 * returned; calls those that no thread is calling yet itself.
 * Returns: 0; -ETIMEDOUT; -EDEADLK if the calling thread is inside, or in a callback; -ENOMEM if
 * it has no record yet, and there is no memory for one.
 * Progress: blocking, on readers, on threads within retire, and on callbacks. */
WEIR_NODISCARD static inline int weir_interval_barrier(weir_interval *domain, uint64_t deadline)
{
    return weir__reclaim_barrier((weir__domain *)(void *)domain, deadline);
}

/* Reads what waits. Sums of numbers that move: exact when nobody retires or collects. */
static inline void weir_interval_stats(weir_interval *domain, weir_reclaim_stats *stats)
{
    weir__reclaim_stats((weir__domain *)(void *)domain, stats);
}

/* ---- typed ---- */

/* Defines, for objects of type T whose first member `member` is their weir_retired,
 * NAME_protect(record, from), from a WEIR_ATOMIC(T *), and NAME_retire(record, object, reclaim),
 * and NAME_born(record, object). */
#define WEIR_INTERVAL_DEFINE(name, T, member)                                                     \
    WEIR_STATIC_ASSERT(offsetof(T, member) == 0, "the weir_retired must be the first member");    \
    WEIR_UNUSED static inline T *name##_protect(weir_interval_record *weir_record,                \
                                                const WEIR_ATOMIC(T *) * weir_from)               \
    {                                                                                             \
        T *weir_object;                                                                           \
        do                                                                                        \
            /* sync(published): acquire. Pairs with the caller's release. */                      \
            weir_object = weir_atomic_load(weir_from, WEIR_ACQUIRE);                              \
        while (weir__interval_raise(&weir_record->reader));                                       \
        return weir_object;                                                                       \
    }                                                                                             \
    WEIR_UNUSED static inline void name##_born(weir_interval_record *weir_record, T *weir_object) \
    {                                                                                             \
        weir_interval_born(weir_record, &weir_object->member);                                    \
    }                                                                                             \
    WEIR_UNUSED static inline void name##_retire(weir_interval_record *weir_record,               \
                                                 T *weir_object, weir_reclaim_callback *reclaim)  \
    {                                                                                             \
        weir_interval_retire(weir_record, &weir_object->member, reclaim, sizeof(T));              \
    }                                                                                             \
    struct name##__typed

#ifdef __cplusplus
}
#endif

#endif /* WEIR_INTERVAL_H */
