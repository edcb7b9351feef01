/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* weir/epoch.h: epoch-based reclamation (the family of RCU): readers enter a section, follow
 * whatever pointers they like, and exit; what was retired is freed when every reader that may
 * have seen it has left.
 *
 * Use it when: reading must cost next to nothing, readers follow many pointers, and none stays
 *              inside for long.
 * Use weir/interval.h where a reader may be held up inside while memory must not grow,
 * weir/hazard.h where a few pointers are held for long, weir/guard.h to choose later.
 *
 * Who may run with whom:
 *                     enter, exit, retire, collect   synchronize, barrier   free
 *   enter, ...             yes: own record                  yes             no
 *   synchronize, ...       yes                              yes             no
 *
 * Progress:  enter and exit are wait-free: a few loads and a store each, no fence and no
 *            read-modify-write where membarrier(2) is allowed, one of them each elsewhere.
 *            (exit makes a system call if somebody waits for it.) The others: weir/reclaim.h.
 *            **A reader that stays inside keeps everything that is retired after it entered**:
 *            set a limit, and be told who.
 * Ordering:  a pointer is to be loaded inside with WEIR_ACQUIRE. What readers did inside
 *            happens before the callback of what they could see.
 * Memory:    weir/reclaim.h.
 * Edges:     weir/reclaim.h.
 *
 * Source: K. Fraser, "Practical lock-freedom", UCAM-CL-TR-579, 2004; the asymmetric fence:
 * M. Desnoyers et al., "User-Level Implementations of Read-Copy Update", IEEE TPDS 23(2), 2012,
 * doi:10.1109/TPDS.2011.159. */

#ifndef WEIR_EPOCH_H
#define WEIR_EPOCH_H

#include <weir/reclaim.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- types ---- */

typedef struct weir_epoch weir_epoch; /* a domain */

/* A thread's part of a domain. */
typedef struct weir_epoch_record {
    weir__reader reader;
} weir_epoch_record;

/* ---- life ---- */

/* Makes a domain; `options` may be NULL.
 * Returns: 0 and *domain; -ENOMEM, with *domain untouched. */
WEIR_NODISCARD static inline int weir_epoch_new(weir_epoch **domain,
                                                const weir_reclaim_options *options)
{
    weir__domain *made = NULL;
    const int status = weir__reclaim_new(&made, WEIR__EPOCH, options);

    if (status == 0)
        *domain = (weir_epoch *)(void *)made;
    return status;
}

/* Reclaims all that waits, and frees the domain; NULL is ignored.
 * Threads: no other thread uses the domain now or later; that some have not ended is no harm.
 * Returns: 0; -EBUSY if a reader is inside, or from a callback: nothing was done. */
static inline int weir_epoch_free(weir_epoch *domain)
{
    return weir__reclaim_free((weir__domain *)(void *)domain);
}

/* Finds the calling thread's record: to be kept by the caller until the thread ends. The first
 * call of a thread makes it, or takes over one whose thread has ended.
 * Returns: NULL when memory is exhausted.
 * Progress: wait-free if the thread has asked before; the first time: weir/reclaim.h.
 * Ownership: the domain's; the thread's end, or weir_epoch_leave(), gives it back. */
static inline weir_epoch_record *weir_epoch_self(weir_epoch *domain)
{
    return (weir_epoch_record *)(void *)weir__reclaim_self((weir__domain *)(void *)domain);
}

/* Gives the record back before the thread ends; not from inside. */
static inline void weir_epoch_leave(weir_epoch_record *record)
{
    weir__reclaim_leave(&record->reader);
}

/* ---- readers ---- */

static inline weir_section weir__epoch_enter(weir__reader *reader)
{
    weir_section section = {0};

    /* relaxed: own word. */
    if (WEIR_UNLIKELY(weir_atomic_load(&reader->lower, WEIR_RELAXED) != 0))
        return weir__reclaim_enter(reader);
    /* sync(era): acquire. Pairs with the store in weir__record_tell(); what was unlinked in
     * earlier eras is not found any more.
     * relaxed: the store is ordered before the section's loads by the light fence, for those who
     * make a heavy one; it comes after the release of the last exit, on the same word. */
    weir_atomic_store(&reader->lower, weir_atomic_load(&reader->now, WEIR_ACQUIRE), WEIR_RELAXED);
    weir_fence_light();
    return section;
}

/* Begins a read section. Sections nest.
 * Returns: what weir_epoch_exit() wants. */
WEIR_NODISCARD static inline weir_section weir_epoch_enter(weir_epoch_record *record)
{
    return weir__epoch_enter(&record->reader);
}

/* Ends a read section, the innermost: pointers that were loaded inside are void. Twice, or in
 * the wrong order, is found in files compiled with -DWEIR_CHECKED. */
static inline void weir_epoch_exit(weir_epoch_record *record, weir_section section)
{
    weir__section_exit(&record->reader, section);
}

/* Returns: whether the calling thread, the record's, is inside. */
static inline bool weir_epoch_inside(const weir_epoch_record *record)
{
    return weir__reclaim_inside(&record->reader);
}

/* The same without the record at hand: one thread-local look-up each, as long as a thread uses no
 * more than eight domains; else a walk over the domain's records may come first. For threads that
 * have asked for their record before: exhausted memory at the first time ends the process. */
WEIR_NODISCARD static inline weir_section weir_epoch_enter_here(weir_epoch *domain)
{
    weir_epoch_record *const record = weir_epoch_self(domain);

    WEIR_REQUIRE(record != NULL, "no memory for the thread's record");
    return weir_epoch_enter(record);
}

static inline void weir_epoch_exit_here(weir_epoch *domain, weir_section section)
{
    weir_epoch_exit(weir_epoch_self(domain), section);
}

/* ---- writers ---- */

/* Hands over an object that no reader can find any more: `reclaim` is called with it when none
 * can be using it. `bytes` is what the object's memory counts for.
 * Threads: inside a section or outside. NULL, or a second time, is a broken precondition; the
 * second time is found in files compiled with -DWEIR_CHECKED.
 * Complexity: no allocation; no read-modify-write where membarrier(2) is allowed, two exchanges
 *            elsewhere, one while a barrier holds the lists; each batch a look at all readers.
 * Ownership: the object is the domain's until `reclaim` is called. */
static inline void weir_epoch_retire(weir_epoch_record *record, weir_retired *object,
                                     weir_reclaim_callback *reclaim, size_t bytes)
{
    weir__retire(&record->reader, object, reclaim, bytes);
}

/* Closes the thread's batch, and reclaims what can be.
 * Returns: the number of callbacks that were called; 0 from inside a callback. */
static inline size_t weir_epoch_collect(weir_epoch_record *record)
{
    return weir__reclaim_collect(&record->reader);
}

/* Waits until all readers that were inside at the call have left.
 * Returns: 0; -ETIMEDOUT; -EDEADLK if the calling thread is inside itself.
 * Progress: blocking, on readers. */
WEIR_NODISCARD static inline int weir_epoch_synchronize(weir_epoch *domain, uint64_t deadline)
{
    return weir__reclaim_synchronize((weir__domain *)(void *)domain, NULL, deadline);
}

/* Waits until the callbacks of all objects whose retire happened before the call have
 * returned; calls those that no thread is calling yet itself.
 * Returns: 0; -ETIMEDOUT; -EDEADLK if the calling thread is inside, or in a callback; -ENOMEM if
 * it has no record yet, and there is no memory for one.
 * Progress: blocking, on readers, on threads within retire, and on callbacks. */
WEIR_NODISCARD static inline int weir_epoch_barrier(weir_epoch *domain, uint64_t deadline)
{
    return weir__reclaim_barrier((weir__domain *)(void *)domain, deadline);
}

/* Reads what waits. Sums of numbers that move: exact when nobody retires or collects. */
static inline void weir_epoch_stats(weir_epoch *domain, weir_reclaim_stats *stats)
{
    weir__reclaim_stats((weir__domain *)(void *)domain, stats);
}

#ifdef __cplusplus
}
#endif

#endif /* WEIR_EPOCH_H */
