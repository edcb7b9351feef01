/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* weir/hazard.h: hazard pointers: a reader announces each object that it is about to use, and
 * what is announced is not freed. A reader that stops keeps what it has announced, and nothing
 * else: the tightest bound there is.
 *
 * Use it when: a reader needs few objects at a time (the head of a stack, the node of a list and
 *              the next), or holds them for long, or memory must stay within bytes that can be
 *              told in advance.
 * Use weir/epoch.h where readers follow many pointers and are never held up, weir/interval.h
 * where they may be, weir/guard.h to choose later.
 *
 * Who may run with whom:
 *                       protect, set, clear, retire, collect   synchronize, barrier   free
 *   protect, ...                yes: own record                        yes             no
 *   synchronize, ...            yes                                    yes             no
 *
 * Progress:  set and clear are wait-free: a store and a load, no fence and no read-modify-write
 *            where membarrier(2) is allowed, one of them elsewhere. (They make a system call if
 *            somebody waits for them.) protect is lock-free: it tries again only when the
 *            pointer was changed by others. The rest: weir/reclaim.h.
 * Bound:     with R records and H hazards set at a time in all of them, never more objects wait
 *            than R * (batch_objects + H), and bytes R * (batch_bytes + H + 1 objects): each
 *            record may keep what was protected when it last looked.
 * Ordering:  protect acquires what was stored before the pointer was published. What a reader did
 *            with an object before it cleared the slot, or set it to another, happens before
 *            the object's callback.
 * Memory:    weir/reclaim.h. A record has WEIR_HAZARD_SLOTS slots; weir_hazard_reserve() adds any
 *            number.
 * Edges:     weir/reclaim.h.
 *
 * Source: M. M. Michael, "Hazard Pointers: Safe Memory Reclamation for Lock-Free Objects",
 * IEEE TPDS 15(6), 2004, doi:10.1109/TPDS.2004.8; without its fence on the side of the
 * reader, by membarrier(2). */

#ifndef WEIR_HAZARD_H
#define WEIR_HAZARD_H

#include <weir/reclaim.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- types ---- */

typedef struct weir_hazard weir_hazard; /* a domain */

/* A thread's part of a domain. */
typedef struct weir_hazard_record {
    weir__reader reader;
} weir_hazard_record;

/* ---- life ---- */

/* Makes a domain; `options` may be NULL.
 * Returns: 0 and *domain; -ENOMEM, with *domain untouched. */
WEIR_NODISCARD static inline int weir_hazard_new(weir_hazard **domain,
                                                 const weir_reclaim_options *options)
{
    weir__domain *made = NULL;
    const int status = weir__reclaim_new(&made, WEIR__HAZARD, options);

    if (status == 0)
        *domain = (weir_hazard *)(void *)made;
    return status;
}

/* Reclaims all that waits, and frees the domain; NULL is ignored.
 * Threads: no other thread uses the domain now or later; that some have not ended is no harm.
 * Returns: 0; -EBUSY if a slot is set, or from a callback: nothing was done. */
static inline int weir_hazard_free(weir_hazard *domain)
{
    return weir__reclaim_free((weir__domain *)(void *)domain);
}

/* Finds the calling thread's record: to be kept by the caller until the thread ends. The first
 * call of a thread makes it, or takes over one whose thread has ended.
 * Returns: NULL when memory is exhausted.
 * Progress: wait-free if the thread has asked before; the first time: weir/reclaim.h.
 * Ownership: the domain's; the thread's end, or weir_hazard_leave(), gives it back. */
static inline weir_hazard_record *weir_hazard_self(weir_hazard *domain)
{
    return (weir_hazard_record *)(void *)weir__reclaim_self((weir__domain *)(void *)domain);
}

/* Gives the record back before the thread ends; its slots are cleared. */
static inline void weir_hazard_leave(weir_hazard_record *record)
{
    weir__reclaim_leave(&record->reader);
}

/* Makes sure that the record has slots 0 to `slots` - 1; they remain for its next thread.
 * Returns: 0; -ENOMEM: it has as many as before, or some more. */
WEIR_NODISCARD static inline int weir_hazard_reserve(weir_hazard_record *record, unsigned slots)
{
    return weir__hazard_reserve(&record->reader, slots);
}

/* ---- readers ---- */

static inline void weir__hazard_publish(weir__reader *reader, weir__hazard *slot, void *object)
{
    /* sync(left): release. Pairs with look_at_hazard() in the collector; what was read of the
     * object that was in the slot. */
    weir_atomic_store(slot, object, WEIR_RELEASE);
    weir_fence_light();
    /* relaxed: fenced from the start; or either the one who waits sees the store above, or this
     * sees him. */
    if (WEIR_UNLIKELY(weir_atomic_load(&reader->attention, WEIR_RELAXED) != 0))
        weir__reclaim_show(reader);
}

/* The same, on the short path alone. Returns: false: nothing was done, go the other way. */
static inline bool weir__hazard_try_publish(weir__reader *reader, weir__hazard *slot, void *object)
{
    /* relaxed: fenced from the start; or somebody who waits for what is in the slots now, whom the
     * other way wakes. */
    if (WEIR_UNLIKELY(weir_atomic_load(&reader->attention, WEIR_RELAXED) != 0))
        return false;
    /* sync(left): release. Pairs with look_at_hazard() in the collector, as above. */
    weir_atomic_store(slot, object, WEIR_RELEASE);
    weir_fence_light();
    return true;
}

static inline weir__hazard *weir__hazard_of(weir__reader *reader, unsigned slot)
{
    return WEIR_LIKELY(slot < WEIR_HAZARD_SLOTS) ? &reader->hazard[slot]
                                                 : weir__hazard_slot(reader, slot);
}

/* Announces an object. It is protected if it was still to be found after this: load the pointer
 * again, with WEIR_ACQUIRE, and compare (weir_hazard_protect() does).
 * Threads: a slot that was not reserved ends the process. */
static inline void weir_hazard_set(weir_hazard_record *record, unsigned slot, void *object)
{
    weir__hazard_publish(&record->reader, weir__hazard_of(&record->reader, slot), object);
}

/* Gives up what the slot protects. */
static inline void weir_hazard_clear(weir_hazard_record *record, unsigned slot)
{
    weir_hazard_set(record, slot, NULL);
}

/* Loads a pointer: what it points to stays until the slot is set anew or cleared.
 * `from` must be in something that can still be found: a root, or an object that is linked at the
 * second load too. Through an object that may have been unlinked only weir/epoch.h may walk on: a
 * protected one does not protect what it pointed to.
 * Returns: the pointer; NULL if it is. */
static inline void *weir_hazard_protect(weir_hazard_record *record, unsigned slot,
                                        const WEIR_ATOMIC(void *) * from)
{
    weir__hazard *const hazard = weir__hazard_of(&record->reader, slot);
    /* relaxed: to be confirmed. */
    void *object = weir_atomic_load(from, WEIR_RELAXED);

    for (;;) {
        void *again;

        weir__hazard_publish(&record->reader, hazard, object);
        /* sync(published): acquire. Pairs with the release by which the caller published it. */
        again = weir_atomic_load(from, WEIR_ACQUIRE);
        if (WEIR_LIKELY(again == object))
            return object;
        object = again;
    }
}

/* Returns: whether the calling thread, the record's, has one of the first WEIR_HAZARD_SLOTS set. */
static inline bool weir_hazard_inside(const weir_hazard_record *record)
{
    for (unsigned i = 0; i < WEIR_HAZARD_SLOTS; i++)
        /* relaxed: own words. */
        if (weir_atomic_load(&record->reader.hazard[i], WEIR_RELAXED) != NULL)
            return true;
    return false;
}

/* ---- writers ---- */

/* Hands over an object that no reader can find any more: `reclaim` is called with it when no
 * slot protects it. `bytes` is what the object's memory counts for.
 * Threads: with slots set or none. NULL, or a second time, is a broken precondition; the
 * second time is found in files compiled with -DWEIR_CHECKED.
 * Complexity: no allocation; no read-modify-write where membarrier(2) is allowed, two exchanges
 *            elsewhere, one while a barrier holds the lists; each batch a look at all readers.
 * Ownership: the object is the domain's until `reclaim` is called. */
static inline void weir_hazard_retire(weir_hazard_record *record, weir_retired *object,
                                      weir_reclaim_callback *reclaim, size_t bytes)
{
    weir__retire(&record->reader, object, reclaim, bytes);
}

/* Closes the thread's batch, and reclaims what can be.
 * Returns: the number of callbacks that were called; 0 from inside a callback. */
static inline size_t weir_hazard_collect(weir_hazard_record *record)
{
    return weir__reclaim_collect(&record->reader);
}

/* Waits until no slot protects an object that nobody can find any more.
 * Returns: 0: it may be freed; -ETIMEDOUT; -EDEADLK if the calling thread protects it itself.
 * Progress: blocking, on readers. */
WEIR_NODISCARD static inline int weir_hazard_synchronize(weir_hazard *domain, const void *object,
                                                         uint64_t deadline)
{
    return weir__reclaim_synchronize((weir__domain *)(void *)domain, object, deadline);
}

/* Waits until the callbacks of all objects whose retire happened before the call have
 * returned; calls those that no thread is calling yet itself.
 * Returns: 0; -ETIMEDOUT; -EDEADLK if the calling thread has a slot set, or is in a callback;
 * -ENOMEM if it has no record yet, and there is no memory for one.
 * Progress: blocking, on readers, on threads within retire, and on callbacks. */
WEIR_NODISCARD static inline int weir_hazard_barrier(weir_hazard *domain, uint64_t deadline)
{
    return weir__reclaim_barrier((weir__domain *)(void *)domain, deadline);
}

/* Reads what waits. Sums of numbers that move: exact when nobody retires or collects. */
static inline void weir_hazard_stats(weir_hazard *domain, weir_reclaim_stats *stats)
{
    weir__reclaim_stats((weir__domain *)(void *)domain, stats);
}

/* ---- typed ---- */

/* Defines, for objects of type T whose first member `member` is their weir_retired,
 * NAME_protect(record, slot, from), from a WEIR_ATOMIC(T *), and NAME_retire(record, object,
 * reclaim). */
#define WEIR_HAZARD_DEFINE(name, T, member)                                                       \
    WEIR_STATIC_ASSERT(offsetof(T, member) == 0, "the weir_retired must be the first member");    \
    WEIR_UNUSED static inline T *name##_protect(                                                  \
        weir_hazard_record *weir_record, unsigned weir_slot, const WEIR_ATOMIC(T *) * weir_from)  \
    {                                                                                             \
        weir__hazard *const weir_held = weir__hazard_of(&weir_record->reader, weir_slot);         \
        /* relaxed: to be confirmed. */                                                           \
        T *weir_object = weir_atomic_load(weir_from, WEIR_RELAXED);                               \
        for (;;) {                                                                                \
            T *weir_again;                                                                        \
            weir__hazard_publish(&weir_record->reader, weir_held, weir_object);                   \
            /* sync(published): acquire. Pairs with the caller's release. */                      \
            weir_again = weir_atomic_load(weir_from, WEIR_ACQUIRE);                               \
            if (WEIR_LIKELY(weir_again == weir_object))                                           \
                return weir_object;                                                               \
            weir_object = weir_again;                                                             \
        }                                                                                         \
    }                                                                                             \
    WEIR_UNUSED static inline void name##_retire(weir_hazard_record *weir_record, T *weir_object, \
                                                 weir_reclaim_callback *reclaim)                  \
    {                                                                                             \
        weir_hazard_retire(weir_record, &weir_object->member, reclaim, sizeof(T));                \
    }                                                                                             \
    struct name##__typed

#ifdef __cplusplus
}
#endif

#endif /* WEIR_HAZARD_H */
