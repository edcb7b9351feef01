/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* weir/reclaim.h: what weir/epoch.h, weir/interval.h, weir/hazard.h and weir/guard.h have in
 * common: the header of an object that can be retired, a domain, a thread's record in it, and
 * how objects wait until nobody can be reading them any more.
 *
 * Use it when: never by itself; the four come with it. doc/choosing.md says which.
 *
 * A *domain* keeps the readers and the retired objects of one or several structures; domains
 * know nothing of each other. A thread has one *record* in each domain that it uses: made or
 * reused when it first asks, given back when it ends. Only its thread uses a record.
 *
 * Progress:  retire is lock-free: it waits for no reader and for no other thread; what cannot be
 *            freed yet waits in memory. It calls the callbacks of objects that can be freed, and
 *            the kernel's membarrier(2), once for each batch. synchronize and barrier block,
 *            on readers, up to a deadline. A thread's first use of a domain blocks on
 *            threads that use one for the first time or end, and may allocate.
 * Signals:   a handler may enter and exit sections of epochs and intervals with its thread's
 *            record, asked for before, and set and clear hazard slots that nobody else uses
 *            (argued, not tested). It must not retire, collect or wait.
 * Ends:      a record stays with its thread through the first round of its thread-local
 *            destructors; in later ones it has to be asked for anew. If that is in the last
 *            round, its end is noticed when another thread asks for a record, or at free: what
 *            it left open holds up synchronize and barrier until then.
 * Ordering:  what readers did in their read sections, or with a protected object, happens
 *            before that object's callback.
 * Memory:    the list of waiting objects runs through the objects' own headers: retire
 *            allocates nothing and cannot fail. A record is 512 bytes (with pointers of 8);
 *            records are reused, and freed with the domain.
 * Fork:      the child can go on using every domain. Threads that are not there any more hold
 *            nothing up in it, and what they had retired is freed by those that go on; only
 *            lists that one of them was just moving objects between, or about to, are left
 *            behind: what is in them counts as waiting for ever.
 *            A child made by vfork(2) or clone(2) itself must not use a domain.
 * Edges:
 *   era        close_era, synchronize -> enter     carries the unlinking of what was retired
 *   left       exit, clear -> collect, barrier     carries all that the reader read
 *   mine       who lets go -> who holds next       carries a record's lists
 *   aside      retire -> who gathers               carries what was retired meanwhile
 *   named      self, reserve -> collect, barrier   carries a new record, or hazard slots
 *   ended      end of a run -> barrier             carries what the callbacks did
 *   met        enter, set, leave -> who looks      carries who reads what
 *   published  the caller -> protect               carries the object
 *
 * Sources: epochs: K. Fraser, "Practical lock-freedom", UCAM-CL-TR-579, 2004; one stamp for a
 * batch, and no fence on the side of the reader: M. Desnoyers et al., "User-Level
 * Implementations of Read-Copy Update", IEEE TPDS 23(2), 2012, doi:10.1109/TPDS.2011.159.
 * The other two are named in their headers. */

#ifndef WEIR_RECLAIM_H
#define WEIR_RECLAIM_H

#include <weir/atomic.h>
#include <weir/base.h>
#include <weir/clock.h>
#include <weir/fence.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- types ---- */

/* What an object that is to be retired begins with: its address is the object's, the one that
 * readers load and protect. Where files are compiled with -DWEIR_CHECKED it has to
 * be zero before the first retire (calloc(), or `= WEIR_RETIRED_INIT`). */
typedef struct weir_retired {
    struct weir_retired *next;
    void (*reclaim)(struct weir_retired *object);
    size_t bytes;
    uint64_t born; /* era; weir/interval.h */
    uint64_t era;  /* in which its batch was closed */
} weir_retired;

#define WEIR_RETIRED_INIT   \
    {                       \
        NULL, NULL, 0, 0, 0 \
    }

/* Frees an object, or puts it back where it came from. Called once, in a thread that retires,
 * collects, waits in a barrier, or destroys the domain; under no lock. It may retire other
 * objects. One that never returns keeps its thread, and with it the objects of the same batch and
 * every barrier; nothing else. */
typedef void weir_reclaim_callback(weir_retired *object);

/* Who holds things up. */
typedef struct weir_stall {
    int thread;     /* kernel's id of a reader that objects wait for, longest first; 0: of none, all
                       are in batches that are not full yet */
    uint64_t eras;  /* how many batches were closed since that reader entered; 0 for hazards */
    size_t objects; /* waiting in the domain */
    size_t bytes;
} weir_stall;

/* How a domain is to be made; all zero is the default. */
typedef struct weir_reclaim_options {
    size_t batch_objects; /* a thread looks for what can be freed after so many; 0: 1024 */
    size_t batch_bytes;   /* or so many bytes; 0: 256 KiB; at most 1/8 of a limit, + 1 */
    size_t limit_bytes;   /* `stalled` is called when more wait after a look; 0: never */
    void (*stalled)(const weir_stall *stall, void *context); /* not to retire or collect here */
    void *context;
    bool fenced; /* readers pay the fence, and membarrier(2) is not called */
} weir_reclaim_options;

typedef struct weir_reclaim_stats {
    size_t objects;   /* retired, and their callbacks not yet begun */
    size_t bytes;     /* of those */
    size_t records;   /* made so far: about the most threads at one time */
    size_t left_open; /* threads that ended inside a read section, or with a hazard set */
} weir_reclaim_stats;

/* What enter returns and exit wants: the state around the section, so that sections nest. */
typedef struct weir_section {
    uint64_t outer;
} weir_section;

/* ---- the inline paths' view: private ---- */

enum { WEIR__EPOCH, WEIR__INTERVAL, WEIR__HAZARD };

/* `lower`: 0 outside; inside the era in which the thread entered, * WEIR__ERA, + 1. In a fenced
 * domain with WEIR__FENCED, so that one comparison leaves the short path. An era is a
 * closed batch or a synchronize: at ten million of them a second 2^56 last two hundred years, so
 * it does not wrap. */
#define WEIR__INSIDE ((uint64_t)1)
#define WEIR__FENCED ((uint64_t)2)
#define WEIR__ERA ((uint64_t)0x100)

/* `attention`: of a fenced domain, always; somebody sleeps until the reader leaves. */
#define WEIR__ATTENTION_FENCED ((uint32_t)1)
#define WEIR__ATTENTION_WAITED ((uint32_t)2)

/* Slots for hazards in each record: the user's, and those of weir's own structures. */
#define WEIR_HAZARD_SLOTS 8
#define WEIR__HAZARD_OWN 2

typedef WEIR_ATOMIC(void *) weir__hazard;

/* What a thread shows to those who collect. */
typedef struct weir__reader {
    /* its thread, while it reads: */
    WEIR_ALIGNAS(WEIR_CACHELINE) WEIR_ATOMIC(uint64_t) lower; /* era in which it entered */
    WEIR_ATOMIC(uint64_t) upper;                              /* newest era it may hold */
    weir__hazard hazard[WEIR_HAZARD_SLOTS + WEIR__HAZARD_OWN];
    /* who waits for it; not 0: leave the short path */
    WEIR_ATOMIC(uint32_t) attention;
    /* its thread alone; of guards over hazards: slots to clear at exit */
    uint32_t used;
    /* nobody: */
    uint16_t scheme;
    const WEIR_ATOMIC(uint64_t) * era; /* the domain's, * WEIR__ERA, + WEIR__INSIDE */
    /* collectors: a copy of it, as new as the last one who looked; on the reader's own line, so
     * that readers do not all wait for one that all writers write */
    WEIR_ATOMIC(uint64_t) now;
} weir__reader;

WEIR_STATIC_ASSERT(sizeof(weir__reader) == WEIR_CACHELINE, "a reader touches one line pair");

typedef struct weir__domain weir__domain;

WEIR_API int weir__reclaim_new(weir__domain **domain, uint32_t scheme,
                               const weir_reclaim_options *options);
WEIR_API int weir__reclaim_free(weir__domain *domain);
WEIR_API weir__reader *weir__reclaim_self(weir__domain *domain);
WEIR_API void weir__reclaim_leave(weir__reader *reader);
WEIR_API void weir__reclaim_retire(weir__reader *reader, weir_retired *object,
                                   weir_reclaim_callback *reclaim, size_t bytes);
WEIR_API size_t weir__reclaim_collect(weir__reader *reader);
WEIR_API int weir__reclaim_synchronize(weir__domain *domain, const void *object, uint64_t deadline);
WEIR_API int weir__reclaim_barrier(weir__domain *domain, uint64_t deadline);
WEIR_API bool weir__reclaim_fenced(const weir__domain *domain);
WEIR_API void weir__reclaim_stats(weir__domain *domain, weir_reclaim_stats *stats);

/* Leaving the short path: nested, fenced, or waited for. */
WEIR_API weir_section weir__reclaim_enter(weir__reader *reader);
WEIR_API void weir__reclaim_show(weir__reader *reader);
WEIR_API void weir__reclaim_wake(weir__reader *reader);
WEIR_API weir__hazard *weir__hazard_slot(weir__reader *reader, unsigned slot);
WEIR_API void weir__hazard_clear_more(weir__reader *reader);
WEIR_API int weir__hazard_reserve(weir__reader *reader, unsigned slots);

/* Whether the calling thread, the reader's, is within a section. */
static inline bool weir__reclaim_inside(const weir__reader *reader)
{
    /* relaxed: own word. */
    return (weir_atomic_load(&reader->lower, WEIR_RELAXED) & WEIR__INSIDE) != 0;
}

/* Ends a section of epochs or intervals. */
static inline void weir__section_exit(weir__reader *reader, weir_section section)
{
    WEIR_ASSERT(weir__reclaim_inside(reader), "exit without enter, or twice");
    /* relaxed: own word. */
    WEIR_ASSERT((section.outer & WEIR__INSIDE) == 0 ||
                    section.outer == weir_atomic_load(&reader->lower, WEIR_RELAXED),
                "a section that is not the innermost");
    /* sync(left): release. Pairs with look_at_section() in the collector; all that was read
     * inside. */
    weir_atomic_store(&reader->lower, section.outer, WEIR_RELEASE);
    weir_fence_light();
    /* relaxed: fenced from the start; or either the one who waits sees the store above, or this
     * sees him. */
    if (WEIR_UNLIKELY(weir_atomic_load(&reader->attention, WEIR_RELAXED) != 0))
        weir__reclaim_show(reader);
}

/* Notes the era in an object that is not published yet. */
static inline void weir__reclaim_born(const weir__reader *reader, weir_retired *object)
{
    /* relaxed: the object is published with a release, after this. */
    object->born = weir_atomic_load(reader->era, WEIR_RELAXED) / WEIR__ERA;
}

/* Hands an object over. */
static inline void weir__retire(weir__reader *reader, weir_retired *object,
                                weir_reclaim_callback *reclaim, size_t bytes)
{
    WEIR_ASSERT(object == NULL || reclaim == NULL || object->reclaim != reclaim, "retired twice");
    weir__reclaim_retire(reader, object, reclaim, bytes);
}

#ifdef __cplusplus
}
#endif

#endif /* WEIR_RECLAIM_H */
