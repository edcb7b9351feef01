/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* weir/guard.h: one face over weir/hazard.h, weir/epoch.h and weir/interval.h: a structure is
 * written once, and its user chooses the scheme when he makes the domain.
 *
 * Use it when: you write a structure whose nodes are freed, or use one of weir's
 *              (weir/umpmc.h, weir/deque.h, the guarded stack).
 * Use one of the three themselves where the scheme is known: a branch less for each call.
 *
 *                      a read section    a frozen reader keeps          a reader may follow
 *   WEIR_GUARD_EPOCH       fastest       all that is retired later      any pointer, once inside
 *   WEIR_GUARD_INTERVAL    fast          what lived when it froze       protected pointers
 *   WEIR_GUARD_HAZARD      by pointer    what it has protected          protected pointers, one
 *                                                                       a slot
 *
 * A structure that is to work with all three: enters; protects each pointer before it
 * follows it, and thinks of the slots; notes the birth of each object; exits.
 *
 * Who may run with whom: as in weir/epoch.h.
 *
 * Progress:  enter and exit are wait-free, set too; protect is lock-free, with WEIR_GUARD_EPOCH
 *            wait-free. The others: weir/reclaim.h.
 * Ordering:  as in the three.
 * Memory:    weir/reclaim.h.
 * Edges:     weir/reclaim.h. */

#ifndef WEIR_GUARD_H
#define WEIR_GUARD_H

#include <weir/epoch.h>
#include <weir/hazard.h>
#include <weir/interval.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- types ---- */

typedef enum weir_guard_scheme {
    WEIR_GUARD_EPOCH = WEIR__EPOCH,
    WEIR_GUARD_INTERVAL = WEIR__INTERVAL,
    WEIR_GUARD_HAZARD = WEIR__HAZARD
} weir_guard_scheme;

typedef struct weir_guard weir_guard; /* a domain */

/* A thread's part of a domain. */
typedef struct weir_guard_record {
    weir__reader reader;
} weir_guard_record;

/* ---- life ---- */

/* Makes a domain; `options` may be NULL.
 * Returns: 0 and *domain; -EINVAL if there is no such scheme; -ENOMEM. On failure *domain is
 * untouched. */
WEIR_NODISCARD static inline int weir_guard_new(weir_guard **domain, weir_guard_scheme scheme,
                                                const weir_reclaim_options *options)
{
    weir__domain *made = NULL;
    const int status = weir__reclaim_new(&made, (uint32_t)scheme, options);

    if (status == 0)
        *domain = (weir_guard *)(void *)made;
    return status;
}

/* Reclaims all that waits, and frees the domain; NULL is ignored.
 * Threads: no other thread uses the domain now or later; that some have not ended is no harm.
 * Returns: 0; -EBUSY if a reader is inside, or a slot set, or from a callback: nothing was done. */
static inline int weir_guard_free(weir_guard *domain)
{
    return weir__reclaim_free((weir__domain *)(void *)domain);
}

/* Finds the calling thread's record: to be kept by the caller until the thread ends. The first
 * call of a thread makes it, or takes over one whose thread has ended.
 * Returns: NULL when memory is exhausted.
 * Progress: wait-free if the thread has asked before; the first time: weir/reclaim.h.
 * Ownership: the domain's; the thread's end, or weir_guard_leave(), gives it back. */
static inline weir_guard_record *weir_guard_self(weir_guard *domain)
{
    return (weir_guard_record *)(void *)weir__reclaim_self((weir__domain *)(void *)domain);
}

/* Gives the record back before the thread ends; not from inside. */
static inline void weir_guard_leave(weir_guard_record *record)
{
    weir__reclaim_leave(&record->reader);
}

/* Makes sure that a record has slots 0 to `slots` - 1, where the scheme has slots; without it there
 * are WEIR_HAZARD_SLOTS.
 * Returns: 0; -ENOMEM. */
WEIR_NODISCARD static inline int weir_guard_reserve(weir_guard_record *record, unsigned slots)
{
    return record->reader.scheme == WEIR__HAZARD ? weir__hazard_reserve(&record->reader, slots) : 0;
}

/* Returns: the scheme of the record's domain. */
static inline weir_guard_scheme weir_guard_scheme_of(const weir_guard_record *record)
{
    return (weir_guard_scheme)record->reader.scheme;
}

/* ---- readers ---- */

/* With hazards a section is only a mark, for those who must not wait inside, and for its end. */
static inline weir_section weir__guard_enter_hazards(weir__reader *reader)
{
    weir_section section;

    /* relaxed: own word. */
    section.outer = weir_atomic_load(&reader->lower, WEIR_RELAXED);
    weir_atomic_store(&reader->lower, section.outer | WEIR__INSIDE, WEIR_RELAXED);
    return section;
}

static inline void weir__guard_exit_hazards(weir__reader *reader, weir_section section)
{
    uint32_t used = reader->used;

    WEIR_ASSERT(weir__reclaim_inside(reader), "exit without enter, or twice");
    if (WEIR_UNLIKELY((section.outer & WEIR__INSIDE) != 0))
        return;
    if (WEIR_UNLIKELY(used > WEIR_HAZARD_SLOTS)) {
        weir__hazard_clear_more(reader);
        used = WEIR_HAZARD_SLOTS;
    }
    reader->used = 0;
    while (used > 0)
        /* sync(left): release. Pairs with look_at_hazard() in the collector; what was read of the
         * object that was in the slot. */
        weir_atomic_store(&reader->hazard[--used], NULL, WEIR_RELEASE);
    /* relaxed: own word. */
    weir_atomic_store(&reader->lower, section.outer, WEIR_RELAXED);
    weir_fence_light();
    /* relaxed: once for all of them: as in weir__hazard_publish(). */
    if (WEIR_UNLIKELY(weir_atomic_load(&reader->attention, WEIR_RELAXED) != 0))
        weir__reclaim_show(reader);
}

/* Returns: false if the slot has announced the object already. Whoever has loaded the pointer since
 * holds it, even if the address is that of a new object: it was announced before that was born. */
static inline bool weir__guard_announce(weir__reader *reader, weir__hazard *slot, void *object)
{
    /* relaxed: own word. */
    if (weir_atomic_load(slot, WEIR_RELAXED) == object)
        return false;
    weir__hazard_publish(reader, slot, object);
    return true;
}

/* weir_guard_set() on one of the slots that weir's own structures use. */
static inline bool weir__guard_hold(weir_guard_record *record, unsigned own, void *object)
{
    weir__reader *const reader = &record->reader;

    if (reader->scheme == WEIR__EPOCH)
        return false;
    if (reader->scheme == WEIR__INTERVAL)
        return weir__interval_raise(reader);
    return weir__guard_announce(reader, &reader->hazard[WEIR_HAZARD_SLOTS + own], object);
}

static inline void weir__guard_drop(weir_guard_record *record, unsigned own)
{
    weir__reader *const reader = &record->reader;

    if (reader->scheme == WEIR__HAZARD)
        weir__hazard_publish(reader, &reader->hazard[WEIR_HAZARD_SLOTS + own], NULL);
}

/* Begins a section. Sections nest; with WEIR_GUARD_HAZARD those within share the slots, and theirs
 * are cleared with the outermost.
 * Returns: what weir_guard_exit() wants. */
WEIR_NODISCARD static inline weir_section weir_guard_enter(weir_guard_record *record)
{
    weir__reader *const reader = &record->reader;

    if (reader->scheme == WEIR__EPOCH)
        return weir__epoch_enter(reader);
    if (reader->scheme == WEIR__INTERVAL)
        return weir__interval_enter(reader);
    return weir__guard_enter_hazards(reader);
}

/* Ends a section, the innermost: what was protected inside is void. */
static inline void weir_guard_exit(weir_guard_record *record, weir_section section)
{
    weir__reader *const reader = &record->reader;

    if (WEIR_LIKELY(reader->scheme != WEIR__HAZARD))
        weir__section_exit(reader, section);
    else
        weir__guard_exit_hazards(reader, section);
}

/* One step of a loop of the caller's own: load the pointer with WEIR_ACQUIRE; call this; if it says
 * true begin anew, even if the pointer is the same. (It may be a new object at the old address.)
 * Returns: false: the object is protected, in this slot, as by weir_guard_protect(). */
static inline bool weir_guard_set(weir_guard_record *record, unsigned slot, void *object)
{
    weir__reader *const reader = &record->reader;

    if (reader->scheme == WEIR__EPOCH)
        return false;
    if (reader->scheme == WEIR__INTERVAL)
        return weir__interval_raise(reader);
    if (slot >= reader->used)
        reader->used = slot + 1;
    return weir__guard_announce(reader, weir__hazard_of(reader, slot), object);
}

/* Loads a pointer inside a section: what it points to stays until exit, or until the slot is used
 * again.
 * `from` must be in something that can still be found: a root, or an object that is linked at the
 * second load too. Through an object that may have been unlinked only WEIR_GUARD_EPOCH may walk on:
 * a protected one does not protect what it pointed to. Returns: the pointer; NULL if it is. */
static inline void *weir_guard_protect(weir_guard_record *record, unsigned slot,
                                       const WEIR_ATOMIC(void *) * from)
{
    void *object;

    do
        /* sync(published): acquire. Pairs with the release by which the caller published it. */
        object = weir_atomic_load(from, WEIR_ACQUIRE);
    while (weir_guard_set(record, slot, object));
    return object;
}

/* Returns: whether the calling thread, the record's, is inside. */
static inline bool weir_guard_inside(const weir_guard_record *record)
{
    return weir__reclaim_inside(&record->reader);
}

/* ---- writers ---- */

/* Notes when the object was born: after it was allocated, before it is published. */
static inline void weir_guard_born(weir_guard_record *record, weir_retired *object)
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
static inline void weir_guard_retire(weir_guard_record *record, weir_retired *object,
                                     weir_reclaim_callback *reclaim, size_t bytes)
{
    weir__retire(&record->reader, object, reclaim, bytes);
}

/* Closes the thread's batch, and reclaims what can be.
 * Returns: the number of callbacks that were called; 0 from inside a callback. */
static inline size_t weir_guard_collect(weir_guard_record *record)
{
    return weir__reclaim_collect(&record->reader);
}

/* Waits until nobody can be using `object` any more, which nobody can find any more.
 * Returns: 0: it may be freed; -ETIMEDOUT; -EDEADLK if the calling thread may be using it itself.
 * Progress: blocking, on readers. */
WEIR_NODISCARD static inline int weir_guard_synchronize(weir_guard *domain, const void *object,
                                                        uint64_t deadline)
{
    return weir__reclaim_synchronize((weir__domain *)(void *)domain, object, deadline);
}

/* Waits until the callbacks of all objects whose retire happened before the call have
 * returned; calls those that no thread is calling yet itself.
 * Returns: 0; -ETIMEDOUT; -EDEADLK if the calling thread is inside, or in a callback; -ENOMEM if
 * it has no record yet, and there is no memory for one.
 * Progress: blocking, on readers, on threads within retire, and on callbacks. */
WEIR_NODISCARD static inline int weir_guard_barrier(weir_guard *domain, uint64_t deadline)
{
    return weir__reclaim_barrier((weir__domain *)(void *)domain, deadline);
}

/* Reads what waits. Sums of numbers that move: exact when nobody retires or collects. */
static inline void weir_guard_stats(weir_guard *domain, weir_reclaim_stats *stats)
{
    weir__reclaim_stats((weir__domain *)(void *)domain, stats);
}

/* ---- typed ---- */

/* Defines, for objects of type T whose first member `member` is their weir_retired,
 * NAME_protect(record, slot, from), from a WEIR_ATOMIC(T *), NAME_born(record, object), and
 * NAME_retire(record, object, reclaim). */
#define WEIR_GUARD_DEFINE(name, T, member)                                                       \
    WEIR_STATIC_ASSERT(offsetof(T, member) == 0, "the weir_retired must be the first member");   \
    WEIR_UNUSED static inline T *name##_protect(                                                 \
        weir_guard_record *weir_record, unsigned weir_slot, const WEIR_ATOMIC(T *) * weir_from)  \
    {                                                                                            \
        T *weir_object;                                                                          \
        do                                                                                       \
            /* sync(published): acquire. Pairs with the caller's release. */                     \
            weir_object = weir_atomic_load(weir_from, WEIR_ACQUIRE);                             \
        while (weir_guard_set(weir_record, weir_slot, weir_object));                             \
        return weir_object;                                                                      \
    }                                                                                            \
    WEIR_UNUSED static inline void name##_born(weir_guard_record *weir_record, T *weir_object)   \
    {                                                                                            \
        weir_guard_born(weir_record, &weir_object->member);                                      \
    }                                                                                            \
    WEIR_UNUSED static inline void name##_retire(weir_guard_record *weir_record, T *weir_object, \
                                                 weir_reclaim_callback *weir_reclaim)            \
    {                                                                                            \
        weir_guard_retire(weir_record, &weir_object->member, weir_reclaim, sizeof(T));           \
    }                                                                                            \
    struct name##__typed

#ifdef __cplusplus
}
#endif

#endif /* WEIR_GUARD_H */
