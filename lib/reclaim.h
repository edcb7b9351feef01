/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* lib/reclaim.h: a domain and a record as the library sees them. Private.
 *
 * A record's lists are its thread's, but a barrier must get at those of threads that do nothing.
 * So they are held in one of two ways, an asymmetric lock:
 *
 *     its thread      busy = 1, light fence; if claimed: not held, busy = 0
 *     somebody else   claimed 0 -> 1 by compare-and-swap, heavy fence, then until busy is 0
 *
 * The thread itself never waits: while its lists are claimed it puts what it retires aside. */

#ifndef WEIR_LIB_RECLAIM_H
#define WEIR_LIB_RECLAIM_H

#include <weir/reclaim.h>

#include <string.h>

enum { HAZARDS = WEIR_HAZARD_SLOTS + WEIR__HAZARD_OWN, BLOCK_HAZARDS = 15 };

typedef struct list {
    weir_retired *first, *last;
} list;

/* More hazards than a reader has slots for. */
typedef struct hazard_block {
    weir__hazard hazard[BLOCK_HAZARDS];
    WEIR_ATOMIC(struct hazard_block *) next;
} hazard_block;

typedef struct record {
    weir__reader reader;
    /* whoever holds the lists: */
    WEIR_ALIGNAS(WEIR_CACHELINE) list open;
    list closed;         /* each with the era in which it was closed; oldest first, nearly always */
    size_t left;         /* of `closed`, when all of it was gone through */
    size_t then;         /* how many had been retired then */
    size_t look_objects; /* its thread looks again when so many have been retired */
    size_t look_bytes;
    struct record *holder; /* a reader that was found to hold something up, and since when */
    uint64_t holder_era;
    /* its thread: */
    list ready;                  /* whose callbacks are being called */
    list taken;                  /* by its barrier, from all */
    WEIR_ATOMIC(uint32_t) moves; /* those two are not whole */
    WEIR_ATOMIC(uint32_t) busy;
    WEIR_ATOMIC(uint32_t) runs; /* odd: within collect() or a barrier */
    WEIR_ATOMIC(size_t) retired_objects;
    WEIR_ATOMIC(size_t) retired_bytes;
    WEIR_ATOMIC(size_t) reclaimed_objects;
    WEIR_ATOMIC(size_t) reclaimed_bytes;
    WEIR_ATOMIC(weir_retired *) aside; /* and whoever takes it */
    /* others: */
    WEIR_ALIGNAS(WEIR_CACHELINE) WEIR_ATOMIC(uint32_t) claimed;
    WEIR_ATOMIC(uint32_t) owner;   /* the kernel's id of its thread; 0: nobody's */
    WEIR_ATOMIC(uint64_t) token;   /* of its thread; never used again */
    WEIR_ATOMIC(uint32_t) orphans; /* nobody's, and there is something in its lists */
    WEIR_ATOMIC(uint32_t) leaving; /* its thread ends, and gives it back; registry's lock */
    bool late;                     /* the end of its thread will not be noticed; registry's lock */
    /* nobody, once it is in the domain: */
    struct record *next;
    weir__domain *domain;
    WEIR_ATOMIC(hazard_block *) more; /* grows */
} record;

struct weir__domain {
    WEIR_ALIGNAS(WEIR_CACHELINE) WEIR_ATOMIC(uint64_t) era;
    WEIR_ALIGNAS(WEIR_CACHELINE) WEIR_ATOMIC(record *) records; /* grows at its head */
    WEIR_ATOMIC(uint32_t) names;    /* where makers of records and collectors meet */
    WEIR_ATOMIC(uint32_t) barriers; /* threads that wait for runs to end */
    WEIR_ATOMIC(uint32_t) passes;   /* barriers that go through the records' lists */
    WEIR_ATOMIC(uint32_t) returned; /* times that a barrier gave up, and put objects back */
    WEIR_ATOMIC(size_t) left_open;
    uint32_t scheme;
    weir_reclaim_options options;
    bool fenced;
    bool freeing;       /* under the registry's lock */
    uint64_t id;        /* never used again */
    weir__domain *next; /* under the registry's lock */
};

/* ---- handshakes ----
 *
 * Each is a store on one side, a store on the other, and a load on each of what the other stored:
 * one of the two must see the other's. announce() is the frequent side's store, look() the
 * rare side's load after rare_fence(). In a fenced domain both are read-modify-writes of one
 * word, which are in one order: the later one reads from, and acquires, the earlier. (One that
 * changes nothing, fetch_or(.., 0), and whose answer is not used would not do: clang makes no
 * instruction of it on x86-64 unless it is sequentially consistent.) */

static inline void rare_fence(weir__domain *domain)
{
    if (domain->fenced)
        /* sync(named): acq_rel. Pairs with name(): either a new record, or new slots, are seen
         * after this, or what was unlinked before is not found by their thread. */
        weir_atomic_fetch_add(&domain->names, 1, WEIR_ACQ_REL);
    else
        weir_fence_heavy();
}

/* After a record, or slots, were made that can be found. */
static inline void name(weir__domain *domain)
{
    if (domain->fenced)
        /* sync(named): acq_rel. Pairs with rare_fence(). */
        weir_atomic_fetch_add(&domain->names, 1, WEIR_ACQ_REL);
}

static inline void announce(const weir__domain *domain, WEIR_ATOMIC(uint32_t) * word,
                            uint32_t value)
{
    if (domain->fenced) {
        /* sync(mine): acq_rel. Pairs with look() in claim(), which is a
         * read-modify-write too. sync(ended): release. Pairs with look() in wait_for_runs(). */
        weir_atomic_exchange(word, value, WEIR_ACQ_REL);
        return;
    }
    /* sync(mine): release. Pairs with look() in claim(); the lists.
     * sync(ended): release. Pairs with look() in wait_for_runs(); what the callbacks did. */
    weir_atomic_store(word, value, WEIR_RELEASE);
    weir_fence_light();
}

static inline uint32_t look(const weir__domain *domain, WEIR_ATOMIC(uint32_t) * word)
{
    if (domain->fenced)
        /* sync(mine): acq_rel. Pairs with announce() in hold() and let_go().
         * sync(ended): acq_rel. Pairs with announce() in weir__record_end_run(). */
        return weir_atomic_fetch_or(word, 0, WEIR_ACQ_REL);
    /* sync(mine): acquire. Pairs with announce() in let_go().
     * sync(ended): acquire. Pairs with announce() in weir__record_end_run(). */
    return weir_atomic_load(word, WEIR_ACQUIRE);
}

/* Before a reader's words are looked at, after rare_fence(): in a fenced domain its `attention` is
 * the one word. */
static inline void meet(const weir__domain *domain, weir__reader *reader)
{
    if (domain->fenced)
        /* sync(met): acq_rel. Pairs with weir__reclaim_show(): either it comes before, and what the
         * reader has stored is seen, or it comes after, and what was unlinked before this is not
         * found by the reader. */
        weir_atomic_fetch_or(&reader->attention, WEIR__ATTENTION_FENCED, WEIR_ACQ_REL);
}

static inline uint64_t look_at_section(const WEIR_ATOMIC(uint64_t) * word)
{
    /* sync(left): acquire. Pairs with the stores in weir__section_exit() and reset(). */
    return weir_atomic_load(word, WEIR_ACQUIRE);
}

static inline void *look_at_hazard(const weir__hazard *slot)
{
    /* sync(left): acquire. Pairs with the stores in weir__hazard_publish() and reset(). */
    return weir_atomic_load(slot, WEIR_ACQUIRE);
}

static inline uint64_t outside(const weir__domain *domain)
{
    return domain->fenced ? WEIR__FENCED : 0;
}

static inline record *first_record(const weir__domain *domain)
{
    /* sync(named): acquire. Pairs with the store in add_record(). */
    return weir_atomic_load(&domain->records, WEIR_ACQUIRE);
}

static inline hazard_block *next_block(const WEIR_ATOMIC(hazard_block *) * link)
{
    /* sync(named): acquire. Pairs with the store in weir__hazard_reserve(). */
    return weir_atomic_load(link, WEIR_ACQUIRE);
}

/* ---- lists ---- */

static inline void push(list *l, weir_retired *object)
{
    object->next = l->first;
    if (l->first == NULL)
        l->last = object;
    l->first = object;
}

static inline void push_last(list *l, weir_retired *object)
{
    object->next = NULL;
    if (l->first == NULL)
        l->first = object;
    else
        l->last->next = object;
    l->last = object;
}

/* From a list that is not empty. */
static inline weir_retired *pop(list *l)
{
    weir_retired *const object = l->first;

    l->first = object->next;
    return object;
}

static inline void append(list *to, list *from)
{
    if (from->first == NULL)
        return;
    if (to->first == NULL)
        to->first = from->first;
    else
        to->last->next = from->first;
    to->last = from->last;
    memset(from, 0, sizeof *from);
}

/* ---- reclaim.c: lists, and what can be freed ---- */

/* From outside a record's thread: its lists are the caller's until unclaim().
 * Returns: 0; -ETIMEDOUT. */
int weir__record_claim(record *r, uint64_t deadline);
void weir__record_unclaim(record *r);

/* Takes all that waits in a record whose lists are held or claimed, as if it had been retired
 * just now. */
void weir__record_gather(record *r, list *to);

/* Returns: whether objects wait in the calling thread's record. */
bool weir__record_waits(record *me);

/* Brings the era's copies up to date. */
void weir__record_tell(const weir__domain *domain);

/* Between true and false a record's `ready` and `taken` may be torn: for a child of fork. */
void weir__record_moves(record *me, bool moves);

/* Of `waiting`, what no hazard protects goes to `ready`; what one does stays. Returns: a
 * record that protects one, or NULL. */
record *weir__record_pick(weir__domain *domain, list *waiting, list *ready);

/* A barrier that sees an odd number waits until it has changed. */
void weir__record_begin_run(record *me);
void weir__record_end_run(record *me);
bool weir__record_runs(const record *me);

/* Calls the callbacks of `ready`. Returns: their number. */
size_t weir__record_run(record *me, list *ready);

/* Puts objects back among those that wait. */
void weir__record_return(record *me, list *waiting);

/* ---- reclaim_thread.c: domains, and who owns which record ---- */

/* Whether the record's thread is within a section, or has a hazard set. */
bool weir__record_is_open(const record *r);

/* The calling thread's record, if it has one in the domain. */
record *weir__record_find(weir__domain *domain);

#endif /* WEIR_LIB_RECLAIM_H */
